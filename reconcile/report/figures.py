"""経営の数字: rates, shares and durations over months, from the summaries of the ledger.

A receipt rate is cumulative, as treasurers compare it: 収入済 of 現年 up to the end of a month by
what had been assessed for the year by then. Months are those of 会計日.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from reconcile.day_totals import ASSESSED, RECEIVABLE, collects, fresh

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from reconcile.delays import Delay

_MONTHS = """
SELECT SUBSTR(CAST(booked_on AS VARCHAR(10)), 1, 7) AS month, item_code, claim_year, open_year,
    channel, debit_account, credit_account, SUM(count), SUM(amount_yen)
FROM day_total WHERE municipality_code = :m
  AND (debit_account = 'receivable' OR credit_account = 'receivable')
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
_OPENED = """
SELECT SUBSTR(CAST(happened_on AS VARCHAR(10)), 1, 7) AS month, COUNT(*) AS number
FROM case_event WHERE municipality_code = :m AND happened_on BETWEEN :first AND :last
  AND event IN ('opened', 'reopened') GROUP BY 1
"""
_CLOSED = """
SELECT CAST(e.happened_on AS VARCHAR(10)) AS closed_on, CAST(c.opened_on AS VARCHAR(10)) AS since,
    COUNT(*) AS number
FROM case_event e
JOIN review_case c ON c.municipality_code = :m AND c.case_no = e.case_no
WHERE e.municipality_code = :m AND e.happened_on BETWEEN :first AND :last
  AND e.event IN ('resolved', 'accepted') AND NOT EXISTS (SELECT 1 FROM case_event u
    WHERE u.municipality_code = :m AND u.case_no = e.case_no AND u.event = 'undone'
      AND u.note = CAST(e.event_no AS VARCHAR(20)))
GROUP BY 1, 2
"""
MEDIAN, NINE_IN_TEN = 50, 90  # percent


class MonthRow(NamedTuple):
    """月別の集計: what happened to claims in one month of 会計日."""

    month: str  # 2026-06
    item_code: str
    claim_year: int
    open_year: int
    channel: str
    debit: str
    credit: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int


class Rate(NamedTuple):
    """収入率 at the end of a month: 収入済 by 調定, both 現年 and both so far."""

    assessed_yen: int
    collected_yen: int

    @property
    def hundredths(self) -> int | None:
        """百分率の百分の一: 9871 is 98.71 %, cut off; None where nothing was assessed."""
        if self.assessed_yen <= 0:
            return None
        return self.collected_yen * 10_000 // self.assessed_yen


@dataclass(frozen=True, slots=True)
class CaseMonth:
    """確認事項の一月: how many came and went, and how long those that went had been there."""

    month: str
    opened: int
    closed: int
    median_days: int | None
    slow_days: int | None  # nine in ten were dealt with within these


def by_month(connection: Connection, municipality_code: str) -> tuple[MonthRow, ...]:
    """月別の集計 of every posting about claims."""
    stored = connection.execute(text(_MONTHS), {"m": municipality_code})
    sums = {
        (str(month), str(item), int(claim), int(opened), str(channel), str(debit), str(credit)): [
            int(number),
            int(yen),
        ]
        for month, item, claim, opened, channel, debit, credit, number, yen in stored
    }
    for row in fresh(connection, municipality_code):
        if RECEIVABLE in {row.debit, row.credit}:
            total = sums.setdefault((row.booked_on[:7], *row[1:7]), [0, 0])
            total[0] += row.count
            total[1] += row.amount_yen
    return tuple(MonthRow(*key, *sums[key]) for key in sorted(sums))


def months_of(year: int) -> tuple[str, ...]:
    """年度の月: from April to the May in which its books close."""
    return tuple(
        f"{year + (month > 12):04d}-{month - 12 * (month > 12):02d}" for month in range(4, 18)
    )


def rates(rows: Iterable[MonthRow], year: int) -> dict[str, dict[str, Rate]]:
    """収入率 of 現年 by 科目 and month, only for months up to the last with any booking."""
    months = months_of(year)
    moved: dict[str, dict[str, list[int]]] = {}
    last = ""
    for row in rows:
        last = max(last, row.month)
        if row.claim_year != year or max(row.claim_year, row.open_year) != year:
            continue
        # What was assessed before the year begins counts from its first month on.
        month = min(max(row.month, months[0]), months[-1])
        total = moved.setdefault(row.item_code, {}).setdefault(month, [0, 0])
        total[0] += _assesses(row) * row.amount_yen
        total[1] += collects(row.debit, row.credit) * row.amount_yen
    found: dict[str, dict[str, Rate]] = {}
    for item, by in moved.items():
        assessed = collected = 0
        found[item] = {}
        for month in months:
            if month > last:
                break
            more = by.get(month, (0, 0))
            assessed, collected = assessed + more[0], collected + more[1]
            found[item][month] = Rate(assessed, collected)
    return found


def total_rate(rates_of: dict[str, dict[str, Rate]]) -> dict[str, Rate]:
    """全科目の収入率 by month."""
    sums: dict[str, list[int]] = {}
    for by in rates_of.values():
        for month, rate in by.items():
            total = sums.setdefault(month, [0, 0])
            total[0] += rate.assessed_yen
            total[1] += rate.collected_yen
    return {month: Rate(*sums[month]) for month in sorted(sums)}


def collected_cells(
    rows: Iterable[MonthRow], first: str, last: str
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """収入 by month, 科目 and channel: settled instalments and yen, reversals deducted."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        sign = collects(row.debit, row.credit)
        if sign and first <= row.month <= last:
            total = sums.setdefault((row.month, row.item_code, row.channel), [0, 0])
            total[0] += sign * row.count
            total[1] += sign * row.amount_yen
    return {key: (total[0], total[1]) for key, total in sorted(sums.items()) if any(total)}


def percentile(counts: dict[int, int], percent: int) -> int | None:
    """百分位: the smallest value that at least ``percent`` of all do not exceed, or None."""
    total = sum(counts.values())
    if not total:
        return None
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if seen * 100 >= total * percent:
            return value
    return None


def delays_by_channel(found: Iterable[Delay]) -> dict[str, dict[int, int]]:
    """納付から消込までの日数: channel → days → number."""
    sums: dict[str, dict[int, int]] = {}
    for row in found:
        days = sums.setdefault(row.channel, {})
        days[row.days] = days.get(row.days, 0) + row.count
    return sums


def case_months(
    connection: Connection, municipality_code: str, first: date, last: date
) -> tuple[CaseMonth, ...]:
    """確認事項 of the months between the two days in which any came or went."""
    values = {"m": municipality_code, "first": first.isoformat(), "last": last.isoformat()}
    opened = {str(row.month): int(row.number) for row in connection.execute(text(_OPENED), values)}
    closed: dict[str, dict[int, int]] = {}
    for row in connection.execute(text(_CLOSED), values):
        days = (date.fromisoformat(row.closed_on) - date.fromisoformat(row.since)).days
        by = closed.setdefault(row.closed_on[:7], {})
        by[days] = by.get(days, 0) + int(row.number)
    return tuple(
        CaseMonth(
            month,
            opened.get(month, 0),
            sum(closed.get(month, {}).values()),
            percentile(closed.get(month, {}), MEDIAN),
            percentile(closed.get(month, {}), NINE_IN_TEN),
        )
        for month in sorted(opened.keys() | closed.keys())
    )


def _assesses(row: MonthRow) -> int:
    """+1 for 調定, -1 for what lowered it, 0 for any other."""
    return {(RECEIVABLE, ASSESSED): 1, (ASSESSED, RECEIVABLE): -1}.get((row.debit, row.credit), 0)
