"""公開する数字: 収入 of closed months and whole years by levy and channel, small cells withheld.

Months are those of 会計日. A month is published when its last day was closed by two people: from
then on nothing of it changes, corrections go to the next open day. A year (April to March) is
published when its last month is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from reconcile.journal import closed_books
from reconcile.report.figures import by_month, collected_cells
from web.open_data.measures import Measures, Tables, measures
from web.open_data.small_cells import month_table, year_table

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from web.open_data.small_cells import Cell, Place, Published

FIRST_MONTH = 4  # of a 会計年度


@dataclass(frozen=True, slots=True)
class Row:
    """一行: one cell of one month or year; ``count`` and ``amount_yen`` are None where withheld."""

    period: str  # 2026-06, or 2026 for a 会計年度
    kind: str  # month or year
    levy_code: str  # "all" for the total
    channel: str  # "all" for the total
    count: int | None
    amount_yen: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """公開する数字 of one body, ``as_of`` the last closed day (None: nothing was closed yet)."""

    municipality_code: str
    municipality_name: str
    as_of: date | None
    rows: tuple[Row, ...]
    levies: tuple[tuple[str, str], ...]  # code and name
    measures: Measures = field(default_factory=Measures)

    @property
    def version(self) -> str:
        """版: changes only when something of the figures does."""
        digest = sha256(repr(self).encode()).hexdigest()[:24]
        return f"{self.municipality_code}-{digest}"


def published(connection: Connection, profile: Profile) -> Figures:
    """公開する数字 as the books stand."""
    code = profile.municipality_code
    closed_until, _year = closed_books(connection, code)
    rows: list[Row] = []
    seen: set[str] = set()
    also = Measures()
    if closed_until is not None:
        last = (closed_until + timedelta(days=1)).replace(day=1) - timedelta(days=1)
        monthly = by_month(connection, code)
        tables = _tables(collected_cells(monthly, "", last.isoformat()[:7]))
        for month, table in tables.months.items():
            rows += _of(month, "month", table)
        for year, table in tables.years.items():
            rows += _of(str(year), "year", table)
        also = measures(connection, code, monthly, tables)
        seen = {row.levy_code for row in rows} | {row.levy_code for row in also.rates}
    levies = tuple((item.item_code, item.name) for item in profile.items if item.item_code in seen)
    return Figures(code, profile.name, closed_until, tuple(rows), levies, also)


def _tables(cells: dict[tuple[str, str, str], Cell]) -> Tables:
    """Every month, and every year of which all months are there."""
    months: dict[str, dict[Place, Cell]] = {}
    for (month, levy, channel), cell in cells.items():
        months.setdefault(month, {})[levy, channel] = cell
    tables = {month: month_table(of) for month, of in sorted(months.items())}
    years: dict[int, Published] = {}
    last = max(tables, default="")
    for year in sorted({_fiscal_year(month) for month in tables}):
        mine = [month for month in tables if _fiscal_year(month) == year]
        # A month without any receipt has no table; a year ends with its March.
        if last >= f"{year + 1}-03":
            sums: dict[Place, Cell] = {}
            for month in mine:
                for place, (count, yen) in months[month].items():
                    before = sums.get(place, (0, 0))
                    sums[place] = (before[0] + count, before[1] + yen)
            years[year] = year_table([tables[month] for month in mine], sums)
    return Tables(tables, years)


def _of(period: str, kind: str, table: Published) -> list[Row]:
    return [
        Row(period, kind, levy or "all", channel or "all", *(cell or (None, None)))
        for (levy, channel), cell in table.cells.items()
    ]


def _fiscal_year(month: str) -> int:
    return int(month[:4]) - (int(month[5:]) < FIRST_MONTH)
