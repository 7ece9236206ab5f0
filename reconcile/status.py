"""納付書の状態: what a resident who holds a slip may be told about it (law.md 10.1, R12).

What is printed on the slip is the credential: the 34 digits of the eL number, 確認番号 included, or
the code printed beside them. The answer is about that slip only, never about its owner, and it says
up to when each channel has reported and when more is awaited.

A slip that is there and one that is not are looked for by the same statements, one for one, so that
the time an answer takes says nothing more than the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.enquiring import OpenWay, open_ways
from payments.domain.slip import WHOLE_YEAR, SlipState
from reconcile.arrivals.rules import calendar_of
from reconcile.placement.placed import BY_HAND, placed_on
from reconcile.report.arrivals import as_date

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from payments.domain.arrivals import ArrivalRule
    from payments.domain.profile import Profile

UNKNOWN = "unknown"
UNCONFIRMED, PROVISIONAL, CHECKING = "unconfirmed", "provisional", "checking"
PAID, PAID_OTHERWISE = "paid", "paid_otherwise"
EXPIRED, REISSUED, WITHDRAWN, TERMS_BEGUN = "expired", "reissued", "withdrawn", "terms_begun"
STATES = (
    UNCONFIRMED, PROVISIONAL, CHECKING, PAID, PAID_OTHERWISE, EXPIRED, REISSUED, WITHDRAWN,
    TERMS_BEGUN, UNKNOWN,
)  # fmt: skip
"""Every answer there is."""

_NOBODYS = -1  # no slip and no notice has this number
_NO_LAST_DAY = "999999"  # of a barcode (symbols.md 3.1)
_LOOKED_AHEAD = 40  # days in which a file that is due at all is due
_SLIP = """
SELECT s.slip_id, s.notice_id, s.term, s.due_on, s.valid_until, s.amount_yen, s.state,
  s.el_number, s.konbini_barcode, k.superseded
FROM pay_key k JOIN slip s ON s.municipality_code = k.municipality_code AND s.slip_id = k.slip_id
WHERE k.municipality_code = :m AND """
_BY_NUMBER = text(f"{_SLIP} k.pay_key = :key")
_BY_ID = text(f"{_SLIP} k.slip_id = :key ORDER BY k.superseded LIMIT 1")
_RECEIPTS = text(
    f"SELECT r.stage, CASE WHEN {BY_HAND.format(receipt='r')} THEN 0 "
    "ELSE r.applied_yen END AS applied_yen, r.suspense_yen, r.paid_on, r.slip_id, r.term "
    "FROM receipt r WHERE r.municipality_code = :m AND r.notice_id = :notice "
    "AND r.stage <> 'withdrawn' ORDER BY r.paid_on, r.file_id, r.line_no"
)
_ACCOUNT = text(
    "SELECT COUNT(*) AS terms, SUM(amount_yen) AS amount_yen, "
    "SUM(amount_yen - term_yen - whole_yen + surplus_yen) AS outstanding_yen, "
    "SUM(term_yen - written_off_yen) AS term_yen, SUM(whole_yen) AS whole_yen, "
    "SUM(written_off_yen) AS written_off_yen FROM instalment_account "
    "WHERE municipality_code = :m AND notice_id = :notice "
    f"AND (term = :term OR (:term = '{WHOLE_YEAR}' AND in_group))"
)


@dataclass(frozen=True, slots=True)
class CutOff:
    """データの基準: up to which day one source has reported; None when nothing came yet.

    ``next_at``: when its next file is awaited; None where the arrival calendar says nothing.
    """

    code: str
    format_code: str
    received_on: date | None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SlipStatus:
    """照会の答え: a state and what it rests on. Every date is printed on the slip itself.

    ``ways``: how this slip can still be paid on the day of the question. ``late``: its 納期限 has
    passed, so that the printed amount may no longer be all there is to pay (地方税法326条 and the
    like).
    """

    state: str
    paid_on: date | None = None
    valid_until: date | None = None
    ways: tuple[OpenWay, ...] = ()
    late: bool = False


def slip_status(
    connection: Connection, profile: Profile, el_number: str, *, today: date
) -> SlipStatus:
    """The state of the slip with these 34 digits; ``unknown`` for any other text."""
    return _status(connection, profile, _BY_NUMBER, f"E{el_number}", today)


def status_of_slip(
    connection: Connection, profile: Profile, slip_id: int, *, today: date
) -> SlipStatus:
    """The state of the slip with this number of the books; ``unknown`` where there is none."""
    return _status(connection, profile, _BY_ID, slip_id, today)


def _status(
    connection: Connection, profile: Profile, statement: Any, key: str | int, today: date
) -> SlipStatus:
    code = profile.municipality_code
    slip = connection.execute(statement, {"m": code, "key": key}).one_or_none()
    # Where there is none, the same is asked about nobody's slip.
    notice_id: int = slip.notice_id if slip else _NOBODYS
    term: str = slip.term if slip else WHOLE_YEAR
    place = {"m": code, "notice": notice_id}
    account = connection.execute(_ACCOUNT, {**place, "term": term}).one()
    receipts = connection.execute(_RECEIPTS, place).all()
    placed = placed_on(connection, code, notice_id)
    if slip is None:
        return SlipStatus(UNKNOWN)
    stages = {part.stage for part in placed if term in {WHOLE_YEAR, part.term}}
    state, paid_on = _state(slip, account, receipts, stages, today)
    valid_until = as_date(slip.valid_until) or date.max
    ways: tuple[OpenWay, ...] = ()
    if state == UNCONFIRMED:
        ways = open_ways(
            profile.enquiries.ways,
            amount_yen=slip.amount_yen,
            valid_until=valid_until,
            konbini_until=_konbini_until(slip.konbini_barcode),
            has_el_qr=slip.el_number is not None,
            today=today,
        )
    late = (as_date(slip.due_on) or date.max) < today
    return SlipStatus(state, paid_on, valid_until, ways, late)


def _state(
    slip: Row[Any], account: Row[Any], receipts: Any, placed_stages: set[str], today: date
) -> tuple[str, date | None]:
    """State and 領収日 of a slip; the first that holds, from what is surest to what is least."""
    paid = _payment(slip, account, receipts, placed_stages)
    if paid is not None:
        return paid
    if slip.state == SlipState.REVOKED or account.written_off_yen or not account.amount_yen:
        return WITHDRAWN, None
    if slip.superseded:
        return REISSUED, None
    if slip.term == WHOLE_YEAR and account.term_yen:
        return TERMS_BEGUN, None
    expired = (as_date(slip.valid_until) or date.max) < today
    return (EXPIRED if expired else UNCONFIRMED), None


def _payment(
    slip: Row[Any], account: Row[Any], receipts: Any, placed_stages: set[str]
) -> tuple[str, date | None] | None:
    """State and 領収日 when something was paid for what the slip asks for, else None.

    納付済 needs the whole amount, confirmed. Money that is there but not (all) applied to it is
    being looked at; another way of paying the same (全期 or an older slip) counts as well, and what
    people placed counts where they placed it.
    """
    whole = slip.term == WHOLE_YEAR
    applied_yen = (account.term_yen or 0) + (account.whole_yen or 0)
    left_yen = account.outstanding_yen or account.written_off_yen  # given up is not paid
    settled = bool(account.terms and applied_yen and not left_yen)
    own = [row for row in receipts if row.slip_id == slip.slip_id]
    applied = [row for row in own if row.applied_yen > 0]
    if settled or sum(row.applied_yen for row in applied) >= slip.amount_yen:
        relevant = applied or [row for row in receipts if row.applied_yen > 0]
        if "provisional" in {row.stage for row in relevant} | placed_stages:
            return PROVISIONAL, as_date(applied[-1].paid_on) if applied else None
        if applied:
            return PAID, as_date(applied[-1].paid_on)
        other = account.term_yen if whole else account.whole_yen
        return (PAID_OTHERWISE if other else PAID), None
    if own:
        return CHECKING, as_date(own[0].paid_on)
    # Money that came by another slip of the same claim, and that nobody has placed yet.
    same = {slip.term, WHOLE_YEAR}
    if any(row.suspense_yen > 0 and (whole or row.term in same) for row in receipts):
        return CHECKING, None
    return None


def _konbini_until(barcode: str | None) -> date | None:
    """支払期限 in a barcode; None without one, ``date.max`` for one without a last day."""
    if not barcode:
        return None
    said = barcode[30:36]
    if said == _NO_LAST_DAY:
        return date.max
    return date(2000 + int(said[:2]), int(said[2:4]), int(said[4:]))


# ---- what the answer rests on ----


def data_cut_offs(
    connection: Connection, profile: Profile, at: datetime, today: date
) -> tuple[CutOff, ...]:
    """データの基準 of each source of slip payments, and when it reports next (受領予定)."""
    rows = connection.execute(
        text(
            "SELECT format_code, MAX(received_on) FROM source_file "
            "WHERE municipality_code = :m AND status = 'accepted' GROUP BY format_code"
        ),
        {"m": profile.municipality_code},
    )
    newest: Mapping[str, date | None] = {str(code): as_date(day) for code, day in rows}
    calendar = calendar_of(connection, profile)
    return tuple(
        CutOff(
            source.code,
            source.format_code,
            newest.get(source.format_code),
            next_arrival(calendar.rule(source, today), at, today),
        )
        for source in calendar.sources
        if source.format_code == "eltax_payment" or source.format_code.startswith("konbini_")
    )


def next_arrival(rule: ArrivalRule, at: datetime, today: date) -> datetime | None:
    """次の受領予定: the first cut-off that is still to come; None where none is expected."""
    for number in range(_LOOKED_AHEAD):
        day = today + timedelta(days=number)
        if rule.is_due(day) and rule.cut_off_at(day) > at:
            return rule.cut_off_at(day)
    return None
