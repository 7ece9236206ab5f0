"""明細の集計: the lines received in a period, once for all blocks that speak of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from reconcile.file_totals import of_day

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection


class LineTotal(NamedTuple):
    """明細の集計: the lines received in a period, by what they are and what they ended in."""

    format_code: str
    channel: str
    stage: str
    outcome: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int
    applied_yen: int
    suspense_yen: int
    accounted_yen: int  # applied + suspense of its receipts, the amount of what is no receipt


def lines(
    connection: Connection, municipality_code: str, first: date, last: date, *, again: bool = False
) -> tuple[LineTotal, ...]:
    """明細の集計: the lines received from ``first`` to ``last`` with the outcomes in force.

    They come from what is summed up by file; ``again`` counts them line by line.
    """
    days = connection.execute(
        text(
            "SELECT DISTINCT CAST(received_on AS VARCHAR(10)) FROM source_file "
            "WHERE municipality_code = :m AND received_on BETWEEN :first AND :last"
        ),
        {"m": municipality_code, "first": first.isoformat(), "last": last.isoformat()},
    ).scalars()
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for day in days.all():
        for row in of_day(connection, municipality_code, day, again=again):
            key = (row.format_code, row.channel, row.stage, row.outcome)
            total = sums.setdefault(key, [0] * 5)
            for place, figure in enumerate(row[5:]):
                total[place] += int(figure)
    return tuple(LineTotal(*key, *sums[key]) for key in sorted(sums))
