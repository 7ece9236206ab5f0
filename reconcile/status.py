"""納付書の状態: what a resident who holds a slip may be told about it (law.md 10.1, R12).

What is printed on the slip is the credential: the 34 digits of the eL number, 確認番号 included, or
the code printed beside them. The answer is about that slip only, never about its owner, and it says
up to when each channel has reported and when more is awaited.

A slip that is there and one that is not are looked for by the same statement, so that the time an
answer takes says nothing more than the answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.enquiring import OpenWay, open_ways
from payments.domain.slip import WHOLE_YEAR, SlipState
from reconcile.arrivals.rules import calendar_of
from reconcile.placement.placed import BY_HAND, PLACED
from reconcile.report.arrivals import as_date

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

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
# One statement, for each statement costs a way to the database and back: the slip, and in lists
# what stands on its account, its receipts and what people placed. Where there is no such slip, the
# same is asked about nobody's. By CASE: behind row-level security PostgreSQL looks into no index
# for what COALESCE says.
_NOTICE = f"CASE WHEN a.notice_id IS NULL THEN {_NOBODYS} ELSE a.notice_id END"
_STATUS = f"""
SELECT a.slip_id, a.notice_id, a.term, a.due_on, a.valid_until, a.amount_yen, a.state,
  a.el_number, a.konbini_barcode, a.superseded,
  (SELECT {{row}}(COUNT(*), SUM(i.amount_yen),
    SUM(i.amount_yen - i.term_yen - i.whole_yen + i.surplus_yen),
    SUM(i.term_yen - i.written_off_yen), SUM(i.whole_yen), SUM(i.written_off_yen))
   FROM instalment_account i WHERE i.municipality_code = :m
   AND i.notice_id = {_NOTICE}
   AND (i.term = a.term OR (a.term = :whole AND i.in_group))) AS account,
  (SELECT {{rows}}({{row}}(r.stage,
    CASE WHEN {BY_HAND.format(receipt="r")} THEN 0 ELSE r.applied_yen END,
    r.suspense_yen, r.paid_on, r.slip_id, r.term, r.file_id, r.line_no))
   FROM receipt r WHERE r.municipality_code = :m
   AND r.notice_id = {_NOTICE} AND r.stage <> 'withdrawn') AS receipts,
  (SELECT {{rows}}({{row}}(t.term, r.stage)) {PLACED}
   AND t.notice_id = {_NOTICE}) AS placed
FROM (SELECT 1 AS one) o LEFT JOIN ({_SLIP} {{which}}) a ON 1 = 1"""
_WHICH = {
    "number": "k.pay_key = :key",
    "id": "k.slip_id = :key ORDER BY k.superseded LIMIT 1",
}
_LISTS = {
    "sqlite": {"row": "json_array", "rows": "json_group_array"},
    "postgresql": {"row": "json_build_array", "rows": "json_agg"},
}
_TEXTS = {
    (dialect, by): _STATUS.format(which=which, **lists).replace(":whole", f"'{WHOLE_YEAR}'")
    for dialect, lists in _LISTS.items()
    for by, which in _WHICH.items()
}
_STATEMENTS = {name: text(said) for name, said in _TEXTS.items()}


class _Account(NamedTuple):
    """An instalment's account, or of 全期 those of its group together; None where there is none."""

    terms: int
    amount_yen: int | None
    outstanding_yen: int | None
    term_yen: int | None
    whole_yen: int | None
    written_off_yen: int | None


class _Receipt(NamedTuple):
    """A receipt on the notice; ``applied_yen`` is 0 where people placed it."""

    stage: str
    applied_yen: int
    suspense_yen: int
    paid_on: str
    slip_id: int | None
    term: str | None
    file_id: int
    line_no: int


class Found(NamedTuple):
    """見つかったもの: the one row that the status of a slip rests on; of nobody's slip all None."""

    slip_id: int | None
    notice_id: int | None
    term: str
    due_on: date | str
    valid_until: date | str
    amount_yen: int
    state: str
    el_number: str | None
    konbini_barcode: str | None
    superseded: bool | int
    account: list[Any] | str
    receipts: list[Any] | str | None
    placed: list[Any] | str | None


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
    return _status(connection, profile, "number", f"E{el_number}", today)


def status_of_slip(
    connection: Connection, profile: Profile, slip_id: int, *, today: date
) -> SlipStatus:
    """The state of the slip with this number of the books; ``unknown`` where there is none."""
    return _status(connection, profile, "id", slip_id, today)


def _status(
    connection: Connection, profile: Profile, by: str, key: str | int, today: date
) -> SlipStatus:
    statement = _STATEMENTS[connection.dialect.name, by]
    row = connection.execute(statement, {"m": profile.municipality_code, "key": key}).one()
    return status_from(Found(*row), profile, today=today)


def prepared_for_postgresql() -> dict[str, tuple[str, str]]:
    """The statement by ``number`` and by ``id`` for a connection that keeps it prepared.

    Name → types and text; the values are the municipality and the key (``E`` and the digits).
    """
    types = {"number": "varchar, varchar", "id": "varchar, bigint"}
    return {
        by: (
            types[by],
            _TEXTS["postgresql", by].replace(":key", "$2").replace(":m", "$1"),
        )
        for by in _WHICH
    }


def straight_for_sqlite() -> dict[str, str]:
    """The same for the driver of SQLite; the values are ``m`` and ``key``."""
    return {by: _TEXTS["sqlite", by] for by in _WHICH}


def status_from(found: Found, profile: Profile, *, today: date) -> SlipStatus:
    """The state that this row tells."""
    account = _Account(*_list(found.account))
    receipts = [_Receipt(*each) for each in _list(found.receipts)]
    receipts.sort(key=lambda each: (str(each.paid_on), each.file_id, each.line_no))
    stages = {stage for term, stage in _list(found.placed) if found.term in {WHOLE_YEAR, term}}
    if found.slip_id is None:
        return SlipStatus(UNKNOWN)
    state, paid_on = _state(found, account, receipts, stages, today)
    valid_until = as_date(found.valid_until) or date.max
    ways: tuple[OpenWay, ...] = ()
    if state == UNCONFIRMED:
        ways = open_ways(
            profile.enquiries.ways,
            amount_yen=found.amount_yen,
            valid_until=valid_until,
            konbini_until=_konbini_until(found.konbini_barcode),
            has_el_qr=found.el_number is not None,
            today=today,
        )
    late = (as_date(found.due_on) or date.max) < today
    return SlipStatus(state, paid_on, valid_until, ways, late)


def _list(said: list[Any] | str | None) -> list[Any]:
    """A list as the database gives it: SQLite as text, PostgreSQL of nothing none."""
    return json.loads(said) if isinstance(said, str) else said or []


def _state(
    slip: Found,
    account: _Account,
    receipts: list[_Receipt],
    placed_stages: set[str],
    today: date,
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
    slip: Found, account: _Account, receipts: list[_Receipt], placed_stages: set[str]
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
