"""既出: which lines of a file have come before, looked up by the process that reads it.

A line is plain (:mod:`reconcile.plain`) only when no other line speaks of its payment. To find that
out takes one look-up a line, a twelfth of all that an intake does, while the process that reads the
file has time to spare. So on SQLite that one looks, in the books as they were committed:

- It begins to look once it is told that the books are held. SQLite has one writer, who holds them
  from the beginning of the transaction in which the file is decided to its commit. Whatever moment
  the look-ups see, nobody has committed anything since: they see what the writer itself would have
  found, but for its own lines.
- The writer's own lines with an identity are those of this very file, and these are compared with
  one another as they are read.

A line too many in the answer costs time and changes nothing: it goes through the turns, which apply
the same rules to the same facts. So numbers that stand for identities (their hashes) will do.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.model import Before, ReportLine

if TYPE_CHECKING:
    from reconcile.model import Columns

_NUMBER, _IDENTITY = map(ReportLine._fields.index, ("line_no", "identity"))
_CACHE_KIB = 4_096  # the upper pages of the index; the others are with the operating system
# A bit for every identity that has been read: 16 MiB, where a set of a million takes five times
# that. Of a million lines some four thousand then look like others that they are not.
_BYTES = 1 << 24
# By this index or not at all: whatever else SQLite took would be a scan of the city.
_LOOK = """
SELECT identity FROM source_line INDEXED BY source_line_by_identity
WHERE municipality_code = ? AND identity IN ({marks})"""


class EarlierLines:
    """既出の照会: compares the lines of one file with those before them, portion by portion."""

    def __init__(self, books: str | None, municipality_code: str) -> None:
        """``books``: the file of the books, held by whoever asks; None: nothing is compared."""
        self._code = municipality_code
        self._said = bytearray()
        self._before = Before([], [])
        self._books: sqlite3.Connection | None = None
        if books is None:
            return
        with suppress(sqlite3.Error):
            address = f"{Path(books).resolve().as_uri()}?mode=ro"
            self._books = sqlite3.connect(address, uri=True, isolation_level=None)
            self._books.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._books.execute("BEGIN")
            if self._books.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                self._let_go()  # anywhere else who reads holds up the writer
            self._said = bytearray(_BYTES)

    def look_for(self, columns: Columns) -> None:
        """Compare one portion; what the database complains of ends the comparison."""
        if self._books is None:
            return
        numbers, identities = columns[_NUMBER], columns[_IDENTITY]
        try:
            found = self._books.execute(
                _LOOK.format(marks=", ".join("?" * len(identities))), (self._code, *identities)
            ).fetchall()
        except sqlite3.Error:
            self._let_go()
            return
        if found:
            known = {identity for (identity,) in found}
            self._before.earlier.extend(
                number
                for number, identity in zip(numbers, identities, strict=True)
                if identity in known
            )
        self._look_within(numbers, list(map(hash, identities)))

    def _look_within(self, numbers: tuple[int, ...], marks: list[int]) -> None:
        """Compare with the lines of the file itself; the first to say something is not marked."""
        said, again = self._said, self._before.again
        for number, mark in zip(numbers, marks, strict=True):
            place, bit = (mark >> 3) % _BYTES, 1 << (mark & 7)
            if said[place] & bit:
                again.append(number)
            else:
                said[place] |= bit

    def ended(self) -> Before | None:
        """The lines found, once all have been looked for; None when they were not compared.

        The books are let go: a commit behind this finds nobody who still looks at what was before.
        """
        if self._books is None:
            return None
        self._let_go()
        return self._before

    def _let_go(self) -> None:
        if self._books is not None:
            self._books.close()
            self._books = None
