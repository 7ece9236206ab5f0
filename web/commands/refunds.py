"""``kokin refunds``: money that goes back, from why to the file of the bank (過誤納と還付)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from payments.domain.errors import RefusedError
from payments.domain.overpayment import OverpaymentReason
from payments.holds import target_of
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import appropriate, decide, notices
from reconcile.refunds import withdraw as withdrawing
from reconcile.refunds.ageing import ageing
from reconcile.refunds.classing import Grounds, classify
from reconcile.refunds.events import happenings, refund
from reconcile.refunds.events import refunds as all_refunds
from reconcile.refunds.found import STATES, overpayment, overpayments
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.intake import DATE
from web.commands.session import MUNICIPALITY, Session, say_json, say_list, session_of
from web.commands.signing import USER, signed, signer
from web.duties import Do, can
from web.refunds.words import place_words, reason_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.refunds.found import Overpayment

SUBJECT = click.argument("subject", metavar="line:FILE:LINE|claim:NOTICE/TERM")
NUMBER = click.argument("number", type=click.IntRange(min=1))
REASON = click.option("--reason", required=True, help="理由（記録に残ります）。")
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
REASONS = tuple(str(reason) for reason in OverpaymentReason)


@click.group()
def refunds() -> None:
    """過誤納と還付: 認定、充当、還付の決定、振込データ、組戻し。"""


# ---- looking ----


@refunds.command("list")
@click.option("--state", type=click.Choice(STATES), help="段階。")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1_000,
    show_default=True,
    help="件数の上限。",
)
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, state: str | None, limit: int, *, as_json: bool) -> None:
    """過誤納の一覧（古い順）。"""
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        found = overpayments(connection, profile, clock.today(), limit=limit)
    if state:
        found = [each for each in found if each.state == state]
    say_list(
        session,
        found,
        lambda each: _line(profile, each),
        as_json=as_json,
        data=_data,
        empty="過誤納はありません。",
    )


@refunds.command("ageing")
@JSON
@MUNICIPALITY
@session_of
def ageing_(session: Session, *, as_json: bool) -> None:
    """時効の近いもの、通知していないもの。"""
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        found = ageing(connection, profile, clock.today())

    def line(row: Any) -> str:
        note = "時効完成" if row.expired else "時効が近い" if row.expires_soon else "未通知"
        day = formatting.long_day(row.overpayment.expires_on)
        return f"{_line(profile, row.overpayment)}  {note}（時効 {day}、{row.days}日経過）"

    say_list(
        session,
        list(found.warnings),
        line,
        as_json=as_json,
        data=lambda row: _data(row.overpayment)
        | {"days": row.days, "expired": row.expired, "expires_soon": row.expires_soon,
           "unnoticed": row.unnoticed},
        empty="注意を要する過誤納はありません。",
    )  # fmt: skip


@refunds.command()
@SUBJECT
@JSON
@MUNICIPALITY
@session_of
def propose(session: Session, subject: str, *, as_json: bool) -> None:
    """充当の提案: 納期限の来た徴収金に、どの順でいくら充てるか。残りが還付になります。"""
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        found = appropriate.proposal(connection, profile, subject, clock.today())
    if as_json:
        say_json(
            {
                "overpayment": _data(found.overpayment),
                "parts": [
                    {"place": line.place, "open_yen": line.open_yen, "charge": line.is_charge,
                     "amount_yen": line.share.amount_yen,
                     "effective_on": line.share.effective_on.isoformat()}
                    for line in found.lines
                ],
                "appropriated_yen": found.appropriated_yen,
                "refund_yen": found.rest_yen,
            }
        )  # fmt: skip
        return
    session.out.print(_line(profile, found.overpayment), markup=False)
    for line in found.lines:
        day = formatting.long_day(line.share.effective_on)
        yen = formatting.yen(line.share.amount_yen)
        session.out.print(f"  充当 {line.place}  {yen}  充当適状 {day}", markup=False)
    session.out.print(f"  還付 {formatting.yen(max(found.rest_yen, 0))}", markup=False)


@refunds.command()
@NUMBER
@JSON
@MUNICIPALITY
@session_of
def show(session: Session, number: int, *, as_json: bool) -> None:
    """還付の一件と、その経過。"""
    with reading(session.engine, session.municipality) as connection:
        found = refund(connection, session.municipality, number)
        history = happenings(connection, session.municipality, number)
    if as_json:
        data = found._asdict() | {"history": [each._asdict() for each in history]}
        del data["obligor_no"]
        say_json(data)
        return
    state = messages.label("refund_state", found.state)
    yen = formatting.yen(found.total_yen)
    session.out.print(f"還付 {number}  {yen}  {state}", markup=False)
    for each in history:
        label = messages.label("refund_state", each.event)
        day = formatting.long_day(each.happened_on)
        session.out.print(f"  {day} {label} {each.actor} {each.note}", markup=False)


# ---- deciding ----


@refunds.command("class")
@SUBJECT
@click.option("--reason", "why", type=click.Choice(REASONS), required=True, help="過誤納の理由。")
@click.option("--event-on", type=DATE, help="更正の請求・所得税の通知や申告の日。")
@click.option("--corrected-on", type=DATE, help="更正の日（資料の届いた日と異なるとき）。")
@click.option("--paid-on", type=DATE, help="納付の日（報告にないとき）。")
@click.option("--note", default="", help="メモ。")
@USER
@JSON
@MUNICIPALITY
@session_of
def class_(
    session: Session, /, subject: str, why: str, note: str, user_name: str,
    *, as_json: bool, **days: datetime | None,
) -> None:  # fmt: skip
    """過誤納の理由を認定します。還付加算金の始まりが決まります。"""
    known = {name: day.date() for name, day in days.items() if day is not None}

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        grounds = Grounds(why, note=note, **known)
        classify(
            connection, profile, subject, grounds, by=person, at=clock.now(), as_of=clock.today()
        )
        return _data(overpayment(connection, profile, subject, clock.today()))

    do(session, user_name, Do.WORK_REFUNDS, "overpayment_classed", deed, as_json=as_json)


@refunds.command()
@SUBJECT
@click.option("--appropriate", "first", is_flag=True, help="提案のとおりの充当を依頼します。")
@click.option("--interest", is_flag=True, help="充当した額の還付加算金だけを依頼します。")
@click.option("--yen", "amount_yen", type=click.IntRange(min=1), help="還付する額（既定: 残額）。")
@REASON
@USER
@JSON
@MUNICIPALITY
@session_of
def ask(
    session: Session, subject: str, amount_yen: int | None, reason: str, user_name: str,
    *, first: bool, interest: bool, as_json: bool,
) -> None:  # fmt: skip
    """還付（または充当、充当した額の加算金）を依頼します。別の職員が承認するまで、何も変わりません。"""

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "as_of": clock.today(),
            "asked_by": person,
            "at": clock.now(),
            "reason": reason,
        }
        if first:
            found = appropriate.ask_appropriation(connection, profile, subject, **asked)
        elif interest:
            found = [decide.ask_interest(connection, profile, subject, **asked)]
        else:
            found = [decide.ask_refund(connection, profile, subject, amount_yen, **asked)]
        return {"approvals": [approval.approval_id for approval in found]}

    kind = appropriate.KIND if first else decide.KIND
    do(session, user_name, Do.WORK_REFUNDS, "refund_asked", deed, as_json=as_json, asks=kind)


@refunds.command()
@SUBJECT
@click.argument("claims", nargs=-1, required=True, metavar="科目/賦課年度/通知書番号/期別…")
@click.option("--consented-on", required=True, type=DATE, help="本人が同意した日。")
@REASON
@USER
@JSON
@MUNICIPALITY
@session_of
def entrust(
    session: Session, subject: str, claims: tuple[str, ...], consented_on: datetime, reason: str,
    user_name: str, *, as_json: bool,
) -> None:  # fmt: skip
    """委託納付: 本人の同意により、納期限の来ていない期別の納付に充てるよう依頼します。

    納期限の来た未納があれば、先に充てます。別の職員が承認するまで、何も変わりません。
    """

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        targets = [target_of(connection, session.municipality, claim) for claim in claims]
        places = frozenset((target.notice_id, target.term) for target in targets)
        asked = appropriate.ask_appropriation(
            connection, profile, subject, as_of=clock.today(), asked_by=person, at=clock.now(),
            reason=reason, consent=appropriate.Consent(consented_on.date(), places),
        )  # fmt: skip
        return {"approvals": [approval.approval_id for approval in asked]}

    kind = appropriate.KIND
    do(
        session, user_name, Do.WORK_REFUNDS, "appropriation_asked", deed, as_json=as_json,
        asks=kind,
    )  # fmt: skip


@refunds.command()
@NUMBER
@REASON
@USER
@JSON
@MUNICIPALITY
@session_of
def cancel(session: Session, number: int, reason: str, user_name: str, *, as_json: bool) -> None:
    """還付の決定の取消を依頼します（振込の前、または組戻しのあと）。"""

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        asked = decide.ask_cancel(
            connection, profile, number, asked_by=person, at=clock.now(), reason=reason
        )
        return {"approvals": [asked.approval_id]}

    do(
        session, user_name, Do.WORK_REFUNDS, "refund_cancel_asked", deed, as_json=as_json,
        asks=decide.CANCEL,
    )  # fmt: skip


@refunds.command()
@NUMBER
@click.option(
    "--stopped", default="", help="ファイルの引渡し後のとき: 振込を止めたと確認した銀行の相手。"
)
@REASON
@USER
@JSON
@MUNICIPALITY
@session_of
def withdraw(
    session: Session, number: int, stopped: str, reason: str, user_name: str, *, as_json: bool
) -> None:
    """振込データの取消を依頼します（二人の承認）。還付は、振込の前の状態に戻ります。"""

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        asked = withdrawing.ask_withdraw(
            connection, profile, number, asked_by=person, at=clock.now(), reason=reason,
            stopped=stopped,
        )  # fmt: skip
        return {"approvals": [asked.approval_id]}

    do(
        session, user_name, Do.SEND_REFUNDS, "refund_batch_withdraw_asked", deed,
        as_json=as_json, asks=withdrawing.KIND,
    )  # fmt: skip


@refunds.command()
@SUBJECT
@USER
@JSON
@MUNICIPALITY
@session_of
def notice(session: Session, subject: str, user_name: str, *, as_json: bool) -> None:
    """通知書を作ります（PDFは画面から）。きょうから30日の期間が始まります。"""

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        number = notices.issue(
            connection, profile, subject, on=clock.today(), by=person, at=clock.now()
        )
        return {"notice_no": number}

    do(session, user_name, Do.WORK_REFUNDS, "refund_notice_made", deed, as_json=as_json)


@refunds.command("paid")
@click.option("--state", type=click.Choice(("all", "paid", "returned", "decided", "sent")),
              default="all", show_default=True, help="状態。")  # fmt: skip
@JSON
@MUNICIPALITY
@session_of
def paid_(session: Session, state: str, *, as_json: bool) -> None:
    """決定した還付の一覧。"""
    with reading(session.engine, session.municipality) as connection:
        states = () if state == "all" else (state,)
        found = all_refunds(connection, session.municipality, states=states)

    def data(each: Any) -> dict[str, Any]:
        facts: dict[str, Any] = each._asdict()
        del facts["obligor_no"]
        return facts

    say_list(
        session,
        found,
        lambda each: (
            f"{each.refund_no} {formatting.yen(each.total_yen)} "
            f"{messages.label('refund_state', each.state)} {formatting.long_day(each.since_on)}"
        ),
        as_json=as_json,
        data=data,
        empty="還付はありません。",
    )


# ---- what they share ----


def signed_for(session: Session, user_name: str, what: Do, asks: str = "") -> str:
    """署名した職員 who may do this; :class:`RefusedError` ``role_needed`` otherwise."""
    if asks:
        return signed(session, user_name, asks=asks)
    person = signer(session, user_name)
    if not can(person, what):
        raise RefusedError("forbidden_role", user_name=person.user_name)
    return person.user_name


def do(
    session: Session,
    user_name: str,
    what: Do,
    event: str,
    deed: Callable[[Connection, Profile, str], dict[str, Any]],
    *,
    as_json: bool,
    asks: str = "",
) -> None:
    """A deed of a person in one transaction, recorded, sealed, and told."""
    person = signed_for(session, user_name, what, asks)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        told = deed(connection, load_profile(connection, code), person)
        staff.record(connection, code, person, event, "")
    session.seal()
    if as_json:
        say_json(told)
        return
    for number in told.get("approvals", ()):
        session.out.print(
            f"依頼しました（承認番号 {number}）。別の職員が kokin approvals approve {number} "
            "--user NAME で承認します。",
            markup=False,
        )
    for name, value in told.items():
        if name != "approvals":
            session.out.print(f"{messages.label('fact', name)}: {value}", markup=False)


def _line(profile: Profile, each: Overpayment) -> str:
    place = place_words(profile, each.item_code, each.levy_year, each.notice_no, each.term)
    state = messages.label("overpayment_state", each.state)
    yen = formatting.yen(each.waiting_yen)
    return f"{each.subject}  {place}  {yen}  {reason_words(each.likely)}  {state}"


def _data(each: Overpayment) -> dict[str, Any]:
    """過誤納 as data, without whose it is."""
    facts: dict[str, Any] = each._asdict()
    del facts["obligor_no"], facts["account_no"]
    return facts | {"waiting_yen": each.waiting_yen, "state": each.state}
