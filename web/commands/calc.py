"""``kokin calc``: late charge, refund interest, due dates and instalments (計算).

The same code as the page and the books; no municipality is asked for, and no database is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from payments.domain.accrual import FloorAt
from payments.domain.late_charge_levies import shipped_levies
from payments.domain.refund_interest import RefundReason
from web.calc import figures
from web.calc.questions import (
    CALENDARS,
    ask_due_date,
    ask_instalments,
    ask_late_charge,
    ask_refund_interest,
)
from web.calc.tables import rates_of
from web.calc.working import (
    rates_sheet,
    tell_due_date,
    tell_instalments,
    tell_late_charge,
    tell_refund_interest,
)
from web.commands.session import Session, say_json, session_of
from web.commands.sheets import print_sheet

if TYPE_CHECKING:
    from web.calc.working import Working

JSON = click.option("--json", "as_json", is_flag=True, help="結果をJSONで出力します。")
FULL = click.option(
    "--full", is_flag=True, help="JSONに、基礎となる額、割合の区分、0円の理由も出力します。"
)


def _one_of(*values: str) -> str:
    return " | ".join(values)


@click.group()
def calc() -> None:
    """延滞金・還付加算金・納期限・期割の計算。台帳は見ません。"""


@calc.command("late-charge")
@click.option("--amount-yen", required=True, metavar="円", help="税額（期別ごと）。")
@click.option("--due", required=True, metavar="YYYY-MM-DD", help="納期限（延びた後の日）。")
@click.option(
    "--paid", required=True, metavar="YYYY-MM-DD", help="納付の日（見込みなら将来の日）。"
)
@click.option(
    "--shift", is_flag=True, help="納期限が休日なら、次の開庁日に延ばしてから計算します。"
)
@click.option(
    "--levy",
    default="tax",
    metavar="税目",
    show_default=True,
    help=f"税目・料金の定め: {_one_of(*shipped_levies().names)}。",
)
@click.option(
    "--low-tier-months",
    default="",
    metavar="月数",
    help="低い割合の期間の月数。throughout は全期間（既定: 税目の定め）。",
)
@click.option(
    "--floor-at",
    default="",
    metavar="単位",
    help=f"円未満の切捨て: {_one_of(*FloorAt)}（既定: 税目の定め）。",
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    metavar="YYYY-MM-DD=円",
    help="一部納付のうち税額に充てた分。何度でも書けます。",
)
@click.option(
    "--left-out",
    multiple=True,
    metavar="YYYY-MM-DD/YYYY-MM-DD[=%]",
    help="減免の期間。一部だけなら割合を付けます。何度でも書けます。",
)
@JSON
@FULL
@session_of
def late_charge(session: Session, /, *, as_json: bool, full: bool, **raw: Any) -> None:
    """延滞金を、区間ごとの計算とともに示します。0円ならその理由を示します。"""
    table = rates_of(session.settings)
    answer = ask_late_charge(_typed(raw), table)
    if as_json:
        say_json(figures.late_charge(answer, full=full))
    else:
        _show(session, tell_late_charge(answer, table))


@calc.command("refund-interest")
@click.option("--amount-yen", required=True, metavar="円", help="過誤納金の額。")
@click.option("--start", default="", metavar="YYYY-MM-DD", help="加算の始まりの日。")
@click.option(
    "--decided",
    required=True,
    metavar="YYYY-MM-DD",
    help="支出を決定した日（充当なら充当した日）。",
)
@click.option(
    "--reason",
    default="",
    metavar="理由",
    help=f"--start の代わりに、還付の理由から始まりを求めます: {_one_of(*RefundReason)}。",
)
@click.option(
    "--paid-on", default="", metavar="YYYY-MM-DD", help="納付された日（--reason のとき）。"
)
@click.option(
    "--event",
    default="",
    metavar="YYYY-MM-DD",
    help="更正の請求、所得税の申告・通知の日（--reason のとき）。",
)
@click.option(
    "--corrected", default="", metavar="YYYY-MM-DD", help="更正の日（--reason claimed のとき）。"
)
@click.option("--notified", default="", metavar="YYYY-MM-DD", help="還付を通知した日。")
@click.option("--claimed", default="", metavar="YYYY-MM-DD", help="還付を請求された日。")
@JSON
@FULL
@session_of
def refund_interest(session: Session, /, *, as_json: bool, full: bool, **raw: Any) -> None:
    """還付加算金を、区間ごとの計算とともに示します。"""
    table = rates_of(session.settings)
    answer = ask_refund_interest(_typed(raw), table)
    if as_json:
        say_json(figures.refund_interest(answer, full=full))
    else:
        _show(session, tell_refund_interest(answer, table))


@calc.command("due-date")
@click.argument("date", metavar="YYYY-MM-DD")
@click.option(
    "--calendar",
    default="tax",
    metavar="暦",
    show_default=True,
    help=f"どちらの暦で: {_one_of(*CALENDARS)}（税の納期限、銀行の営業日）。",
)
@JSON
@session_of
def due_date(session: Session, /, *, as_json: bool, **raw: Any) -> None:
    """期限の日が休みに当たるとき、延びた後の日を示します。"""
    answer = ask_due_date(_typed(raw))
    if as_json:
        say_json(figures.due_date(answer))
    else:
        _show(session, tell_due_date(answer))


@calc.command()
@click.option("--amount-yen", required=True, metavar="円", help="年額。")
@click.option("--count", required=True, metavar="数", help="期別の数。")
@click.option(
    "--unit-yen", default="", metavar="円", help="期別の端数の単位（既定: 税の1,000円）。"
)
@click.option(
    "--total-unit-yen", default="", metavar="円", help="年額の端数の単位（既定: 税の100円）。"
)
@JSON
@session_of
def instalments(session: Session, /, *, as_json: bool, **raw: Any) -> None:
    """年額を期別に分けます。端数は第1期に加えます。"""
    answer = ask_instalments(_typed(raw))
    if as_json:
        say_json(figures.instalments(answer))
    else:
        _show(session, tell_instalments(answer))


@calc.command()
@JSON
@session_of
def rates(session: Session, *, as_json: bool) -> None:
    """延滞金と還付加算金の割合を、年ごとに示します（同梱の表と、加えた年）。"""
    table = rates_of(session.settings)
    if as_json:
        say_json(figures.rates(table))
    else:
        print_sheet(session.out, rates_sheet(table))


def _typed(raw: dict[str, Any]) -> dict[str, str]:
    """The options as a form would send them: text, several of one option on lines of their own."""
    return {
        name: "\n".join(value)
        if isinstance(value, tuple)
        else "1"
        if value is True
        else value or ""
        for name, value in raw.items()
    }


def _show(session: Session, working: Working) -> None:
    """The result, why it is nothing, every step with its source, and the tables."""
    for name, value in working.results:
        session.out.print(f"{name}: {value}", markup=False)
    for said in (working.why, *working.notes):
        if said:
            session.out.print(said, markup=False)
    session.out.print()
    for number, step in enumerate(working.steps, 1):
        source = f" 〔{step.source}〕" if step.source else ""
        session.out.print(f"{number}. {step.text}{source}", markup=False)
    for sheet in working.sheets:
        session.out.print()
        print_sheet(session.out, sheet)
