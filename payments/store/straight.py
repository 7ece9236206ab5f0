"""直通: SQLite asked by its driver itself, for statements that are asked all the time.

What stands between an engine and its driver costs several times what such a statement takes. The
driver keeps the statements of each connection prepared. A single statement sees one moment; what
writes takes the write lock at once, as everywhere (:mod:`payments.store.engine`).
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from payments.store.own_connections import OwnConnections, close, raised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine, PoolProxiedConnection

# Each commit of anybody empties the caches of all other connections; what is read again is in the
# memory of the system.
CACHE_KIB = 8_192


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


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
