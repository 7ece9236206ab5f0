"""データベース接続: SQLite by default, PostgreSQL for larger cities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event

from payments.store.sealed_bytes import NO_KEYS, KeyRing

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.exc import DBAPIError

# The hot index pages of a large city nearly fit here; with it a file of a million lines is taken in
# with less than 1 GiB in both processes together, and half as much again would save a tenth of the
# time (benchmarks/reconcile.py).
SQLITE_CACHE_KIB = 327_680
# Compiling a statement costs more than it saves in the dozens that a file takes, each run once; and
# a join of a large file with the city should not go through the disk. An operator who writes
# ``options=…`` into the address decides otherwise.
POSTGRESQL_OPTIONS = "-c jit=off -c work_mem=64MB"

CONNECTIONS = 5

_SQLITE_BUSY = 5
_LOCK_NOT_AVAILABLE = "55P03"


def open_engine(
    url: str,
    *,
    lock_wait_ms: int | None = None,
    connections: int = CONNECTIONS,
    keys: KeyRing = NO_KEYS,
) -> Engine:
    """An engine for ``url`` with every connection set up the way the books need it.

    ``keys`` travel with every connection (:func:`keys_of`) to whoever reads or writes evidence.
    ``lock_wait_ms``: how long a statement waits for somebody else's lock before it fails with an
    error that :func:`is_busy` knows; a minute on SQLite and without end on PostgreSQL otherwise.
    ``connections``: how many are kept open; a few more are opened while all are in use.
    """
    if url.startswith("sqlite"):
        engine = create_engine(
            url,
            hide_parameters=True,  # errors end in logs, and parameters are names and amounts
            pool_size=connections,
            connect_args={"timeout": 60},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        setting = f"PRAGMA busy_timeout = {lock_wait_ms}"
    else:
        options = {} if "options=" in url else {"options": POSTGRESQL_OPTIONS}
        engine = create_engine(
            _with_driver(url),
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=connections,
            connect_args=options,
        )
        setting = f"SET lock_timeout = {lock_wait_ms}"
    if lock_wait_ms is not None:

        @event.listens_for(engine, "connect")
        def _limit(connection: Any, _record: object) -> None:
            connection.cursor().execute(setting)
            connection.commit()

    engine.update_execution_options(kokin_keys=keys)
    return engine


def keys_of(opened: Engine | Connection) -> KeyRing:
    """鍵束 with which the database was opened."""
    found: KeyRing = opened.get_execution_options().get("kokin_keys", NO_KEYS)
    return found


def is_busy(error: DBAPIError) -> bool:
    """Whether a statement failed because somebody else holds the lock it needs."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # without its extension
    return code == _SQLITE_BUSY or getattr(error.orig, "sqlstate", "") == _LOCK_NOT_AVAILABLE


def _with_driver(url: str) -> str:
    """PostgreSQL through psycopg 3, whichever of the usual spellings the operator used."""
    scheme, separator, rest = url.partition("://")
    plain = scheme in {"postgres", "postgresql"}
    return f"postgresql+psycopg{separator}{rest}" if plain else url


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Durable (a power cut loses nothing that was acknowledged), concurrent readers, checked."""
    connection.isolation_level = None  # The begin event below decides how a transaction starts.
    cursor = connection.cursor()
    for pragma in (
        "page_size = 8192",  # A fifth of the time of bulk work less than with 4096.
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"cache_size = -{SQLITE_CACHE_KIB}",
        "temp_store = FILE",
        "temp.cache_size = -65536",  # Staging stays in memory up to here, whatever the file holds.
        "busy_timeout = 60000",
        "wal_autocheckpoint = 20000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    """Writers take the write lock at once instead of failing half way; readers do not."""
    mode = "IMMEDIATE" if connection.get_execution_options().get("writes") else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {mode}")
