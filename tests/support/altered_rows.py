"""One value of the books altered past their guards, what a check says of it, and all taken back."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.verify.walk import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

    from reconcile.verify.walk import Difference


class _TakenBackError(Exception):
    """Ends the transaction in which something was altered."""


def named(
    engine: Engine, code: str, check: Callable[[Store], Iterator[Difference]], statement: str = ""
) -> list[tuple[str, str]]:
    """Name and subject of what the check finds once the statement has changed something.

    Without a statement: what it finds as it is. The books are afterwards as they were.
    """
    with suppress(_TakenBackError), unit_of_work(engine, code) as connection:
        if statement:
            _unguard(connection, statement)
            assert connection.exec_driver_sql(statement).rowcount >= 1, statement
        store = Store(connection, load_profile(connection, code))
        found = [(each.name, each.subject) for each in check(store)]
        store.close()
        raise _TakenBackError
    return found


def _unguard(connection: Connection, statement: str) -> None:
    """Nothing refuses a change of a row any more, until the transaction ends."""
    if connection.dialect.name == "postgresql":
        _, table = re.findall(r"(UPDATE|DELETE FROM|INSERT INTO) (\w+)", statement)[0]
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        return
    names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
    for name in list(names.scalars()):
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
