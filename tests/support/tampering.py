"""Books that somebody has altered past their guards, and what verify says of them."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from payments.store.engine import open_engine
from reconcile.verify.everything import verify

if TYPE_CHECKING:
    from pathlib import Path


def altered_copy(books: Path, folder: Path, statement: str) -> Path:
    """A copy of the books with no guard left, in which the statement has changed something."""
    path = folder / "altered.sqlite"
    shutil.copyfile(books, path)
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        assert connection.execute(statement).rowcount >= 1
        connection.commit()
    return path


def difference_names(path: Path, municipality_code: str) -> set[str]:
    """The names of all differences that verify finds."""
    engine = open_engine(f"sqlite:///{path}")
    try:
        return {difference.name for difference in verify(engine, municipality_code)}
    finally:
        engine.dispose()
