"""書戻し: what a long import has written goes to the disk bit by bit, not all at its commit.

On SQLite a file of a million lines leaves a gigabyte in the memory of the operating system. Its
commit would hold the disk for seconds, and a notification that has to be durable before it is
answered would wait for it (benchmarks/notify_beside_import.py).
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

EVERY_MS = 100


@contextmanager
def written_back(connection: Connection) -> Iterator[None]:
    """書戻し: while this lasts, SQLite's journal is brought to the disk as it grows.

    Nothing is more durable for it: what counts is the commit, which syncs the journal itself.
    """
    file = connection.engine.url.database if connection.dialect.name == "sqlite" else None
    if not file:
        yield
        return
    done = threading.Event()
    journal = Path(f"{file}-wal")
    thread = threading.Thread(target=_write_back, args=(journal, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _write_back(journal: Path, done: threading.Event) -> None:
    """Sync the journal now and again; whatever the disk says is said to the commit as well."""
    while not done.wait(EVERY_MS / 1000):
        with suppress(OSError), journal.open("rb") as handle:
            os.fsync(handle.fileno())
