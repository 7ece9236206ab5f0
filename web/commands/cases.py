"""``kokin cases``: the worklist (確認事項)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from payments.domain.errors import NotFoundError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.case_list import DUE, NOBODY, ORDERS, STATES, WAITING, Order, Wanted, list_cases
from reconcile.cases import (
    accept,
    acknowledge,
    add_note,
    assign,
    set_deadline,
    show_case,
    undo,
)
from reconcile.model import Channel
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.session import MUNICIPALITY, Session, say_json, session_of
from web.texts.outcomes import OUTCOMES

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from reconcile.case_list import CaseSummary
    from reconcile.cases import CaseView

NUMBER = click.argument("number", type=click.IntRange(min=1))
NOTE = click.option("--note", required=True, help="理由や調べたこと。")
DAY = click.DateTime(formats=["%Y-%m-%d"])
CHANNELS = tuple(str(channel) for channel in Channel)
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
@click.option("--owner", default="", help="担当の利用者名。担当なしは「-」。")
@click.option("--due", type=click.Choice(DUE), default=None, help="期限。")
@click.option("--channel", type=click.Choice(CHANNELS), default=None, help="経路。")
@click.option("--age", type=click.IntRange(min=0), help="発生からの日数（以上）。")
@click.option("--from", "opened_from", type=DAY, help="発生日（から）。")
@click.option("--to", "opened_to", type=DAY, help="発生日（まで）。")
@click.option("--min-yen", type=click.IntRange(min=0), help="金額（円以上）。")
@click.option("--max-yen", type=click.IntRange(min=0), help="金額（円以下）。")
@click.option("--words", default="", help="資料名や対象に含む文字。")
@click.option(
    "--sort",
    type=click.Choice(tuple(ORDERS)),
    default="opened_on",
    show_default=True,
    help="並べる列。",
)
@click.option("--ascending", is_flag=True, help="小さい順・古い順に並べます。")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="件数。")
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, /, *, limit: int, as_json: bool, **asked: Any) -> None:
    """確認事項の一覧。"""
    with reading(session.engine, session.municipality) as connection:
        page = list_cases(
            connection,
            session.municipality,
            _wanted(asked),
            today=clock.today(),
            order=Order(asked["sort"], not asked["ascending"]),
            limit=limit,
        )
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


def _wanted(asked: dict[str, Any]) -> Wanted:
    """絞込み of the options; what was not given asks for nothing."""
    days = {name: asked[name] and asked[name].date() for name in ("opened_from", "opened_to")}
    return Wanted(
        states=asked["states"] or WAITING,
        kinds=(asked["kind"],) if asked["kind"] else (),
        owner=asked["owner"],
        due=asked["due"] or "",
        channel=asked["channel"] or "",
        age_days=asked["age"],
        amount_from=asked["min_yen"],
        amount_to=asked["max_yen"],
        words=asked["words"],
        **days,
    )


@cases.command("assign")
@NUMBER
@click.argument("owner")
@MUNICIPALITY
@session_of
def assign_(session: Session, number: int, owner: str) -> None:
    """担当を決めます。OWNERは利用者名、担当なしは「-」。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        known = {person.user_name for person in staff.everybody(connection, session.municipality)}
        if owner not in {NOBODY, *known}:
            raise NotFoundError("case_owner", found=owner)
        assign(
            connection, session.municipality, number, "" if owner == NOBODY else owner,
            actor=session.actor, on=clock.today(),
        )  # fmt: skip
    session.seal()
    session.out.print(f"確認事項 {number} の担当を変えました。")


@cases.command("deadline")
@NUMBER
@click.argument("due_on", type=DAY)
@MUNICIPALITY
@session_of
def deadline_(session: Session, number: int, due_on: datetime) -> None:
    """期限を変えます。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        set_deadline(
            connection, session.municipality, number, due_on.date(),
            actor=session.actor, on=clock.today(),
        )  # fmt: skip
    session.seal()
    session.out.print(f"確認事項 {number} の期限を {due_on.date()} にしました。")


@cases.command("undo-event")
@NUMBER
@click.argument("event", type=click.IntRange(min=1))
@MUNICIPALITY
@session_of
def undo_event(session: Session, number: int, event: int) -> None:
    """経過の一つを取り消します（対応開始・担当・期限・了承）。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        undo(connection, session.municipality, number, event, actor=session.actor, on=clock.today())
    session.seal()
    session.out.print(f"確認事項 {number} の経過 {event} を取り消しました。")


def _line(case: CaseSummary) -> str:
    """One case of the list."""
    place = case.file_name + (f" {case.line_no}行目" if case.line_no else "")
    return (
        f"{case.case_no:>6}  {messages.label('case_state', case.state)}  "
        f"{messages.case(case.kind).label}（{case.kind}）  {formatting.yen(case.amount_yen)}  "
        f"{case.opened_on}  期限 {case.due_on or '—'}  {place or case.subject}"
        + (f"  担当 {case.owner}" if case.owner else "")
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
