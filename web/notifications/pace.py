"""回数: how many requests each key has signed within a minute.

Counted here and not by the limiter of the pages, whose store starts a thread to forget what it
counted: too much for what may come thousands of times in a second.
"""

from __future__ import annotations

import math
import threading

SECONDS = 60


class Pace:
    """回数の控え of one process; a key's minute begins with its first request."""

    def __init__(self) -> None:
        """Nothing was counted yet."""
        self._lock = threading.Lock()
        self._counted: dict[str, tuple[float, int]] = {}  # when the minute began, how many since

    def wait(self, key_id: str, most: int, now: float) -> int:
        """Count one request of this key; 0, or the seconds until it may ask again.

        ``now``: seconds since 1970.
        """
        with self._lock:
            begun, number = self._counted.get(key_id, (now, 0))
            if not begun <= now < begun + SECONDS:
                begun, number = now, 0
            self._counted[key_id] = begun, number + 1
        return 0 if number < most else math.ceil(begun + SECONDS - now)
