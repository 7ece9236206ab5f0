"""引っ越し先: an empty PostgreSQL database takes over every row of another one (``kokin db move``).

All of it is one transaction of the owner of the tables, which leaves everything or nothing. For its
length the tables are bare: without the triggers that would number and refuse what comes, without
row-level security (COPY does not go through it), and without the indexes and foreign keys that are
built in one go sooner than row by row. In the end all of these are as they were, which is compared,
and every foreign key has been checked over all rows by the database itself.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError

from payments.domain.errors import ConfigurationError
from payments.store.bulk import driver_cursor
from payments.store.move_rows import Column, Kind, Moved, copied_pieces
from payments.store.row_security import EVERY
from payments.store.unit_of_work import enter_municipality

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Row
    from sqlalchemy.exc import DBAPIError

REVISION = "alembic_version"  # the migrations have written it already
SHOWN = 65_536  # rows between two signs of progress
SORTING = "256MB"  # for one index, or one foreign key
_HERE = "current_schema()::regnamespace"
_RELATIONS = text(
    f"""SELECT c.relname FROM pg_class c WHERE c.relnamespace = {_HERE}
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        ORDER BY 1"""
)
# Tables that no crash survives are the working area of an intake, empty between two of them.
_COLUMNS = text(
    f"""SELECT c.relname AS name, a.attname AS column, t.typname AS type, a.atttypmod AS length
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
             AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid
        WHERE c.relnamespace = {_HERE} AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
        AND c.relname <> '{REVISION}' ORDER BY c.relname, a.attnum"""
)
_NEEDS = text(
    f"""SELECT k.conrelid::regclass::text AS name, k.confrelid::regclass::text AS needs
        FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = {_HERE}"""
)
_FOREIGN = text(
    f"""SELECT k.conrelid::regclass::text AS name, quote_ident(k.conname) AS key,
               pg_get_constraintdef(k.oid) AS made
        FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = {_HERE}
        ORDER BY 1, 2"""
)
# Those of primary keys and of unique constraints stay: rows come in the order of the former. So do
# the few whose condition is a list, which PostgreSQL would say in other words the second time.
_INDEXES = text(
    f"""SELECT x.oid::regclass::text AS index, pg_get_indexdef(x.oid) AS made
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = {_HERE} AND c.relpersistence = 'p'
        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.oid
                        AND k.contype IN ('p', 'u', 'x'))
        AND pg_get_indexdef(x.oid) !~ 'A(NY|LL) [(]'
        ORDER BY c.relname, x.relname"""
)
_FORCED = text(
    f"""SELECT c.relname FROM pg_class c WHERE c.relnamespace = {_HERE}
        AND c.relkind IN ('r', 'p') AND c.relforcerowsecurity ORDER BY 1"""
)
_GUARDS = text(
    f"""SELECT c.relname, 'trigger', pg_get_triggerdef(t.oid), t.tgenabled::text
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = {_HERE} AND NOT t.tgisinternal
        UNION ALL
        SELECT c.relname, 'row security', c.relrowsecurity::text, c.relforcerowsecurity::text
        FROM pg_class c WHERE c.relnamespace = {_HERE} AND c.relkind IN ('r', 'p')
        UNION ALL
        SELECT k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid),
               k.convalidated::text
        FROM pg_constraint k WHERE k.connamespace = {_HERE}
        UNION ALL
        SELECT c.relname, 'index', pg_get_indexdef(i.indexrelid), i.indisvalid::text
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = {_HERE}
        ORDER BY 1, 2, 3, 4"""
)
_KINDS = {
    "int2": Kind.NUMBER,
    "int4": Kind.NUMBER,
    "int8": Kind.NUMBER,
    "bool": Kind.TRUTH,
    "date": Kind.DAY,
    "timestamptz": Kind.INSTANT,
    "bytea": Kind.BYTES,
    "text": Kind.TEXT,
    "varchar": Kind.TEXT,
}
# How the other side says a value (payments.store.move_rows).
_SAID = {
    Kind.TRUTH: "{}::int",
    Kind.INSTANT: "to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')",
}
_PLACE = re.compile(r"line ([0-9]+)(?:, column ([a-z0-9_]+))?")
_SETTINGS = (
    "SET LOCAL client_encoding = 'UTF8'",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL synchronize_seqscans = off",  # rows come back in the order in which they went in
    "SET LOCAL max_parallel_workers_per_gather = 0",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    f"SET LOCAL maintenance_work_mem = '{SORTING}'",
)


def filled(connection: Connection) -> str:
    """空でない表: the first that keeps the database from being empty; "" for one that is.

    What a move that broke off has left is empty, too: the tables of this program without a row.
    """
    names = list(connection.execute(_RELATIONS).scalars())
    if not names:
        return ""
    if REVISION not in names:
        return str(names[0])
    enter_municipality(connection, EVERY)
    for name in names:
        some = connection.execute(text(f'SELECT EXISTS (SELECT 1 FROM "{name}")')).scalar_one()
        if some and name != REVISION:
            return str(name)
    return ""


def moved_tables(connection: Connection) -> list[Moved]:
    """移す表, each after those that its foreign keys name."""
    columns: dict[str, list[Column]] = {}
    for row in connection.execute(_COLUMNS):
        kind = _KINDS[row.type]
        long = kind is Kind.BYTES or (kind is Kind.TEXT and row.length < 0)
        columns.setdefault(row.name, []).append(Column(row.column, kind, long))
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(columns, ()))
    for row in connection.execute(_NEEDS):
        if row.name != row.needs:
            order.add(row.name, row.needs)
    return [Moved(name, tuple(columns[name])) for name in order.static_order()]


def keep_out(connection: Connection, tables: Sequence[Moved]) -> None:
    """他の利用を止める: until the end of the transaction nobody else writes or reads the tables.

    Whoever looks whether they are empty must do it behind this: what others commit between the
    look and :func:`lay_bare` would be emptied with them. A second move waits here for the first.
    """
    connection.exec_driver_sql(f"LOCK TABLE {_listed(tables)} IN ACCESS EXCLUSIVE MODE")


@dataclass(frozen=True, slots=True)
class Bare:
    """外したもの: what tables had before they were laid bare, to be put back."""

    tables: tuple[Moved, ...]
    indexes: tuple[Row[Any], ...]
    keys: tuple[Row[Any], ...]
    forced: tuple[str, ...]
    guards: frozenset[tuple[str, ...]]

    @property
    def steps(self) -> int:
        """How many indexes and keys have to be built."""
        return len(self.indexes) + len(self.keys)


def lay_bare(connection: Connection, tables: Sequence[Moved]) -> Bare:
    """表を裸にする: until :func:`put_back` they take rows in bulk, and nobody else sees them."""
    run = connection.exec_driver_sql
    for setting in _SETTINGS:
        run(setting)
    enter_municipality(connection, EVERY)
    guards = _guards(connection)
    keys = tuple(connection.execute(_FOREIGN))
    indexes = tuple(connection.execute(_INDEXES))
    forced = tuple(connection.execute(_FORCED).scalars())
    for key in keys:
        run(f"ALTER TABLE {key.name} DROP CONSTRAINT {key.key}")
    for index in indexes:
        run(f"DROP INDEX {index.index}")
    for table in tables:
        run(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
    for name in forced:
        run(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
    # What is filled in the transaction that emptied it is frozen at once: nobody else can see it.
    run(f"TRUNCATE {_listed(tables)}")
    return Bare(tuple(tables), indexes, keys, forced, guards)


def put_back(connection: Connection, bare: Bare, built: Callable[[int], None]) -> None:
    """元に戻す: guards, indexes and keys as they were, and the planner told what there is now.

    ``built`` is told how many of the :attr:`Bare.steps` are done. Raises
    :class:`ConfigurationError` ``move_key`` for rows that refer to a row that is not there, and
    ``move_differs`` when something is not as it was.
    """
    run = connection.exec_driver_sql
    done = 0
    for index in bare.indexes:
        run(index.made)
        built(done := done + 1)
    for key in bare.keys:
        try:
            run(f"ALTER TABLE {key.name} ADD CONSTRAINT {key.key} {key.made}")
        except IntegrityError as error:
            raise ConfigurationError("move_key", table=key.name, found=key.key) from error
        built(done := done + 1)
    for table in bare.tables:
        run(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")
    for name in bare.forced:
        run(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    run(f"ANALYZE {_listed(bare.tables)}")
    before, after = bare.guards, _guards(connection)
    if before != after:
        raise ConfigurationError(
            "move_differs",
            table=min(before ^ after)[0],
            expected="; ".join(sorted(guard[2] for guard in before - after)),
            found="; ".join(sorted(guard[2] for guard in after - before)),
        )


def _guards(connection: Connection) -> frozenset[tuple[str, ...]]:
    """Triggers, row-level security, constraints and indexes as they are: table, name, wording."""
    return frozenset(tuple(map(str, row)) for row in connection.execute(_GUARDS))


def _listed(tables: Sequence[Moved]) -> str:
    return ", ".join(table.name for table in tables)


def take_over(
    connection: Connection, source: sqlite3.Connection, table: Moved, seen: Callable[[int], None]
) -> tuple[int, str]:
    """表を移す: how many rows SQLite gave, and the SHA-256 of what it gave.

    ``seen`` is told the number of rows after every piece. Raises what :func:`copied_pieces` raises,
    and :class:`ConfigurationError` ``move_value`` for a value that its column does not take.
    """
    digest = hashlib.sha256()
    rows = 0
    command = f"COPY {table.name} ({table.names}) FROM STDIN (FREEZE)"
    try:
        with driver_cursor(connection) as cursor, cursor.copy(command) as copy:
            for count, piece in copied_pieces(source, table):
                copy.write(piece)
                digest.update(piece)
                rows += count
                seen(rows)
    except (DataError, IntegrityError) as error:
        raise _not_taken(table, error) from None
    return rows, digest.hexdigest()


def _not_taken(table: Moved, error: DBAPIError) -> ConfigurationError:
    """Which value the server did not take, without saying it: it may be about a person."""
    said: Any = error.orig
    where = _PLACE.search(said.diag.context or "")
    row, column = where.groups() if where else ("", said.diag.column_name)
    return ConfigurationError(
        "move_value", table=table.name, column=column or "", row=row, found=said.sqlstate
    )


def given_back(
    connection: Connection, table: Moved, seen: Callable[[int], None]
) -> tuple[int, str]:
    """照合: how many rows PostgreSQL has of a table, and the SHA-256 of what it gives back.

    In the order in which they lie there, which is that in which they came.
    """
    digest = hashlib.sha256()
    rows = 0
    said = ", ".join(_SAID.get(each.kind, "{}").format(each.name) for each in table.columns)
    command = f"COPY (SELECT {said} FROM {table.name}) TO STDOUT"
    with driver_cursor(connection) as cursor, cursor.copy(command) as copy:
        for row in copy:
            digest.update(row)
            rows += 1
            if rows % SHOWN == 0:
                seen(rows)
    seen(rows)
    return rows, digest.hexdigest()
