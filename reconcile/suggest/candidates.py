"""候補: what a receipt or a credit without a place may be for (`kokin cases suggest`).

Gathers facts by look-ups of their keys, never by a search through the city, and lets
:mod:`reconcile.suggest.rules` say how sure they are. Nothing is changed here: two people decide
(:mod:`reconcile.placement.ask`, :mod:`reconcile.placement.credit_ask`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from payments.domain.errors import InvalidValueError, NotFoundError
from payments.domain.identifiers import FreeArea
from reconcile.settlement.line_books import as_date
from reconcile.settlement.owed import Owed, owed_by_notices, owed_by_obligors
from reconcile.settlement.subset_sums import AMOUNTS_MAX, subsets_with_sum
from reconcile.suggest.credits import credit_suggestions
from reconcile.suggest.keys import KEY_LENGTHS, near_keys
from reconcile.suggest.parts import (
    OWED_MAX,
    READINGS_MAX,
    blocked_places,
    part_of,
    shares_with_others,
)
from reconcile.suggest.rules import Fact, Reading, SuggestedPart, Suggestion, suggestions_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile

# Outcomes in which the number of the report is that of nothing here.
NUMBER_UNKNOWN = frozenset({"unknown_slip", "invalid_key", "malformed"})
WHOLE_YEAR = "00"
_PREFIX = {"el": "E", "konbini": "K", "debit": "D"}

_LINE = """
SELECT l.key_kind, l.slip_key, l.reissue, l.amount_yen, l.paid_on, r.stage, r.suspense_yen,
    r.notice_id, r.term, d.state, n.obligor_no,
    (SELECT o.outcome FROM line_outcome o WHERE o.municipality_code = :m
        AND o.file_id = l.file_id AND o.line_no = l.line_no
     ORDER BY o.revision DESC LIMIT 1) AS outcome
FROM source_line l
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = l.file_id
    AND r.line_no = l.line_no AND r.stage <> 'withdrawn'
LEFT JOIN deposit d ON d.municipality_code = :m AND d.file_id = l.file_id
    AND d.line_no = l.line_no
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = r.notice_id
WHERE l.municipality_code = :m AND l.file_id = :file_id AND l.line_no = :line_no"""
_KEYS = """
SELECT pay_key, notice_id, term, slip_yen, valid_until FROM pay_key
WHERE municipality_code = :m AND pay_key IN :keys ORDER BY pay_key"""


def suggestions_for(
    connection: Connection, profile: Profile, file_id: int, line_no: int
) -> list[Suggestion]:
    """候補 of one line, the surest first: none when its money has its place.

    Raises :class:`NotFoundError` ``line``.
    """
    code = profile.municipality_code
    scope = {"m": code, "file_id": file_id, "line_no": line_no}
    line = connection.execute(text(_LINE), scope).one_or_none()
    if line is None:
        raise NotFoundError("line", file_id=file_id, line_no=line_no)
    if line.state == "open":
        return credit_suggestions(connection, profile, file_id, line_no)
    if line.state is not None or not line.suspense_yen:
        return []
    blocked = blocked_places(connection, code, file_id, line_no)
    readings, cut = _by_number(connection, code, line)
    own = _own_slip(connection, code, line)
    further, cut_too = _same_obligor(connection, code, line, f"{file_id}:{line_no}")
    kept = [
        reading
        for reading in (*readings, *own, *further)
        if not any((part.notice_id, part.term) in blocked for part in reading.parts)
    ]
    return suggestions_of(kept, cut=cut or cut_too)


def _by_number(connection: Connection, code: str, line: Any) -> tuple[list[Reading], bool]:
    """書き誤り: slips whose number is one slip of the pen away and that ask for this amount."""
    length = KEY_LENGTHS.get(line.key_kind)
    if length is None or not line.slip_key:
        return [], False
    near = near_keys(line.slip_key, length)
    facts_of: dict[str, frozenset[Fact]] = {}
    for key, fact in near.items():
        facts = frozenset({fact, Fact.CHECK_DIGIT} if _check_holds(line.key_kind, key) else {fact})
        facts_of[f"{_PREFIX[line.key_kind]}{key}"] = facts
        if line.key_kind == "konbini":
            facts_of[f"K{key}/{line.reissue}"] = facts
    if line.outcome == "malformed":  # perhaps not in its number
        reported = frozenset({Fact.NUMBER_REPORTED})
        facts_of[f"{_PREFIX[line.key_kind]}{line.slip_key}"] = reported
        facts_of[f"{_PREFIX[line.key_kind]}{line.slip_key}/{line.reissue}"] = reported
    if not facts_of:
        return [], False
    found = connection.execute(
        text(_KEYS).bindparams(bindparam("keys", expanding=True)),
        {"m": code, "keys": list(facts_of)},
    ).all()
    owed = owed_by_notices(
        connection, code, sorted({row.notice_id for row in found}), most=OWED_MAX
    )
    readings = []
    for row in found:
        open_now = [one for one in owed if one.notice_id == row.notice_id]
        reading = _slip_reading(row, open_now, line)
        if reading is not None:
            known = {Fact.NUMBER_KNOWN} if line.outcome not in NUMBER_UNKNOWN else set()
            facts = reading.facts | facts_of[row.pay_key] | known
            readings.append(Reading(facts, reading.parts))
    return readings, len(owed) == OWED_MAX


def _slip_reading(row: Any, open_now: list[Owed], line: Any) -> Reading | None:
    """The slip's instalments with this money, when the amount is what is to be paid for them."""
    covered = [one for one in open_now if row.term in {WHOLE_YEAR, one.term}]
    open_yen = sum(one.open_yen for one in covered)
    due = open_yen if row.slip_yen is None else min(row.slip_yen, open_yen)
    if not due or line.suspense_yen != due:
        return None
    parts = _in_order(covered, due)
    late = (
        line.paid_on is not None
        and row.valid_until is not None
        and as_date(line.paid_on) > as_date(row.valid_until)
    )
    timing = Fact.LATE if late or line.paid_on is None else Fact.IN_TIME
    return Reading(frozenset({Fact.AMOUNT_ONE, timing}), parts)


def _in_order(covered: list[Owed], yen: int) -> tuple[SuggestedPart, ...]:
    """The money on the instalments of a slip, in order of term, as far as they are open."""
    left, parts = yen, []
    for one in covered:
        if share := min(left, one.open_yen):
            parts.append(part_of(one, share))
            left -= share
    return tuple(parts)


def _own_slip(connection: Connection, code: str, line: Any) -> list[Reading]:
    """報告の番号が示す納付書: still open, though the amount was another one."""
    if line.notice_id is None:
        return []
    owed = owed_by_notices(connection, code, [line.notice_id], most=OWED_MAX)
    covered = [one for one in owed if line.term in {WHOLE_YEAR, one.term}]
    if not covered:
        return []
    facts = {Fact.NUMBER_REPORTED}
    if sum(one.open_yen for one in covered) == line.suspense_yen:
        facts.add(Fact.AMOUNT_ONE)
    return [Reading(frozenset(facts), _in_order(covered, line.suspense_yen))]


def _check_holds(kind: str, key: str) -> bool:
    """検査数字: of our own numbers in the free area; the others have none of their own."""
    if kind != "konbini":
        return False
    try:
        return FreeArea(key).own_key_holds
    except InvalidValueError:
        return False


def _same_obligor(
    connection: Connection, code: str, line: Any, subject: str
) -> tuple[list[Reading], bool]:
    """同じ人の未納: what waits in suspense may be meant for other bills of whom it names."""
    if line.obligor_no is None:
        return [], False
    owed = owed_by_obligors(connection, code, [line.obligor_no], most=OWED_MAX)
    small = [one for one in owed if one.open_yen <= line.suspense_yen][:AMOUNTS_MAX]
    found = subsets_with_sum(
        [one.open_yen for one in small], line.suspense_yen, most=READINGS_MAX + 1
    )
    readings = [
        Reading(
            frozenset(
                {Fact.SAME_OBLIGOR, Fact.AMOUNT_ONE if len(places) == 1 else Fact.AMOUNT_SUM}
            ),
            tuple(part_of(small[place], small[place].open_yen) for place in places),
        )
        for places in found[:READINGS_MAX]
    ]
    if not readings:
        readings = shares_with_others(
            connection, code, owed, subject, line.suspense_yen, frozenset({Fact.SAME_OBLIGOR})
        )
    return readings, len(found) > READINGS_MAX or len(owed) == OWED_MAX
