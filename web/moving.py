"""引っ越し: the books of one machine's SQLite file, into a PostgreSQL database (``kokin db move``).

Nobody else has the file open meanwhile, and what stands in it stays as it is. On the other side is
one transaction: all rows with all that guards them, compared table by table, or none at all.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.move_rows import Moved
from payments.store.move_target import (
    REVISION,
    filled,
    given_back,
    keep_out,
    lay_bare,
    moved_tables,
    put_back,
    take_over,
)
from web.database import head_revision, upgrade
from web.notifications.door_tables import nonces, refusals, transactions, uses
from web.notifications.spool_tables import WAITING, spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]

SERVERS = ("postgres://", "postgresql://", "postgresql+psycopg://")
BUSY_MS = 3_000
SPOOLED = frozenset(table.name for table in (spool, nonces, refusals, transactions, uses))
SPOOL = "spool"  # the name of the second file, in the connection that has both


@dataclass(frozen=True, slots=True)
class MovedTable:
    """移した表: rows and digest, which are the same on both sides."""

    name: str
    rows: int
    sha256: str


@contextmanager
def held(file: Path) -> Iterator[sqlite3.Connection]:
    """移し元を占有する: the books and the spool beside them, which nobody else has open meanwhile.

    Whoever comes now waits and is turned away. Nothing is written. Raises
    :class:`ConfigurationError` ``database_missing``, ``database_unusable``, ``move_busy`` when a
    service or another command has the file open, ``database_version``, or ``move_spool`` when
    notifications wait to be booked.
    """
    if not file.exists():
        raise ConfigurationError("database_missing", path=str(file))
    beside = file.with_name(f"{file.stem}-notifications{file.suffix}")
    with closing(sqlite3.connect(file, isolation_level=None)) as source:
        source.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        try:
            if beside.exists():
                source.execute(f"ATTACH ? AS {SPOOL}", (str(beside),))
            # So the first look at a file with a log takes it from everybody, readers as well.
            source.execute("PRAGMA locking_mode = EXCLUSIVE")
            source.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if (error.sqlite_errorcode & 0xFF) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise ConfigurationError("move_busy", path=str(file)) from error
            raise ConfigurationError("database_unusable", found=str(error)) from error
        _require_current(source)
        _require_booked(source)
        yield source
        source.execute("ROLLBACK")


def _require_current(source: sqlite3.Connection) -> None:
    """Raise ``database_version`` unless the schema is the one of this program."""
    found = (
        source.execute("SELECT name FROM sqlite_schema WHERE name = ?", (REVISION,)).fetchone()
        and source.execute(f"SELECT version_num FROM {REVISION}").fetchone()
    )
    if not found or found[0] != head_revision():
        raise ConfigurationError("database_version", found=found[0] if found else "")


def _require_booked(source: sqlite3.Connection) -> None:
    """Raise ``move_spool`` while notifications wait to be booked."""
    if spool.name not in _names(source, SPOOL):
        return
    (waiting,) = source.execute(
        f"SELECT COUNT(*) FROM {SPOOL}.{spool.name} WHERE state = '{WAITING}'"
    ).fetchone()
    if waiting:
        raise ConfigurationError("move_spool", found=f"{waiting:,}")


def _names(source: sqlite3.Connection, schema: str) -> set[str]:
    """The tables of one of the files; none when it is not there."""
    if schema not in {row[1] for row in source.execute("PRAGMA database_list")}:
        return set()
    found = source.execute(
        f"SELECT name FROM {schema}.sqlite_schema WHERE type = 'table' "
        "AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    )
    return {name for (name,) in found}


def require_target(url: str) -> None:
    """移し先の確認: raise ``move_target`` unless it is PostgreSQL, ``move_filled`` unless empty."""
    if not url.startswith(SERVERS):
        raise ConfigurationError("move_target")
    engine = open_engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            _require_empty(connection)
    finally:
        engine.dispose()


def _require_empty(connection: Connection) -> None:
    if found := filled(connection):
        raise ConfigurationError("move_filled", found=found)


def move(source: sqlite3.Connection, url: str, progress: Progress) -> list[MovedTable]:
    """引っ越し of what :func:`held` holds into the empty database at ``url``; every table of it.

    ``progress`` is that of a command (:meth:`web.commands.session.Session.progress`). Raises
    :class:`ConfigurationError` ``move_filled``, ``move_tables``, ``move_nul``, ``move_value``,
    ``move_key`` or ``move_differs``; then no row is there.
    """
    upgrade(url)
    engine = open_engine(url)
    try:
        return _moved(source, engine, progress)
    finally:
        engine.dispose()


def _moved(source: sqlite3.Connection, engine: Engine, progress: Progress) -> list[MovedTable]:
    """The one transaction."""
    with engine.connect() as connection, connection.begin():
        known = moved_tables(connection)
        keep_out(connection, known)
        _require_empty(connection)
        tables = placed(source, known)
        total = sum(rows_of(source, table) for table in tables)
        stripped = lay_bare(connection, tables)
        with progress("表の写し", total) as show:
            moved = _each(
                tables, show, lambda table, seen: take_over(connection, source, table, seen)
            )
        with progress("索引と参照", stripped.steps) as show:
            put_back(connection, stripped, show)
        with progress("照合", total) as show:
            there = _each(tables, show, lambda table, seen: given_back(connection, table, seen))
        for expected, found in zip(moved, there, strict=True):
            if found != expected:
                raise ConfigurationError(
                    "move_differs",
                    table=expected.name,
                    expected=f"{expected.rows:,} {expected.sha256}",
                    found=f"{found.rows:,} {found.sha256}",
                )
    return moved


def _each(
    tables: Sequence[Moved],
    show: Callable[[int], None],
    work: Callable[[Moved, Callable[[int], None]], tuple[int, str]],
) -> list[MovedTable]:
    """One table after the other; ``show`` is told the rows of all of them so far."""
    done: list[MovedTable] = []
    before = 0
    for table in tables:
        found = MovedTable(table.name, *work(table, partial(_further, show, before)))
        done.append(found)
        before += found.rows
    return done


def _further(show: Callable[[int], None], before: int, more: int) -> None:
    show(before + more)


def rows_in(source: sqlite3.Connection) -> int:
    """件数 of everything that there is to be moved."""
    names = [("main", name) for name in _names(source, "main") - {REVISION}]
    names += [(SPOOL, name) for name in _names(source, SPOOL) & SPOOLED]
    return sum(rows_of(source, Moved(name, (), schema)) for schema, name in names)


def rows_of(source: sqlite3.Connection, table: Moved) -> int:
    """件数 of a table in the file."""
    (rows,) = source.execute(f"SELECT COUNT(*) FROM {table.schema}.{table.name}").fetchone()
    return int(rows)


def placed(source: sqlite3.Connection, tables: Sequence[Moved]) -> list[Moved]:
    """移す表, each with the file that has it. Raises ``move_tables`` unless each has its like."""
    books = _names(source, "main") - {REVISION}
    beside = _names(source, SPOOL)
    found: list[Moved] = []
    for table in tables:
        if table.name not in SPOOLED:
            found.append(table)
        elif table.name in beside:
            found.append(replace(table, schema=SPOOL))
    unlike = books ^ {table.name for table in found if table.schema == "main"}
    if unlike:
        raise ConfigurationError("move_tables", found=", ".join(sorted(unlike)))
    return found
