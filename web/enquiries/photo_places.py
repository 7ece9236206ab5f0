"""写真の席: places held by locks on files, the same for every process of a machine.

A lock ends with the process that holds it, however that ends, so that no place is ever lost. What
is bounded is a machine's work: services on several machines have their own places each.
"""

from __future__ import annotations

import fcntl
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Place = IO[str]
"""席: an open file whose lock is the place; closing it gives the place back."""


class Places:
    """席 of one kind in a folder, each a file."""

    def __init__(self, folder: Path, kind: str, number: int) -> None:
        """So many of a kind; files are made when a place is first taken."""
        self._paths = [folder / f"{kind}-{each}.lock" for each in range(number)]

    def take(self, whose: str = "", each_max: int = 0) -> Place | None:
        """A free place for a source (a keyed digest, "" for nobody's), or None.

        None also when the source holds ``each_max`` already. Each says first whose its place is and
        counts afterwards, so that of two who come together at least one sees the other.
        """
        taken = next(filter(None, map(_locked, self._paths)), None)
        if taken is None:
            return None
        _write(taken, whose)
        if whose and self._held_by(whose) > each_max:
            give_back(taken)
            return None
        return taken

    def _held_by(self, whose: str) -> int:
        """How many places are this source's; what a dead process wrote is wiped out."""
        said = [path for path in self._paths if path.exists() and path.read_text("ascii") == whose]
        held = 0
        for path in said:
            left = _locked(path)
            if left is None:
                held += 1
            else:
                give_back(left)
        return held


def give_back(place: Place) -> None:
    """Leave the place to the next."""
    _write(place, "")
    place.close()


def _locked(path: Path) -> Place | None:
    """The file with its lock; None when somebody holds it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = path.open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _write(place: Place, whose: str) -> None:
    place.seek(0)
    place.truncate()
    place.write(whose)
    place.flush()
