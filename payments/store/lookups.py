"""照会: rows about a list of things, however long the list is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from payments.store.bulk import portions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row


def rows_about(
    connection: Connection, statement: str, municipality_code: str, some: Sequence[Any]
) -> Iterator[Row[Any]]:
    """Rows of a statement over ``:m`` and the list ``:some``, portion by portion.

    An empty list has none: PostgreSQL would take it for one of integers. An ORDER BY holds within
    a portion (:func:`payments.store.bulk.portions`).
    """
    asked = text(statement).bindparams(bindparam("some", expanding=True))
    for portion in portions(some):
        yield from connection.execute(asked, {"m": municipality_code, "some": portion})
