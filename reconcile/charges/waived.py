"""減免: what is waived of the charge of an instalment, as two people granted it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.accrual import LeftOut
from payments.store.lookups import rows_about
from payments.versions import as_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.charges import PlaceKey


@dataclass(frozen=True, slots=True)
class Waived:
    """減免: everything, so much of the result, or days that do not count."""

    whole: bool = False
    yen: int = 0
    periods: tuple[LeftOut, ...] = ()


class Waiver(NamedTuple):
    """減免の一件 in force."""

    waiver_no: int
    notice_id: int
    term: str
    kind: str  # whole, part or period
    amount_yen: int
    from_on: date | None
    until_on: date | None
    approval_id: int
    made_at: datetime


_IN_FORCE = """
SELECT w.waiver_no, w.notice_id, w.term, w.kind, w.amount_yen, w.from_on, w.until_on,
    w.approval_id, w.made_at
FROM charge_waiver w
WHERE w.municipality_code = :m AND w.notice_id IN :some AND w.event = 'granted'
  AND NOT EXISTS (SELECT 1 FROM charge_waiver e WHERE e.municipality_code = :m
      AND e.withdraws_no = w.waiver_no)
ORDER BY w.waiver_no"""


def waivers(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> list[Waiver]:
    """減免 in force on these notices, oldest first."""
    found = []
    for row in rows_about(connection, _IN_FORCE, municipality_code, notice_ids):
        from_on, until_on = (as_day(day) if day else None for day in (row.from_on, row.until_on))
        found.append(Waiver._make(row)._replace(from_on=from_on, until_on=until_on))
    return found


def waivers_of(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> dict[PlaceKey, Waived]:
    """期別 → what is waived of its charge; one without a waiver is left out."""
    found: dict[PlaceKey, Waived] = {}
    for each in waivers(connection, municipality_code, notice_ids):
        place = (each.notice_id, each.term)
        before = found.get(place, Waived())
        periods = before.periods
        if each.from_on and each.until_on:
            periods = (*periods, LeftOut(each.from_on, each.until_on))
        found[place] = Waived(
            before.whole or each.kind == "whole", before.yen + each.amount_yen, periods
        )
    return found
