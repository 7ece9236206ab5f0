"""会計年度: which year money belongs to, and when its books close.

A fiscal year is named by the calendar year of its first day: 令和8年度 is 2026, from 2026-04-01 to
2027-03-31. Source: 地方自治法208条, 235条の5; 地方自治法施行令142条, 160条.
"""

from __future__ import annotations

from datetime import date


def fiscal_year(day: date) -> int:
    """会計年度: the fiscal year that ``day`` lies in (地方自治法208条).

    For an instalment ``day`` is the statutory due date **before** any holiday shift: revenue of
    Sunday 31 March belongs to the old year although it may be paid on 1 April (自治令142条①一).
    """
    return day.year - (day < date(day.year, 4, 1))


def closing_on(year: int) -> date:
    """出納閉鎖日: 31 May after the fiscal year ``year``, its last day for receipts (235条の5)."""
    return date(year + 1, 5, 31)


def in_closing_period(year: int, day: date) -> bool:
    """出納整理期間: whether ``day`` lies in the two months after the fiscal year ``year``.

    In them money can still be booked into the old year as well as into the new one.
    """
    return date(year + 1, 4, 1) <= day <= closing_on(year)


def last_closed_fiscal_year(today: date) -> int:
    """直近の閉鎖済年度: the latest fiscal year whose books are closed on ``today``.

    What is received for this year or an older one is revenue of the new year (自治令160条).
    """
    previous = fiscal_year(today) - 1
    return previous - (today <= closing_on(previous))


def revenue_year(claim_year: int, received_on: date) -> int:
    """歳入の属する年度: where money for a claim of ``claim_year`` belongs (自治令142条, 160条).

    Up to 出納閉鎖日 of the claim's own year it is revenue of that year (現年課税分), however early
    it comes. What is still open then is carried into the next year on the day after
    (自治令160条「翌日において」), so later money belongs to the year whose books are open on
    ``received_on`` (領収日) and are closed next: 滞納繰越分.
    """
    return max(claim_year, last_closed_fiscal_year(received_on) + 1)


def is_carried_over(claim_year: int, year: int) -> bool:
    """滞納繰越分: whether revenue of ``year`` is for a claim that was carried into it."""
    return claim_year < year
