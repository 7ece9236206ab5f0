"""検算の歩み方: rows of several tables walked together in the order of their common key.

Every check reads plain ordered rows and compares them in Python, so that it shares neither a
statement nor a rule with the engine that wrote them, and so that memory does not grow with the
books.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

_ROWS_AT_ONCE = 5_000


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

    def rows(self, statement: str, **values: object) -> Iterator[Any]:
        """The rows of a statement as they come; ``:m`` is the municipality."""
        found = self.connection.execute(
            text(statement),
            {"m": self.profile.municipality_code, **values},
            execution_options={"yield_per": _ROWS_AT_ONCE},
        )
        self._found.append(found)
        return chain.from_iterable(found.partitions(_ROWS_AT_ONCE))

    def close(self) -> None:
        """Let go of rows that nobody has asked for."""
        for found in self._found:
            found.close()

    def number(self, statement: str, **values: object) -> int:
        """One sum or count; 0 for none."""
        values["m"] = self.profile.municipality_code
        return int(self.connection.execute(text(statement), values).scalar_one() or 0)


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


def unlike(
    expected: Iterable[tuple[Any, ...]], found: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[Any, list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
    """Both ordered by their first column: each key whose rows are not one and the same.

    Nearly all rows are equal, and those are passed over two by two.
    """
    one, other = iter(expected), iter(found)
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

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        """Look at the first row."""
        self._rows = iter(rows)
        self._row = next(self._rows, None)

    def of(self, file_id: int) -> Iterator[tuple[Any, ...]]:
        """The rows of this file; those of earlier files that nobody asked for are left out."""
        rows, row = self._rows, self._row
        while row is not None and row[-1] < file_id:
            row = next(rows, None)
        while row is not None and row[-1] == file_id:
            yield tuple(row[:-1])
            row = next(rows, None)
        self._row = row


def shown(names: Sequence[str], values: Sequence[Any], others: Sequence[Any]) -> str:
    """The fields of ``values`` that are not what ``others`` has, as text."""
    return ", ".join(
        f"{name}={value.hex() if isinstance(value, bytes) else value}"
        for name, value, other in zip(names, values, others, strict=True)
        if value != other
    )
