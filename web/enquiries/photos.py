"""写真の読取係: photographs are read one after the other, and only so many wait.

Reading a picture takes a second of a whole processor; asking for a state takes a few milliseconds.
So at most :func:`readers` pictures are read at once, each by a process of its own
(:mod:`qr.scan.apart`), a few more wait, and whoever comes then is told so at once, before the
picture is even received. All processes of the service on a machine share these places. However many
pictures come, the other threads of the server are free, and however many come from one source,
another one finds a place.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from qr.scan.limits import UPLOAD_LIMITS
from qr.scan.read import read_slips
from web.enquiries.photo_places import Place, Places, give_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qr.scan.slip_reading import SlipReading

FOLDER = "photos"  # in the home folder
WAITING_MAX = 3  # of the server's sixteen threads
WAIT_SECONDS = 20.0
LOOK_SECONDS = 0.05  # between two looks whether it is one's turn
EACH_MAX = 2  # places that one source may hold
RETRY_SECONDS = 30
_NAME = "photo"  # what errors call it: a name may say whose slip it is


class FullError(Exception):
    """満員: as many pictures are being read and waiting as there may be."""


def readers() -> int:
    """同時に読む数: half of the processors, so that the rest has the other half."""
    return max(1, (os.cpu_count() or 1) // 2)


class PhotoDesk:
    """写真の読取係 of a machine; its places are files in ``folder``."""

    def __init__(
        self,
        folder: Path,
        read: Callable[[bytes], list[SlipReading]] | None = None,
        *,
        at_once: int | None = None,
        waiting: int = WAITING_MAX,
    ) -> None:
        """``read`` takes the bytes of one picture; by default in a process of its own."""
        self._read = read or (lambda data: read_slips(data, _NAME, UPLOAD_LIMITS))
        at_once = at_once or readers()
        self._places = Places(folder, "place", at_once + waiting)
        self._readers = Places(folder, "reader", at_once)

    def enter(self, whose: str = "") -> Place | None:
        """A place for a source ("" for nobody's) until its picture has been read, or None."""
        return self._places.take(whose, EACH_MAX)

    def leave(self, place: Place) -> None:
        """Give the place back."""
        give_back(place)

    def read(self, data: bytes) -> list[SlipReading]:
        """The slips of a picture, as soon as it is its turn; who calls holds a place.

        Raises :class:`FullError` when the turn does not come in time, and what
        :func:`qr.scan.read.read_slips` raises.
        """
        turn = self._turn()
        try:
            return self._read(data)
        finally:
            give_back(turn)

    def _turn(self) -> Place:
        end = time.monotonic() + WAIT_SECONDS
        while (turn := self._readers.take()) is None:
            if time.monotonic() >= end:
                raise FullError
            time.sleep(LOOK_SECONDS)
        return turn
