"""Bulk writes: many rows in one go on both databases (一括書込)."""

from __future__ import annotations

import re
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

T = TypeVar("T")

_TRANSFER = 10  # texts that PostgreSQL takes over at a time
# Fewer rows than these are sooner written one by one than by way of a table of their own.
_MANY = 50


def insert_rows(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    constants: Sequence[Any] = (),
) -> None:
    """Write ``rows`` (a stream is fine) into ``columns`` of ``table``.

    The first ``len(constants)`` columns have the same value in every row (municipality and file),
    so that the stream need not repeat them. PostgreSQL takes COPY, SQLite ``executemany``. Raises
    what SQLAlchemy raises, without the values.
    """
    with driver_cursor(connection) as cursor:
        if connection.dialect.name == "postgresql":
            _copy(cursor, table, columns, rows, tuple(constants))
            return
        if not constants:
            marks = ", ".join("?" * len(columns))
        else:
            # Constants are bound once per statement text; only codes and integers come here.
            fixed = [_literal(value) for value in constants]
            marks = ", ".join([*fixed, *("?" * (len(columns) - len(fixed)))])
        cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


@contextmanager
def driver_cursor(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor; what the driver raises is raised as SQLAlchemy's.

    Whoever tells a full disk from a mistake knows those only.
    """
    cursor: Any = connection.connection.cursor()
    try:
        yield cursor
    except connection.dialect.loaded_dbapi.Error as error:
        kind = connection.dialect.loaded_dbapi.Error
        told: Any = DBAPIError.instance(None, None, error, kind, dialect=connection.dialect)
        raise told from error
    finally:
        cursor.close()


def _copy(
    cursor: Any,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    head: tuple[Any, ...],
) -> None:
    """COPY, row by row; a few rows as texts, too, which the columns read in the same way."""
    rows = iter(rows)
    first = list(islice(rows, _MANY))
    if len(first) < _MANY:
        marks = ", ".join(["%s"] * len(columns))
        few = [[_plain(value) for value in (*head, *row)] for row in first]
        cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", few)
        return
    with _set_aside(cursor, table, columns) as transfer, transfer() as copy:
        for row in chain(first, rows):
            copy.write_row((*head, *row))


def _plain(value: object) -> str | bytes | None:
    """A value as text without a type, which any column reads as COPY does."""
    return value if value is None or isinstance(value, bytes) else str(value)


def copy_text(
    connection: Connection, table: str, columns: Sequence[str], texts: Iterable[str]
) -> None:
    """一括書込 of rows that stand in the text form of COPY already (PostgreSQL only).

    Some texts at a time, so that whoever makes them goes on while the server takes these over.
    Raises what SQLAlchemy raises.
    """
    texts = iter(texts)
    begun = next(texts, None)
    if begun is None:
        return
    texts = chain((begun,), texts)
    with driver_cursor(connection) as cursor, _set_aside(cursor, table, columns) as transfer:
        for first in texts:
            with transfer() as copy:
                for text_ in chain((first,), islice(texts, _TRANSFER - 1)):
                    copy.write(text_)


@contextmanager
def _set_aside(
    cursor: Any, table: str, columns: Sequence[str]
) -> Iterator[Callable[[], AbstractContextManager[Any]]]:
    """COPY by way of a temporary table: PostgreSQL takes no COPY where row security stands.

    Gives a function that begins one transfer. The table is made once for all of them: what it is
    made of fills the catalogue, and to empty it costs next to nothing.
    """
    names = ", ".join(columns)
    cursor.execute(
        f"CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT {names} FROM {table} LIMIT 0"
    )

    @contextmanager
    def transfer() -> Iterator[Any]:
        with cursor.copy(f"COPY copied ({names}) FROM STDIN") as copy:
            yield copy
        cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM copied")
        cursor.execute("TRUNCATE copied")

    yield transfer
    cursor.execute("DROP TABLE copied")


_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copied(value: object) -> str:
    """One value in the text form of COPY."""
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    return str(value).translate(_ESCAPED)


def copied_column(column: tuple[Any, ...]) -> Iterable[str]:
    """The same for the values of one column; integers and plain text go quickly."""
    kinds = set(map(type, column))
    if kinds == {int}:
        return map(str, column)
    if kinds == {str} and not _SPECIAL.search("".join(column)):
        return column
    return map(copied, column)


_SPECIAL = re.compile(r"[\\\t\n\r]")


def _literal(value: object) -> str:
    """A constant as SQL text: an integer, or a code of digits."""
    if isinstance(value, int):
        return str(int(value))
    code = str(value)
    if not (code.isascii() and code.isdigit()):
        message = f"not a code of digits: {code!r}"
        raise ValueError(message)
    return f"'{code}'"


def portions(values: Sequence[T], size: int = 20_000) -> Iterator[list[T]]:
    """一覧の分割: the values in lists that every database takes as parameters of one statement."""
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def take_numbers(connection: Connection, municipality_code: str, name: str, count: int) -> int:
    """採番: the first of ``count`` consecutive numbers of ``name``, never given out again."""
    connection.execute(
        text(
            "INSERT INTO number_block (municipality_code, name, next_value) VALUES (:m, :n, 1) "
            "ON CONFLICT (municipality_code, name) DO NOTHING"
        ),
        {"m": municipality_code, "n": name},
    )
    after = connection.execute(
        text(
            "UPDATE number_block SET next_value = next_value + :count "
            "WHERE municipality_code = :m AND name = :n RETURNING next_value"
        ),
        {"m": municipality_code, "n": name, "count": count},
    ).scalar_one()
    return int(after) - count
