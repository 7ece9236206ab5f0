"""直通: SQLite asked by its driver itself, for statements that are asked all the time.

What stands between an engine and its driver costs several times what such a statement takes. The
driver keeps the statements of each connection prepared. A single statement sees one moment; what
writes takes the write lock at once, as everywhere (:mod:`payments.store.engine`).
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from payments.store.own_connections import OwnConnections, close, raised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine, PoolProxiedConnection

# Each commit of anybody empties the caches of all other connections; what is read again is in the
# memory of the system.
CACHE_KIB = 8_192
BACKFILL_SECONDS = 1
WAL_PAGES_MAX = 8_000  # beyond it the log is begun anew, as soon as nearly all of it is in place


class Straight:
    """直通 to the SQLite file of an engine, for any number of threads."""

    def __init__(self, engine: Engine, *, lock_wait_ms: int | None = None) -> None:
        """Nothing is opened before its use."""
        self._connections = OwnConnections(engine, _prepare, lock_wait_ms=lock_wait_ms)

    def rows(self, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows of one statement that only reads.

        Raises :class:`sqlalchemy.exc.DBAPIError` as an engine does.
        """
        with self._taken(statement) as connection:
            found: list[tuple[Any, ...]] = connection.execute(statement, values).fetchall()
        return found

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes; committed on success, else rolled back.

        Raises :class:`sqlalchemy.exc.DBAPIError` as an engine does.
        """
        with self._taken("(several)") as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def close(self) -> None:
        """End every connection that nobody uses."""
        self._connections.close()

    @contextmanager
    def _taken(self, statement: str) -> Iterator[sqlite3.Connection]:
        with self._connections.places:
            taken = self._connections.take() or self._connections.make()
            connection: Any = taken.dbapi_connection
            try:
                yield connection
            except BaseException as error:
                self._let_go(taken)
                if isinstance(error, sqlite3.Error):
                    raise raised(statement, error, sqlite3.Error) from error
                raise
            self._connections.put_back(taken)

    def _let_go(self, taken: PoolProxiedConnection) -> None:
        """After an error: back to the others, rolled back; ended where that cannot be."""
        connection: Any = taken.dbapi_connection
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._connections.put_back(taken)
            return
        close(taken)


class Backfill:
    """書き戻し: pages of the write-ahead log go to their places beside those who write, not within.

    Otherwise whoever writes the page that makes the log full waits until all of it is in place, and
    everybody behind waits as well. While somebody writes all the time the log never ends, so beyond
    a length the last pages, few by then, are put in place by who writes.
    """

    def __init__(self, straight: Straight) -> None:
        """Nothing runs before something is written."""
        self._straight = straight
        self._wrote, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._long = False

    def wrote(self) -> None:
        """Said by the one thread that writes, after each commit."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="backfill", daemon=True)
            self._thread.start()
        if self._long:
            self._pass()
        self._wrote.set()

    def close(self) -> None:
        """Put in place what was written; end the thread."""
        self._ended.set()
        self._wrote.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._ended.is_set():
            self._wrote.wait()
            self._ended.wait(BACKFILL_SECONDS)
            self._wrote.clear()
            self._pass()

    def _pass(self) -> None:
        with suppress(DBAPIError):  # a full disk is told to whoever writes
            ((_busy, pages, _placed),) = self._straight.rows("PRAGMA wal_checkpoint(PASSIVE)", {})
            self._long = pages > WAL_PAGES_MAX


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # see Backfill
