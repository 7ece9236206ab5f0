"""二つの暦: the calendar of tax due dates and the calendar of bank business days.

* Tax due dates: closed on Saturday, Sunday, the holidays of 祝日法, and 29 December to 3 January
  (地方税法20条の5②, 施行令6条の18②).
* Bank business days: closed on the same days, but only from 31 December to 3 January
  (銀行法15条, 施行令5条).

So 29 and 30 December are bank business days, but a tax due date on them moves. The fiscal year does
not move with it: it follows the date before the shift (:mod:`payments.domain.fiscal`).

Holidays come from ``jpholiday``. Parliament moves holidays (2019, 2020, 2021), so an operator can
close or open single days for both calendars with :class:`DayOverrides`. The equinox days of a year
are only fixed in the gazette of the February before it; later years are astronomy, and beyond
``LAST_YEAR`` this module refuses to guess. The tests hold 2000–2050 against a second source.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import jpholiday

from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_YEAR = 2000
LAST_YEAR = 2050

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
_NEW_YEAR_LAST = (1, 3)
_TAX_YEAR_END_FIRST = (12, 29)
_BANK_YEAR_END_FIRST = (12, 31)


@dataclass(frozen=True, slots=True)
class DayOverrides:
    """臨時の休業日・営業日: days an operator closed or opened, for both calendars alike.

    Raises :class:`InvalidValueError` ``day_open_and_closed`` when one day is in both sets.
    """

    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        """Refuse a day that is said to be open and closed."""
        if both := self.closed & self.opened:
            raise InvalidValueError(
                "day_open_and_closed",
                field="overrides",
                found=min(both).isoformat(),
                expected="closed or opened",
            )


NO_OVERRIDES = DayOverrides()


@cache
def holidays(year: int) -> frozenset[date]:
    """祝日: the 祝日法 holidays of ``year``, 振替休日 and 国民の休日 included.

    Raises :class:`InvalidValueError` ``year_unknown`` outside ``FIRST_YEAR``…``LAST_YEAR``.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidValueError(
            "year_unknown", field="year", found=year, expected=f"{FIRST_YEAR}..{LAST_YEAR}"
        )
    return frozenset(day for day, _name in jpholiday.year_holidays(year))


def _is_open(day: date, year_end_first: tuple[int, int], overrides: DayOverrides) -> bool:
    """Whether ``day`` is open when the year-end break begins on ``year_end_first``."""
    closed_by_law = day in holidays(day.year)  # asked first: an unknown year is never answered
    if day in overrides.opened:
        return True
    month_day = (day.month, day.day)
    return not (
        day.weekday() >= _SATURDAY
        or closed_by_law
        or month_day >= year_end_first
        or month_day <= _NEW_YEAR_LAST
        or day in overrides.closed
    )


def is_tax_open_day(day: date, overrides: DayOverrides = NO_OVERRIDES) -> bool:
    """納期限になりうる日: whether a tax due date may stay on ``day`` (施行令6条の18②)."""
    return _is_open(day, _TAX_YEAR_END_FIRST, overrides)


def is_bank_business_day(day: date, overrides: DayOverrides = NO_OVERRIDES) -> bool:
    """銀行営業日: whether banks are open on ``day`` (銀行法15条, 施行令5条)."""
    return _is_open(day, _BANK_YEAR_END_FIRST, overrides)


def _first_open(
    day: date, is_open: Callable[[date, DayOverrides], bool], overrides: DayOverrides
) -> date:
    """The first open day on or after ``day``."""
    while not is_open(day, overrides):
        day += _ONE_DAY
    return day


@lru_cache(maxsize=16_384)
def tax_due_on(day: date, overrides: DayOverrides = NO_OVERRIDES) -> date:
    """納期限: the statutory date ``day``, moved to the next open day (地方税法20条の5②).

    Raises :class:`InvalidValueError` ``year_unknown`` where the holidays are not known.
    """
    return _first_open(day, is_tax_open_day, overrides)


@lru_cache(maxsize=16_384)
def bank_business_day(day: date, overrides: DayOverrides = NO_OVERRIDES) -> date:
    """翌営業日: ``day`` if banks are open on it, else the next bank business day.

    Raises :class:`InvalidValueError` ``year_unknown`` where the holidays are not known.
    """
    return _first_open(day, is_bank_business_day, overrides)


@lru_cache(maxsize=16_384)
def add_business_days(day: date, count: int, overrides: DayOverrides = NO_OVERRIDES) -> date:
    """営業日の加算: the ``count``-th bank business day after ``day``; 0 is ``day`` itself.

    ``day`` is never counted, open or not: one business day after a Saturday is the Monday.

    Raises :class:`InvalidValueError` ``business_days`` for a negative count, ``year_unknown`` where
    the holidays are not known.
    """
    if count < 0:
        raise InvalidValueError("business_days", field="count", found=count, expected="0 or more")
    for _ in range(count):
        day = bank_business_day(day + _ONE_DAY, overrides)
    return day
