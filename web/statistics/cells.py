"""統計の一日: what came in on one 会計日 by levy and channel, without anybody's name.

The figures are those of the day report (block 3, 収入): settled instalments and yen, reversals
deducted. Small cells are withheld as in the open data (:mod:`web.open_data.small_cells`). A body
that publishes its months should not publish these files beside them: what is withheld of one day
could be worked out from the month and the other days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from web.open_data.small_cells import month_table

if TYPE_CHECKING:
    from datetime import date

    from reconcile.report.period import DayReport
    from web.open_data.small_cells import Cell, Place

EVERYTHING = "all"  # 計, in the place of a levy or a channel
NO_CHANNEL = "none"  # what was settled without a report, by a decision


class StatisticsRow(NamedTuple):
    """統計の一行: one cell of one day; number and yen are None where they are withheld."""

    municipality_code: str
    booked_on: date
    levy_code: str
    channel: str
    number: int | None
    amount_yen: int | None
    withheld: bool
    closed: bool  # the day was closed by two people: it changes no more


def cells_of(report: DayReport) -> dict[Place, Cell]:
    """収入 of the report by 科目 and channel, nothing withheld."""
    sums: dict[Place, Cell] = {}
    for row in report.revenue:
        place = (row.item_code, row.channel or NO_CHANNEL)
        number, yen = sums.get(place, (0, 0))
        sums[place] = (number + row.count, yen + row.amount_yen)
    return {place: cell for place, cell in sorted(sums.items()) if cell != (0, 0)}


def rows_of(municipality_code: str, report: DayReport) -> list[StatisticsRow]:
    """統計 of the day of a report: every cell and its totals, small ones withheld."""
    table = month_table(cells_of(report))
    closed = report.closed_until is not None and report.day <= report.closed_until
    return [
        StatisticsRow(
            municipality_code, report.day, levy or EVERYTHING, channel or EVERYTHING,
            cell[0] if cell else None, cell[1] if cell else None, cell is None, closed,
        )
        for (levy, channel), cell in sorted(table.cells.items())
    ]  # fmt: skip
