"""資料別集計: the lines of each file summed up by what they are and what they ended in.

An outcome is only ever added to, and a receipt changes only with a posting of its own or with a
new outcome of its line. So the sums of a file hold until one of the two comes behind the mark of
:mod:`reconcile.day_totals`; files of which that is so, and files that are not summed up yet, are
counted line by line. The figures are the same with and without the summary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.store.lookups import rows_about
from reconcile.mark import summed_up_to

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row

# Files of which anything was booked or decided again behind the mark.
_CHANGED = """
(SELECT p.subject_file_id FROM posting p WHERE p.municipality_code = :m AND p.journal_id > :mark
UNION SELECT v.file_id FROM line_outcome v
WHERE v.municipality_code = :m AND v.journal_id > :mark AND v.revision > 1)"""
_KNOWN = """
EXISTS (SELECT 1 FROM file_total t WHERE t.municipality_code = :m AND t.file_id = f.file_id)"""
# Asked first and by itself: together with the lines a planner may begin with all of these.
_BEHIND = f"""
SELECT f.file_id FROM source_file f WHERE f.municipality_code = :m AND {{which}}
  AND (f.file_id IN {_CHANGED} OR NOT {_KNOWN}) AND EXISTS (
    SELECT 1 FROM line_outcome o WHERE o.municipality_code = :m AND o.file_id = f.file_id)
ORDER BY f.file_id"""
_COUNTED = """
SELECT f.file_id, f.format_code, f.channel, l.stage, o.outcome, COUNT(*),
    SUM(COALESCE(l.amount_yen, 0)), SUM(o.applied_yen), SUM(o.suspense_yen),
    SUM(CASE WHEN r.line_no IS NULL OR r.stage = 'withdrawn' THEN COALESCE(l.amount_yen, 0)
        ELSE r.applied_yen + r.suspense_yen END)
FROM source_file f
JOIN source_line l ON l.municipality_code = f.municipality_code AND l.file_id = f.file_id
JOIN line_outcome o ON o.municipality_code = l.municipality_code AND o.file_id = l.file_id
    AND o.line_no = l.line_no
LEFT JOIN receipt r ON r.municipality_code = l.municipality_code AND r.file_id = l.file_id
    AND r.line_no = l.line_no
WHERE f.municipality_code = :m AND f.file_id IN :some AND NOT EXISTS (
    SELECT 1 FROM line_outcome later WHERE later.municipality_code = o.municipality_code
    AND later.file_id = o.file_id AND later.line_no = o.line_no AND later.revision > o.revision)
GROUP BY 1, 2, 3, 4, 5
"""
_STORED = f"""
SELECT {{file}}, f.format_code, f.channel, t.stage, t.outcome, SUM(t.count), SUM(t.amount_yen),
    SUM(t.applied_yen), SUM(t.suspense_yen), SUM(t.accounted_yen)
FROM source_file f
JOIN file_total t ON t.municipality_code = :m AND t.file_id = f.file_id
WHERE f.municipality_code = :m AND {{which}} AND f.file_id NOT IN {_CHANGED}
GROUP BY 1, 2, 3, 4, 5
"""
_ADD = """
INSERT INTO file_total (municipality_code, file_id, stage, outcome, count, amount_yen, applied_yen,
    suspense_yen, accounted_yen)
VALUES (:m, :file_id, :stage, :outcome, :count, :amount_yen, :applied_yen, :suspense_yen,
    :accounted_yen)
"""
_OF_DAY, _OF_FILE, _EVERY = "f.received_on = :day", "f.file_id = :file_id", "f.file_id > 0"
_TOGETHER, _EACH = "0", "f.file_id"
_FILES = "SELECT f.file_id FROM source_file f WHERE f.municipality_code = :m AND {which}"


class FileTotal(NamedTuple):
    """資料別集計の一行; ``file_id`` is 0 where several files are summed up together."""

    file_id: int
    format_code: str
    channel: str
    stage: str
    outcome: str
    count: int  # type: ignore[assignment]  # shadows tuple.count on purpose
    amount_yen: int
    applied_yen: int
    suspense_yen: int
    accounted_yen: int  # applied + suspense of its receipts, the amount of what is no receipt


def of_day(
    connection: Connection, municipality_code: str, day: str, *, again: bool = False
) -> list[FileTotal]:
    """The lines received on a day (``2026-06-01``); ``again`` counts them all line by line."""
    return _sums(connection, municipality_code, _OF_DAY, again=again, day=day)


def files_of_day(connection: Connection, municipality_code: str, day: str) -> list[FileTotal]:
    """The same file by file, in the order in which the files came."""
    found = _sums(connection, municipality_code, _OF_DAY, again=False, file=_EACH, day=day)
    return sorted(found)


def of_file(connection: Connection, municipality_code: str, file_id: int) -> list[FileTotal]:
    """The lines of one file."""
    return _sums(connection, municipality_code, _OF_FILE, again=False, file_id=file_id)


def fresh(connection: Connection, municipality_code: str) -> list[FileTotal]:
    """資料 that are not summed up yet, or no longer as they stand."""
    mark = summed_up_to(connection, municipality_code)
    return _counted(connection, municipality_code, _BEHIND.format(which=_EVERY), mark=mark)


def put(connection: Connection, municipality_code: str, found: Iterable[FileTotal]) -> None:
    """Put what :func:`fresh` found in the place of what was, before the mark is moved."""
    rows = [{"m": municipality_code, **row._asdict()} for row in found]
    if rows:
        files = sorted({row["file_id"] for row in rows})
        connection.execute(
            text("DELETE FROM file_total WHERE municipality_code = :m AND file_id = :file_id"),
            [{"m": municipality_code, "file_id": file_id} for file_id in files],
        )
        connection.execute(text(_ADD), rows)


def _sums(
    connection: Connection,
    municipality_code: str,
    which: str,
    *,
    again: bool,
    file: str = _TOGETHER,
    **values: object,
) -> list[FileTotal]:
    """What is summed up, and what has to be counted."""
    if again:
        return _counted(connection, municipality_code, _FILES.format(which=which), **values)
    mark = summed_up_to(connection, municipality_code)
    stored = connection.execute(
        text(_STORED.format(which=which, file=file)),
        {"m": municipality_code, "mark": mark, **values},
    )
    behind = _counted(
        connection, municipality_code, _BEHIND.format(which=which), mark=mark, **values
    )
    return [*map(_total, stored), *behind]


def _counted(
    connection: Connection, municipality_code: str, files: str, **values: object
) -> list[FileTotal]:
    """Line by line, of the files that a statement names."""
    named = connection.execute(text(files), {"m": municipality_code, **values}).scalars().all()
    return [_total(row) for row in rows_about(connection, _COUNTED, municipality_code, named)]


def _total(row: Row[Any]) -> FileTotal:
    """PostgreSQL sums up to numbers that are not int."""
    return FileTotal._make((*row[:5], *map(int, row[5:])))
