"""還付の決定: what is left of an overpayment goes back to the person, with interest.

One person asks, another decides; with the decision (支出決定) the money leaves 仮受金 for 還付未済
and interest ends. What was asked for says what it bears: if that is another amount on the day of
the decision, the first person asks again (``approval_stale``). As long as no transfer is under way
two people may take it back in the same manner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments import approve
from payments.domain.accrual import LeftOut
from payments.domain.errors import NotFoundError, RefusedError
from payments.domain.overpayment import expires_on
from payments.domain.refund_interest import RefundInterest, refund_interest, unclaimed
from payments.store.bulk import take_numbers
from payments.versions import as_day
from reconcile import flag
from reconcile.deciding import decide_again
from reconcile.journal import open_journal
from reconcile.placement.record import ANSWERED
from reconcile.refunds import payees
from reconcile.refunds.events import (
    CANCELLED,
    DECIDED,
    PAYABLE,
    RETURNED,
    Refund,
    refund,
    write_event,
)
from reconcile.refunds.found import Overpayment, overpayment, years_of
from reconcile.refunds.on_appropriated import is_provisional, on_appropriated, paid_before_yen
from reconcile.refunds.returned import end_case
from reconcile.rules import CASE_OUTCOMES
from reconcile.store.refund_tables import RefundRow

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile

KIND, CANCEL = "refund", "refund_cancel"

table: Any = RefundRow.__table__  # type: ignore[attr-defined]

_POST = """
INSERT INTO posting (municipality_code, journal_id, subject_file_id, subject_line_no, leg,
    debit_account, credit_account, amount_yen, reason, notice_id, term, group_id)
VALUES (:m, :journal_id, 0, :refund_no, :leg, :debit, :credit, :yen, :reason, :notice_id, :term,
    NULL)"""


# ---- asking ----


def require_payable(
    connection: Connection, profile: Profile, subject: str, as_of: date
) -> Overpayment:
    """還付できる過誤納: classed, confirmed, with nothing due, not expired, and with an account.

    Raises :class:`NotFoundError` ``overpayment``; :class:`RefusedError` ``refund_not_classed``,
    ``refund_on_demand``, ``refund_provisional``, ``refund_claims_due``, ``refund_expired`` or
    ``refund_payee``.
    """
    found = overpayment(connection, profile, subject, as_of)
    if found.reason is None:
        raise RefusedError("refund_not_classed", subject=subject)
    if found.reason.interest_reason is None:
        raise RefusedError("refund_on_demand", found=found.reason.label_ja)
    if found.stage == "provisional":
        raise RefusedError("refund_provisional", subject=subject)
    if found.due_yen > 0:
        raise RefusedError("refund_claims_due", expected=found.due_yen)
    if found.expires_on < as_of:
        raise RefusedError("refund_expired", expected=found.expires_on.isoformat())
    if found.account_no is None:
        raise RefusedError("refund_payee", subject=subject)
    return found


def interest_of(
    connection: Connection, profile: Profile, found: Overpayment, amount_yen: int, as_of: date
) -> tuple[RefundInterest, LeftOut | None]:
    """還付加算金 of so much of a classed overpayment, decided on ``as_of``, and the days left out.

    Nobody has claimed it before an account was given (除算期間, 17条の4②).
    """
    if found.interest_from_on is None:
        raise RefusedError("refund_not_classed", subject=found.subject)
    out = None
    if found.noticed_on is not None:
        given = payees.current(connection, profile.municipality_code, found.obligor_no)
        claimed_on = given.registered_on if given is not None else as_of
        out = unclaimed(found.noticed_on, claimed_on)
    left_out = (out,) if out is not None else ()
    return refund_interest(amount_yen, found.interest_from_on, as_of, left_out=left_out), out


def left_out_of(found: Refund) -> tuple[LeftOut, ...]:
    """除算期間 of a refund as it was decided."""
    if found.out_from_on is None or found.out_until is None:
        return ()
    return (LeftOut(found.out_from_on, found.out_until),)


def content_of(
    connection: Connection, profile: Profile, subject: str, amount_yen: int | None, as_of: date
) -> dict[str, Any]:
    """依頼の内容: how much goes back, with which interest, to which account.

    ``amount_yen`` None is all that waits. Raises what :func:`require_payable` raises, and
    :class:`RefusedError` ``refund_too_much``.
    """
    found = require_payable(connection, profile, subject, as_of)
    yen = found.waiting_yen if amount_yen is None else amount_yen
    if not 0 < yen <= found.waiting_yen:
        raise RefusedError("refund_too_much", found=yen, expected=found.waiting_yen)
    interest, out = interest_of(connection, profile, found, yen, as_of)
    account = payees.account(connection, profile.municipality_code, int(found.account_no or 0))
    before = paid_before_yen(connection, profile.municipality_code, subject)
    before = min(before, interest.interest_yen)
    return _less(before) | {
        "subject": subject,
        "overpayment_no": found.overpayment_no,
        "reason": str(found.reason),
        "place": f"{found.item_code}/{found.levy_year}/{found.notice_no}/{found.term}",
        "notice_id": found.notice_id,
        "term": found.term,
        "amount_yen": yen,
        "interest_yen": interest.interest_yen - before,
        "interest_from_on": interest.starts_on.isoformat(),
        "out_from_on": out.from_on.isoformat() if out else None,
        "out_until": out.until_on.isoformat() if out else None,
        "account_no": account.account_no,
        "account": account.shown,
    }


def _less(yen: int) -> dict[str, Any]:
    """控除: interest that was paid before, for an appropriation that was undone since."""
    return {"paid_before_yen": yen} if yen else {}


def ask_refund(
    connection: Connection,
    profile: Profile,
    subject: str,
    amount_yen: int | None = None,
    *,
    as_of: date,
    asked_by: str,
    at: datetime,
    reason: str,
) -> Approval:
    """還付の依頼: the first of the two people.

    Raises what :func:`content_of` and :func:`payments.approve.ask` raise.
    """
    content = content_of(connection, profile, subject, amount_yen, as_of)
    return approve.ask(
        connection, profile.municipality_code, KIND, subject, content,
        asked_by=asked_by, at=at, reason=reason,
    )  # fmt: skip


# ---- the interest on what was appropriated ----


def interest_content(
    connection: Connection, profile: Profile, subject: str, as_of: date
) -> dict[str, Any]:
    """依頼の内容: 還付加算金 alone, on what was appropriated and does not go back itself.

    Raises :class:`RefusedError` ``refund_not_classed`` (or nothing is borne for that reason),
    ``refund_interest_nothing``, ``refund_provisional`` (the payment may still be withdrawn),
    ``refund_expired`` or ``refund_payee``.
    """
    code = profile.municipality_code
    owed = on_appropriated(connection, code, subject)
    if owed is None:
        raise RefusedError("refund_not_classed", subject=subject)
    if not owed.interest_yen:
        raise RefusedError("refund_interest_nothing", subject=subject)
    if is_provisional(connection, code, subject):
        raise RefusedError("refund_provisional", subject=subject)
    row = owed.classed
    last = expires_on(as_day(row.arose_on), years_of(profile, row.item_code))
    if last < as_of:
        raise RefusedError("refund_expired", expected=last.isoformat())
    given = payees.current(connection, code, row.obligor_no)
    if given is None:
        raise RefusedError("refund_payee", subject=subject)
    before = sum(each.interest.interest_yen for each in owed.bearings) - owed.interest_yen
    return _less(before) | {
        "subject": subject,
        "overpayment_no": row.overpayment_no,
        "reason": row.reason,
        "place": f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}",
        "notice_id": row.notice_id,
        "term": row.term,
        "amount_yen": 0,
        "interest_yen": owed.interest_yen,
        "interest_from_on": as_day(row.interest_from_on).isoformat(),
        "out_from_on": None,
        "out_until": None,
        "account_no": given.account_no,
        "account": given.shown,
        "bears": owed.said(),
    }


def ask_interest(
    connection: Connection,
    profile: Profile,
    subject: str,
    *,
    as_of: date,
    asked_by: str,
    at: datetime,
    reason: str,
) -> Approval:
    """充当した額の還付加算金の依頼; what :func:`interest_content` and ``approve.ask`` raise."""
    content = interest_content(connection, profile, subject, as_of)
    return approve.ask(
        connection, profile.municipality_code, KIND, subject, content,
        asked_by=asked_by, at=at, reason=reason,
    )  # fmt: skip


def content_again(
    connection: Connection, profile: Profile, said: dict[str, Any], as_of: date
) -> dict[str, Any]:
    """依頼の内容 as it would be now, of a refund or of interest alone; what the asking raises."""
    if said["amount_yen"] == 0:
        return interest_content(connection, profile, said["subject"], as_of)
    return content_of(connection, profile, said["subject"], said["amount_yen"], as_of)


# ---- deciding ----


def carry_out(connection: Connection, profile: Profile, approval: Approval, *, on: date) -> int:
    """還付の決定 on ``on``; returns the number of the refund.

    Raises :class:`RefusedError` ``approval_stale`` when it would be another one now, and what
    :func:`content_of` raises.
    """
    said = approval.content
    content = content_again(connection, profile, said, on)
    if approve.canonical(content) != approve.canonical(said):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    code = profile.municipality_code
    about = _about(connection, profile, said, on)
    by, at = str(approval.decided_by), approval.decided_at
    journal_id = open_journal(connection, code, KIND, on, by, reason=approval.reason)
    number = take_numbers(connection, code, "refund", 1)
    days = {name: said[name] for name in ("interest_from_on", "out_from_on", "out_until")}
    connection.execute(
        table.insert().values(
            municipality_code=code,
            refund_no=number,
            approval_id=approval.approval_id,
            overpayment_no=said["overpayment_no"],
            file_id=about.file_id,
            line_no=about.line_no,
            notice_id=about.notice_id,
            term=about.term,
            obligor_no=about.obligor_no,
            amount_yen=said["amount_yen"],
            interest_yen=said["interest_yen"],
            decided_on=on,
            account_no=said["account_no"],
            journal_id=journal_id,
            asked_by=approval.asked_by,
            decided_by=by,
            made_at=at,
            **{name: as_day(day) if day else None for name, day in days.items()},
        )
    )
    write_event(connection, code, number, DECIDED, on=on, by=by, at=at, journal_id=journal_id)
    decided = refund(connection, code, number)
    post(connection, code, journal_id, decided, 1, ("suspense", "refund_due"), "refund_decided")
    if isinstance(about, Overpayment) and about.waiting_yen == said["amount_yen"]:
        _close_cases(connection, code, about, on, by, approval.reason)
    return number


def _about(connection: Connection, profile: Profile, said: dict[str, Any], on: date) -> Any:
    """Of what a refund is: what waits, or the class of what was appropriated."""
    if said["amount_yen"]:
        return overpayment(connection, profile, said["subject"], on)
    owed = on_appropriated(connection, profile.municipality_code, said["subject"])
    if owed is None:
        raise RefusedError("refund_not_classed", subject=said["subject"])
    return owed.classed


def post(
    connection: Connection,
    municipality_code: str,
    journal_id: int,
    about: Refund,
    leg: int,
    accounts: tuple[str, str],
    reason: str,
    yen: int | None = None,
) -> None:
    """還付の仕訳: debit and credit of one posting about a refund; its principal unless said.

    Interest alone (on what was appropriated) has no principal and moves nothing here.
    """
    if (about.amount_yen if yen is None else yen) == 0:
        return
    connection.execute(
        text(_POST),
        {
            "m": municipality_code,
            "journal_id": journal_id,
            "refund_no": about.refund_no,
            "leg": leg,
            "debit": accounts[0],
            "credit": accounts[1],
            "yen": about.amount_yen if yen is None else yen,
            "reason": reason,
            "notice_id": about.notice_id,
            "term": about.term or None,
        },
    )


def case_subject(found: Overpayment) -> str:
    """確認事項の対象: the line, or the instalment."""
    if found.file_id:
        return f"{found.file_id}:{found.line_no}"
    return f"{found.notice_id}/{found.term}"


def _close_cases(
    connection: Connection, code: str, found: Overpayment, on: date, by: str, reason: str
) -> None:
    """All of it goes back: nobody need look at it any more."""
    flag.close_cases(
        connection, code, [case_subject(found)], kinds=ANSWERED, on=on.isoformat(), actor=by,
        note=reason,
    )  # fmt: skip


# ---- taking back ----


def cancel_content(
    connection: Connection, municipality_code: str, refund_no: int
) -> dict[str, Any]:
    """取消の依頼の内容: a refund of which no transfer is under way.

    Raises :class:`NotFoundError` ``refund_no``; :class:`RefusedError` ``refund_state``.
    """
    found = refund(connection, municipality_code, refund_no)
    if found.state not in {*PAYABLE, RETURNED}:
        raise RefusedError("refund_state", refund_no=refund_no, state=found.state)
    return {
        "refund_no": refund_no,
        "subject": found.subject,
        "state": found.state,
        "amount_yen": found.amount_yen,
        "interest_yen": found.interest_yen,
    }


def ask_cancel(
    connection: Connection,
    profile: Profile,
    refund_no: int,
    *,
    asked_by: str,
    at: datetime,
    reason: str,
) -> Approval:
    """還付の取消の依頼; what :func:`cancel_content` and :func:`payments.approve.ask` raise."""
    code = profile.municipality_code
    content = cancel_content(connection, code, refund_no)
    return approve.ask(
        connection, code, CANCEL, f"refund:{refund_no}", content,
        asked_by=asked_by, at=at, reason=reason,
    )  # fmt: skip


def cancel(connection: Connection, profile: Profile, approval: Approval, *, on: date) -> None:
    """還付の取消: the money waits again, and somebody must look at it.

    What it was meant to pay may be open since: then it is decided again as any payment that waits
    (outcomes.md 5), and so are others that waited because of this refund.

    Raises :class:`RefusedError` ``approval_stale`` and what :func:`cancel_content` raises.
    """
    code, number = profile.municipality_code, int(approval.content["refund_no"])
    content = cancel_content(connection, code, number)
    if approve.canonical(content) != approve.canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    found = refund(connection, code, number)
    by, at = str(approval.decided_by), approval.decided_at
    journal_id = open_journal(connection, code, CANCEL, on, by, reason=approval.reason)
    post(connection, code, journal_id, found, 1, ("refund_due", "suspense"), "refund_cancelled")
    write_event(
        connection, code, number, CANCELLED, on=on, by=by, at=at, journal_id=journal_id,
        note=approval.reason,
    )  # fmt: skip
    if found.state == RETURNED:
        end_case(connection, code, number, by=by, on=on, note=approval.reason)
    if not found.amount_yen:  # interest alone: it is owed again, and its page says so
        return
    place = (found.notice_id, found.term)
    surplus = found.subject.startswith("claim:")  # it kept every payment of its claim as it was
    decide_again(connection, code, place, journal_id, actor=by, on=on, whole=surplus)
    try:
        again = overpayment(connection, profile, found.subject, on)
    except NotFoundError:  # it has paid what it was meant to pay
        return
    kind = again.outcome if again.outcome in CASE_OUTCOMES else "overpaid_by_correction"
    line = (again.file_id, again.line_no) if again.file_id else (None, None)
    case = flag.Case(kind, case_subject(again), again.waiting_yen, *line)
    flag.open_cases(connection, code, [case], on=on.isoformat(), actor=by)
