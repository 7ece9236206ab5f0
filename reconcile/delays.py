"""納付から消込までの日数: how long a payment takes from 領収日 to the 会計日 that settled a claim.

Counted are the postings that settled instalments, by the engine (消込) or by people (手作業消込);
one that was taken back stays counted, for it had been booked. ``delay_total`` has what was booked
up to the mark of :mod:`reconcile.day_totals`, and what came after is read from the postings.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from reconcile.mark import summed_up_to

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FRESH = """
SELECT CAST(j.booked_on AS VARCHAR(10)) AS booked_on, CAST(r.paid_on AS VARCHAR(10)) AS paid_on,
    f.channel, COUNT(*) AS number, SUM(p.amount_yen) AS yen
FROM journal j
JOIN posting p ON p.municipality_code = :m AND p.journal_id = j.journal_id
JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.subject_file_id
    AND r.line_no = p.subject_line_no
JOIN source_file f ON f.municipality_code = :m AND f.file_id = r.file_id
WHERE j.municipality_code = :m AND j.journal_id > :mark AND p.journal_id > :mark
  AND p.reason IN ('applied', 'placed') AND r.paid_on IS NOT NULL
GROUP BY 1, 2, 3
"""
_STORED = """
SELECT month, channel, days, count, amount_yen FROM delay_total
WHERE municipality_code = :m AND month BETWEEN :first AND :last
"""
_ADD = """
INSERT INTO delay_total (municipality_code, month, channel, days, count, amount_yen)
VALUES (:m, :month, :channel, :days, :count, :amount_yen)
ON CONFLICT (municipality_code, month, channel, days)
DO UPDATE SET count = delay_total.count + excluded.count,
    amount_yen = delay_total.amount_yen + excluded.amount_yen
"""


class Delay(NamedTuple):
    """日数の一行: postings of one month and channel that came ``days`` after their 領収日."""

    month: str  # of 会計日: 2026-06
    channel: str
    days: int
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int


def delays(
    connection: Connection, municipality_code: str, first: str, last: str
) -> tuple[Delay, ...]:
    """日数 of the months from ``first`` to ``last`` (``2026-04``), whatever is summed up so far."""
    values = {"m": municipality_code, "first": first, "last": last}
    sums = {
        (str(month), str(channel), int(days)): [int(number), int(yen)]
        for month, channel, days, number, yen in connection.execute(text(_STORED), values)
    }
    for row in fresh(connection, municipality_code):
        if first <= row.month <= last:
            total = sums.setdefault(row[:3], [0, 0])
            total[0] += row.count
            total[1] += row.amount_yen
    return tuple(Delay(*key, *sums[key]) for key in sorted(sums))


def fresh(connection: Connection, municipality_code: str) -> list[Delay]:
    """日数 of what was booked behind the mark."""
    sums: dict[tuple[str, str, int], list[int]] = {}
    for booked_on, paid_on, channel, number, yen in connection.execute(
        text(_FRESH),
        {"m": municipality_code, "mark": summed_up_to(connection, municipality_code)},
    ):
        days = (date.fromisoformat(booked_on) - date.fromisoformat(paid_on)).days
        total = sums.setdefault((booked_on[:7], channel, days), [0, 0])
        total[0] += int(number)
        total[1] += int(yen)
    return [Delay(*key, *sums[key]) for key in sorted(sums)]


def add(connection: Connection, municipality_code: str, found: list[Delay]) -> None:
    """Add what :func:`fresh` found to the summary, before the mark is moved."""
    if found:
        rows = [{"m": municipality_code, **row._asdict()} for row in found]
        connection.execute(text(_ADD), rows)
