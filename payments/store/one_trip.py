"""一往復: a whole transaction of one municipality, sent at once and answered at once (PostgreSQL).

Every statement costs a way to the database and back, and on both sides of it a thread that waits:
for a question that takes the database a tenth of a millisecond, nine ways there cost fifty times as
much. Here begin, municipality, statements and commit are one message. What is asked often is
prepared once for each connection (``EXECUTE``). Row-level security holds as everywhere: the
municipality is entered within the same transaction, by SET LOCAL.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from payments.store.own_connections import OwnConnections, close, raised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Engine, PoolProxiedConnection

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
        self._connections = OwnConnections(
            engine, partial(_prepare, prepared), lock_wait_ms=lock_wait_ms
        )

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
        with self._connections.places:
            return self._run(whole, values)

    def close(self) -> None:
        """End every connection that nobody uses."""
        self._connections.close()

    def _run(self, whole: str, values: Mapping[str, object]) -> list[list[tuple[Any, ...]]]:
        while True:
            kept = self._connections.take()
            taken = kept or self._connections.make()
            try:
                found = self._ask(taken, whole, values)
            except psycopg.Error as error:
                lost = self._let_go(taken)
                if lost and kept is not None:
                    continue
                raise raised(whole, error, psycopg.Error) from error
            except BaseException:
                close(taken)
                raise
            self._connections.put_back(taken)
            return found

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

    def _let_go(self, taken: PoolProxiedConnection) -> bool:
        """After an error: back to the others, rolled back; whether it was lost instead."""
        connection: Any = taken.dbapi_connection
        with suppress(psycopg.Error):
            connection.rollback()
        if connection.closed:
            return True
        self._connections.put_back(taken)
        return False


def _prepare(prepared: Mapping[str, tuple[str, str]], connection: Any) -> None:
    connection.autocommit = True
    for name, (types, said) in prepared.items():
        connection.execute(f"PREPARE kokin_{name} ({types}) AS {said}")


def executed(name: str, values: Sequence[str]) -> str:
    """``EXECUTE`` of a prepared statement with the values of these names."""
    marks = ", ".join(f"%({each})s" for each in values)
    return f"EXECUTE kokin_{name} ({marks})"
