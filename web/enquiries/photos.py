"""写真の読取係: photographs are read one after the other, and only so many wait.

Reading a picture takes a second of a whole processor; asking for a state takes a few milliseconds.
So at most :func:`readers` pictures are read at once, each by a process of its own
(:mod:`qr.scan.apart`), a few more wait, and whoever comes then is told so at once, before the
picture is even received. However many pictures come, the other threads of the server are free, and
however many come from one source, another one finds a place.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter
from typing import TYPE_CHECKING

from qr.scan.limits import UPLOAD_LIMITS
from qr.scan.read import read_slips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qr.scan.slip_reading import SlipReading

WAITING_MAX = 3  # of the server's sixteen threads
WAIT_SECONDS = 20.0
EACH_MAX = 2  # places that one source may hold
RETRY_SECONDS = 30
_NAME = "photo"  # what errors call it: a name may say whose slip it is


class FullError(Exception):
    """満員: as many pictures are being read and waiting as there may be."""


def readers() -> int:
    """同時に読む数: half of the processors, so that the rest has the other half."""
    return max(1, (os.cpu_count() or 1) // 2)


class PhotoDesk:
    """写真の読取係 of one process of the service."""

    def __init__(
        self,
        read: Callable[[bytes], list[SlipReading]] | None = None,
        *,
        at_once: int | None = None,
        waiting: int = WAITING_MAX,
    ) -> None:
        """``read`` takes the bytes of one picture; by default in a process of its own."""
        self._read = read or (lambda data: read_slips(data, _NAME, UPLOAD_LIMITS))
        at_once = at_once or readers()
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._readers = threading.BoundedSemaphore(at_once)
        self._held: Counter[str] = Counter()  # places by their source
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place from before the picture is received until it has been read.

        Raises :class:`FullError` at once when there is none.
        """
        if not self.enter():
            raise FullError
        try:
            yield
        finally:
            self.leave()

    def enter(self, whose: str = "") -> bool:
        """Take a place for a source, "" for nobody's; whether there was one for it."""
        with self._lock:
            if whose and self._held[whose] >= EACH_MAX:
                return False
            if not self._places.acquire(blocking=False):
                return False
            self._held[whose] += 1
            return True

    def leave(self, whose: str = "") -> None:
        """Give the place back."""
        with self._lock:
            self._held[whose] -= 1
            self._held += Counter()  # forgets whoever holds none
            self._places.release()

    def read(self, data: bytes) -> list[SlipReading]:
        """The slips of a picture, as soon as it is its turn; who calls holds a place.

        Raises :class:`FullError` when the turn does not come in time, and what
        :func:`qr.scan.read.read_slips` raises.
        """
        if not self._readers.acquire(timeout=WAIT_SECONDS):
            raise FullError
        try:
            return self._read(data)
        finally:
            self._readers.release()
