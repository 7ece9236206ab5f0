"""一往復: a whole transaction of one municipality, sent at once and answered at once (PostgreSQL).

Every statement costs a way to the database and back, and on both sides of it a thread that waits:
for a question that takes the database a tenth of a millisecond, nine ways there cost fifty times as
much. Here begin, municipality, statements and commit are one message. What is asked often is
prepared once for each connection (``EXECUTE``). Row-level security holds as everywhere: the
municipality is entered within the same transaction, by SET LOCAL.
"""

from __future__ import annotations

import re
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.exc import DBAPIError

from payments.store.engine import keys_of, open_engine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Engine, PoolProxiedConnection

FREE_MAX = 8  # connections that are kept while nobody uses them
_CODE = re.compile(r"[0-9]{5}", re.ASCII)


class OneTrip:
    """一往復 to the database of an engine, for any number of threads."""

    def __init__(
        self,
        engine: Engine,
        prepared: Mapping[str, tuple[str, str]],
        *,
        lock_wait_ms: int | None = None,
    ) -> None:
        """``prepared``: name → types and text of a statement; nothing is opened before its use."""
        url = engine.url.render_as_string(hide_password=False)
        self._engine = open_engine(
            url, keys=keys_of(engine), lock_wait_ms=lock_wait_ms, connections=1
        )
        self._prepared = prepared
        self._free: list[PoolProxiedConnection] = []
        self._lock = threading.Lock()
        # An application that is forgotten without being closed leaves no open connection behind.
        weakref.finalize(self, _close_all, self._free)

    def run(
        self, municipality_code: str, statements: str, values: Mapping[str, object]
    ) -> list[list[tuple[Any, ...]]]:
        """Do the statements (``;`` between them) in one transaction; the rows of each that has any.

        Values are named as ``%(name)s``. Raises :class:`sqlalchemy.exc.DBAPIError` as an engine
        does. A connection that was lost while nobody used it is made anew.
        """
        if not _CODE.fullmatch(municipality_code):
            raise ValueError(municipality_code)
        whole = (
            f"BEGIN; SET LOCAL kokin.municipality_code = '{municipality_code}'; "
            f"{statements}; COMMIT"
        )
        while True:
            kept = self._take()
            taken = kept or self._connect()
            try:
                found = self._ask(taken, whole, values)
            except psycopg.Error as error:
                lost = self._let_go(taken)
                if lost and kept is not None:
                    continue
                raise DBAPIError.instance(
                    whole, None, error, psycopg.Error, hide_parameters=True
                ) from error
            except BaseException:
                _close(taken)
                raise
            self._put_back(taken)
            return found

    def close(self) -> None:
        """End every connection that nobody uses."""
        _close_all(self._free)
        self._engine.dispose()

    @staticmethod
    def _ask(
        taken: PoolProxiedConnection, whole: str, values: Mapping[str, object]
    ) -> list[list[tuple[Any, ...]]]:
        connection: Any = taken.dbapi_connection
        found: list[list[tuple[Any, ...]]] = []
        # Values are put into the text on this side: only so several statements are one message.
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(whole.encode(), values)
            while True:
                if cursor.description is not None:
                    found.append(cursor.fetchall())
                if not cursor.nextset():
                    return found

    def _connect(self) -> PoolProxiedConnection:
        """A connection of our own, with everything prepared."""
        made = self._engine.raw_connection()
        connection: Any = made.dbapi_connection
        made.detach()
        connection.autocommit = True
        for name, (types, said) in self._prepared.items():
            connection.execute(f"PREPARE kokin_{name} ({types}) AS {said}")
        return made

    def _take(self) -> PoolProxiedConnection | None:
        """The one that was used last, so that as few as possible are kept busy."""
        with self._lock:
            return self._free.pop() if self._free else None

    def _put_back(self, taken: PoolProxiedConnection) -> None:
        with self._lock:
            if len(self._free) < FREE_MAX:
                self._free.append(taken)
                return
        _close(taken)

    def _let_go(self, taken: PoolProxiedConnection) -> bool:
        """After an error: back to the others, rolled back; whether it was lost instead."""
        connection: Any = taken.dbapi_connection
        with suppress(psycopg.Error):
            connection.rollback()
        if connection.closed:
            return True
        self._put_back(taken)
        return False


def _close_all(free: list[PoolProxiedConnection]) -> None:
    """End them one by one: a list gives each of its members to one taker only."""
    while True:
        try:
            taken = free.pop()
        except IndexError:
            return
        _close(taken)


def _close(taken: PoolProxiedConnection) -> None:
    with suppress(psycopg.Error):
        taken.close()


def executed(name: str, values: Sequence[str]) -> str:
    """``EXECUTE`` of a prepared statement with the values of these names."""
    marks = ", ".join(f"%({each})s" for each in values)
    return f"EXECUTE kokin_{name} ({marks})"
