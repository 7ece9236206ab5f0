"""近い値: what may be as old as a moment, made anew by one while the others go on with the last."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class _Kept(NamedTuple, Generic[Value]):
    value: Value
    until: float
    of: object


class Lately(Generic[Value]):
    """近い値 of one thing.

    Making it takes longer than using it. When it has become too old, one of those who ask makes it;
    the others take the last one as long as that is not twice as old, instead of making the same.
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        """``make``: what may raise; then nothing is kept, and the next one tries."""
        self._make = make
        self._making = threading.Lock()
        self._kept: _Kept[Value] | None = None

    def get(self, seconds: float, of: object = None) -> Value:
        """The value, made at most so long ago and for the same ``of`` (a day)."""
        kept = self._kept
        now = time.monotonic()
        if kept is not None and kept.of == of:
            if now < kept.until:
                return kept.value
            if now < kept.until + seconds and self._making.locked():
                return kept.value
        with self._making:
            if self._kept is not kept and self._kept is not None and self._kept.of == of:
                return self._kept.value  # made by whoever was here before
            value = self._make()
            self._kept = _Kept(value, time.monotonic() + seconds, of)
            return value
