"""見回り: what lies in the folders of a municipality right now; looks, and touches nothing."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from web.inbox.ready import STUCK, Look, State, marked_name, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from web.config import Settings
    from web.inbox.folders import Place
    from web.inbox.ready import Looks


class Found(NamedTuple):
    """見つけたもの: one entry of a folder."""

    path: Path
    place: Place
    look: Look
    state: State
    marker: Path | None = None  # the marker that belongs to it, when it is there


class CannotReadError(OSError):
    """The file is there and may not be read."""


def look_around(
    places: list[Place], settings: Settings, looks: Looks, now: datetime
) -> list[Found]:
    """Everything that lies there, folder by folder and by name; markers and drafts left out."""
    settle = timedelta(seconds=settings.inbox_settle_seconds)
    found: list[Found] = []
    for place in places:
        entries = dict(_entries(place.folder))
        markers = {
            marked: name
            for name, look in entries.items()
            if look.kind == "file"
            and (marked := marked_name(name, look.size, place.marker)) is not None
        }
        for name, look in sorted(entries.items(), key=lambda entry: os.fsencode(entry[0])):
            path = place.folder / name
            state = state_of(
                name,
                look,
                marker=place.marker,
                marked=name in markers,
                unchanged=now - looks.unchanged_since(path, look, now),
                settle=settle,
                size_max=settings.file_bytes_max,
            )
            if state is State.READY and not os.access(path, os.R_OK):
                state = State.UNREADABLE
            if state not in {State.UNFINISHED, State.MARKER}:
                marker = place.folder / markers[name] if name in markers else None
                found.append(Found(path, place, look, state, marker))
    looks.forget_all_but({each.path for each in found})
    return found


def stuck(found: list[Found]) -> list[Found]:
    """What stays where it is until a person does something about it."""
    return [each for each in found if each.state in STUCK]


def _entries(folder: Path) -> Iterator[tuple[str, Look]]:
    """The entries of a folder that are no folders; none when it is not there or is a link."""
    if folder.is_symlink():
        return
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # It went while we looked.
                if not stat.S_ISDIR(status.st_mode):
                    yield entry.name, _look(status)
    except (FileNotFoundError, NotADirectoryError):
        return


def read_ready(found: Found) -> bytes | None:
    """The bytes of a file that is ready; None when it changed or went meanwhile.

    Raises :class:`CannotReadError` where this process has no right to it.
    """
    try:
        handle = os.open(found.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotReadError(error.errno, error.strerror) from error
    with os.fdopen(handle, "rb") as file:
        if _look(os.fstat(handle)) != found.look:
            return None
        data = file.read(found.look.size + 1)
        unchanged = _look(os.fstat(handle)) == found.look
    return data if unchanged and len(data) == found.look.size else None


def still_there(found: Found) -> bool:
    """Whether the path still holds the very file that was looked at."""
    try:
        return _look(found.path.stat(follow_symlinks=False)) == found.look
    except OSError:
        return False


def _look(status: os.stat_result) -> Look:
    kind = "other"
    if stat.S_ISREG(status.st_mode):
        kind = "file"
    elif stat.S_ISLNK(status.st_mode):
        kind = "link"
    return Look(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, kind)
