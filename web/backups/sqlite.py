"""SQLite: complete, consistent copies of the database files while others write to them."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAGES = 4_096  # copied at a time, 32 MB


def database_files(database: Path) -> list[Path]:
    """The books and what lies beside them under their name (the spool of notifications)."""
    return sorted(database.parent.glob(f"{database.stem}*{database.suffix}"))


def copy_file(source: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """One database as of one moment; ``progress`` gets pages copied and pages in all.

    The transaction that is opened first keeps that moment: writers go on in the log beside the
    file, and the copy does not begin again because of them.
    """
    with closing(sqlite3.connect(source, isolation_level=None)) as reading:
        reading.execute("PRAGMA busy_timeout = 60000")
        reading.execute("BEGIN")
        reading.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(target)) as writing:
            reading.backup(
                writing,
                pages=PAGES,
                progress=lambda _status, left, total: progress(total - left, total),
            )
            # A copy is one file, whichever mode the original is in.
            writing.execute("PRAGMA journal_mode = DELETE")
        reading.execute("ROLLBACK")
    with target.open("rb") as stream:
        os.fsync(stream.fileno())
