"""``kokin charges``: late charges, payment plans and write-offs (延滞金・分納・不納欠損)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from payments.domain.errors import InvalidValueError
from payments.domain.plans import Instalments, even_payments
from payments.domain.write_off import Ground
from payments.holds import target_of
from payments.limitation import prescribing
from payments.plans import end_plan, list_plans, owed_on
from payments.store.hold_tables import WHOLE_NOTICE
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from payments.versions import Act
from reconcile.charges import planning, waiving, write_offs
from reconcile.charges.booking import book_charges
from reconcile.charges.register import booked_charges
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.holds import CLAIM
from web.commands.intake import DATE, day_or_today
from web.commands.session import MUNICIPALITY, Session, say_json, say_list, session_of
from web.commands.signing import USER, signed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.charges import PlaceKey
    from payments.plans import Plan

JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
REASON = click.option("--reason", required=True, help="理由（記録に残ります）。")
LIMIT = click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="件数。"
)
CLAIMS = click.argument("claims", nargs=-1, required=True, metavar=CLAIM)


@click.group()
def charges() -> None:
    """延滞金の調定・減免、分納、不納欠損、時効。"""


def places_of(connection: Connection, code: str, claims: Sequence[str]) -> list[PlaceKey]:
    """期別 from what people write; of a whole notice those with something open."""
    found: list[PlaceKey] = []
    for claim in claims:
        target = target_of(connection, code, claim)
        if target.term == WHOLE_NOTICE:
            raise InvalidValueError("claim_name", found=claim)
        found.append((target.notice_id, target.term))
    return found


@charges.command()
@click.argument("claims", nargs=-1, metavar=CLAIM)
@click.option("--on", type=DATE, help="調定の日（既定: 今日）。")
@click.option(
    "--afresh", is_flag=True, help="すべての期別を計算し直します（設定を変えたときなど）。"
)
@JSON
@MUNICIPALITY
@session_of
def book(
    session: Session,
    *,
    claims: tuple[str, ...],
    on: datetime | None,
    afresh: bool,
    as_json: bool,
) -> None:
    """完納した期別の延滞金を調定し、変わったものは更正します。何度実行しても同じ結果です。

    期別を指定すると、その期別だけを調定します（受入れのときに調定する団体）。
    """
    code = session.municipality
    only = None
    if claims:
        with reading(session.engine, code) as connection:
            only = places_of(connection, code, claims)
    with session.progress("延滞金の調定") as progress:
        booked = book_charges(
            session.engine, code, on=day_or_today(on), actor=session.actor, only=only,
            afresh=afresh, progress=progress,
        )  # fmt: skip
    session.seal()
    if as_json:
        say_json(asdict(booked))
        return
    session.out.print(
        f"延滞金の調定: {formatting.count(booked.count)}（増減 {formatting.yen(booked.yen)}）、"
        f"確かめた期別 {formatting.count(booked.looked_at)}。"
    )


@charges.command("list")
@click.option("--open", "only_open", is_flag=True, help="未納のものだけ。")
@LIMIT
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, *, only_open: bool, limit: int, as_json: bool) -> None:
    """調定した延滞金・督促手数料の一覧（新しい順）。"""
    with reading(session.engine, session.municipality) as connection:
        found = booked_charges(connection, session.municipality, only_open=only_open, limit=limit)
    say_list(
        session,
        found,
        lambda each: (
            f"{each.place}  {messages.label('charge_kind', each.kind)}  "
            f"調定 {formatting.yen(each.amount_yen)}  未納 {formatting.yen(each.open_yen)}  "
            f"元の期別 {each.principal}"
        ),
        as_json=as_json,
        data=asdict,
        empty="調定した延滞金・督促手数料はありません。",
    )


@charges.command()
@click.argument("claim", metavar=CLAIM)
@click.option(
    "--kind", required=True, type=click.Choice(waiving.KINDS), help="全部・一部・期間・取消。"
)
@click.option("--yen", "amount_yen", type=click.IntRange(min=1), help="一部を減免する額。")
@click.option("--period", type=DATE, nargs=2, metavar="FROM UNTIL", help="期間の初日と末日。")
@REASON
@USER
@JSON
@MUNICIPALITY
@session_of
def waive(
    session: Session,
    *,
    claim: str,
    kind: str,
    amount_yen: int | None,
    period: tuple[datetime, datetime] | None,
    reason: str,
    user_name: str,
    as_json: bool,
) -> None:
    """期別の延滞金の減免を依頼します。別の職員が承認し、次の調定で反映します。"""
    person = signed(session, user_name, asks=waiving.KIND)
    with unit_of_work(session.engine, session.municipality) as connection:
        place = places_of(connection, session.municipality, [claim])[0]
        days = [day.date() for day in period or ()]
        wish = waiving.Waiving(place, kind, amount_yen or 0, *days)
        approval = waiving.ask_waiver(
            connection, session.municipality, wish, asked_by=person, at=clock.now(), reason=reason
        )
        _note(connection, session, person, approval)
    _say_asked(session, approval, as_json=as_json)


@charges.command("write-off")
@CLAIMS
@click.option(
    "--ground",
    required=True,
    type=click.Choice([ground.value for ground in Ground]),
    help="根拠: " + "、".join(f"{ground.value}（{ground.label_ja}）" for ground in Ground) + "。",
)
@click.option("--extinguished", "extinguished_on", required=True, type=DATE, help="消滅の日。")
@REASON
@USER
@JSON
@MUNICIPALITY
@session_of
def write_off(
    session: Session,
    *,
    claims: tuple[str, ...],
    ground: str,
    extinguished_on: datetime,
    reason: str,
    user_name: str,
    as_json: bool,
) -> None:
    """期別の不納欠損を依頼します（その延滞金・督促手数料を含む）。別の職員が承認します。"""
    person = signed(session, user_name, asks=write_offs.KIND)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        wish = write_offs.GivingUp(
            tuple(places_of(connection, code, claims)), Ground(ground), extinguished_on.date()
        )
        approval = write_offs.ask_write_off(
            connection, load_profile(connection, code), wish, on=clock.today(), asked_by=person,
            at=clock.now(), reason=reason,
        )  # fmt: skip
        _note(connection, session, person, approval)
    _say_asked(session, approval, as_json=as_json)


@charges.command("take-up")
@click.argument("claim", metavar=CLAIM)
@REASON
@USER
@JSON
@MUNICIPALITY
@session_of
def take_up(session: Session, *, claim: str, reason: str, user_name: str, as_json: bool) -> None:
    """不納欠損の取消を依頼します（消滅の前に納付されていたときなど）。別の職員が承認します。"""
    person = signed(session, user_name, asks=write_offs.REVERSAL_KIND)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        place = places_of(connection, code, [claim])[0]
        approval = write_offs.ask_reversal(
            connection, code, place, asked_by=person, at=clock.now(), reason=reason
        )
        _note(connection, session, person, approval)
    _say_asked(session, approval, as_json=as_json)


@charges.command("prescribing")
@click.option("--within", "within_days", type=click.IntRange(min=0), default=180, show_default=True,
              help="この日数のうちに時効になるもの。")  # fmt: skip
@click.option("--on", type=DATE, help="この日から（既定: 今日）。")
@JSON
@MUNICIPALITY
@session_of
def prescribing_(session: Session, *, within_days: int, on: datetime | None, as_json: bool) -> None:
    """時効が近い未納の期別（完成したものを含む）。"""
    day = day_or_today(on)
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        found = prescribing(connection, profile, day, within_days=within_days)
    say_list(
        session,
        found,
        lambda each: (
            f"{each.item_code}/{each.levy_year}/{each.notice_no}/{each.term}  "
            f"未納 {formatting.yen(each.open_yen)}  "
            f"時効 {formatting.long_day(each.limitation.last_on)}（あと {each.days_left(day):,}日）"
        ),
        as_json=as_json,
        data=lambda each: asdict(each) | {"days_left": each.days_left(day)},
        empty="時効が近い期別はありません。",
    )


@click.group()
def plans() -> None:
    """分納: 約束した分割納付。"""


charges.add_command(plans)


@plans.command("ask")
@CLAIMS
@click.option("--day", "days", multiple=True, type=DATE, required=True, help="納付の日（回数分）。")
@click.option("--yen", "yens", multiple=True, type=click.IntRange(min=1),
              help="各回の額（既定: 千円単位で均等、端数は初回）。")  # fmt: skip
@REASON
@USER
@JSON
@MUNICIPALITY
@session_of
def ask_plan(
    session: Session,
    *,
    claims: tuple[str, ...],
    days: tuple[datetime, ...],
    yens: tuple[int, ...],
    reason: str,
    user_name: str,
    as_json: bool,
) -> None:
    """分納を依頼します。団体設定で二人としていないときは、すぐに始めます。"""
    code = session.municipality
    with reading(session.engine, code) as connection:
        two = load_profile(connection, code).charges.plans_by_two
    person = signed(session, user_name, asks=planning.KIND)
    with unit_of_work(session.engine, code) as connection:
        profile = load_profile(connection, code)
        places = places_of(connection, code, claims)
        payments = _payments(connection, code, places, [day.date() for day in days], yens)
        if two:
            approval = planning.ask_plan(
                connection, profile, places, payments, asked_by=person, at=clock.now(),
                reason=reason,
            )  # fmt: skip
            _note(connection, session, person, approval)
        else:
            act = Act(person, clock.now(), clock.today())
            number = planning.begin(connection, profile, places, payments, act, reason=reason)
            staff.record(connection, code, person, "plan_begun", str(number))
    if two:
        _say_asked(session, approval, as_json=as_json)
        return
    session.seal()
    if as_json:
        say_json({"plan_no": number})
        return
    session.out.print(f"分納 {number} を始めました。", markup=False)


def _payments(
    connection: Connection, code: str, places: list[PlaceKey], days: list[date], yens: Sequence[int]
) -> list[Instalments]:
    """The payments as typed, or an even split of what is open."""
    if not yens:
        _obligor, owed = owed_on(connection, code, places)
        return even_payments(sum(each.open_yen for each in owed), days)
    if len(yens) != len(days):
        raise InvalidValueError("plan_parts", found=len(yens), expected=str(len(days)))
    return [Instalments(day, yen) for day, yen in zip(days, yens, strict=True)]


@plans.command("list")
@click.option("--state", type=click.Choice(("all", "agreed", "broken", "ended", "cancelled")),
              default="agreed", show_default=True, help="状態。")  # fmt: skip
@LIMIT
@JSON
@MUNICIPALITY
@session_of
def list_plans_(session: Session, *, state: str, limit: int, as_json: bool) -> None:
    """分納の一覧（新しい順）。"""
    with reading(session.engine, session.municipality) as connection:
        wanted = "" if state == "all" else state
        found = list_plans(connection, session.municipality, state=wanted, limit=limit)
    say_list(session, found, _plan_line, as_json=as_json, data=asdict, empty="分納はありません。")


def _plan_line(plan: Plan) -> str:
    until = formatting.long_day(plan.parts[-1].due_on)
    return (
        f"{plan.plan_no:>6}  {messages.label('plan_state', plan.state)}  "
        f"{formatting.yen(plan.amount_yen)}  {formatting.count(len(plan.parts), '回')}  {until}まで"
    )


@plans.command("cancel")
@click.argument("number", type=click.IntRange(min=1))
@REASON
@USER
@MUNICIPALITY
@session_of
def cancel_plan(session: Session, *, number: int, reason: str, user_name: str) -> None:
    """分納を取り消します。まだ納めていない回の納付書は失効します。"""
    person = signed(session, user_name, asks=planning.KIND)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        act = Act(person, clock.now(), clock.today())
        end_plan(connection, code, number, "cancelled", act, reason=reason)
        staff.record(connection, code, person, "plan_cancelled", str(number))
    session.seal()
    session.out.print(f"分納 {number} を取り消しました。", markup=False)


def _note(connection: Connection, session: Session, person: str, approval: Approval) -> None:
    staff.record(
        connection,
        session.municipality,
        person,
        f"{approval.kind}_asked",
        str(approval.approval_id),
    )


def _say_asked(session: Session, approval: Approval, *, as_json: bool) -> None:
    """What was asked for, and what the second person does."""
    session.seal()
    number = approval.approval_id
    if as_json:
        say_json({"approval_id": number, "content": approval.content})
        return
    session.out.print(
        f"{messages.label('approval_kind', approval.kind)}を依頼しました（承認番号 {number}）。"
        f"別の職員が kokin approvals approve {number} --user NAME で承認します。",
        markup=False,
    )
