"""届いた資料: the files of a period, each with the day it was entered for, and nil reports."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from payments.domain.arrivals import JAPAN
from reconcile.arrivals.sources import as_date

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row

REACH = timedelta(days=45)  # how late a file may be and still find its day by itself

# In no order: for one SQLite walks through the days of all files there ever were.
_FILES = """
SELECT f.file_id, f.name, f.format_code, f.agent, f.status, f.received_on, f.taken_in_at,
    f.created_on, f.count AS records, f.amount_yen, r.source, r.due_on, r.basis, r.minutes_late
FROM source_file f
LEFT JOIN arrival_record r ON r.municipality_code = :m AND r.file_id = f.file_id
    AND NOT EXISTS (SELECT 1 FROM arrival_record later WHERE later.municipality_code = :m
        AND later.file_id = r.file_id AND later.record_no > r.record_no)
WHERE f.municipality_code = :m AND f.file_id IN (
    SELECT g.file_id FROM source_file g
    WHERE g.municipality_code = :m AND g.channel NOT IN ('', 'notification')
        AND g.received_on BETWEEN :first AND :last
    UNION SELECT d.file_id FROM arrival_record d
    WHERE d.municipality_code = :m AND d.due_on BETWEEN :due_first AND :due_last)"""
# A file of which every line came before, and the file of the same format that said it first.
_RESENT = """
SELECT l.file_id, MIN(p.file_id) AS first_id
FROM source_line l
JOIN source_file f ON f.municipality_code = :m AND f.file_id = l.file_id
JOIN source_line p ON p.municipality_code = :m AND p.identity = l.identity
    AND p.record_key = l.record_key AND p.file_id < l.file_id
JOIN source_file pf ON pf.municipality_code = :m AND pf.file_id = p.file_id
    AND pf.format_code = f.format_code AND pf.agent = f.agent
WHERE l.municipality_code = :m AND l.file_id IN :files
    AND l.line_no = (SELECT MIN(n.line_no) FROM line_outcome n
        WHERE n.municipality_code = :m AND n.file_id = l.file_id)
    AND NOT EXISTS (SELECT 1 FROM line_outcome o WHERE o.municipality_code = :m
        AND o.file_id = l.file_id AND o.revision = 1 AND o.outcome <> 'repeat')
GROUP BY l.file_id"""
# The first line answers the first question for all but the files that it is about.
_FOREIGN = """
SELECT f.file_id FROM source_file f
WHERE f.municipality_code = :m AND f.file_id IN :files
    AND NOT EXISTS (SELECT 1 FROM line_outcome o WHERE o.municipality_code = :m
        AND o.file_id = f.file_id AND o.revision = 1 AND o.outcome <> 'other_municipality')
    AND EXISTS (SELECT 1 FROM line_outcome l WHERE l.municipality_code = :m
        AND l.file_id = f.file_id AND l.outcome = 'other_municipality')"""

# Of what was changed the last word counts.
_NILS = """
SELECT r.agent, r.due_on, COALESCE(c.actor, r.entered_by) AS entered_by,
    COALESCE(c.note, r.note) AS note
FROM nil_report r
LEFT JOIN nil_report_change c ON c.municipality_code = :m AND c.agent = r.agent
    AND c.due_on = r.due_on AND NOT EXISTS (SELECT 1 FROM nil_report_change later
        WHERE later.municipality_code = :m AND later.agent = c.agent
          AND later.due_on = c.due_on AND later.change_no > c.change_no)
WHERE r.municipality_code = :m AND r.due_on BETWEEN :first AND :last
  AND COALESCE(c.event, 'entered') = 'entered'"""


class Came(NamedTuple):
    """届いた資料: one file; ``due_on`` and ``basis`` only once it has been entered for a day."""

    file_id: int
    name: str
    format_code: str
    agent: str
    status: str
    received_on: date
    arrived_at: datetime  # the moment where it is known, else the day's beginning
    created_on: date | None
    records: int
    amount_yen: int
    source: str | None
    due_on: date | None
    basis: str | None
    minutes_late: int | None

    @property
    def accepted(self) -> bool:
        """取込済."""
        return self.status == "accepted"


class Nil(NamedTuple):
    """該当なし: who said so, and how they know."""

    entered_by: str
    note: str


def files_between(
    connection: Connection,
    municipality_code: str,
    first: date,
    last: date,
    reach: timedelta = REACH,
) -> tuple[Came, ...]:
    """届いた資料 that can concern the due days ``first`` to ``last``, in the order they came."""
    rows = connection.execute(
        text(_FILES),
        {
            "m": municipality_code,
            "first": (first - reach).isoformat(),
            "last": (last + reach).isoformat(),
            "due_first": first.isoformat(),
            "due_last": last.isoformat(),
        },
    )
    return tuple(sorted(map(_came, rows), key=lambda file: (file.arrived_at, file.file_id)))


def first_day(connection: Connection, municipality_code: str) -> date | None:
    """最初の受領日: since when files come into these books; None when none has come yet."""
    found = connection.execute(
        text(
            "SELECT MIN(received_on) FROM source_file "
            "WHERE municipality_code = :m AND channel NOT IN ('', 'notification')"
        ),
        {"m": municipality_code},
    ).scalar_one()
    return as_date(found)


def nils_between(
    connection: Connection, municipality_code: str, first: date, last: date
) -> dict[tuple[str, date], Nil]:
    """該当なし of the due days ``first`` - 45 days to ``last``, by source and day.

    Those that stand: not what was taken back, unless it was entered again since.
    """
    rows: Iterable[Any] = connection.execute(
        text(_NILS),
        {
            "m": municipality_code,
            "first": (first - REACH).isoformat(),
            "last": last.isoformat(),
        },
    )
    return {(row.agent, _day(row.due_on)): Nil(str(row.entered_by), str(row.note)) for row in rows}


def resent(connection: Connection, municipality_code: str, files: Iterable[Came]) -> dict[int, int]:
    """再送: files that say nothing new, each with the file that said it first.

    What another channel has said before is news of this one, so only its own files count.
    """
    rows = _asked(connection, municipality_code, _RESENT, files)
    return {int(row.file_id): int(row.first_id) for row in rows}


def foreign(connection: Connection, municipality_code: str, files: Iterable[Came]) -> set[int]:
    """他団体の資料: files of which no line is about this municipality."""
    return {int(row.file_id) for row in _asked(connection, municipality_code, _FOREIGN, files)}


def _asked(
    connection: Connection, municipality_code: str, statement: str, files: Iterable[Came]
) -> list[Row[Any]]:
    """The rows of a statement about the lines of files; a nil report has none to ask about."""
    file_ids = [file.file_id for file in files if file.accepted and file.records]
    if not file_ids:
        return []
    asked = text(statement).bindparams(bindparam("files", expanding=True))
    return list(connection.execute(asked, {"m": municipality_code, "files": file_ids}))


def _came(row: Row[Any]) -> Came:
    received_on = _day(row.received_on)
    moment = row.taken_in_at
    if not isinstance(moment, datetime):
        moment = datetime.fromisoformat(str(moment))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment.astimezone(JAPAN).date() != received_on:
        # Taken in later than it came: of that day nothing is known but the day.
        moment = datetime(received_on.year, received_on.month, received_on.day, tzinfo=JAPAN)
    return Came(
        row.file_id, row.name, row.format_code, row.agent, row.status, received_on,
        moment.astimezone(UTC), as_date(row.created_on), int(row.records), int(row.amount_yen),
        row.source, as_date(row.due_on), row.basis, row.minutes_late,
    )  # fmt: skip


def _day(value: object) -> date:
    day = as_date(value)
    if day is None:
        message = "a file without a day"
        raise TypeError(message)
    return day
