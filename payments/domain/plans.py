"""分納: how an agreed sum is cut into parts, and whether a plan has been kept (pure).

A part is one slip: so much of one instalment until a day. The oldest instalment is paid first
(law.md 6.2); a payment that reaches over two instalments is two parts of the same day.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from payments.domain.money import require_yen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

PARTS_MAX = 120


class Owed(NamedTuple):
    """未納の期別: what is open of it."""

    notice_id: int
    term: str
    open_yen: int


class PlanPart(NamedTuple):
    """分納の一回分."""

    due_on: date
    notice_id: int
    term: str
    amount_yen: int


class Instalments(NamedTuple):
    """分納の回: a day and the sum of it."""

    due_on: date
    amount_yen: int


def plan_parts(owed: Sequence[Owed], payments: Sequence[Instalments]) -> tuple[PlanPart, ...]:
    """分納の割当て: the payments, in the order of their days, on what is owed, oldest first.

    Raises :class:`InvalidValueError` ``plan_sum`` unless they come to just what is owed,
    ``plan_days`` for days that do not follow one another, ``plan_parts`` for none or too many.
    """
    days = [payment.due_on for payment in payments]
    if days != sorted(set(days)):
        raise InvalidValueError("plan_days", found=" ".join(map(str, days)), expected="昇順")
    for payment in payments:
        require_yen(payment.amount_yen, "amount_yen", minimum=1)
    owed_yen, planned_yen = sum(o.open_yen for o in owed), sum(p.amount_yen for p in payments)
    if owed_yen != planned_yen:
        raise InvalidValueError("plan_sum", found=planned_yen, expected=owed_yen)
    parts: list[PlanPart] = []
    left = [each for each in owed if each.open_yen > 0]
    for payment in payments:
        yen = payment.amount_yen
        while yen:
            notice_id, term, open_yen = left.pop(0)
            taken = min(yen, open_yen)
            parts.append(PlanPart(payment.due_on, notice_id, term, taken))
            yen -= taken
            if taken < open_yen:
                left.insert(0, Owed(notice_id, term, open_yen - taken))
    if not 0 < len(parts) <= PARTS_MAX:
        raise InvalidValueError("plan_parts", found=len(parts), expected=f"1..{PARTS_MAX}")
    return tuple(parts)


def even_payments(owed_yen: int, days: Sequence[date], unit_yen: int = 1_000) -> list[Instalments]:
    """均等の分納: the sum over these days, in whole units; what is left over goes to the first."""
    if not days:
        raise InvalidValueError("plan_parts", found=0, expected=f"1..{PARTS_MAX}")
    each = owed_yen // len(days) // unit_yen * unit_yen
    first = owed_yen - each * (len(days) - 1)
    return [Instalments(day, each if place else first) for place, day in enumerate(days)]


@dataclass(frozen=True, slots=True)
class Standing:
    """分納の現状: what should have been paid by a day and what was, over a whole plan."""

    agreed_yen: int
    paid_yen: int
    expected_yen: int  # of the parts whose day and grace are over
    missed_on: date | None  # the day of the first part that is not covered

    @property
    def is_broken(self) -> bool:
        """不履行: less came than was agreed until the day."""
        return self.paid_yen < self.expected_yen

    @property
    def is_paid(self) -> bool:
        """完納."""
        return self.paid_yen >= self.agreed_yen


def standing(
    parts: Iterable[PlanPart], paid: dict[tuple[int, str], int], expected_until: date
) -> Standing:
    """分納の現状: ``paid`` is what came on each instalment since the plan was agreed.

    A plan is judged as a whole: who pays ahead on one instalment has not broken it on another.
    """
    ordered = sorted(parts)
    wanted: dict[tuple[int, str], int] = {}
    for part in ordered:
        place = (part.notice_id, part.term)
        wanted[place] = wanted.get(place, 0) + part.amount_yen
    came = sum(min(yen, wanted.get(place, 0)) for place, yen in paid.items())
    expected, missed_on = 0, None
    for part in ordered:
        if part.due_on <= expected_until:
            expected += part.amount_yen
            if expected > came and missed_on is None:
                missed_on = part.due_on
    return Standing(sum(wanted.values()), came, expected, missed_on)


def monthly(first_on: date, count: int) -> list[date]:
    """毎月の納付日: the same day of so many months, the last day where a month has no such day."""
    months = [first_on.year * 12 + first_on.month - 1 + number for number in range(count)]
    return [
        first_on.replace(
            year=month // 12,
            month=month % 12 + 1,
            day=min(first_on.day, monthrange(month // 12, month % 12 + 1)[1]),
        )
        for month in months
    ]
