"""時効の更新・停止の記録と、期別ごとの時効: what happened to the period of each instalment.

Part payments, plans and holds are known from the books; what else renews the period (a dunning
letter, a seizure) is recorded here by whoever does it. A part payment is where its money stands:
where two people placed it, not where the slip said. What the authority appropriates (充当) is no
acknowledgement of whoever owes (民法152条), unless they agreed to it (委託納付).
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.appropriated import placements_of
from payments.domain.limitation import Cause, Limitation, Renewal, Standstill, limitation
from payments.domain.periods import ONE_DAY
from payments.domain.reason import require_reason
from payments.store.bulk import take_numbers
from payments.store.charge_tables import LimitationEventRow
from payments.store.hold_tables import WHOLE_NOTICE
from payments.store.lookups import rows_about
from payments.versions import OPEN_YEN, as_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from payments.domain.profile import Profile
    from payments.versions import PlaceKey

_events = LimitationEventRow.__table__  # type: ignore[attr-defined]
STANDARD_YEARS = 5


@dataclass(frozen=True, slots=True)
class Prescribing:
    """時効の見込み of one open instalment."""

    notice_id: int
    term: str
    item_code: str
    levy_year: int
    notice_no: str
    obligor_no: str
    due_on: date
    open_yen: int
    limitation: Limitation

    def days_left(self, on: date) -> int:
        """残りの日数; below zero where it is over."""
        return (self.limitation.last_on - on).days


def record_renewal(
    connection: Connection,
    municipality_code: str,
    places: Iterable[PlaceKey],
    cause: Cause,
    on: date,
    *,
    reason: str,
    actor: str,
) -> int:
    """時効の更新の記録: the same cause on the same day is written down once; how many were new."""
    wanted = sorted(set(places))
    known = {
        (row.notice_id, row.term)
        for row in _recorded(connection, municipality_code, [n for n, _ in wanted])
        if row.cause == cause and as_day(row.from_on) == on
    }
    fresh = [place for place in wanted if place not in known]
    if not fresh:
        return 0
    first = take_numbers(connection, municipality_code, "limitation_event", len(fresh))
    common = {
        "municipality_code": municipality_code,
        "kind": "renewed",
        "cause": cause.value,
        "from_on": on,
        "until_on": None,
        "reason": require_reason(reason),
        "actor": actor,
        "made_at": datetime.now(UTC),
    }
    connection.execute(
        _events.insert(),
        [
            common | {"event_no": number, "notice_id": notice_id, "term": term}
            for number, (notice_id, term) in enumerate(fresh, start=first)
        ],
    )
    return len(fresh)


_OPEN = f"""
SELECT a.notice_id, a.term, n.item_code, n.levy_year, n.notice_no, n.obligor_no, i.due_on,
    {OPEN_YEN} AS open_yen
FROM instalment_account a
JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id AND i.term = a.term
JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id
WHERE a.municipality_code = :m AND {OPEN_YEN} > 0 AND {{which}}
ORDER BY i.due_on, a.notice_id, a.term"""
# Charges are not prescribed by themselves: they go with what they are of.
_NO_CHARGE = """NOT EXISTS (SELECT 1 FROM late_charge_booking b WHERE b.municipality_code = :m
    AND b.notice_id = a.notice_id AND b.term = a.term)"""


def prescribing(
    connection: Connection,
    profile: Profile,
    on: date,
    *,
    within_days: int,
    narrowed: str = "1 = 1",
    values: Mapping[str, Any] | None = None,
) -> list[Prescribing]:
    """時効が近い期別: open instalments whose period ends within so many days, or has ended.

    ``narrowed`` is one more condition on them (``a`` with notice_id and term), with its ``values``.
    """
    until = on + timedelta(days=within_days)
    shortest = min((each.prescription_years for each in profile.charges.levies), default=5)
    earliest = until.replace(day=1, year=until.year - min(shortest, STANDARD_YEARS))
    rows = connection.execute(
        text(_OPEN.format(which=f"i.due_on <= :due_on AND {_NO_CHARGE} AND {narrowed}")),
        {
            **(values or {}),
            "m": profile.municipality_code,
            "due_on": (earliest + timedelta(days=31)).isoformat(),
        },
    ).all()
    found = _with_limitation(connection, profile, rows)
    return [each for each in found if each.limitation.last_on <= until]


def limitations_of(
    connection: Connection, profile: Profile, notice_ids: Sequence[int]
) -> dict[PlaceKey, Prescribing]:
    """時効 of the open instalments of these notices."""
    rows = list(
        rows_about(
            connection,
            _OPEN.format(which="a.notice_id IN :some"),
            profile.municipality_code,
            notice_ids,
        )
    )
    return {
        (each.notice_id, each.term): each for each in _with_limitation(connection, profile, rows)
    }


def _with_limitation(
    connection: Connection, profile: Profile, rows: Sequence[Row[Any]]
) -> list[Prescribing]:
    """Every row with its period, from all that renews it or makes it stand still."""
    renewals, standstills = _happenings(connection, profile.municipality_code, rows)
    found = []
    for row in rows:
        values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        values["due_on"] = as_day(values["due_on"])
        place = (values["notice_id"], values["term"])
        levy = profile.charges.levy(values["item_code"])
        years = levy.prescription_years if levy else STANDARD_YEARS
        period = limitation(
            values["due_on"], years, renewals.get(place, ()), standstills.get(place, ())
        )
        found.append(Prescribing(**values, limitation=period))
    return found


_RECORDED = """
SELECT notice_id, term, cause, kind, from_on, until_on FROM limitation_event
WHERE municipality_code = :m AND notice_id IN :some"""
_PLANS = """
SELECT DISTINCT p.notice_id, p.term, e.happened_on FROM payment_plan_part p
JOIN payment_plan_event e ON e.municipality_code = :m AND e.plan_no = p.plan_no
    AND e.event = 'agreed'
WHERE p.municipality_code = :m AND p.notice_id IN :some"""
# What two people placed is where its parts are, not where the slip said.
_PAID = """
SELECT DISTINCT r.notice_id, r.term, r.paid_on FROM receipt r
WHERE r.municipality_code = :m AND r.notice_id IN :some AND r.applied_yen > 0
  AND r.paid_on IS NOT NULL AND r.stage <> 'withdrawn' AND NOT EXISTS (
    SELECT 1 FROM placement p WHERE p.municipality_code = :m AND p.file_id = r.file_id
      AND p.line_no = r.line_no AND p.journal_id = r.journal_id)"""
_PLACED = """
SELECT t.notice_id, t.term, r.paid_on, p.file_id, p.line_no FROM placement_part t
JOIN placement p ON p.municipality_code = :m AND p.placement_no = t.placement_no
JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.file_id AND r.line_no = p.line_no
  AND r.journal_id = p.journal_id AND r.stage <> 'withdrawn'
WHERE t.municipality_code = :m AND t.notice_id IN :some AND r.paid_on IS NOT NULL"""
_PUT_OFF = """
SELECT h.notice_id, h.term, h.from_on, h.until_on, e.from_on AS lifted_on FROM hold_event h
LEFT JOIN hold_event e ON e.municipality_code = :m AND e.hold_no = h.hold_no AND e.event = 'lifted'
WHERE h.municipality_code = :m AND h.notice_id IN :some AND h.event = 'set'
  AND h.kind IN ('collection_hold', 'conversion_hold')"""


def _recorded(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> list[Row[Any]]:
    return list(rows_about(connection, _RECORDED, municipality_code, sorted(set(notice_ids))))


def _placed(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> Iterator[tuple[PlaceKey, Renewal]]:
    """一部納付 that two people placed, but for what the authority appropriated by itself."""
    rows = list(rows_about(connection, _PLACED, municipality_code, notice_ids))
    appropriated = _appropriated(connection, municipality_code, notice_ids) if rows else {}
    for row in rows:
        place = (row.notice_id, row.term)
        if place not in appropriated.get((row.file_id, row.line_no), ()):
            yield place, Renewal(as_day(row.paid_on), Cause.PART_PAYMENT)


def _appropriated(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> dict[tuple[int, int], set[PlaceKey]]:
    """充当 without the person's consent, by payment: places where nothing of it stood before."""
    found: dict[tuple[int, int], set[PlaceKey]] = {}
    for row in placements_of(connection, municipality_code, notice_ids):
        said = json.loads(row.content_json)
        stood = {part["place"] for part in said["stands"]["parts"]}
        agreed = row.kind != "appropriation"
        before = found.get((row.file_id, row.line_no), set())
        found[row.file_id, row.line_no] = {
            place
            for part in said["parts"]
            for place in ((part["notice_id"], part["term"]),)
            if place in before
            or not (agreed or part["place"] in stood or part["place"] in said.get("entrusted", ()))
        }
    return found


def _happenings(
    connection: Connection, municipality_code: str, rows: Sequence[Row[Any]]
) -> tuple[dict[PlaceKey, list[Renewal]], dict[PlaceKey, list[Standstill]]]:
    """What renews the period of each instalment, and when it stands still."""
    renewals: dict[PlaceKey, list[Renewal]] = defaultdict(list)
    standstills: dict[PlaceKey, list[Standstill]] = defaultdict(list)
    notice_ids = sorted({row.notice_id for row in rows})
    terms: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        terms[row.notice_id].append(row.term)

    def places(row: Row[Any]) -> list[PlaceKey]:
        whole = row.term == WHOLE_NOTICE
        return [(row.notice_id, term) for term in (terms[row.notice_id] if whole else [row.term])]

    for row in _recorded(connection, municipality_code, notice_ids):
        if row.kind == "renewed":
            renewals[row.notice_id, row.term].append(Renewal(as_day(row.from_on), Cause(row.cause)))
        else:
            standstills[row.notice_id, row.term].append(
                Standstill(as_day(row.from_on), as_day(row.until_on))
            )
    for row in rows_about(connection, _PLANS, municipality_code, notice_ids):
        renewals[row.notice_id, row.term].append(Renewal(as_day(row.happened_on), Cause.PLAN))
    for row in rows_about(connection, _PAID, municipality_code, notice_ids):
        for place in places(row):
            renewals[place].append(Renewal(as_day(row.paid_on), Cause.PART_PAYMENT))
    for place, renewal in _placed(connection, municipality_code, notice_ids):
        renewals[place].append(renewal)
    for row in rows_about(connection, _PUT_OFF, municipality_code, notice_ids):
        ends = [row.until_on and as_day(row.until_on)]
        ends.append(row.lifted_on and as_day(row.lifted_on) - ONE_DAY)
        until_on = min((end for end in ends if end), default=date.max)
        for place in places(row):
            standstills[place].append(Standstill(as_day(row.from_on), until_on))
    return renewals, standstills
