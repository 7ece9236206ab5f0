"""稼働中の索引作成: indexes of large tables that nobody waits for (PostgreSQL).

All migrations of an upgrade are one transaction; an index that is built there keeps everybody who
writes the table waiting until the last of them has ended. Those named here are left out of it and
built behind its commit, by CREATE INDEX CONCURRENTLY, while the service runs. Cut off, such a build
leaves an index that PostgreSQL calls invalid: the next upgrade drops it and builds it anew. On
SQLite a migration builds its indexes itself: there is one file, and one who writes.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection, Engine

_LOCK = 5_207_046  # whoever builds holds this advisory lock of the database


class OnlineIndex(NamedTuple):
    """索引: from which revision on it belongs to the schema, and of what it is made."""

    revision: str
    name: str
    table: str
    columns: tuple[str, ...]
    where: str = ""  # of part of the table only


ONLINE = (
    OnlineIndex(
        "0034", "instalment_by_due_on", "instalment", ("municipality_code", "due_on")
    ),
    OnlineIndex(
        "0048", "receipt_in_suspense_by_day", "receipt",
        ("municipality_code", "paid_on", "file_id", "line_no"), "suspense_yen > 0",
    ),
)  # fmt: skip


def lacking(connection: Connection, applied: Collection[str]) -> list[OnlineIndex]:
    """足りない索引 of these revisions: those that are not there or were cut off; on SQLite none."""
    if connection.dialect.name == "sqlite":
        return []
    whole = set(
        connection.execute(
            text(
                "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                "JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = current_schema() AND i.indisvalid AND c.relname = ANY(:names)"
            ),
            {"names": [index.name for index in ONLINE]},
        ).scalars()
    )
    return [each for each in ONLINE if each.revision in applied and each.name not in whole]


def build_lacking(engine: Engine, applied: Collection[str]) -> list[str]:
    """足りない索引の作成 one by one, each in no transaction; their names.

    Who comes second waits, and finds nothing left to do.
    """
    if engine.dialect.name == "sqlite":
        return []
    with _alone(engine) as connection:
        found = lacking(connection, applied)
        for index in found:
            # What somebody began and nobody ended; with the lock in hand it is nobody's.
            connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}")
            connection.exec_driver_sql(
                f"CREATE INDEX CONCURRENTLY {index.name} "
                f"ON {index.table} ({', '.join(index.columns)})"
                + (f" WHERE {index.where}" if index.where else "")
            )
    return [index.name for index in found]


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A connection without transactions that holds the lock of those who build."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Not by waiting in a statement: its snapshot would keep the one who builds waiting.
        free = text("SELECT pg_try_advisory_lock(:lock)")
        pause = text("SELECT pg_sleep(0.2)")
        while not connection.execute(free, {"lock": _LOCK}).scalar_one():
            connection.execute(pause)
        try:
            yield connection
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
