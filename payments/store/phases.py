"""区間: what takes how long is told to whoever watches (:mod:`web.tracing`); nobody, by default.

A phase has a name and facts from fixed lists: codes of bodies, jobs and formats, templates of
routes, counts. Never a number of a slip or a person, a name, an address or an amount. While nobody
watches a phase costs one look at a name.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Fact = str | int

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Say(Protocol):
    """What is known at the end of a phase only."""

    def __call__(self, **facts: Fact) -> None:
        """Add facts to the phase."""


class Watcher(Protocol):
    """見張り: hears of phases as they begin and end."""

    def phase(self, name: str, facts: Mapping[str, Fact]) -> AbstractContextManager[Say]:
        """One phase; ``traceparent`` among the facts says in whose request it is (W3C)."""

    def onward(self) -> dict[str, str]:
        """The headers with which another service goes on with the present phase."""


def _say_nothing(**_facts: Fact) -> None:
    """Nobody listens."""


_NOTHING: AbstractContextManager[Say] = nullcontext(_say_nothing)
_watchers: list[Watcher] = []  # none or one


def watch(watcher: Watcher | None) -> None:
    """見張りを置く, or with None take it away; once per process, before anything runs."""
    _watchers[:] = [] if watcher is None else [watcher]


def phase(name: str, **facts: Fact) -> AbstractContextManager[Say]:
    """区間 to be entered; what it gives takes facts that are known later."""
    return _watchers[0].phase(name, facts) if _watchers else _NOTHING


def onward() -> dict[str, str]:
    """Headers of what is sent in the present phase; none while nobody watches."""
    return _watchers[0].onward() if _watchers else {}


def carried(function: Callable[[Asked], Answered]) -> Callable[[Asked], Answered]:
    """The same function for other threads, where it stays within the present phase."""
    if not _watchers:
        return function
    here = copy_context()
    return lambda asked: here.copy().run(function, asked)
