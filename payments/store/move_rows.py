r"""引っ越しの行: rows of SQLite as PostgreSQL's COPY reads and writes them (``kokin db move``).

Both databases say a value in one and the same text: what is sent is what the other one must give
back, so that a digest over the texts of a table compares both sides. Days are ``2026-07-15``,
instants are UTC with six places, truth is 0 or 1, bytes are hexadecimal, nothing is ``\N``.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from payments.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

ROWS = 4_096  # read at a time
LETTERS = 1 << 20  # and no more than this of what may be long
LONG = (str, bytes)
NOTHING = "\\N"
_DAY, _INSTANT = 10, 26  # letters of a day and of an instant, as SQLAlchemy writes them
_NO_UTF8 = re.compile(r"Could not decode to UTF-8 column '(\w+)'")
_SPECIAL = re.compile(r"[\\\t\n\r\b\f\v\0]")
_ESCAPED = str.maketrans(
    {
        "\\": "\\\\",
        "\t": "\\t",
        "\n": "\\n",
        "\r": "\\r",
        "\b": "\\b",
        "\f": "\\f",
        "\v": "\\v",
    }
)


class Kind(StrEnum):
    """値の種類 of a column, as PostgreSQL keeps it."""

    NUMBER = "number"
    TRUTH = "truth"
    DAY = "day"
    INSTANT = "instant"
    BYTES = "bytes"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """列; ``long``: nothing limits its length."""

    name: str
    kind: Kind
    long: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """移す表, with its columns in the order of PostgreSQL; ``schema`` is the file of SQLite."""

    name: str
    columns: tuple[Column, ...]
    schema: str = "main"

    @property
    def names(self) -> str:
        """The columns as SQL names them."""
        return ", ".join(column.name for column in self.columns)


def copied_pieces(source: sqlite3.Connection, table: Moved) -> Iterator[tuple[int, bytes]]:
    """表の行, as they lie in the file: how many, and their text for COPY.

    Never more in memory than :data:`ROWS` rows, or :data:`LETTERS` of what may be long and one row.
    Raises :class:`ConfigurationError` ``move_nul`` for a text that PostgreSQL cannot hold, and
    ``move_value`` for a value that its column cannot.
    """
    long = [place for place, column in enumerate(table.columns) if column.long]
    cursor = source.execute(f"SELECT {table.names} FROM {table.schema}.{table.name} NOT INDEXED")
    done = 0
    while True:
        try:
            rows = _some(cursor, long) if long else cursor.fetchmany(ROWS)
        except sqlite3.DatabaseError as error:
            raise _not_read(table, error, done) from None
        if not rows:
            return
        yield len(rows), _text(table, rows, done)
        done += len(rows)


def _not_read(table: Moved, error: sqlite3.DatabaseError, done: int) -> ConfigurationError:
    """Bytes that are no UTF-8, which SQLite's own words would show, or a damaged page.

    Which of the next rows it is, nobody says.
    """
    shown = _NO_UTF8.match(str(error))
    return ConfigurationError(
        "move_value",
        table=table.name,
        column=shown[1] if shown else "",
        row=f"{done + 1:,}～{done + ROWS:,}",
        found="UTF-8" if shown else str(error),
    )


def _some(cursor: Iterable[tuple[Any, ...]], long: Sequence[int]) -> list[tuple[Any, ...]]:
    """The next rows, fewer of them where they are long."""
    rows: list[tuple[Any, ...]] = []
    letters = 0
    for row in cursor:
        rows.append(row)
        letters += sum([len(said) for place in long if isinstance(said := row[place], LONG)])
        if letters >= LETTERS or len(rows) >= ROWS:
            break
    return rows


def _text(table: Moved, rows: Sequence[tuple[Any, ...]], done: int) -> bytes:
    """Rows in the text form of COPY; ``done`` rows of the table were before them."""
    columns = []
    for column, values in zip(table.columns, zip(*rows, strict=True), strict=True):
        try:
            columns.append(_WRITTEN[column.kind](values))
        except (TypeError, ValueError, AttributeError):
            raise _refused(table, column, values, done) from None
    return ("\n".join(map("\t".join, zip(*columns, strict=True))) + "\n").encode()


def _refused(table: Moved, column: Column, values: Sequence[Any], done: int) -> ConfigurationError:
    """Which value it was, without saying it: it may be about a person."""
    for row, value in enumerate(values, done + 1):
        try:
            list(_WRITTEN[column.kind]((value,)))
        except (TypeError, ValueError, AttributeError):
            where = {"table": table.name, "column": column.name, "row": f"{row:,}"}
            if isinstance(value, str) and "\0" in value:
                return ConfigurationError("move_nul", **where)
            return ConfigurationError("move_value", **where, found=type(value).__name__)
    raise AssertionError  # one of them was refused a moment ago


def _numbers(values: Sequence[Any]) -> Iterable[str]:
    kinds = set(map(type, values))
    if kinds == {int}:
        return map(str, values)
    if not kinds <= {int, type(None)}:
        raise TypeError
    return [NOTHING if value is None else str(value) for value in values]


def _texts(values: Sequence[Any]) -> Iterable[str]:
    kinds = set(map(type, values))
    if not kinds <= {str, type(None)}:
        raise TypeError
    whole = type(None) not in kinds
    together = "".join(values if whole else filter(None, values))
    if _SPECIAL.search(together) is None:
        return values if whole else [NOTHING if value is None else value for value in values]
    if "\0" in together:
        raise ValueError
    return [NOTHING if value is None else value.translate(_ESCAPED) for value in values]


def _days(values: Sequence[Any]) -> Iterable[str]:
    return [
        NOTHING
        if value is None
        else value
        if len(value) == _DAY
        else date.fromisoformat(value).isoformat()
        for value in values
    ]


def _instants(values: Sequence[Any]) -> Iterable[str]:
    return [
        NOTHING
        if value is None
        else value
        if len(value) == _INSTANT and value[_DAY] == " "
        else _instant(value)
        for value in values
    ]


def _instant(value: str) -> str:
    """An instant that was written otherwise; without a zone it is UTC (:mod:`web.clock`)."""
    found = datetime.fromisoformat(value)
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    plain = aware.astimezone(UTC).replace(tzinfo=None)
    return plain.isoformat(sep=" ", timespec="microseconds")


def _bytes(values: Sequence[Any]) -> Iterable[str]:
    return [NOTHING if value is None else f"\\\\x{value.hex()}" for value in values]


_WRITTEN: dict[Kind, Callable[[Sequence[Any]], Iterable[str]]] = {
    Kind.NUMBER: _numbers,
    Kind.TRUTH: _numbers,
    Kind.DAY: _days,
    Kind.INSTANT: _instants,
    Kind.BYTES: _bytes,
    Kind.TEXT: _texts,
}
