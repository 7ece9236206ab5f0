"""仕訳の区間: where in the ledger the postings of a day stand, of all channels or of one.

Postings lie in the order of journal and file. A large day holds millions of them, and those of a
channel that hardly anybody uses are found by stepping from file to file, not by reading all others.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from sqlalchemy import Connection

Place = tuple[int, int, int, int]  # journal, file, line and leg of a posting
# A page of postings behind a place, up to the end of a stretch. Nothing else may bound the journal
# from below: SQLite would then look up that, and read on from there to the place.
WITHIN = """(p.journal_id, p.subject_file_id, p.subject_line_no, p.leg)
    > (:journal_id, :file_id, :line_no, :leg)
  AND (p.journal_id, p.subject_file_id) <= (:last_journal, :last_file)"""
_WHOLE = """
SELECT MIN(journal_id) AS first, MAX(journal_id) AS last FROM journal
WHERE municipality_code = :m AND booked_on = :day"""
_FILES = """
WITH RECURSIVE about (journal_id, file_id) AS (
    SELECT j.journal_id, (SELECT MIN(p.subject_file_id) FROM posting p
        WHERE p.municipality_code = :m AND p.journal_id = j.journal_id)
    FROM journal j WHERE j.municipality_code = :m AND j.booked_on = :day AND j.journal_id >= :begin
    UNION ALL
    SELECT about.journal_id, (SELECT MIN(p.subject_file_id) FROM posting p
        WHERE p.municipality_code = :m AND p.journal_id = about.journal_id
          AND p.subject_file_id > about.file_id)
    FROM about WHERE about.file_id IS NOT NULL
)
SELECT about.journal_id, about.file_id, COALESCE(f.channel, '') AS channel
FROM about
LEFT JOIN source_file f ON f.municipality_code = :m AND f.file_id = about.file_id
WHERE about.file_id IS NOT NULL
ORDER BY about.journal_id, about.file_id"""
_BEFORE = -1  # below every number of a file, line or leg
_NO_FILE_ABOVE = 2**62


class Stretch(NamedTuple):
    """区間: what follows ``after``, up to and with the file ``last_file`` of ``last_journal``."""

    after: Place
    last_journal: int
    last_file: int

    def values(self, after: Place | None = None) -> dict[str, int]:
        """What :data:`WITHIN` asks for, from ``after`` on where that lies within."""
        begin = max(self.after, after or self.after)
        names = ("journal_id", "file_id", "line_no", "leg")
        last = {"last_journal": self.last_journal, "last_file": self.last_file}
        return dict(zip(names, begin, strict=True)) | last


def stretches(
    connection: Connection,
    municipality_code: str,
    day: date,
    *,
    channel: str | None,
    after: Sequence[int] = (),
) -> Iterator[Stretch]:
    """仕訳の区間 of a 会計日 in the order of the books, those with anything behind ``after``.

    ``channel``: None for all of the day; "" for what came by none.
    """
    place: Place = (after[0], after[1], after[2], after[3]) if after else (_BEFORE,) * 4
    values = {"m": municipality_code, "day": day.isoformat()}
    if channel is None:
        span = connection.execute(text(_WHOLE), values).one()
        if span.first is not None:
            begin = max(place, (int(span.first), _BEFORE, _BEFORE, _BEFORE))
            yield Stretch(begin, int(span.last), _NO_FILE_ABOVE)
        return
    files = connection.execute(text(_FILES), {**values, "begin": place[0]}).all()
    for (journal_id, of), rows in groupby(files, key=lambda row: (row.journal_id, row.channel)):
        numbers = [int(row.file_id) for row in rows]
        if of == channel and (journal_id, numbers[-1]) >= place[:2]:
            begin = max(place, (journal_id, numbers[0], _BEFORE, _BEFORE))
            yield Stretch(begin, journal_id, numbers[-1])
