"""経過から今へ: what the events of a case add up to, and which of them may be undone (pure).

The history is only ever added to. An undo is a further event that names the one it takes back;
what stands is then what all the others add up to.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import RefusedError
from reconcile.case_deadlines import due_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# event → what it changes about a case
TOUCHES: dict[str, frozenset[str]] = {
    "opened": frozenset({"state", "due_on"}),
    "acknowledged": frozenset({"state", "owner"}),
    "assigned": frozenset({"owner"}),
    "deadline": frozenset({"due_on"}),
    "accepted": frozenset({"state"}),
    "resolved": frozenset({"state"}),
    "reopened": frozenset({"state", "due_on"}),
    "note": frozenset(),
    "undone": frozenset(),
}
# What a person did and may take back. What a booking did is undone by a booking (R7, R10).
UNDOABLE = frozenset({"acknowledged", "assigned", "deadline", "accepted"})


class Happened(NamedTuple):
    """経過の一件, with what counts of it."""

    event_no: int
    happened_on: date
    actor: str
    event: str
    note: str


class Standing(NamedTuple):
    """いまの状態: what the events add up to."""

    state: str
    owner: str
    due_on: date | None


def standing(kind: str, events: Sequence[Happened], *, without: int | None = None) -> Standing:
    """What the events of a case of this kind add up to, ``without`` one of them."""
    ignored = undone(events) | ({without} if without is not None else set())
    now = Standing("open", "", None)
    for event in events:
        if event.event_no not in ignored:
            now = _after(now, kind, event)
    return now


def _after(now: Standing, kind: str, event: Happened) -> Standing:
    match event.event:
        case "opened" | "reopened":
            return now._replace(state="open", due_on=due_on(kind, event.happened_on))
        case "acknowledged":
            return now._replace(state="acknowledged", owner=event.actor)
        case "assigned":
            return now._replace(owner=event.note)
        case "deadline":
            return now._replace(due_on=date.fromisoformat(event.note))
        case "accepted" | "resolved":
            return now._replace(state=event.event)
    return now


def undone(events: Iterable[Happened]) -> set[int]:
    """The numbers of the events that were taken back."""
    return {int(event.note) for event in events if event.event == "undone"}


def undoable(events: Sequence[Happened]) -> frozenset[int]:
    """取り消せる経過: what a person did and nothing later has changed again."""
    back, latest = undone(events), dict[str, int]()
    for event in events:
        if event.event_no not in back:
            latest |= dict.fromkeys(TOUCHES[event.event], event.event_no)
    return frozenset(
        event.event_no
        for event in events
        if event.event in UNDOABLE
        and event.event_no not in back
        and all(latest[name] == event.event_no for name in TOUCHES[event.event])
    )


def without(kind: str, events: Sequence[Happened], event_no: int) -> Standing:
    """What stands once this event is taken back.

    Raises :class:`RefusedError` ``case_undo`` when it cannot be: it is no event of a person, it was
    taken back before, or something later has changed the same.
    """
    if event_no not in undoable(events):
        raise RefusedError("case_undo", event_no=event_no)
    return standing(kind, events, without=event_no)
