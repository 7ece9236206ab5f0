"""自前の接続: connections beside the pool of an engine, for statements that are asked all the time.

They are set up as those of the pool are, and once more by whoever keeps them. As few as possible
are kept busy: the one that was used last is taken first. Who comes while all are in use waits:
after a moment in which everything stood still many come at once, and to open and prepare a
connection for each costs far more than to answer them one after the other.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from payments.store.engine import keys_of, open_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine, PoolProxiedConnection

OPEN_MAX = 8


class OwnConnections:
    """自前の接続 to the database of an engine, for any number of threads."""

    def __init__(
        self, engine: Engine, prepare: Callable[[Any], None], *, lock_wait_ms: int | None
    ) -> None:
        """``prepare`` sees each connection of the driver once; none is opened before its use."""
        url = engine.url.render_as_string(hide_password=False)
        self._engine = open_engine(
            url, keys=keys_of(engine), lock_wait_ms=lock_wait_ms, connections=1
        )
        self._prepare = prepare
        self._free: list[PoolProxiedConnection] = []
        self._lock = threading.Lock()
        self.places = threading.BoundedSemaphore(OPEN_MAX)  # held by whoever takes or makes one
        # An application that is forgotten without being closed leaves no open connection behind.
        weakref.finalize(self, _close_all, self._free)

    def take(self) -> PoolProxiedConnection | None:
        """One that is kept; None when none is free."""
        with self._lock:
            return self._free.pop() if self._free else None

    def make(self) -> PoolProxiedConnection:
        """A new one. Raises :class:`sqlalchemy.exc.DBAPIError`."""
        made = self._engine.raw_connection()
        connection: Any = made.dbapi_connection
        made.detach()
        self._prepare(connection)
        return made

    def put_back(self, taken: PoolProxiedConnection) -> None:
        """Keep it for the next one."""
        with self._lock:
            self._free.append(taken)

    def close(self) -> None:
        """End every connection that nobody uses."""
        _close_all(self._free)
        self._engine.dispose()


def raised(statement: str, error: Exception, kind: type[Exception]) -> Exception:
    """What an engine raises for an error of its driver, whose base is ``kind``."""
    found: Exception = DBAPIError.instance(statement, None, error, kind, hide_parameters=True)
    return found


def close(taken: PoolProxiedConnection) -> None:
    """End a connection, in whatever state it is."""
    with suppress(Exception):
        taken.close()


def _close_all(free: list[PoolProxiedConnection]) -> None:
    """End them one by one: a list gives each of its members to one taker only."""
    while True:
        try:
            taken = free.pop()
        except IndexError:
            return
        close(taken)
