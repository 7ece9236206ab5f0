"""``kokin certificates``: the basis of tax certificates, who has paid for vehicles (納税証明)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payments import approve
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.certificate import KIND, basis_of, despite_content, vehicle_states
from web import clock, formatting
from web.accounts import staff
from web.certificates.feed import as_csv, checked, vehicle_feed
from web.certificates.tax_paper import seen_words
from web.commands.registers import JSON
from web.commands.session import MUNICIPALITY, Session, say_json, session_of
from web.commands.signing import USER, signed
from web.commands.writing import write_whole
from web.people.purpose import OTHER, Looked, write_view

if TYPE_CHECKING:
    from reconcile.certificate import Levy

COMMAND = "cli"  # where a command looks from


@click.group()
def certificates() -> None:
    """納税証明の基礎と、車両の納付状況。"""


@certificates.command()
@click.argument("obligor_no", metavar="宛名番号")
@USER
@JSON
@MUNICIPALITY
@session_of
def tax(session: Session, obligor_no: str, user_name: str, *, as_json: bool) -> None:
    """税目・年度ごとの納付すべき額、納付済額、未納額と、データの基準日。

    届いていない資料があるときは、二人の承認（kokin certificates despite）がなければ示しません。
    誰の、どの基準日の数字を見たかは、閲覧の記録に残ります。
    """
    person = signed(session, user_name)
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        basis = basis_of(connection, profile, obligor_no, clock.today(), clock.now())
        looked = Looked(person, "", COMMAND)
        write_view(connection, session.municipality, obligor_no, OTHER, seen_words(basis), looked)
        staff.record(
            connection, session.municipality, person, "certificate_seen", str(basis.cut_off_on)
        )
    if as_json:
        said = {**asdict(basis), "levies": [levy._asdict() for levy in basis.levies]}
        del said["settled"]  # numbers of rows, which say nothing outside of the books
        say_json({**said, "cut_off_on": basis.cut_off_on})
        return
    session.out.print(f"データの基準日 {formatting.long_day(basis.cut_off_on)}")
    for levy in basis.levies:
        session.out.print(_line(levy), markup=False)


@certificates.command()
@click.option("--year", required=True, type=click.IntRange(1950, 2099), help="賦課年度。")
@click.option("--csv", "as_table", is_flag=True, help="CSVで書きます（既定: JSON）。")
@click.option("--out", default="-", show_default=True, help="出力ファイル（- は標準出力）。")
@MUNICIPALITY
@session_of
def vehicles(session: Session, year: int, out: str, *, as_table: bool) -> None:
    """車両ごとに納付済と分かっているかを、基準日と署名のついた資料に書きます。"""
    now = clock.now()
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        states, complete = vehicle_states(connection, profile, year, clock.today(), now)
    feed = vehicle_feed(session.settings, profile, states, complete, clock.in_japan(now))
    data = as_csv(feed) if as_table else json.dumps(feed, ensure_ascii=False, indent=1).encode()
    if write_whole(data, out):
        session.out.print(f"{out}  {len(states):,}台  基準日 {feed['cut_off_on']}", markup=False)


@certificates.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@MUNICIPALITY
@session_of
def check(session: Session, file: Path) -> None:
    """納付状況の資料が、作成したときのままかを確かめます。変わっていれば終了コード1で終わります。"""
    feed = checked(session.settings, file.read_bytes())
    session.out.print(f"署名は正しいです。{feed['count']:,}台  基準日 {feed['cut_off_on']}")


@certificates.command()
@USER
@click.option("--reason", required=True, help="未着のまま証明する理由。")
@MUNICIPALITY
@session_of
def despite(session: Session, user_name: str, reason: str) -> None:
    """資料が未着のままの証明を、きょうに限り依頼します。別の職員が承認します。"""
    person = signed(session, user_name, asks=KIND)
    today, now = clock.today(), clock.now()
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        approval = approve.ask(
            connection, session.municipality, KIND, today.isoformat(),
            despite_content(connection, profile, today, now), asked_by=person, at=now,
            reason=reason,
        )  # fmt: skip
        staff.record(
            connection, session.municipality, person, "certificate_despite_asked", str(today)
        )
    session.seal()
    session.out.print(f"承認 {approval.approval_id} を依頼しました。別の職員が承認してください。")


def _line(levy: Levy) -> str:
    return (
        f"{levy.item_code} {levy.levy_year}  納付すべき額 {formatting.yen(levy.assessed_yen)}  "
        f"納付済 {formatting.yen(levy.paid_yen)}  確認中 {formatting.yen(levy.provisional_yen)}  "
        f"未納 {formatting.yen(levy.unpaid_yen)}（うち納期限後 {formatting.yen(levy.overdue_yen)}）"
    )
