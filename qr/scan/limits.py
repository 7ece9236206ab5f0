"""読取の上限: what a file may cost at most, said before and while it is opened.

Files to be read come from outside. Size, pages and pixels are known before anything is unpacked;
time is looked at between steps, because no step may be long.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """読取の上限: what a file may be at most; the defaults suit a print run of our own."""

    bytes_max: int = 500_000_000
    pages_max: int = 20_000
    pixels_max: int = 60_000_000  # an A4 page at 600 dpi has 35 million
    seconds_max: float = math.inf
    memory_max: int = 1_500_000_000  # bytes of a process that reads apart, all told


STAFF_LIMITS = ScanLimits(200_000_000, 200, 120_000_000, 300)
"""職員: scans of many pages, posters at 600 dpi."""

UPLOAD_LIMITS = ScanLimits(20_000_000, 5, 52_000_000, 10, 700_000_000)
"""住民: a photograph or two; the largest usual telephone pictures have 50 million pixels."""


class Deadline:
    """期限: when the time for a file is over."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin now; ``clock`` counts seconds."""
        self._clock = clock
        self._end = clock() + seconds

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return self._clock() > self._end

    @property
    def seconds_left(self) -> float:
        """What is left, never below zero."""
        return max(0.0, self._end - self._clock())


@dataclass(frozen=True, slots=True)
class Source:
    """読取の対象: a file on disk or the bytes of one, under the name that errors say."""

    content: Path | bytes
    name: str
    limits: ScanLimits
    deadline: Deadline

    def head(self) -> bytes:
        """The first bytes; refused are what is missing, empty or too large to be looked at."""
        content = self.content
        try:
            size = len(content) if isinstance(content, bytes) else content.stat().st_size
            if size > self.limits.bytes_max:
                raise self.refusal("scan_too_large", found=size, max=self.limits.bytes_max)
            if isinstance(content, bytes):
                first = content[:_HEAD]
            else:
                with content.open("rb") as file:
                    first = file.read(_HEAD)
        except FileNotFoundError as error:
            raise self.refusal("scan_missing") from error
        except OSError as error:
            raise self.refusal("scan_not_opened") from error
        if not first:
            raise self.refusal("scan_empty")
        return first

    def check_pages(self, pages: int) -> None:
        """Refuse too many pages."""
        if pages > self.limits.pages_max:
            raise self.refusal("scan_too_many_pages", found=pages, max=self.limits.pages_max)

    def check_pixels(self, pixels: int) -> None:
        """Refuse a picture before its pixels are unpacked."""
        if pixels > self.limits.pixels_max:
            raise self.refusal("scan_too_many_pixels", found=pixels, max=self.limits.pixels_max)

    def check_time(self) -> None:
        """Refuse to go on when the time is over."""
        if self.deadline.passed:
            raise self.refusal("scan_too_slow", max=f"{self.limits.seconds_max:g}")

    def refusal(self, code: str, **details: object) -> InvalidValueError:
        """Why this file is not read."""
        return InvalidValueError(code, file=self.name, **details)


_HEAD = 1024
