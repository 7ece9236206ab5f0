"""資料の明細: the lines of one file with what they ended in, page by page, and all its findings."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - field of a tuple
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from reconcile.report.arrivals import as_date
from reconcile.store.tables import FREQUENT, RARE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


class FileLine(NamedTuple):
    """明細の一行: as it was read, and the outcome in force (None: it decides nothing)."""

    line_no: int
    byte_offset: int
    byte_length: int
    kind: str
    stage: str
    slip_key: str | None
    amount_yen: int | None
    paid_on: date | None
    fault: str | None
    outcome: str | None
    applied_yen: int | None
    suspense_yen: int | None


class FileFinding(NamedTuple):
    """指摘: one thing that is wrong with a file, with its place."""

    code: str
    severity: str
    line_no: int | None
    byte_offset: int | None
    field: str
    found: str
    expected: str


_LINES = """
SELECT l.line_no, l.byte_offset, l.byte_length, l.kind, l.stage, l.slip_key, l.amount_yen,
  l.paid_on, l.fault, o.outcome, o.applied_yen, o.suspense_yen
FROM source_line l LEFT JOIN line_outcome o ON o.municipality_code = l.municipality_code
  AND o.file_id = l.file_id AND o.line_no = l.line_no
  AND NOT EXISTS (SELECT 1 FROM line_outcome later
    WHERE later.municipality_code = o.municipality_code AND later.file_id = o.file_id
      AND later.line_no = o.line_no AND later.revision > o.revision)
WHERE l.municipality_code = :m AND l.file_id = :file_id AND l.line_no > :after{chosen}
ORDER BY l.line_no LIMIT :limit
"""
# What a line ended in is asked first (CROSS JOIN keeps SQLite at it): many lines may lie between
# two of one outcome, and none of them is looked up. Few among many are found by their index.
_ENDED = """
SELECT l.line_no, l.byte_offset, l.byte_length, l.kind, l.stage, l.slip_key, l.amount_yen,
  l.paid_on, l.fault, o.outcome, o.applied_yen, o.suspense_yen
FROM line_outcome o CROSS JOIN source_line l
WHERE o.municipality_code = :m AND o.file_id = :file_id{chosen}
  AND o.outcome = :outcome AND o.line_no > :after
  AND NOT EXISTS (SELECT 1 FROM line_outcome later
    WHERE later.municipality_code = :m AND later.file_id = o.file_id
      AND later.line_no = o.line_no AND later.revision > o.revision)
  AND l.municipality_code = :m AND l.file_id = o.file_id AND l.line_no = o.line_no
ORDER BY o.line_no LIMIT :limit
"""
_RARE_LINES = text(_ENDED.format(chosen=f" AND o.{RARE}"))
_OF_FREQUENT = text(_ENDED.format(chosen=""))
_EVERY_LINE = text(_LINES.format(chosen=""))
_DECIDED = text(_LINES.format(chosen=" AND o.outcome IS NOT NULL"))
_FINDINGS = text(
    "SELECT code, severity, line_no, byte_offset, field, found, expected FROM finding "
    "WHERE municipality_code = :m AND file_id = :file_id ORDER BY finding_no"
)


def lines_of(
    connection: Connection,
    municipality_code: str,
    file_id: int,
    *,
    outcome: str = "",
    after: int = 0,
    limit: int = 100,
    decided: bool = False,
) -> list[FileLine]:
    """明細 behind line ``after`` in the order of the file; of one outcome, or all of them.

    ``decided``: without those that decide nothing.
    """
    chosen = _OF_FREQUENT if outcome in FREQUENT else _RARE_LINES
    every = _DECIDED if decided else _EVERY_LINE
    rows = connection.execute(
        chosen if outcome else every,
        {
            "m": municipality_code, "file_id": file_id, "after": after, "limit": limit,
            **({"outcome": outcome} if outcome else {}),
        },
    )  # fmt: skip
    found = [FileLine(*row) for row in rows]
    return [line._replace(paid_on=as_date(line.paid_on)) for line in found]


def findings_of(
    connection: Connection, municipality_code: str, file_id: int
) -> Iterator[FileFinding]:
    """指摘 of a file, every one of them, in order."""
    values = {"m": municipality_code, "file_id": file_id}
    rows = connection.execution_options(yield_per=1_000).execute(_FINDINGS, values)
    return (FileFinding(*row) for row in rows)
