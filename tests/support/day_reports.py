"""日計の見本: one small report with a row in every block, for the formats to be held against."""

from __future__ import annotations

from datetime import UTC, date, datetime

from reconcile.closures import Closure
from reconcile.report.arrivals import Arrival, Source
from reconcile.report.blocks import AccountMovement, Cash, FileSummary, Flow, Group, OutcomeTotal
from reconcile.report.checks import Check, absent
from reconcile.report.period import DayReport
from reconcile.report.revenue import Revenue, YearLine

DAY = date(2026, 6, 1)
CLOSURE = Closure(
    3, "day", "closed", DAY, DAY, 2025, "kaikei", "kanri", "手数料を照会中",
    datetime(2026, 6, 2, 0, 30, tzinfo=UTC), "ab" * 32,
)  # fmt: skip
_KONBINI = Source("konbini_dsk", "konbini_dsk", "", "ﾐﾎﾝｼﾕｳﾉｳA", daily=True)


def small_report(period: str = "day") -> DayReport:
    """Every block with figures that are easy to tell apart; yen are of several sizes and signs."""
    fund = "国民健康保険特別会計"
    return DayReport(
        period=period,
        municipality_code="99999",
        municipality_name="みほん市",
        first=DAY if period == "day" else DAY.replace(month=4),
        day=DAY,
        fiscal_year=2026 if period == "year" else None,
        arrivals=(Arrival(_KONBINI, "received", 1, 3, 36_900, (3, 36_900), (0, 0), (0, 0)),),
        flows=(Flow("konbini", 3, 36_900, 24_600, 12_300, 0, 0, 1, 12_300),),
        outcomes=(
            OutcomeTotal("konbini", "matched", 2, 24_600, 24_600, 0),
            OutcomeTotal("konbini", "duplicate", 1, 12_300, 0, 12_300),
        ),
        cash=(Cash("9999-999-1-1234567", 250_000_000, 1, 24_600, 1, 600, 250_024_000, None),),
        groups=(Group(1, "konbini_dsk", "2026-06-05", date(2026, 6, 5), 2, 24_600, 110, 0),),
        revenue=(
            Revenue("一般会計", 2026, "901", "市県民税", False, "konbini", 1, 1_000, 2, 24_600,
                    3, 25_600),
            Revenue(fund, 2026, "904", "国民健康保険税", True, "eltax", 10, 98_765_432_100, -1,
                    -500, -1, -500),
        ),
        collected_before_yen=98_765_433_100,
        collected_yen=24_100,
        movements=(
            AccountMovement("receivable", 100, 0, 24_600),
            AccountMovement("reported", -100, 24_600, 0),
        ),
        checks=(Check("T1", 3, 3, "件"), Check("T3", 24_600, 0), absent("T4"),
                Check("T7", 5, 5, scope="all")),
        waiting=(("duplicate", 1, 12_300),),
        sums_journal_id=42,
        closed_until=DAY if period == "month" else None,
        previous_sha256="cd" * 32,
        files=(FileSummary(7, "=cmd|' /C calc'!A0", "konbini_dsk", "konbini", "accepted", 3,
                           36_900, 0, "ef" * 32),),
        previous_day=None,
        next_day=date(2026, 6, 2),
        days=((DAY, 2, 24_100),) if period != "day" else (),
        year_lines=(YearLine("一般会計", "901", "市県民税", True, 300_000, 100_000, 24_600),)
        if period == "year" else (),
    )  # fmt: skip
