"""``kokin cases``: the worklist (確認事項)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.case_list import STATES, WAITING, Wanted, list_cases
from reconcile.cases import accept, acknowledge, add_note, show_case
from web import clock, formatting, messages
from web.commands.session import MUNICIPALITY, Session, say_json, session_of
from web.texts.outcomes import OUTCOMES

if TYPE_CHECKING:
    from rich.console import Console

    from reconcile.case_list import CaseSummary
    from reconcile.cases import CaseView

NUMBER = click.argument("number", type=click.IntRange(min=1))
NOTE = click.option("--note", required=True, help="理由や調べたこと。")
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")


@click.group()
def cases() -> None:
    """確認事項の一覧と対応。"""


@cases.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    help="状態（既定: 未対応と対応中）。",
)
@click.option("--kind", default="", help="種類（照合結果のコードなど）。")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="件数。")
@JSON
@MUNICIPALITY
@session_of
def list_(
    session: Session, states: tuple[str, ...], kind: str, limit: int, *, as_json: bool
) -> None:
    """確認事項の一覧。"""
    with reading(session.engine, session.municipality) as connection:
        wanted = Wanted(states=states or WAITING, kinds=(kind,) if kind else ())
        page = list_cases(connection, session.municipality, wanted, limit=limit)
    if as_json:
        say_json({"total": page.total, "total_yen": page.total_yen,
                  "cases": [asdict(case) for case in page.cases]})  # fmt: skip
        return
    for case in page.cases:
        session.out.print(_line(case), markup=False)
    shown = f"{len(page.cases):,}件を表示" if page.total > len(page.cases) else ""
    total = f"{formatting.count(page.total)} {formatting.yen(page.total_yen)}"
    session.out.print(f"計 {total} {shown}".rstrip(), markup=False)


@cases.command()
@NUMBER
@JSON
@MUNICIPALITY
@session_of
def show(session: Session, number: int, *, as_json: bool) -> None:
    """一つの確認事項の内容と経過。"""
    with reading(session.engine, session.municipality) as connection:
        view = show_case(connection, session.municipality, number)
    if as_json:
        say_json(asdict(view) | {"line": {k: v for k, v in view.line.items() if k != "content"}})
    else:
        _show(session.out, view)


@cases.command()
@NUMBER
@MUNICIPALITY
@session_of
def ack(session: Session, number: int) -> None:
    """対応を始めます。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        acknowledge(connection, session.municipality, number, actor=session.actor, on=clock.today())
    session.seal()
    session.out.print(f"確認事項 {number} の対応を始めました。")


@cases.command()
@NUMBER
@NOTE
@MUNICIPALITY
@session_of
def note(session: Session, number: int, note: str) -> None:
    """メモを加えます。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        add_note(
            connection, session.municipality, number, note, actor=session.actor, on=clock.today()
        )
    session.seal()
    session.out.print(f"確認事項 {number} にメモを加えました。")


@cases.command("accept")
@NUMBER
@NOTE
@MUNICIPALITY
@session_of
def accept_(session: Session, number: int, note: str) -> None:
    """記帳せずに了承し、理由を残します。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        accept(
            connection, session.municipality, number, note, actor=session.actor, on=clock.today()
        )
    session.seal()
    session.out.print(f"確認事項 {number} を了承しました。")


def _line(case: CaseSummary) -> str:
    """One case of the list."""
    place = case.file_name + (f" {case.line_no}行目" if case.line_no else "")
    return (
        f"{case.case_no:>6}  {messages.label('case_state', case.state)}  "
        f"{messages.case(case.kind).label}（{case.kind}）  {formatting.yen(case.amount_yen)}  "
        f"{case.opened_on}  {place or case.subject}"
    )


def _show(out: Console, view: CaseView) -> None:
    """One case with its facts."""
    case = view.summary
    words = messages.case(case.kind)
    out.print(_line(case), markup=False)
    explanation = OUTCOMES.get(case.kind)
    if explanation is not None:
        out.print(f"  {explanation[1]}", markup=False)
    out.print(f"  次にすること: {words.next}", markup=False)
    for name in ("identity", "slip_key", "amount_yen", "paid_on", "fault", "rule"):
        if view.line.get(name) not in {None, ""}:
            out.print(f"  {messages.label('fact', name)}: {view.line[name]}", markup=False)
    for name in ("slip_no", "notice_no", "term", "amount_yen", "valid_until", "state"):
        if view.slip.get(name) not in {None, ""}:
            out.print(f"  納付書の{messages.label('fact', name)}: {view.slip[name]}", markup=False)
    for name, value in view.details.items():
        out.print(f"  {messages.label('fact', name)}: {value}", markup=False)
    for event in view.events:
        text = f"  {event.happened_on} {messages.label('case_event', event.event)} {event.actor}"
        out.print(f"{text} {event.note}".rstrip(), markup=False)
