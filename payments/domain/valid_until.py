"""支払期限: until when a slip may be paid, which differs from 納期限 and by municipality.

The policy is a setting per item (symbols.md 5), written as one word, or a word and a value::

    same_day                 the base day itself (「納期限まで」)
    days_after:30            so many days after the base day
    end_of_month_after:1     the end of the month so many months after that of the base day
    next_fiscal_year:04-30   that day of the fiscal year after the one of the base day

The base day is the shifted 納期限, or the day of issue for a slip issued when it has passed. A
支払期限 is the last day on which a shop or app takes the slip; it is not shifted for holidays.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from functools import lru_cache

from payments.domain.errors import InvalidValueError
from payments.domain.fiscal import fiscal_year

DAYS_MAX = 3_650
MONTHS_MAX = 120
EXPECTED = "same_day / days_after:N / end_of_month_after:N / next_fiscal_year:MM-DD"


@lru_cache(maxsize=4_096)  # A city has few policies and few days, and a million slips.
def valid_until(policy: str, base: date) -> date:
    """支払期限 by ``policy`` from ``base``.

    Raises :class:`InvalidValueError` ``valid_until_policy`` for a policy that is none.
    """
    word, _, value = policy.partition(":")
    try:
        match word:
            case "same_day" if not value:
                return base
            case "days_after":
                return base + timedelta(days=_count(value, DAYS_MAX))
            case "end_of_month_after":
                return _end_of_month(base, _count(value, MONTHS_MAX))
            case "next_fiscal_year":
                return _in_fiscal_year(fiscal_year(base) + 1, value)
    except ValueError:
        pass
    raise InvalidValueError("valid_until_policy", found=policy, expected=EXPECTED)


def require_policy(policy: str) -> str:
    """方針の確認: ``policy`` itself, once it gives a day in every year.

    Raises :class:`InvalidValueError` ``valid_until_policy``.
    """
    valid_until(policy, date(2026, 6, 1))
    return policy


def _count(value: str, most: int) -> int:
    """A number of days or months; a foreign number is a :class:`ValueError`."""
    if not (value.isascii() and value.isdigit()) or int(value) > most:
        raise ValueError(value)
    return int(value)


def _end_of_month(base: date, months: int) -> date:
    """The last day of the month ``months`` after that of ``base``."""
    index = base.year * 12 + base.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, calendar.monthrange(year, month)[1])


def _in_fiscal_year(year: int, month_day: str) -> date:
    """The day ``MM-DD`` of the fiscal year ``year``; 02-29 is no day of every year."""
    month, day = int(month_day[:2]), int(month_day[3:])
    if month_day != f"{month:02d}-{day:02d}" or (month, day) == (2, 29):
        raise ValueError(month_day)
    return date(year + (month < 4), month, day)
