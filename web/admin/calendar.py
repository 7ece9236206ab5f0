"""営業日の暦 of a year: the days besides weekends on which banks are closed or due dates move."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from payments.domain.calendars import holidays, is_bank_business_day, is_tax_open_day

HOLIDAY, YEAR_END = "祝日", "年末年始"
_SATURDAY = 5


class ClosedDay(NamedTuple):
    """休業日: a weekday on which banks are closed, or on which no due date may stay."""

    day: date
    name: str
    bank_closed: bool
    due_moves: bool


class Calendar(NamedTuple):
    """暦 of one year."""

    closed: tuple[ClosedDay, ...]
    bank_days: int
    due_days: int


def calendar_of(year: int) -> Calendar:
    """暦の計算; raises :class:`InvalidValueError` ``year_unknown`` where holidays are not known."""
    known = holidays(year)
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
    closed = [
        ClosedDay(
            day,
            HOLIDAY if day in known else YEAR_END,
            not is_bank_business_day(day),
            not is_tax_open_day(day),
        )
        for day in days
        if day.weekday() < _SATURDAY
    ]
    return Calendar(
        tuple(one for one in closed if one.bank_closed or one.due_moves),
        sum(is_bank_business_day(day) for day in days),
        sum(is_tax_open_day(day) for day in days),
    )
