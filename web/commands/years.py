"""``kokin year``: what passes into the arrears of the next fiscal year (滞納繰越)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from rich.table import Table

from payments.domain.errors import RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import carry_over, day_close
from reconcile.day_totals import summarise
from web import formatting, messages
from web.commands.days import YEAR
from web.commands.session import MUNICIPALITY, Session, say_json, session_of
from web.commands.signing import USER, signed
from web.commands.writing import written
from web.days.carried import carried_csv

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.carry_over import CarryRun, CarryTotal

WHICH = click.argument("which", metavar="YEAR", type=YEAR)


class Shown(NamedTuple):
    """年度の繰越: what is carried, or what would be, and everything that was done about it."""

    run: CarryRun | None
    totals: tuple[CarryTotal, ...]
    history: tuple[CarryRun, ...]


@click.group("year")
def year() -> None:
    """会計年度の滞納繰越（出納閉鎖で未収の調定を翌年度へ繰り越すこと）。"""


@year.command()
@WHICH
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def show(session: Session, which: int, *, as_json: bool) -> None:
    """翌年度へ繰り越した額、まだなら今締めたときに繰り越す額を、科目と調定年度ごとに表示します。"""
    summarise(session.engine, session.municipality)
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        shown = _shown(connection, session.municipality, which)
    if as_json:
        say_json(_data(which, shown))
        return
    _print(session, profile, which, shown)


@year.command()
@WHICH
@USER
@MUNICIPALITY
@session_of
def carry(session: Session, which: int, user_name: str) -> None:
    """締めた年度の未収を翌年度へ繰り越します。

    繰越は年度の締めと同時に行われます。この命令は、繰越のない古い締めのためのものです。繰越済みの
    年度では何も変わりません。
    """
    signed(session, user_name, asks=day_close.YEAR_CLOSE)
    summarise(session.engine, session.municipality)
    with unit_of_work(session.engine, session.municipality) as connection:
        run = carry_over.carry(connection, session.municipality, which)
    session.seal()
    session.out.print(_said(run), markup=False)


@year.command()
@WHICH
@click.option("--out", required=True, metavar="FILE", help="書き出すCSV。- は標準出力。")
@MUNICIPALITY
@session_of
def lines(session: Session, which: int, out: str) -> None:
    """繰り越した期別の一覧をCSV（UTF-8、CRLF）に書き出します。"""
    with reading(session.engine, session.municipality) as connection:
        run = carry_over.run_of(connection, session.municipality, which)
        if run is None:
            raise RefusedError("carry_none", year=which)
        with written(out) as stream, session.progress("滞納繰越", run.count) as progress:
            for number, piece in carried_csv(connection, session.municipality, run):
                stream.write(piece)
                progress(number)
    if out != "-":
        session.err.print(f"{run.count:,}件を書き出しました: {out}", markup=False)


def _shown(connection: Connection, municipality_code: str, which: int) -> Shown:
    """What stands of one year."""
    run = carry_over.run_of(connection, municipality_code, which)
    totals = (
        carry_over.totals_of(connection, municipality_code, run.carry_no)
        if run
        else carry_over.preview(connection, municipality_code, which)
    )
    made = carry_over.runs(connection, municipality_code)
    return Shown(run, totals, tuple(r for r in made if r.from_year == which))


def _data(which: int, shown: Shown) -> dict[str, Any]:
    """The same for a program."""
    return {
        "year": which,
        "carried": asdict(shown.run) if shown.run else None,
        "totals": [total._asdict() for total in shown.totals],
        "count": sum(total.count for total in shown.totals),
        "amount_yen": sum(total.amount_yen for total in shown.totals),
        "history": [asdict(run) for run in shown.history],
    }


def _print(session: Session, profile: Profile, which: int, shown: Shown) -> None:
    """The totals as a table, and the history under it."""
    names = {item.item_code: (item.fund, item.name) for item in profile.items}
    state = messages.label("carry_state", "carried" if shown.run else "preview")
    table = Table(title=f"{_years(which)}: {state}", title_justify="left")
    for heading in ("会計", "科目", "調定の年度"):
        table.add_column(heading)
    for heading in ("件数", "金額（円）"):
        table.add_column(heading, justify="right")
    for total in shown.totals:
        fund, name = names.get(total.item_code, ("", ""))
        table.add_row(
            fund, f"{total.item_code} {name}".strip(), formatting.fiscal_year(total.claim_year),
            f"{total.count:,}", f"{total.amount_yen:,}",
        )  # fmt: skip
    session.out.print(table)
    number = sum(total.count for total in shown.totals)
    yen = sum(total.amount_yen for total in shown.totals)
    session.out.print(f"計 {formatting.count(number)} {formatting.yen(yen)}", markup=False)
    for run in shown.history:
        session.out.print(_said(run), markup=False)


def _said(run: CarryRun) -> str:
    """One run as a line."""
    return (
        f"{messages.label('carry_event', run.event)} {run.carry_no}"
        f"（締め番号 {run.closure_no}）: {_years(run.from_year)} "
        f"{formatting.count(run.count)} {formatting.yen(run.amount_yen)} "
        f"会計日 {formatting.long_day(run.booked_on)} {run.actor} {formatting.moment(run.made_at)}"
    )


def _years(from_year: int) -> str:
    """From which year into which."""
    return f"{formatting.fiscal_year(from_year)}から{formatting.fiscal_year(from_year + 1)}へ"
