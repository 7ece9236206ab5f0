"""物語の部品: what every story of an approval is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from web.days.sheet import Cell, columns_of, sheet_of
from web.texts import approvals as words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from web.days.sheet import Sheet


class Link(NamedTuple):
    """つながり: a page that shows more, by its endpoint."""

    text: str
    endpoint: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """承認の物語: a sentence, what changes, what else to look at, and where to look further."""

    effect: str
    sheets: tuple[Sheet, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    stale: str = ""  # why it cannot be done any more; "" when it can


class Kind(NamedTuple):
    """種類: one kind of approval: its story, and what would be asked for now."""

    tell: Callable[[Connection, Profile, Approval], Story]
    content_now: Callable[[Connection, Profile, Approval], dict[str, Any]] | None = None


def effect_of(approval: Approval, **values: object) -> str:
    """承認すると: the sentence of this kind of approval."""
    return words.EFFECTS[approval.kind].format(**values)


def changes_of(approval: Approval, rows: Sequence[tuple[str, str, str]], **values: object) -> Sheet:
    """変わること: what stands, and what will stand."""
    head = words.CHANGES_DECIDED if approval.decision else words.CHANGES
    told: list[tuple[Cell, ...]] = [
        (words.WORDS[name].format(**values), before, after) for name, before, after in rows
    ]
    return sheet_of("changes", words.TITLES["changes"], columns_of(*head), told, adds_up=False)


def facts_of(rows: Sequence[tuple[str, str]]) -> Sheet:
    """内容: names and values."""
    return sheet_of(
        "content", words.TITLES["content"], columns_of("項目", "値"), list(rows), adds_up=False
    )


def with_stale(story: Story, *, stale: str) -> Story:
    """The same story of what cannot be done any more."""
    return Story(story.effect, story.sheets, story.warnings, story.notes, story.links, stale)
