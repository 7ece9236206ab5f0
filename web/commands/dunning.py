"""``kokin dunning``: who is dunned, who must be taken out, and why (督促)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from payments import holds
from payments.store.hold_tables import WHOLE_NOTICE
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.dunning import draw as drawing
from reconcile.dunning import explain, pull, recheck, record, release
from reconcile.dunning.limits import near_of
from reconcile.dunning.rules import Terms
from reconcile.dunning.sent import book_sent_fees
from web import clock, formatting
from web.accounts import staff
from web.commands.dunning_told import (
    list_data,
    list_line,
    pull_line,
    say_asked,
    say_list_told,
    say_near,
    say_nobody,
    say_recheck,
    shown_data,
    story_data,
    story_lines,
)
from web.commands.intake import DATE, day_or_today
from web.commands.session import MUNICIPALITY, Session, fail_unless, say_json, say_list, session_of
from web.commands.signing import USER, signed
from web.commands.writing import write_whole
from web.days.paper import report_pdf
from web.dunning import exports
from web.dunning.sheets import money_of_nobody, pull_heading, pull_sheet, source_names
from web.printing.folder import unwritable, whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from payments.domain.profile import Profile

JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
OUT = click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="CSVの出力先。")
LIST = click.argument("list_no", metavar="LIST", type=click.IntRange(min=1))
REASON = click.option("--reason", required=True, help="理由。")
AS_OF = click.option("--as-of", type=DATE, help="抽出日（既定: 今日）。")
COUNT = click.option("--count", required=True, type=click.IntRange(min=0), help="枚数。")


@click.group()
def dunning() -> None:
    """督促リストの抽出、引抜き、発送、差押え前の再確認。"""


@dunning.command()
@AS_OF
@click.option("--wait-days", type=int, help="納期限から待つ日数（既定: 団体設定）。")
@click.option("--minimum-yen", type=int, help="督促する最低額（既定: 団体設定）。")
@click.option("--due-from", type=DATE, help="納期限がこの日から。")
@click.option("--due-to", type=DATE, help="納期限がこの日まで。")
@click.option("--item", "item_code", default="", help="科目コード。")
@USER
@OUT
@JSON
@MUNICIPALITY
@session_of
def extract(
    session: Session, /, *, user_name: str, out: Path | None, as_json: bool, **options: Any
) -> None:
    """督促リストを抽出し、根拠の資料とともに固定します。資料が未着のときは行いません。"""
    person = signed(session, user_name, asks=release.KIND)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        profile = load_profile(connection, code)
        terms = _terms(profile, options)
        drawn = drawing.draw(connection, profile, terms, actor=person, at=clock.now())
        staff.record(connection, code, person, "dunning_drawn", str(drawn.list_no))
        nobody = money_of_nobody(connection, profile, terms.as_of)
    session.seal()
    say_nobody(session, nobody)
    if out is not None:
        _write_rows(session, drawn.list_no, out)
    _show(session, drawn.list_no, as_json=as_json)


@dunning.command("despite")
@AS_OF
@REASON
@USER
@MUNICIPALITY
@session_of
def despite(session: Session, *, as_of: datetime | None, reason: str, user_name: str) -> None:
    """資料が未着のまま抽出することの承認を依頼します。"""
    person = signed(session, user_name, asks=drawing.DESPITE)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        profile = load_profile(connection, code)
        approval = release.ask_despite(
            connection, profile, day_or_today(as_of), asked_by=person, at=clock.now(), reason=reason
        )
    session.seal()
    say_asked(session, approval.approval_id)


@dunning.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="件数。")
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, *, limit: int, as_json: bool) -> None:
    """督促リストの一覧（新しい順）。"""
    with reading(session.engine, session.municipality) as connection:
        found = record.lists(connection, session.municipality, limit=limit)
    say_list(
        session, found, list_line, as_json=as_json, data=list_data, empty="督促リストはありません。"
    )


@dunning.command()
@LIST
@OUT
@JSON
@MUNICIPALITY
@session_of
def show(session: Session, list_no: int, *, out: Path | None, as_json: bool) -> None:
    """督促リストの件数、根拠の資料、経過。CSVには全件を書き出します。"""
    if out is not None:
        _write_rows(session, list_no, out)
    _show(session, list_no, as_json=as_json)


@dunning.command()
@LIST
@REASON
@USER
@MUNICIPALITY
@session_of
def ask(session: Session, list_no: int, *, reason: str, user_name: str) -> None:
    """督促状の作成の承認を依頼します（kokin approvals で別の職員が決めます）。"""
    person = signed(session, user_name, asks=release.KIND)
    with unit_of_work(session.engine, session.municipality) as connection:
        approval = release.ask(
            connection, session.municipality, list_no, asked_by=person, at=clock.now(),
            reason=reason,
        )  # fmt: skip
    session.seal()
    say_asked(session, approval.approval_id)


@dunning.command("print")
@LIST
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="出力フォルダ。"
)
@click.option("--layout", default="dunning", show_default=True, help="様式の名前。")
@click.option(
    "--workers", type=click.IntRange(1, 256), default=os.cpu_count() or 1, help="作業の数。"
)
@USER
@MUNICIPALITY
@session_of
def print_(
    session: Session, list_no: int, *, out: Path, layout: str, workers: int, user_name: str
) -> None:
    """承認された督促状を、納付書として印刷し、読み戻します。同じフォルダなら続きから行います。"""
    from web.dunning.letters import print_letters  # noqa: PLC0415 - PDF library
    from web.printing.run import Shop  # noqa: PLC0415 - the same

    person = signed(session, user_name, asks=release.KIND)
    shop = Shop(session.engine, session.municipality, person, session.progress, workers)
    status = print_letters(shop, list_no, out, layout)
    session.seal()
    session.out.print(
        f"印刷 {status.run.run_id}: 督促状 {status.pages:,}枚を印刷し、読み戻しました: {out}",
        markup=False,
    )
    fail_unless(status.good)


@dunning.command()
@LIST
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="CSVの出力先。"
)
@MUNICIPALITY
@session_of
def letters(session: Session, list_no: int, *, out: Path) -> None:
    """督促状の差込みデータを、封筒の順に、印刷業者のためのCSVに書き出します。"""
    code = session.municipality
    with reading(session.engine, code) as connection:
        found = record.list_of(connection, code, list_no)
        record.require_state(found, "approved", "pull_drawn", "pull_confirmed", "dispatched")
        pieces = exports.letters_csv(connection, load_profile(connection, code), list_no)
        _write(session, pieces, out)


@dunning.command("pull")
@LIST
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help="PDFの出力先。")
@USER
@OUT
@JSON
@MUNICIPALITY
@session_of
def pull_(
    session: Session,
    list_no: int,
    *,
    pdf: Path | None,
    user_name: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """発送の直前の再抽出: 抜き取る督促状と理由を、封筒の順に示します。"""
    person = signed(session, user_name, asks=release.KIND)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        profile = load_profile(connection, code)
        pull.second_draw(
            connection, profile, list_no, on=clock.today(), actor=person, at=clock.now()
        )
        staff.record(connection, code, person, "dunning_pulled", str(list_no))
    session.seal()
    with reading(session.engine, code) as connection:
        found = record.list_of(connection, code, list_no)
        pull_no = record.pull_no_of(found)
        lines = pull.pull_lines(connection, code, found, pull_no)
        if out is not None:
            _write(session, exports.pull_csv(connection, profile, found, pull_no), out)
    if pdf is not None:
        sheet = pull_sheet(lines, exports.names_of(profile))
        write_whole(
            report_pdf(pull_heading(profile, found, len(lines)), (sheet,), clock.now()), str(pdf)
        )
    if as_json:
        say_json([line._asdict() for line in lines])
        return
    for line in lines:
        session.out.print(pull_line(line), markup=False)
    session.out.print(f"抜き取る督促状 計 {formatting.count(len(lines), '通')}", markup=False)


@dunning.command()
@LIST
@COUNT
@USER
@MUNICIPALITY
@session_of
def confirm(session: Session, list_no: int, *, count: int, user_name: str) -> None:
    """引抜きリストの督促状を、すべて抜き取ったことを記録します。"""
    person = signed(session, user_name, asks=release.KIND)
    with unit_of_work(session.engine, session.municipality) as connection:
        pull.confirm(
            connection, session.municipality, list_no, on=clock.today(), actor=person,
            at=clock.now(), count=count,
        )  # fmt: skip
    session.seal()
    session.out.print(f"督促リスト {list_no}: {count:,}通の引抜きを確認しました。", markup=False)


@dunning.command()
@LIST
@COUNT
@click.option("--on", type=DATE, help="発送日（既定: 今日）。")
@USER
@MUNICIPALITY
@session_of
def dispatch(
    session: Session, list_no: int, *, count: int, on: datetime | None, user_name: str
) -> None:
    """発送を記録します。引抜きの確認のあとに何かが届いていれば、行いません。"""
    person = signed(session, user_name, asks=release.KIND)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        pull.dispatch(
            connection, load_profile(connection, code), list_no, on=day_or_today(on),
            actor=person, at=clock.now(), count=count,
        )  # fmt: skip
        staff.record(connection, code, person, "dunning_dispatched", str(list_no))
    session.out.print(f"督促リスト {list_no}: {count:,}通の発送を記録しました。", markup=False)
    fees = book_sent_fees(session.engine, code, on=clock.today(), actor=person)
    session.seal()
    session.out.print(f"督促手数料の調定: {fees.count:,}件 {formatting.yen(fees.yen)}")


@dunning.command()
@LIST
@REASON
@USER
@MUNICIPALITY
@session_of
def drop(session: Session, list_no: int, *, reason: str, user_name: str) -> None:
    """発送の前に、督促リストを取り止めます。"""
    person = signed(session, user_name, asks=release.KIND)
    with unit_of_work(session.engine, session.municipality) as connection:
        record.drop(
            connection, session.municipality, list_no, on=clock.today(), actor=person,
            at=clock.now(), reason=reason,
        )  # fmt: skip
    book_sent_fees(session.engine, session.municipality, on=clock.today(), actor=person)
    session.seal()
    session.out.print(f"督促リスト {list_no} を取り止めました。", markup=False)


@dunning.command("recheck")
@click.argument("obligor_no", metavar="宛名番号")
@USER
@JSON
@MUNICIPALITY
@session_of
def recheck_(session: Session, obligor_no: str, *, user_name: str, as_json: bool) -> None:
    """差押えの前に、督促状のあとに何か届いていないかを確かめます。届いていれば終了コードは1です。"""
    person = signed(session, user_name, asks=release.KIND)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        profile = load_profile(connection, code)
        done = recheck.recheck(
            connection, profile, obligor_no, on=clock.today(), actor=person, at=clock.now()
        )
    session.seal()
    if as_json:
        say_json(recheck.as_data(done))
    else:
        say_recheck(session, done, source_names(profile))
    fail_unless(done.result == recheck.NOTHING)


@dunning.command("explain")
@LIST
@click.argument("who", metavar="宛名番号|科目/賦課年度/通知書番号[/期別]")
@JSON
@MUNICIPALITY
@session_of
def explain_(session: Session, list_no: int, who: str, *, as_json: bool) -> None:
    """抽出したときに分かっていたことから、督促した、または留保した理由を説明します。"""
    code = session.municipality
    with reading(session.engine, code) as connection:
        if "/" in who:
            target = holds.target_of(connection, code, who)
            term = "" if target.term == WHOLE_NOTICE else target.term
            story = explain.of_instalment(connection, code, list_no, target.notice_id, term)
        else:
            story = explain.of_person(connection, code, list_no, who)
        profile = load_profile(connection, code)
    if as_json:
        say_json(story_data(story))
        return
    for line in story_lines(story, source_names(profile)):
        session.out.print(line, markup=False)


# ---- parts ----


def _terms(profile: Profile, options: dict[str, Any]) -> Terms:
    """抽出の条件; what was not said is as the profile says."""
    usual = profile.dunning
    wait_days, minimum_yen = (
        getattr(usual, name) if options[name] is None else options[name]
        for name in ("wait_days", "minimum_yen")
    )
    first, last = (value and value.date() for value in (options["due_from"], options["due_to"]))
    return Terms(
        day_or_today(options["as_of"]), wait_days, minimum_yen, first, last, options["item_code"]
    )


def _show(session: Session, list_no: int, *, as_json: bool) -> None:
    code = session.municipality
    with reading(session.engine, code) as connection:
        found = record.list_of(connection, code, list_no)
        totals = record.totals_by_ground(connection, code, list_no)
        sources = explain.sources_of(connection, code, list_no)
        near = near_of(connection, code, list_no)
        profile = load_profile(connection, code)
    if as_json:
        say_json(shown_data(found, totals, sources, near))
        return
    say_list_told(session, found, totals, sources, source_names(profile))
    say_near(session, near)


def _write_rows(session: Session, list_no: int, out: Path) -> None:
    code = session.municipality
    with reading(session.engine, code) as connection:
        record.list_of(connection, code, list_no)
        _write(session, exports.rows_csv(connection, load_profile(connection, code), list_no), out)


def _write(session: Session, pieces: Iterable[bytes], out: Path) -> None:
    with unwritable(out), whole_file(out) as stream:
        stream.writelines(pieces)
    session.err.print(f"書き出しました: {out}", markup=False)
