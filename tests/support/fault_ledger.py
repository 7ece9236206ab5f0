"""控え: what the town was told, kept by who told it, and what its books must therefore hold.

It knows nothing of the engine: a payment that was reported is there once, confirmed if that was
reported, too, and gone if it was withdrawn; of several payments of one bill one settles it.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from equal_bills import FIRST, YEN, Report
from sqlalchemy import text

from payments.store.unit_of_work import reading

if TYPE_CHECKING:
    from random import Random

    from sqlalchemy import Engine

M = "99999"
PAID_ON = "2026-06-16"
REMITTED_ON = "2026-06-24"
PAID, CONFIRMED, CANCELLED = "1", "2", "3"
_STAGES = {PAID: "provisional", CONFIRMED: "confirmed", CANCELLED: "withdrawn"}
_KINDS = {PAID: "paid", CONFIRMED: "confirmed", CANCELLED: "cancelled"}
_RECEIPTS = text(
    "SELECT l.payment_key, r.stage, r.amount_yen, r.applied_yen, r.suspense_yen FROM receipt r "
    "JOIN source_line l ON l.municipality_code = r.municipality_code AND l.file_id = r.file_id "
    "AND l.line_no = r.line_no WHERE r.municipality_code = :m"
)


class Ledger:
    """控え of one town: every report that it has said it has, or that lies in its hands."""

    def __init__(self, chance: Random, bills: int) -> None:
        """Of so many bills none is paid."""
        self.chance = chance
        self._bills = iter(range(1, bills + 1))
        self._payments = 0
        self._stage: dict[str, str] = {}  # transaction → what it must be
        self._bill: dict[str, int] = {}

    def payments(self, number: int) -> list[Report]:
        """People pay: mostly a bill each, some a bill that somebody has paid before."""
        return [self._payment() for _ in range(number)]

    def _payment(self) -> Report:
        again = self._bill and self.chance.random() < 0.15
        bill = self.chance.choice([*self._bill.values()]) if again else next(self._bills)
        self._payments += 1
        return Report(PAID, bill, PAID_ON, "", f"T-{self._payments}")

    def later(self, kind: str, number: int) -> list[Report]:
        """確報 or 取消 of payments that are booked and neither confirmed nor withdrawn."""
        found = [place for place, stage in self._stage.items() if stage == _STAGES[PAID]]
        places = self.chance.sample(found, min(number, len(found)))
        return [of_kind(kind, self._bill[place], place) for place in places]

    def tell(self, reports: list[Report]) -> None:
        """These were reported, and must be in the books."""
        for report in reports:
            self._bill[report.place] = report.bill
            if report.kind != PAID or report.place not in self._stage:
                self._stage[report.place] = _STAGES[report.kind]

    def differences(self, engine: Engine) -> list[str]:
        """What is lost, twice or otherwise than it must be."""
        with reading(engine, M) as connection:
            rows = connection.execute(_RECEIPTS, {"m": M}).all()
        there = Counter(str(row.payment_key).rpartition(":")[2] for row in rows)
        stages = {str(row.payment_key).rpartition(":")[2]: row.stage for row in rows}
        found = [f"{place} is lost" for place in self._stage.keys() - there.keys()]
        found += [f"{place} is nobody's" for place in there.keys() - self._stage.keys()]
        found += [
            f"{place} is there {number} times" for place, number in there.items() if number > 1
        ]
        found += [
            f"{place} is {stages[place]}, not {stage}"
            for place, stage in self._stage.items()
            if stages.get(place, stage) != stage
        ]
        counting = [place for place, stage in self._stage.items() if stage != "withdrawn"]
        settled = len({self._bill[place] for place in counting})
        for name, is_now, must_be in (
            ("applied", sum(row.applied_yen for row in rows), settled * YEN),
            ("suspense", sum(row.suspense_yen for row in rows), (len(counting) - settled) * YEN),
            ("amount", sum(row.amount_yen for row in rows), len(self._stage) * YEN),
        ):
            if is_now != must_be:
                found.append(f"{name} {is_now}, not {must_be}")
        return found


def of_kind(kind: str, bill: int, place: str) -> Report:
    """A report about a payment."""
    return Report(kind, bill, PAID_ON, "", place, REMITTED_ON if kind == CONFIRMED else "")


def notification(report: Report, identifier: str) -> bytes:
    """納付通知 that says what the report says."""
    members = {
        "notification_id": identifier,
        "kind": _KINDS[report.kind],
        "el_number": f"99999{f'{FIRST + report.bill}01'.rjust(20, '0')}000001901",
        "amount_yen": YEN,
        "paid_on": report.paid_on,
        "channel": "app",
        "operator_code": "0820",
        "transaction_id": report.place,
    }
    if report.remitted:
        members |= {"remittance_on": report.remitted, "remittance_no": f"R{report.remitted}"}
    return json.dumps(members).encode()
