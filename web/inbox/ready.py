"""届いたか: which files of a folder have wholly arrived, and why the others have not (pure).

A sender may write for minutes under the final name. A file has arrived when nothing about it has
changed for some time, by the clock of the machine that holds it (the time of change, which a
sender cannot set), or since this process looked before. Where a done-marker is agreed, the marker
alone decides.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

# Names under which senders write before they rename.
UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".writing", ".crdownload", ".upload")
MARKERS = (".done", ".end", ".ok")


class State(StrEnum):
    """届き具合 of one entry of a folder."""

    READY = "ready"
    UNFINISHED = "unfinished"  # a name that says so
    SETTLING = "settling"  # it changed a moment ago
    AWAITS_MARKER = "awaits_marker"
    MARKER = "marker"  # says something about another file
    LINK = "link"  # never followed: it may lead anywhere
    NO_FILE = "no_file"  # a pipe, a device
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"  # no right to read it


# What stays until a person does something about it.
STUCK = frozenset({State.LINK, State.NO_FILE, State.TOO_LARGE, State.UNREADABLE})


class Look(NamedTuple):
    """一見: what the file system says about an entry."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int
    kind: str = "file"  # file link other


class Looks:
    """前に見た姿: since when each file has looked as it does, as far as this process knows."""

    def __init__(self) -> None:
        """Nothing has been seen."""
        self._seen: dict[Path, tuple[Look, datetime]] = {}

    def unchanged_since(self, path: Path, look: Look, now: datetime) -> datetime:
        """Since when the file has been as it is; a change in the future counts from now on."""
        before, since = self._seen.get(path, (None, now))
        if before != look:
            changed_at = datetime.fromtimestamp(look.changed_ns / 1e9, UTC)
            since = min(now, changed_at)
            self._seen[path] = look, since
        return since

    def forget_all_but(self, paths: Collection[Path]) -> None:
        """What has gone is forgotten."""
        for path in self._seen.keys() - set(paths):
            del self._seen[path]


def is_unfinished(name: str) -> bool:
    """Whether the name itself says that the file is still being written."""
    return name.startswith(".") or name.lower().endswith(UNFINISHED)


def marked_name(name: str, size: int, marker: str) -> str | None:
    """The name of the file that this one is the marker of; None when it is none.

    Where no marker is agreed, an empty file with a usual ending is one all the same.
    """
    if marker and name.endswith(marker):
        return name.removesuffix(marker)
    ending = next((ending for ending in MARKERS if name.lower().endswith(ending)), "")
    return name[: -len(ending)] if ending and not size else None


def state_of(
    name: str,
    look: Look,
    *,
    marker: str,
    marked: bool,
    unchanged: timedelta,
    settle: timedelta,
    size_max: int,
) -> State:
    """The state of one entry.

    ``marked``: its marker is there. ``unchanged``: for how long it has looked as it does.
    """
    if is_unfinished(name):
        return State.UNFINISHED
    if look.kind != "file":
        return State.LINK if look.kind == "link" else State.NO_FILE
    if marked_name(name, look.size, marker) is not None:
        return State.MARKER
    if marker and not marked:
        return State.AWAITS_MARKER
    if not marker and unchanged < settle:
        return State.SETTLING
    return State.TOO_LARGE if look.size > size_max else State.READY
