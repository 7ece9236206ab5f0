"""公開する割合と日数: rates, shares of channels and days until booking, where they may be told.

They are of the same closed months as the collections, and tell nothing that those withhold: a share
is told where both its cells are; a rate of a levy up to the first month of its year in which the
levy's total is withheld (what is withheld there is never one levy alone, so that the rate of all
gives none away); days of a channel where its total is told and :data:`SMALL` payments or more were
booked. Rates and shares are cut to a tenth of a percent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from reconcile.delays import delays
from reconcile.report.figures import (
    MEDIAN,
    NINE_IN_TEN,
    delays_by_channel,
    months_of,
    percentile,
    rates,
    total_rate,
)
from web.open_data.small_cells import ALL, SMALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from reconcile.report.figures import MonthRow, Rate
    from web.open_data.small_cells import Published

TOTAL = "all"


class RateRow(NamedTuple):
    """収納率 up to the end of a month; tenths of a percent, None where withheld or unknown."""

    period: str
    levy_code: str
    tenths: int | None
    last_year_tenths: int | None


class ShareRow(NamedTuple):
    """構成比 of a channel in a period, by number and by yen; tenths of a percent."""

    period: str
    kind: str  # month or year
    channel: str
    count_tenths: int | None
    amount_tenths: int | None


class DelayRow(NamedTuple):
    """納付から消込までの日数 of a channel: half within, and nine in ten within so many days."""

    period: str
    kind: str
    channel: str
    median_days: int | None
    slow_days: int | None


@dataclass(frozen=True, slots=True)
class Measures:
    """割合と日数 of a body."""

    rates: tuple[RateRow, ...] = ()
    shares: tuple[ShareRow, ...] = ()
    delays: tuple[DelayRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Tables:
    """公開する表 by month and by year: what the collections tell."""

    months: Mapping[str, Published] = field(default_factory=dict)
    years: Mapping[int, Published] = field(default_factory=dict)


def measures(
    connection: Connection, municipality_code: str, rows: Iterable[MonthRow], tables: Tables
) -> Measures:
    """割合と日数 of the months that are published."""
    if not tables.months:
        return Measures()
    rows = tuple(rows)
    years = sorted({_year(month) for month in tables.months})
    return Measures(
        tuple(row for year in years for row in _rates(rows, year, tables)),
        tuple(row for each in _periods(tables) for row in _shares(*each)),
        tuple(_delays(connection, municipality_code, tables)),
    )


def _rates(rows: tuple[MonthRow, ...], year: int, tables: Tables) -> list[RateRow]:
    """収納率 of one year, month by month until the books of the year close, by levy and of all."""
    now, before = rates(rows, year), rates(rows, year - 1)
    old = dict(zip(months_of(year), months_of(year - 1), strict=True))
    last = max(tables.months)
    found = []
    for levy, by in (*sorted(now.items()), (ALL, total_rate(now))):
        was = total_rate(before) if levy == ALL else before.get(levy, {})
        for month in months_of(year):
            if month > last or month not in by:
                break
            told = _tenths(by[month]) if _is_told(levy, year, month, tables) else None
            earlier = was.get(old[month])
            may = earlier is not None and _is_told(levy, year - 1, old[month], tables)
            found.append(
                RateRow(month, levy or TOTAL, told, _tenths(earlier) if may and earlier else None)
            )
    return found


def _is_told(levy: str, year: int, month: str, tables: Tables) -> bool:
    """Whether no month of the year so far withholds what the levy brought in."""
    return all(
        (levy, ALL) not in tables.months[each].withheld
        for each in months_of(year)
        if each <= month and each in tables.months
    )


def _tenths(rate: Rate) -> int | None:
    return None if rate.hundredths is None else rate.hundredths // 10


def _periods(tables: Tables) -> list[tuple[str, str, Published]]:
    months = [(month, "month", table) for month, table in sorted(tables.months.items())]
    return months + [(str(year), "year", table) for year, table in sorted(tables.years.items())]


def _shares(period: str, kind: str, table: Published) -> list[ShareRow]:
    """構成比 of one period; of a month without any told total nothing is told."""
    whole = table.cells.get((ALL, ALL))
    found = []
    for (levy, channel), cell in sorted(table.cells.items()):
        if levy != ALL or channel == ALL:
            continue
        parts: tuple[int | None, int | None] = (None, None)
        if cell is not None and whole is not None:
            parts = (_part(cell[0], whole[0]), _part(cell[1], whole[1]))
        found.append(ShareRow(period, kind, channel, *parts))
    return found


def _part(part: int, whole: int) -> int | None:
    return part * 1_000 // whole if whole > 0 and part >= 0 else None


def _delays(connection: Connection, code: str, tables: Tables) -> list[DelayRow]:
    """日数 by channel, of each month and of each whole year."""
    counted = delays(connection, code, min(tables.months), max(tables.months))
    found = []
    for period, kind, table in _periods(tables):
        mine = [
            row for row in counted
            if (row.month == period if kind == "month" else str(_year(row.month)) == period)
        ]  # fmt: skip
        for channel, days in sorted(delays_by_channel(mine).items()):
            told = table.cells.get((ALL, channel)) is not None and sum(days.values()) >= SMALL
            pair = (percentile(days, MEDIAN), percentile(days, NINE_IN_TEN)) if told else ()
            found.append(DelayRow(period, kind, channel, *(pair or (None, None))))
    return found


def _year(month: str) -> int:
    """会計年度 of a month of 会計日."""
    return int(month[:4]) - (int(month[5:]) < 4)
