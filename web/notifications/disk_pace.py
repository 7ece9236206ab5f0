"""ディスクの速さ: whether the commits of a spool find a slow disk.

A group that is committed ahead of the disk costs one more journey, and gains the time in which the
one before waits. That pays where an fsync takes several milliseconds (a disk over the network, a
standby that must confirm), and loses where it takes one (``benchmarks/notify.py``).
"""

from __future__ import annotations

from collections import deque

LOOK_AT = 32  # commits
SLOW_SECONDS = 0.004
QUICK_SECONDS = 0.0025


class DiskPace:
    """The quickest of the last commits.

    The quickest, not the usual one: on a machine that is busy most commits take long, whatever its
    disk does, but where an fsync takes 5 ms none of them is done in less.
    """

    def __init__(self) -> None:
        """Quick, until it has been seen to be slow."""
        self.is_slow = False
        self._seconds: deque[float] = deque(maxlen=LOOK_AT)

    def note(self, seconds: float) -> None:
        """One commit has taken so long."""
        self._seconds.append(seconds)
        if len(self._seconds) < LOOK_AT:
            return
        limit = QUICK_SECONDS if self.is_slow else SLOW_SECONDS
        is_slow = min(self._seconds) > limit
        if is_slow != self.is_slow:
            self.is_slow = is_slow
            self._seconds.clear()
