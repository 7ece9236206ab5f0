"""Whole days of :mod:`year`: a day that was cut off has not begun.

SQLite writes beside its file until it copies what it has written, and copies nothing that a reader
may still need to be without. A reader who begins before a day and stays to its end therefore keeps
the file as the day found it, whatever the day does; without what lies beside it, it is that file
again. What a piece of a year is killed in goes like this, and the next piece plays the same day
from the same books: a year in pieces is the same year as in one piece.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

BESIDE = ("-wal", "-shm")
ON_DISK = ("archive", "quarantine", "inbox")  # by body; all but the inbox by day below it


def book_files(url: str) -> list[Path]:
    """The files of the books and of the spool of notifications; none where a server keeps them."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        return []
    books = Path(str(address.database))
    return [books, books.with_name(f"{books.stem}-notifications{books.suffix}")]


def take_back(url: str, home: Path, code: str, day: date) -> None:
    """取消し: the books, and what lies on the disk, as they were before a day that was cut off.

    Nobody may have the books open. Ends the script where a server keeps them: it has no such file.
    """
    files = book_files(url)
    if not files:
        sys.exit(f"{day} was cut off, and its traces are in the books: begin anew in a new folder")
    for file in files:
        for ending in BESIDE:
            Path(f"{file}{ending}").unlink(missing_ok=True)
    for name in ON_DISK:
        shutil.rmtree(
            home / name / code / ("" if name == "inbox" else f"{day}"), ignore_errors=True
        )


@contextmanager
def whole_day(url: str) -> Iterator[None]:
    """The files of the books stay as they are until the end of the day, when all is copied."""
    held = [
        sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for file in book_files(url)
        if file.exists()
    ]
    for connection in held:
        _copy_all(connection)
        connection.execute("BEGIN")
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    yield  # after an exception nothing is copied: the process ends, and the day has not been
    for connection in held:
        connection.execute("COMMIT")
        _copy_all(connection)
        connection.close()


def _copy_all(connection: sqlite3.Connection) -> None:
    """Everything written is in the file, and nothing beside it."""
    connection.execute("PRAGMA busy_timeout = 60000")
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        sys.exit("somebody else has the books open")
