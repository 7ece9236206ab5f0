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


def book_file(url: str) -> Path | None:
    """The file of the books; None where a server keeps them."""
    address = make_url(url)
    sqlite = address.get_backend_name() == "sqlite"
    return Path(str(address.database)) if sqlite else None


def take_back(url: str, home: Path, code: str, day: date) -> None:
    """取消し: the books, and what lies on the disk, as they were before a day that was cut off.

    Nobody may have the books open. Ends the script where a server keeps them: it has no such file.
    """
    file = book_file(url)
    if file is None:
        sys.exit(f"{day} was cut off, and its traces are in the books: begin anew in a new folder")
    for ending in BESIDE:
        Path(f"{file}{ending}").unlink(missing_ok=True)
    for name in ON_DISK:
        shutil.rmtree(
            home / name / code / ("" if name == "inbox" else f"{day}"), ignore_errors=True
        )


@contextmanager
def whole_day(url: str) -> Iterator[None]:
    """The file of the books stays as it is until the end of the day, when all of it is copied."""
    file = book_file(url)
    if file is None:
        yield
        return
    held = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    _copy_all(held)
    held.execute("BEGIN")
    held.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    yield  # after an exception nothing is copied: the process ends, and the day has not been
    held.execute("COMMIT")
    _copy_all(held)
    held.close()


def _copy_all(connection: sqlite3.Connection) -> None:
    """Everything written is in the file, and nothing beside it."""
    connection.execute("PRAGMA busy_timeout = 60000")
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        sys.exit("somebody else has the books open")
