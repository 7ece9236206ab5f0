"""まとめて送る: statements that go straight to the driver, and on PostgreSQL together.

What SQLAlchemy adds to a statement, and what each journey to a server costs, is several times what
the few rows of a commit cost; so the writer of the spool speaks to the driver
(benchmarks/notify.py), and its connection stays open.
"""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Column, Connection, Engine

RESTED_SECONDS = 1.0  # what was not used for so long is tried before it is used
_WANTED = "AS wanted"
ROWS_MAX = 100  # rows of one statement: few forms of it, which the driver keeps prepared


class KeptConnection:
    """開いたままの接続 of one thread at a time."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        """Nothing is opened before it is needed."""
        self._engine = engine
        self._kept: Connection | None = None
        self._used_at = 0.0

    @contextmanager
    def used(self) -> Iterator[Connection]:
        """The connection, which is given up after an error (of :func:`driven`)."""
        if time.monotonic() - self._used_at > RESTED_SECONDS:
            self.close()  # The pool tries what it gives out.
        if self._kept is None:
            self._kept = _opened(self._engine())
        with self._unless_broken(self._kept) as connection:
            yield connection
        self._used_at = time.monotonic()

    @contextmanager
    def same(self) -> Iterator[Connection]:
        """The very connection that was used last, however long ago; never another one."""
        if self._kept is None:
            raise InvalidRequestError("no_connection")
        with self._unless_broken(self._kept) as connection:
            yield connection

    @contextmanager
    def _unless_broken(self, kept: Connection) -> Iterator[Connection]:
        try:
            with driven(kept) as connection:
                yield connection
        except BaseException:
            kept.invalidate()
            self.close()
            raise

    def close(self) -> None:
        """Give it back."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()


@contextmanager
def driven(connection: Connection) -> Iterator[Connection]:
    """A connection of which the driver is used.

    What the driver raises is raised as SQLAlchemy's, without the statement and its values.
    """
    try:
        yield connection
    except connection.dialect.loaded_dbapi.Error as error:
        kind = connection.dialect.loaded_dbapi.Error
        told: Any = DBAPIError.instance(None, None, error, kind, dialect=connection.dialect)
        raise told from error


def _opened(engine: Engine) -> Connection:
    """A connection that writes; on PostgreSQL a journey begins its transaction itself."""
    connection = engine.connect().execution_options(writes=True)
    if engine.dialect.name == "postgresql":
        connection.execution_options(isolation_level="AUTOCOMMIT")
    return connection


class Journey:
    """一度の往復: statements of one transaction, sent in their order when all are there.

    In a statement ``{mark}`` stands for each value, in their order. Many rows go into one
    statement (:meth:`add_rows`, :meth:`table`), for PostgreSQL as one list of values a column,
    which it need not read as text.
    """

    def __init__(self, connection: Connection) -> None:
        """Nothing is sent yet."""
        self._connection = connection
        self.on_server = connection.dialect.name == "postgresql"
        self._statements: list[tuple[str, Sequence[Any]]] = []

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._statements)

    def add(self, statement: str, *values: object) -> None:
        """One more statement."""
        self._statements.append((statement, values))

    def add_rows(
        self, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]], end: str = ""
    ) -> None:
        """Insert rows of values as the driver takes them (:meth:`written`), however many.

        ``end`` is the end of the statement.
        """
        most = len(rows) if self.on_server else ROWS_MAX
        for start in range(0, len(rows), most or 1):
            source, values = self._rows(rows[start : start + most])
            self.add(f"INSERT INTO {table} ({', '.join(names)}) {source} {end}", *values)

    def table(self, rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
        """Rows as a table ``wanted`` of ``column1``, ``column2`` …, and its values."""
        source, values = self._rows(rows)
        names = ", ".join(f"column{number + 1}" for number in range(len(rows[0])))
        return f"({source}) {_WANTED}{f' ({names})' if self.on_server else ''}", values

    def _rows(self, rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
        """What gives these rows, and its values."""
        marks = ", ".join(["{mark}"] * len(rows[0]))
        if self.on_server:
            columns = zip(*rows, strict=True)
            return f"SELECT * FROM unnest({marks})", [list(column) for column in columns]
        values = [value for row in rows for value in row]
        return f"VALUES {', '.join([f'({marks})'] * len(rows))}", values

    def written(self, column: Column[Any], value: object) -> object:
        """A value as it goes into this column."""
        dialect = self._connection.dialect
        form = column.type.dialect_impl(dialect).bind_processor(dialect)
        return value if form is None else form(value)

    def send(self) -> tuple[Any, ...]:
        """Have them done; the first row of the last one, empty when it gives none."""
        statements, self._statements = self._statements, []
        if not statements:
            return ()
        driver: Any = self._connection.connection.dbapi_connection
        if not self.on_server:
            with closing(driver.cursor()) as cursor:
                for statement, values in statements:
                    cursor.execute(statement.replace("{mark}", "?"), values)
                return cursor.fetchone() or ()
        with driver.pipeline():
            for statement, values in statements:
                # How a look-up is done depends on how much is there now: it is planned each time.
                fixed = False if _WANTED in statement else None
                cursor = driver.execute(statement.replace("{mark}", "%b"), values, prepare=fixed)
        return (cursor.fetchone() or ()) if cursor.description else ()
