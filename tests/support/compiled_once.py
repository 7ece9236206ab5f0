"""翻訳の控え: a statement is compiled once for all databases of a kind that a process opens.

Every database of a test has an engine of its own, and an engine compiles each statement anew that
it has not seen: a seventh of all that the tests compute. A compiled statement says nothing about
the database, only about its kind; what is cached about results is cached by SQLAlchemy for those
statements alone whose columns are written in them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlalchemy.util import LRUCache

from payments.store import engine

if TYPE_CHECKING:
    from sqlalchemy import Engine

_MOST = 5_000  # statements of both kinds; those of all tests that are asked more than once fit


class Compiled(LRUCache[Any, Any]):
    """In the place of the cache of one engine, whose keys begin with its dialect."""

    __slots__ = ()

    def get(self, key: Any, default: Any = None) -> Any:
        """What was compiled by any engine of the same kind."""
        return super().get(_of_its_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_of_its_kind(key), value)


def _of_its_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *rest = key
    return (dialect.name, dialect.driver, *rest)


def share() -> None:
    """Let all engines that this process opens from here on share what they have compiled."""
    create = engine.create_engine  # type: ignore[attr-defined]
    kept = Compiled(_MOST)

    @functools.wraps(create)
    def create_sharing(*given: Any, **named: Any) -> Engine:
        made = create(*given, **named)
        made._compiled_cache = kept
        return made

    engine.create_engine = create_sharing  # type: ignore[attr-defined]
