"""``kokin holds``: what holds a claim back, from one day to another, and why (猶予・停止)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from payments import holds as books
from payments.domain.holds import HoldKind, Span
from payments.store.hold_tables import WHOLE_NOTICE
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.intake import DATE, day_or_today
from web.commands.session import MUNICIPALITY, Session, say_json, session_of
from web.commands.signing import USER, signed

if TYPE_CHECKING:
    from datetime import datetime

    from payments.holds import Hold

CLAIM = "科目/賦課年度/通知書番号[/期別]"


@click.group()
def holds() -> None:
    """徴収猶予・換価の猶予・処分停止などの設定と解除。"""


@holds.command("set")
@click.argument("claim", metavar=CLAIM)
@click.option(
    "--kind",
    required=True,
    type=click.Choice([kind.value for kind in HoldKind]),
    help="種類: " + "、".join(f"{kind.value}（{kind.label_ja}）" for kind in HoldKind) + "。",
)
@click.option("--from", "from_on", type=DATE, help="始まりの日（既定: 今日）。")
@click.option("--until", "until_on", type=DATE, help="終わりの日（既定: 解くまで）。")
@click.option("--reason", required=True, help="理由（根拠となる決定など）。")
@USER
@MUNICIPALITY
@session_of
def set_(
    session: Session,
    *,
    claim: str,
    kind: str,
    from_on: datetime | None,
    until_on: datetime | None,
    reason: str,
    user_name: str,
) -> None:
    """通知書または一つの期別に、猶予・停止をします。"""
    person = signed(session, user_name)
    span = Span(day_or_today(from_on), until_on.date() if until_on else None)
    with unit_of_work(session.engine, session.municipality) as connection:
        target = books.target_of(connection, session.municipality, claim)
        number = books.set_hold(
            connection,
            session.municipality,
            target,
            HoldKind(kind),
            span,
            reason=reason,
            actor=person,
            at=clock.now(),
        )
        staff.record(connection, session.municipality, person, "hold_set", str(number))
    session.seal()
    session.out.print(
        f"{claim}: {messages.label('hold_kind', kind)}をしました（番号 {number}）。", markup=False
    )


@holds.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--on", type=DATE, help="効力がなくなる日（既定: 今日）。")
@click.option("--reason", required=True, help="解く理由。")
@USER
@MUNICIPALITY
@session_of
def lift(
    session: Session, *, number: int, on: datetime | None, reason: str, user_name: str
) -> None:
    """猶予・停止を解きます。"""
    person = signed(session, user_name)
    with unit_of_work(session.engine, session.municipality) as connection:
        hold = books.lift_hold(
            connection,
            session.municipality,
            number,
            on=day_or_today(on),
            reason=reason,
            actor=person,
            at=clock.now(),
        )
        staff.record(connection, session.municipality, person, "hold_lifted", str(number))
    session.seal()
    kind = messages.label("hold_kind", hold.kind)
    last = formatting.long_day(hold.span.lifted_on)
    session.out.print(f"{kind}（番号 {number}）を、{last}から解きました。", markup=False)


@holds.command("list")
@click.option("--claim", metavar=CLAIM, help="この通知書だけ。調定ファイルによるものも表示します。")
@click.option("--on", type=DATE, help="この日に効いているもの（既定: 今日）。")
@click.option("--all", "everything", is_flag=True, help="終わったもの、これからのものも。")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="件数。")
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def list_(
    session: Session,
    *,
    claim: str | None,
    on: datetime | None,
    everything: bool,
    limit: int,
    as_json: bool,
) -> None:
    """効いている猶予・停止の一覧。"""
    day = None if everything else day_or_today(on)
    with reading(session.engine, session.municipality) as connection:
        if claim is None:
            found = books.holds_on(connection, session.municipality, day, limit=limit)
        else:
            target = books.target_of(connection, session.municipality, claim)
            concerned = books.holds_of_target(connection, session.municipality, target)
            found = [hold for hold in concerned if day is None or hold.span.covers(day)][:limit]
        names = books.names_of(connection, session.municipality, found)
    if as_json:
        say_json([asdict(hold) | {"claim": names[hold.notice_id]} for hold in found])
        return
    for hold in found:
        session.out.print(_said(hold, names[hold.notice_id]), markup=False)
    session.out.print(f"計 {formatting.count(len(found))}", markup=False)


def _said(hold: Hold, name: str) -> str:
    """One hold as a line."""
    number = f"{hold.hold_no:>6}" if hold.hold_no else "     —"
    term = "" if hold.term == WHOLE_NOTICE else f"/{hold.term}"
    until = formatting.long_day(hold.span.until_on) if hold.span.until_on else ""
    said = (
        f"{number}  {messages.label('hold_kind', hold.kind)}  {name}{term}  "
        f"{formatting.long_day(hold.span.from_on)}〜{until}  "
        f"{messages.label('hold_by', hold.by)} {hold.actor}  {hold.reason}"
    ).rstrip()
    if hold.span.lifted_on is None:
        return said
    lifted = f"{formatting.long_day(hold.span.lifted_on)}から解除 {hold.lift_actor}"
    return f"{said}  {lifted} {hold.lift_reason}".rstrip()
