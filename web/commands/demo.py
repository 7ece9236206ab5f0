"""``kokin demo``: a sample city, reconciled before one's eyes, and the service to look at it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from sqlalchemy import text

from payments.domain.calendars import is_bank_business_day
from payments.domain.errors import ConfigurationError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.day_totals import summarise
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips, import_vehicles
from reconcile.status import slip_status
from reconcile.verify.everything import verify
from reconcile.waiting import reconcile_waiting
from web import clock, messages
from web.accounts import staff
from web.commands.demo_desk import work
from web.commands.intake import DATE
from web.commands.serve import PORT, run_server
from web.commands.session import Session, session_of
from web.commands.setup import create, enter, sample_profile
from web.config import load_settings
from web.enquiries.slip_code import code_of
from web.notifications import keys
from web.server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from web.config import Settings

MARKER = ".kokin-demo"
OBLIGORS, DAYS, SEED = 5_000, 5, 1  # about 20,000 instalments
SLIPS_PRINTED = 20
NUMBERS_TRIED = 60  # slips looked at for the examples of an enquiry
STAFF = (
    ("nofu", "納付 一郎", ("slips",)),
    ("shuno", "収納 幸子", ("collection",)),
    ("kaikei", "会計 花子", ("treasury",)),
    ("shonin", "承認 正", ("approver",)),
    ("kansa", "監査 澄子", ("auditor",)),
    ("kanri", "管理 太郎", ("admin",)),
)
API_KEY = "demo-operator"


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way in that is shown once."""

    name: str
    roles: tuple[str, ...]
    password: str


@dataclass(frozen=True, slots=True)
class CitySize:
    """見本の市の大きさ."""

    obligors: int
    days: int
    seed: int
    start: date


@click.command()
@click.option(
    "--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="ポート。"
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="データフォルダ（既定: KOKIN_HOME の demo）。体験用のデータは作り直されます。",
)
@click.option("--no-serve", is_flag=True, help="照合までを行い、サーバーは動かしません。")
@click.option(
    "--obligors",
    default=OBLIGORS,
    show_default=True,
    type=click.IntRange(1),
    help="納付義務者の人数。",
)
@click.option("--days", default=DAYS, show_default=True, type=click.IntRange(1), help="営業日数。")
@click.option("--seed", default=SEED, show_default=True, help="乱数の種。")
@click.option("--start", type=DATE, help="最初の日（既定: 最後の日が直近の営業日になる日）。")
@session_of
def demo(
    session: Session,
    port: int,
    data: Path | None,
    obligors: int,
    days: int,
    seed: int,
    start: datetime | None,
    *,
    no_serve: bool,
) -> None:
    """見本の市を作り、数日分の資料を取り込んで照合し、事務を進め、画面を開けるようにします。"""
    if not no_serve:
        free_port("127.0.0.1", port)  # Before the work, not after it.
    folder = (data or session.settings.home / "demo").absolute()
    _fresh(folder)
    demo_session = Session(
        load_settings(
            home=folder, database_url=f"sqlite:///{folder / 'kokin.sqlite3'}", inbox=None,
            municipality="",
        )
    )  # fmt: skip
    try:
        started = time.monotonic()
        size = CitySize(obligors, days, seed, start.date() if start else recent_start(days))
        sign_ins, secret = _prepare(demo_session, folder, size, _base(port))
        seconds = time.monotonic() - started
        demo_session.out.print(
            f"準備ができました（{seconds:.0f}秒）。データ: {folder}", markup=False
        )
        _tell(demo_session, folder, sign_ins, secret, port)
        if not no_serve:
            with _scheduler(demo_session.settings):
                run_server(demo_session, "127.0.0.1", port)
    finally:
        demo_session.close()


def _fresh(folder: Path) -> None:
    """An empty data folder; only one that an earlier demo made is ever cleared."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).is_file():
            raise ConfigurationError("demo_folder", path=str(folder))
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKER).write_text("kokin demo\n", "ascii")
    except OSError as error:
        raise ConfigurationError("home", path=str(folder), found=str(error)) from error


def recent_start(days: int) -> date:
    """The first of the last ``days`` bank business days up to today.

    A city of today has slips that can still be paid and reports that are not overdue yet.
    """
    day = clock.today()
    while True:
        if is_bank_business_day(day):
            days -= 1
        if not days:
            return day
        day -= timedelta(days=1)


def _base(port: int) -> str:
    """Where the demo is looked at; of port 0 nobody knows it yet."""
    return f"http://127.0.0.1:{port}" if port else ""


def _prepare(session: Session, folder: Path, size: CitySize, base: str) -> tuple[list[SignIn], str]:
    """From nothing to a reconciled city, step by step; its slips say where to ask about them."""
    from sample_data.city import generate  # noqa: PLC0415 - only the demo needs it here

    create(session.settings)
    profile = sample_profile()
    enquiries = replace(profile.enquiries, address=f"{base}/" if base else "")
    enter(session, replace(profile, enquiries=enquiries))
    city = folder / "city"
    with session.progress("見本の市を作成", size.obligors) as progress:
        summary = generate.make(
            city,
            obligors=size.obligors,
            days=size.days,
            seed=size.seed,
            start=size.start,
            progress=lambda done, _total: progress(done),
        )
    session.out.print(
        f"見本の市: 期別 {summary.instalments:,}件 納付書 {summary.slips:,}件 "
        f"資料 {summary.files:,}件 明細 {summary.lines:,}件",
        markup=False,
    )
    first = summary.days[0]
    _import_registers(session, city, first)
    last = _take_in_days(session, city) or first
    report = reconcile_waiting(session.engine, session.municipality, as_of=last, actor="demo")
    session.out.print(
        f"再照合: 入金の充当 {report.credits_settled:,}件 "
        f"確認事項 {sum(report.cases_opened.values()):,}件",
        markup=False,
    )
    _print_slips(session, folder)
    people = _people(session)
    work(session)
    summarise(session.engine, session.municipality)  # as the nightly run does: pages open at once
    with session.progress("検算", summary.lines) as progress:
        differences = verify(session.engine, session.municipality, progress)
    result = f"相違 {len(differences)}件" if differences else "すべて一致"
    session.out.print(f"検算: 証拠からすべての数字を計算し直し、{result}")
    return people


def _import_registers(session: Session, city: Path, day: date) -> None:
    """調定, the slip register and the vehicle register."""
    for name, label, importer in (
        ("assessments.csv", "調定の取込", import_assessments),
        ("slips.csv", "納付書台帳の取込", import_slips),
        ("vehicles.csv", "車両台帳の取込", import_vehicles),
    ):
        data = (city / name).read_bytes()
        with session.progress(label, max(data.count(b"\n") - 2, 1)) as progress:
            report = importer(
                session.engine,
                session.municipality,
                Delivery(name, data),
                received_on=day,
                actor="demo",
                progress=progress,
            )
        amount = f" {report.amount_yen:,}円" if report.amount_yen else ""
        session.out.print(f"{label}: {report.count:,}件{amount}", markup=False)


def _take_in_days(session: Session, city: Path) -> date | None:
    """Day by day, each file of the inbox in order of name; the last day."""
    last = None
    for folder in sorted((city / "inbox").iterdir()):
        last = date.fromisoformat(folder.name)
        files = sorted(path for path in folder.iterdir() if path.is_file())
        lines = amount = bad = 0
        with session.progress(f"{folder.name} の資料", len(files)) as progress:
            for number, path in enumerate(files, start=1):
                report = take_in(
                    session.engine,
                    session.municipality,
                    Delivery(path.name, path.read_bytes()),
                    received_on=last,
                    actor="demo",
                )
                lines += report.count if report.status.is_good else 0
                amount += report.amount_yen if report.status.is_good else 0
                bad += not report.status.is_good
                progress(number)
        line = f"{folder.name}: 資料 {len(files):,}件 明細 {lines:,}件 {amount:,}円"
        session.out.print(f"{line} 保留・対象外 {bad:,}件", markup=False)
    return last


def _print_slips(session: Session, folder: Path) -> None:
    """Some slips on paper, read back."""
    # Only this step needs the PDF library.
    from payments.print_runs import Selection  # noqa: PLC0415
    from web.printing.folder import held  # noqa: PLC0415
    from web.printing.plan import Wish, plan_for  # noqa: PLC0415
    from web.printing.run import Shop, begin, carry_out  # noqa: PLC0415

    key = session.settings.secret().encode()
    shop = Shop(session.engine, session.municipality, "demo", session.progress, code_key=key)
    with held(folder / "slips") as out:
        with reading(session.engine, session.municipality) as connection:
            plan = plan_for(connection, session.municipality, out.path, Wish())
        run = begin(shop, out, Selection(limit=SLIPS_PRINTED), plan)
        status = carry_out(shop, out, run)
    result = "すべて一致" if not status.differences else f"相違 {len(status.differences)}件"
    if status.refusals:
        result += f"（印刷できないもの {len(status.refusals)}枚を除く）"
    session.out.print(f"納付書: {status.pages}枚を印刷して読み戻し、{result}", markup=False)


def _people(session: Session) -> tuple[list[SignIn], str]:
    """Somebody for every role, and the key of one payment operator."""
    sign_ins = [SignIn(name, roles, staff.random_password()) for name, _, roles in STAFF]
    with unit_of_work(session.engine, session.municipality) as connection:
        for sign_in, (name, display_name, roles) in zip(sign_ins, STAFF, strict=True):
            staff.add(
                connection,
                session.municipality,
                name,
                roles=roles,
                display_name=display_name,
                password=sign_in.password,
            )
        secret = keys.add(
            connection,
            session.settings,
            session.municipality,
            API_KEY,
            operator_name="見本決済",
        )
    return sign_ins, secret


def _tell(session: Session, folder: Path, sign_ins: list[SignIn], secret: str, port: int) -> None:
    """Where to look and how to get in."""
    say = session.out.print
    base = _base(port)
    say(f"\n住民の照会    {base}/", markup=False)
    say(f"職員の画面    {base}/staff/", markup=False)
    for sign_in in sign_ins:
        roles = "・".join(messages.label("role", role) for role in sign_in.roles)
        say(f"  {roles}: {sign_in.name} / {sign_in.password}", markup=False)
    say(f"納付通知API   {base}/api/v1/payment-notifications", markup=False)
    say(f"  鍵 {API_KEY} / 秘密 {secret}", markup=False)
    say(f"  説明 {base}/api/v1/docs", markup=False)
    say(f"納付書のPDF   {folder / 'slips'}", markup=False)
    found = _numbers(session)
    for number, state, _code in found:
        parts = " ".join((number[:5], number[5:25], number[25:31], number[31:]))
        say(f"照会の例      {parts}  {messages.label('slip_status', state)}", markup=False)
    for _number, _state, code in found[-1:]:
        say(f"確認コードの例 {code}  {base}/#{code}", markup=False)
    say("（パスワードと秘密は、この一度だけ表示します）\n")


def _numbers(session: Session) -> list[tuple[str, str, str]]:
    """An eL number for each state that a resident may see: (34 digits, state, 確認コード)."""
    found: dict[str, tuple[str, int]] = {}
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        for stage in ("confirmed", "provisional", None):
            some = connection.execute(
                text(
                    "SELECT s.el_number, s.slip_id FROM slip s LEFT JOIN receipt r "
                    "ON r.municipality_code = s.municipality_code AND r.slip_id = s.slip_id "
                    "WHERE s.municipality_code = :m AND s.el_number IS NOT NULL AND "
                    f"{'r.stage = :stage' if stage else 'r.stage IS NULL'} "
                    "ORDER BY s.slip_id LIMIT :most"
                ),
                {"m": session.municipality, "most": NUMBERS_TRIED}
                | ({"stage": stage} if stage else {}),
            )
            for number, slip_id in some.all():
                status = slip_status(connection, profile, number, today=clock.today())
                found.setdefault(status.state, (number, slip_id))
    key = session.settings.secret().encode()
    return [
        (number, state, code_of(key, session.municipality, slip_id))
        for state, (number, slip_id) in found.items()
    ]


@contextlib.contextmanager
def _scheduler(settings: Settings) -> Iterator[None]:
    """The scheduler process beside the server, ended with it."""
    environment = os.environ | {
        "KOKIN_HOME": str(settings.home),
        "KOKIN_DATABASE_URL": settings.database,
        # Said, for a settings file may name the inbox of a service.
        "KOKIN_INBOX": str(settings.inbox_folder),
    }
    environment.pop("KOKIN_MUNICIPALITY", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "web", "schedule", "--beside"],
        env=environment,
        stdin=subprocess.PIPE,  # It ends when this does, also when this process is killed.
    )
    # SIGTERM ends the demo as Ctrl-C does, so that the scheduler never outlives it.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
