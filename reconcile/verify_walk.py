"""検算の歩み方: rows of several tables walked together in the order of their common key.

Every check reads plain ordered rows and compares them in Python, so that it shares neither a
statement nor a rule with the engine that wrote them, and so that memory does not grow with the
books.
"""

from __future__ import annotations

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


class Store(NamedTuple):
    """検算の対象: one municipality's books in one read transaction."""

    connection: Connection
    profile: Profile
    progress: Callable[[int], None] | None = None

    def rows(self, statement: str, **values: object) -> Iterator[Any]:
        """The rows of a statement as they come; ``:m`` is the municipality."""
        return iter(
            self.connection.execute(
                text(statement),
                {"m": self.profile.municipality_code, **values},
                execution_options={"yield_per": _ROWS_AT_ONCE},
            )
        )

    def number(self, statement: str, **values: object) -> int:
        """One sum or count; 0 for none."""
        values["m"] = self.profile.municipality_code
        return int(self.connection.execute(text(statement), values).scalar_one() or 0)


class Stream:
    """Rows ordered by their first ``width`` columns, taken key by key."""

    def __init__(self, rows: Iterable[Sequence[Any]], width: int = 2) -> None:
        """Look at the first row."""
        self._rows = iter(rows)
        self._width = width
        self._advance()

    def _advance(self) -> None:
        self._row = next(self._rows, None)
        self.key = None if self._row is None else tuple(self._row[: self._width])

    def take(self, key: tuple[Any, ...]) -> list[Any]:
        """The rows of this key, in their order."""
        taken = []
        while self.key == key:
            taken.append(self._row)
            self._advance()
        return taken


def together(*streams: Stream) -> Iterator[tuple[tuple[Any, ...], list[list[Any]]]]:
    """Every key that any stream has, in order, with the rows that each stream has for it."""
    while waiting := [stream.key for stream in streams if stream.key is not None]:
        key = min(waiting)
        yield key, [stream.take(key) for stream in streams]


def shown(names: Sequence[str], values: Sequence[Any], others: Sequence[Any]) -> str:
    """The fields of ``values`` that are not what ``others`` has, as text."""
    return ", ".join(
        f"{name}={value.hex() if isinstance(value, bytes) else value}"
        for name, value, other in zip(names, values, others, strict=True)
        if value != other
    )
