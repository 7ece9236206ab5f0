"""One transaction, one municipality (作業単位): all of it or nothing (R8)."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from sqlalchemy import Connection, Engine

T = TypeVar("T")

# For PostgreSQL's row-level security; the value is the municipality.
ENTER = "SELECT set_config('kokin.municipality_code', {mark}, true)"
_ENTER = text(ENTER.format(mark=":m"))
_PLAIN = re.compile(r"[0-9]+|\*", re.ASCII)


@contextmanager
def unit_of_work(engine: Engine, municipality_code: str) -> Iterator[Connection]:
    """A write transaction for one municipality; committed on success, else rolled back.

    Intakes of one municipality follow one another: SQLite has one writer anyway, PostgreSQL takes
    an advisory lock, so that what a file decides never depends on a file beside it.
    """
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        enter_municipality(connection, municipality_code)
        if connection.dialect.name == "postgresql":
            connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtext('kokin'), hashtext(:m))"),
                {"m": municipality_code},
            )
        yield connection


@contextmanager
def side_work(engine: Engine, municipality_code: str) -> Iterator[Connection]:
    """A write transaction beside the books, for rows that no intake looks at (sessions of people).

    On PostgreSQL it waits for no intake; SQLite has one writer anyway.
    """
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        enter_municipality(connection, municipality_code)
        yield connection


@contextmanager
def reading(engine: Engine, municipality_code: str | None = None) -> Iterator[Connection]:
    """A read transaction: one consistent picture, no lock that stops a writer."""
    with engine.connect().execution_options(picture={}) as connection:
        if connection.dialect.name == "postgresql":
            # By default every statement would see another moment. SQLite knows nothing else.
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            if municipality_code is not None:
                enter_municipality(connection, municipality_code)
            yield connection


def once(connection: Connection, key: Hashable, look: Callable[[], T]) -> T:
    """一度だけの照会: what ``look`` finds, looked for once in a read transaction (:func:`reading`).

    One picture says the same however often it is asked; where something is written, it is looked
    for each time. What is found must not be changed by who asked.
    """
    picture = connection.get_execution_options().get("picture")
    if picture is None:
        return look()
    if key not in picture:
        picture[key] = look()
    found: T = picture[key]
    return found


@contextmanager
def another_picture(connection: Connection) -> Iterator[None]:
    """別の時点: within it the tables say something else, so that :func:`once` looks anew."""
    picture = connection.get_execution_options().get("picture", {})
    kept = dict(picture)
    picture.clear()
    try:
        yield
    finally:
        picture.clear()
        picture.update(kept)


def enter_municipality(connection: Connection, municipality_code: str) -> None:
    """Tell PostgreSQL's row-level security whose transaction this is (R11, the second wall)."""
    if connection.dialect.name != "postgresql":
        return
    if _PLAIN.fullmatch(municipality_code):
        # A cluster hands on to its nodes what was set by SET LOCAL, which takes no parameters.
        connection.exec_driver_sql(f"SET LOCAL kokin.municipality_code = '{municipality_code}'")
    else:
        connection.execute(_ENTER, {"m": municipality_code})
