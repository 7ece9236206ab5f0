"""日の明細: the lines received on a day by what they ended in, one by one, and their sum.

They are the lines that :func:`reconcile.report.blocks.outcomes` counts. Which files hold any of
them, and how many, is told by what is summed up by file; so a page reads these files alone, in the
order in which they came, and stops when it is full, however many lines the day has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconcile.file_lines import lines_of
from reconcile.file_totals import files_of_day

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.file_lines import FileLine

START = (0, 0)  # before the first line


class DaySum(NamedTuple):
    """明細の計 in yen, as the table 照合結果 has it."""

    count: int = 0  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int = 0
    applied_yen: int = 0
    suspense_yen: int = 0


class DayLine(NamedTuple):
    """日の明細の一行: a line with the channel of its file."""

    file_id: int
    channel: str
    line: FileLine

    @property
    def place(self) -> tuple[int, int]:
        """Where a following page begins."""
        return self.file_id, self.line.line_no


class DayLines(NamedTuple):
    """何を見るか: the sum of what was chosen, and the files (→ channel) that hold any of it."""

    outcome: str  # "" of every outcome
    total: DaySum
    files: dict[int, str]


def chosen(
    connection: Connection,
    municipality_code: str,
    day: date,
    *,
    channel: str = "",
    outcome: str = "",
) -> DayLines:
    """明細 received on ``day`` of one channel or all, that ended in one outcome or any."""
    found = [
        each
        for each in files_of_day(connection, municipality_code, day.isoformat())
        if channel in {"", each.channel} and outcome in {"", each.outcome} and each.count
    ]
    total = DaySum(*(sum(figures) for figures in zip(*(each[5:9] for each in found), strict=True)))
    return DayLines(outcome, total, {each.file_id: each.channel for each in found})


def lines_of_day(
    connection: Connection,
    municipality_code: str,
    wanted: DayLines,
    *,
    after: tuple[int, ...] = START,
    limit: int = 100,
) -> list[DayLine]:
    """その明細 behind a place (file and line) in the order in which they came."""
    found: list[DayLine] = []
    for file_id, channel in sorted(wanted.files.items()):
        if len(found) >= limit:
            break
        if file_id < after[0]:
            continue
        lines = lines_of(
            connection,
            municipality_code,
            file_id,
            outcome=wanted.outcome,
            after=after[1] if file_id == after[0] else 0,
            limit=limit - len(found),
            decided=True,
        )
        found += [DayLine(file_id, channel, line) for line in lines]
    return found
