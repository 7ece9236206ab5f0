"""マスクの失点: ISO/IEC 18004, 7.8.3.1, for all masks of many symbols at once.

A symbol is (2, size) numbers of 64 bits, its rows and its columns, the first module in the highest
of ``size`` bits. Shifting right by one brings the module before onto a place. Like segno (and
7.8.1) it judges the symbol before the format information is in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Lines = NDArray[np.uint64]
    Sums = NDArray[np.int64]

_PATTERN = 7  # modules of the finder pattern 1011101


def _shift(count: int) -> np.uint64:
    return np.uint64(count)


class Penalty:
    """失点: judges symbols of one size."""

    def __init__(self, size: int) -> None:
        """Prepare the constants of a symbol of this size."""
        self._size = size
        self._line = np.uint64((1 << size) - 1)
        self._with_one_before = np.uint64((1 << size - 1) - 1)
        self._with_six_after = np.uint64((1 << size) - 1 & ~0x3F)
        self._judged = self._format_free()

    def best(self, candidates: Lines) -> NDArray[np.intp]:
        """(symbols, masks, 2, size) → the first mask of the lowest penalty of each symbol."""
        best: NDArray[np.intp] = self.of(candidates).argmin(axis=1)
        return best

    def of(self, candidates: Lines) -> Sums:
        """(symbols, masks, 2, size) → the sum of the four features (symbols, masks)."""
        x = candidates & self._judged
        equal = ~(x ^ x >> _shift(1)) & self._with_one_before
        rows, level = x[:, :, 0], equal[:, :, 0]
        upright: Lines = ~(rows[:, :, 1:] ^ rows[:, :, :-1])
        blocks: Lines = np.bitwise_and(level[:, :, 1:] & level[:, :, :-1], upright)
        dark_percent = _count(rows, 1) / self._size**2 * 100
        balance: Sums = (np.abs(dark_percent - 50) / 5).astype(np.int64)
        weighted: list[Sums] = [
            self._runs(equal),
            3 * _count(blocks, 1),
            40 * self._finders(x),
            10 * balance,
        ]
        sums: Sums = np.sum(weighted, axis=0)
        return sums

    @staticmethod
    def _runs(equal: Lines) -> Sums:
        """N1: a run of n >= 5 equal modules counts n - 2."""
        pairs = equal & equal >> _shift(1)
        fifth = pairs & pairs >> _shift(2)
        starts: Lines = fifth & ~(fifth >> _shift(1))
        sums: Sums = _count(fifth, 2) + 2 * _count(starts, 2)
        return sums

    def _finders(self, x: Lines) -> Sums:
        """N3: how often 1011101 stands with four light modules (or the edge) on one side."""
        found = x & self._with_six_after & ~(x << _shift(1)) & x << _shift(2)
        found &= x << _shift(3) & x << _shift(4) & ~(x << _shift(5)) & x << _shift(6)
        two_before = x | x >> _shift(1)
        two_after = x | x << _shift(1)
        before = two_before >> _shift(1) | two_before >> _shift(3)
        after = (two_after << _shift(7) | two_after << _shift(9)) & self._line
        found &= ~(before & after)
        counts = np.bitwise_count(found).astype(np.int64)
        # Patterns that overlap one already counted in their line do not count again.
        overlapping = found & (found >> _shift(4) | found >> _shift(6))
        for place in zip(*np.nonzero(overlapping), strict=True):
            counts[place] = self._apart(int(found[place]))
        sums: Sums = counts.sum(axis=(2, 3))
        return sums

    def _apart(self, line: int) -> int:
        """Patterns of a line that do not overlap, taken from its beginning."""
        count, last = 0, -_PATTERN
        for place in range(self._size):
            if line >> self._size - 1 - place & 1 and place - last >= _PATTERN:
                count, last = count + 1, place
        return count

    def _format_free(self) -> Lines:
        """All places but those of the format information and the dark module (7.9)."""
        size = self._size
        free = np.ones((size, size), bool)
        line = [*range(6), 7, 8, *range(size - 8, size)]
        free[8, line] = free[line, 8] = False
        weights = np.uint64(1) << np.arange(size - 1, -1, -1, dtype=np.uint64)
        rows = (free * weights).sum(axis=1, dtype=np.uint64)
        return np.stack([rows, rows])  # the places lie symmetrically


def _count(lines: Lines, axes: int) -> Sums:
    """Bits set, summed over the last axes."""
    sums: Sums = np.bitwise_count(lines).sum(axis=tuple(range(-axes, 0)), dtype=np.int64)
    return sums
