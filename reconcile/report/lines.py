"""明細の集計: the lines received in a period, in one pass for all blocks that speak of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

# A day at a time: for one day both databases go from its files to their lines, for a span of days
# SQLite would walk all lines there are.
_LINES = """
SELECT f.format_code, f.channel, l.stage, o.outcome, COUNT(*), SUM(COALESCE(l.amount_yen, 0)),
    SUM(o.applied_yen), SUM(o.suspense_yen),
    SUM(CASE WHEN r.line_no IS NULL OR r.stage = 'withdrawn' THEN COALESCE(l.amount_yen, 0)
        ELSE r.applied_yen + r.suspense_yen END)
FROM source_file f
JOIN source_line l ON l.municipality_code = f.municipality_code AND l.file_id = f.file_id
JOIN line_outcome o ON o.municipality_code = l.municipality_code AND o.file_id = l.file_id
    AND o.line_no = l.line_no
LEFT JOIN receipt r ON r.municipality_code = l.municipality_code AND r.file_id = l.file_id
    AND r.line_no = l.line_no
WHERE f.municipality_code = :m AND f.received_on = :day AND NOT EXISTS (
    SELECT 1 FROM line_outcome later WHERE later.municipality_code = o.municipality_code
    AND later.file_id = o.file_id AND later.line_no = o.line_no AND later.revision > o.revision)
GROUP BY 1, 2, 3, 4
"""


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
    connection: Connection, municipality_code: str, first: date, last: date
) -> tuple[LineTotal, ...]:
    """明細の集計: the lines received from ``first`` to ``last`` with the outcomes in force."""
    days = connection.execute(
        text(
            "SELECT DISTINCT CAST(received_on AS VARCHAR(10)) FROM source_file "
            "WHERE municipality_code = :m AND received_on BETWEEN :first AND :last"
        ),
        {"m": municipality_code, "first": first.isoformat(), "last": last.isoformat()},
    ).scalars()
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for day in days.all():
        for row in connection.execute(text(_LINES), {"m": municipality_code, "day": day}):
            total = sums.setdefault((row[0], row[1], row[2], row[3]), [0] * 5)
            for place, figure in enumerate(row[4:]):
                total[place] += int(figure)
    return tuple(LineTotal(*key, *sums[key]) for key in sorted(sums))
