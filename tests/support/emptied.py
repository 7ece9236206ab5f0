"""空の市: the PostgreSQL database of a test without its rows, many times faster than a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

# Asked of the file system: pg_relation_size has the server load all that it knows of each table.
_FILLED = """SELECT quote_ident(relname) FROM pg_class, pg_database
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
    AND datname = current_database()
    AND (pg_stat_file(format('base/%s/%s', pg_database.oid, relfilenode))).size > 0"""


def emptied(url: str) -> str:
    """``url``, emptied by the superuser of the tests' own cluster."""
    import psycopg  # noqa: PLC0415  # tests that need no PostgreSQL need not load its client

    address = url.replace("postgresql+psycopg://kokin@", "postgresql://postgres@")
    with psycopg.connect(address, autocommit=True) as connection:
        empty(connection)
    return url


def empty(connection: psycopg.Connection) -> None:
    """Take out every row, begin every count anew and forget the statistics."""
    # A replica's session: what guards the rows against everybody does not guard them against it.
    connection.execute("SET session_replication_role = replica")
    if filled := values(connection, _FILLED):
        # TRUNCATE makes new files for a table and its indexes: some rows are deleted many times
        # faster, and VACUUM gives back the room they took.
        connection.execute("; ".join(f"DELETE FROM {table}" for table in filled).encode())
        connection.execute(f"VACUUM {', '.join(filled)}".encode())
    connection.execute("DELETE FROM pg_statistic WHERE starelid >= 16384")


def values(connection: psycopg.Connection, statement: str) -> list[str]:
    """The first column of what a statement finds."""
    return [row[0] for row in connection.execute(statement.encode()).fetchall()]
