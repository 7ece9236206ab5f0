"""照合結果の書出し: every line with the outcome in force, as CSV (outcomes.md 8)."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from sqlalchemy import Connection

COLUMNS = (
    "source_sha256",
    "file_name",
    "line_no",
    "channel",
    "report_stage",
    "amount_yen",
    "slip_no",
    "outcome",
    "rule",
    "applied_yen",
    "suspense_yen",
)
BATCH = 5_000

_ROWS = """
    SELECT f.sha256, f.name, l.line_no, f.channel, l.stage, l.amount_yen,
           COALESCE(s.slip_no, ''), o.outcome, o.rule, o.applied_yen, o.suspense_yen
      FROM source_file f
      JOIN source_line l
        ON l.municipality_code = f.municipality_code AND l.file_id = f.file_id
      JOIN line_outcome o
        ON o.municipality_code = l.municipality_code AND o.file_id = l.file_id
       AND o.line_no = l.line_no
      LEFT JOIN slip s
        ON s.municipality_code = o.municipality_code AND s.slip_id = o.slip_id
     WHERE f.municipality_code = :m {only}
       AND NOT EXISTS (
           SELECT 1 FROM line_outcome later
            WHERE later.municipality_code = o.municipality_code AND later.file_id = o.file_id
              AND later.line_no = o.line_no AND later.revision > o.revision)
     ORDER BY f.file_id, l.line_no"""
_ONE_FILE = "AND f.sha256 = :sha"


def outcome_rows(
    connection: Connection, municipality_code: str, sha256: str | None = None
) -> Iterator[tuple[Any, ...]]:
    """One tuple per line, ordered by file then line, never all of them in memory.

    Raises :class:`NotFoundError` ``file_sha256`` when ``sha256`` names no file of ours.
    """
    values = {"m": municipality_code, "sha": sha256}
    if sha256 is not None:
        known = text("SELECT 1 FROM source_file WHERE municipality_code = :m AND sha256 = :sha")
        if connection.execute(known, values).first() is None:
            raise NotFoundError("file_sha256", sha256=sha256)
    else:
        del values["sha"]
    statement = text(_ROWS.format(only=_ONE_FILE if sha256 is not None else ""))
    streaming = {"stream_results": True, "max_row_buffer": BATCH}
    rows = connection.execute(statement, values, execution_options=streaming)
    for batch in rows.partitions(BATCH):
        for row in batch:
            yield tuple(row)


def write_outcomes(
    connection: Connection,
    municipality_code: str,
    stream: TextIO,
    *,
    sha256: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write header and rows with CRLF line ends; the number of lines written.

    ``stream`` must not translate newlines (``newline=""``) and should encode as UTF-8.
    """
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    number = 0
    for row in outcome_rows(connection, municipality_code, sha256):
        writer.writerow(row)
        number += 1
        if progress is not None and number % BATCH == 0:
            progress(number)
    return number
