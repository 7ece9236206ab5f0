"""検算の歩み方: rows of several tables walked together in the order of their common key.

Every check is plain SQL or reads plain ordered rows and compares them in Python, so that it shares
neither a statement nor a rule with the engine that wrote them, and so that memory does not grow
with the books. Nearly all rows are as they should be: those are compared some thousands at a time,
and only what is not equal is looked at one by one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Dialect
    from sqlalchemy.sql.compiler import Compiled

    from payments.domain.profile import Profile

_ROWS_AT_ONCE = 4_000
_last = itemgetter(-1)


class Difference(NamedTuple):
    """不一致: a figure that is not what the evidence says.

    ``name`` is stable; ``subject`` is a line (``file:line``), ``file:id``, an instalment
    (``notice/term``), ``group:id``, an account or a key.
    """

    name: str
    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Store:
    """検算の対象: one municipality's books in one read transaction."""

    connection: Connection
    profile: Profile
    progress: Callable[[int], None] | None = None
    _found: list[Any] = field(default_factory=list)
    _made: list[str] = field(default_factory=list)

    @property
    def binary(self) -> str:
        """What makes a database sort text by its bytes, as Python does; SQLite always does."""
        return ' COLLATE "C"' if self.connection.dialect.name == "postgresql" else ""

    def rows(self, statement: str, **values: object) -> Iterator[Any]:
        """The rows of a statement as they come; ``:m`` is the municipality."""
        found = self.connection.execute(
            text(statement),
            {"m": self.profile.municipality_code, **values},
            execution_options={"yield_per": _ROWS_AT_ONCE},
        )
        self._found.append(found)
        return chain.from_iterable(found.partitions(_ROWS_AT_ONCE))

    def portions(self, statement: str, **values: object) -> Iterator[list[tuple[Any, ...]]]:
        """The same rows as plain tuples, some thousands at a time, as the driver gives them."""
        compiled = _compiled(statement, self.connection.dialect)
        bound: Any = compiled.construct_params({"m": self.profile.municipality_code, **values})
        names = getattr(compiled, "positiontup", None)
        driver: Any = self.connection.connection
        # PostgreSQL sends all rows at once unless the cursor has a name.
        server = self.connection.dialect.name == "postgresql"
        cursor = driver.cursor(f"verify_{len(self._found)}") if server else driver.cursor()
        self._found.append(cursor)
        cursor.execute(str(compiled), bound if names is None else [bound[name] for name in names])
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield rows
        cursor.close()

    def among(
        self, statement: str, keys: Sequence[object], **values: object
    ) -> list[tuple[Any, ...]]:
        """All rows of a statement that asks for what is ``IN :keys``."""
        asked = text(statement).bindparams(bindparam("keys", expanding=True))
        values |= {"m": self.profile.municipality_code, "keys": keys}
        return [tuple(row) for row in self.connection.execute(asked, values).all()]

    def run(self, statement: str) -> None:
        """Carry out a statement about the temporary tables of the check itself."""
        self.connection.execute(text(statement), {"m": self.profile.municipality_code})

    def close(self) -> None:
        """Let go of rows that nobody has asked for, and of what the check put aside."""
        for found in self._found:
            found.close()
        for table in self._made:
            self.run(f"DROP TABLE {table}")

    def make(self, table: str, columns: str, rows: Iterable[str]) -> None:
        """A temporary table of what these statements find; gone when the check is over."""
        self.run(f"CREATE TEMP TABLE {table} ({columns})")
        self._made.append(table)
        for statement in rows:
            # Without the brackets SQLite takes ON CONFLICT for the condition of a join.
            self.run(
                f"INSERT INTO {table} SELECT * FROM ({statement}) found WHERE TRUE "
                "ON CONFLICT DO NOTHING"
            )
        if self.connection.dialect.name == "postgresql":
            self.run(f"ANALYZE {table}")

    def number(self, statement: str, **values: object) -> int:
        """One sum or count; 0 for none."""
        values["m"] = self.profile.municipality_code
        return int(self.connection.execute(text(statement), values).scalar_one() or 0)


@lru_cache
def _compiled(statement: str, dialect: Dialect) -> Compiled:
    """A statement in the words of the driver; the same few come again for every seal."""
    return text(statement).compile(dialect=dialect)


class Stream:
    """Rows ordered by their first ``width`` columns, taken key by key."""

    __slots__ = ("_row", "_rows", "_width", "key")

    def __init__(self, rows: Iterable[Sequence[Any]], width: int = 2) -> None:
        """Look at the first row."""
        self._rows = iter(rows)
        self._width = width
        self._row = next(self._rows, None)
        self.key = None if self._row is None else tuple(self._row[:width])

    def take(self, key: tuple[Any, ...]) -> list[Any]:
        """The rows of this key, in their order."""
        taken = []
        rows, width = self._rows, self._width
        while self.key == key:
            taken.append(self._row)
            self._row = row = next(rows, None)
            self.key = None if row is None else tuple(row[:width])
        return taken


def together(*streams: Stream) -> Iterator[tuple[tuple[Any, ...], list[list[Any]]]]:
    """Every key that any stream has, in order, with the rows that each stream has for it."""
    while waiting := [stream.key for stream in streams if stream.key is not None]:
        key = min(waiting)
        yield key, [stream.take(key) if stream.key == key else [] for stream in streams]


Unlike = tuple[Any, list[tuple[Any, ...]], list[tuple[Any, ...]]]


def unlike(
    expected: Iterable[tuple[Any, ...]], found: Iterable[tuple[Any, ...]]
) -> Iterator[Unlike]:
    """Both ordered by their first column: each key whose rows are not one and the same."""
    one, other = iter(expected), iter(found)
    while True:
        should, is_ = [*islice(one, _ROWS_AT_ONCE)], [*islice(other, _ROWS_AT_ONCE)]
        if should != is_:
            yield from _unlike_rows(chain(should, one), chain(is_, other))
            return
        if not should:
            return


def _unlike_rows(
    one: Iterator[tuple[Any, ...]], other: Iterator[tuple[Any, ...]]
) -> Iterator[Unlike]:
    """The same row by row."""
    should, is_ = next(one, None), next(other, None)
    while should is not None or is_ is not None:
        if should == is_:
            should, is_ = next(one, None), next(other, None)
            continue
        key = min(row[0] for row in (should, is_) if row is not None)
        left: list[tuple[Any, ...]] = []
        while should is not None and should[0] == key:
            left.append(should)
            should = next(one, None)
        right: list[tuple[Any, ...]] = []
        while is_ is not None and is_[0] == key:
            right.append(is_)
            is_ = next(other, None)
        yield key, left, right


class Sections:
    """Rows ordered by their last column, the file, handed out file by file without it."""

    def __init__(self, portions: Iterator[list[tuple[Any, ...]]]) -> None:
        """Nothing is read yet."""
        self._portions = portions
        self._rows: list[tuple[Any, ...]] = []
        self._at = 0

    def of(self, file_id: int) -> Iterator[tuple[Any, ...]]:
        """The rows of this file; those of earlier files that nobody asked for are left out."""
        return chain.from_iterable(self._parts(file_id))

    def _parts(self, file_id: int) -> Iterator[list[tuple[Any, ...]]]:
        """The same portion by portion."""
        while self._rows or self._read():
            begin = bisect_left(self._rows, file_id, self._at, key=_last)
            end = bisect_right(self._rows, file_id, begin, key=_last)
            self._at = end
            if end > begin:
                yield [row[:-1] for row in self._rows[begin:end]]
            if end < len(self._rows) or not self._read():
                return

    def _read(self) -> bool:
        """Take the next portion."""
        self._rows, self._at = next(self._portions, []), 0
        return bool(self._rows)


def shown(names: Sequence[str], values: Sequence[Any], others: Sequence[Any]) -> str:
    """The fields of ``values`` that are not what ``others`` has, as text."""
    return ", ".join(
        f"{name}={value.hex() if isinstance(value, bytes) else value}"
        for name, value, other in zip(names, values, others, strict=True)
        if value != other
    )
