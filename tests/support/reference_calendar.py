"""参照モデルの暦: bank business days, shifted due dates, closed years (law.md 2 and 4)."""

from __future__ import annotations

from datetime import date, timedelta

import jpholiday

_ONE_DAY = timedelta(days=1)


def bank_day(day: date) -> bool:
    """銀行営業日: no weekend, no holiday, not 31 December to 3 January."""
    new_year = (day.month, day.day) in {(12, 31), (1, 1), (1, 2), (1, 3)}
    return day.weekday() < 5 and not jpholiday.is_holiday(day) and not new_year


def after_bank_days(day: date, count: int) -> date:
    """The ``count``-th bank business day after ``day``."""
    while count > 0:
        day += _ONE_DAY
        if bank_day(day):
            count -= 1
    return day


def shifted(due_on: str) -> str:
    """納期限 after the shift: 29 and 30 December are closed for it as well."""
    day = date.fromisoformat(due_on)
    while not bank_day(day) or (day.month, day.day) in {(12, 29), (12, 30)}:
        day += _ONE_DAY
    return day.isoformat()


def year_closed(paid_on: str, received_on: date) -> bool:
    """出納閉鎖: has the fiscal year (from 1 April) of ``paid_on`` been closed on 31 May?"""
    paid = date.fromisoformat(paid_on)
    fiscal_year = paid.year if paid.month >= 4 else paid.year - 1
    return received_on > date(fiscal_year + 1, 5, 31)
