"""第一の壁, watched: every statement sent to SQLite, and those that name no municipality."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from scoped_sql import unscoped
from sqlalchemy import Engine, event
from sqlglot import exp, parse
from sqlmodel import SQLModel

from payments.store.cluster import LOCAL
from reconcile.store import staging
from web.notifications import spool_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What sets a connection or a working table up; it reads no rows.
ON_CONNECTING = re.compile(r"\s*(PRAGMA|BEGIN|CREATE|DROP|ANALYZE|SAVEPOINT|RELEASE|ROLLBACK)\b")
# What is about all bodies, or of one connection, and why that is as it should be:
ACROSS = re.compile(
    # which bodies there are, and whose key it is: on PostgreSQL functions of the owner's
    r"SELECT municipality_code AS code, name, json_extract"
    r"|SELECT k.municipality_code FROM api_key k JOIN municipality m"
    # the working area of the file in hand, which on SQLite belongs to the connection
    r"|DELETE FROM temp\."
)
# Every table with rows of a body: of the books, of the working area, and beside the books.
TABLES = {
    table.name
    for metadata in (SQLModel.metadata, spool_tables.metadata)
    for table in metadata.sorted_tables
    if "municipality_code" in table.columns
} | staging.TABLES.keys()


@contextlib.contextmanager
def statements() -> Iterator[set[str]]:
    """Every statement that this process sends to an SQLite database meanwhile."""
    found: set[str] = set()

    def note(connection: Any, _cursor: object, statement: str, *_: object) -> None:
        if connection.dialect.name == "sqlite" and not ON_CONNECTING.match(statement):
            found.add(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


def loose(issued: Iterable[str]) -> list[str]:
    """The statements that read or write rows of all bodies and have no reason to."""
    return [text for text in issued if unscoped(text, TABLES) and not ACROSS.match(text)]


def across_places(issued: Iterable[str]) -> list[str]:
    """Statements that need both what a cluster spreads out and what its coordinator keeps."""
    return [text for text in issued if len({name in LOCAL for name in _named(text)}) > 1]


def _named(statement: str) -> set[str]:
    """The tables of a statement that hold rows of a body."""
    trees = (tree for tree in parse(statement, dialect="sqlite") if tree is not None)
    return {table.name for tree in trees for table in tree.find_all(exp.Table)} & TABLES
