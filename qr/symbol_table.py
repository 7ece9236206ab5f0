"""QRコードの一括生成: the same symbols as :mod:`qr.symbol`, some ten times faster in a print run.

For a fixed version, level, mask and number of digits a QR symbol is an affine function over GF(2)
of its payload bits: the Reed-Solomon code is linear, the placement a permutation, the mask a
constant. A table made once from segno turns encoding into exclusive-ors of whole symbols, each
held as one integer, and the penalty rules of ISO/IEC 18004, 7.8.3 into a few shifts of it.
The tests hold every symbol against segno's own, module for module.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from qr.fields import is_digits
from qr.symbol import qr_matrix

if TYPE_CHECKING:
    from qr.el_qr import ElQrLayout
    from qr.symbol import Matrix

_MASKS = 8
_BITS_OF_DIGITS = {1: 4, 2: 7, 3: 10}  # ISO/IEC 18004, 7.4.3: digits in groups of three
_HALF = 5  # bits looked up at once
_TABLE_PAYS_AFTER = 200  # symbols; making the table costs about as much as encoding these


class SymbolPress:
    """一括生成器: encodes one symbol after another; makes the table when a run is long enough."""

    def __init__(self, layout: ElQrLayout, mask: int | None = None, expected: int = 0) -> None:
        """Take the layout, the mask (None: chosen per symbol) and how many symbols will come.

        When ``expected`` is unknown (0) the table is made as soon as a run has become long.
        """
        self._layout = layout
        self._mask = mask
        self._wait = 0 if expected > _TABLE_PAYS_AFTER else _TABLE_PAYS_AFTER
        self._encoded = 0
        self._table: SymbolTable | None = None

    def matrix(self, digits: str) -> Matrix:
        """Digits → modules, as :func:`qr.symbol.qr_matrix` gives them."""
        self._encoded += 1
        fits = len(digits) == self._layout.payload.length and is_digits(digits)
        # From version 7 on the symbol carries version bits, which the table does not know.
        if self._encoded <= self._wait or not fits or self._layout.symbol_version > 6:
            return qr_matrix(digits, self._layout, self._mask)
        self._table = self._table or symbol_table(self._layout)
        return self._table.matrix(digits, self._mask)


@cache
def symbol_table(layout: ElQrLayout) -> SymbolTable:
    """The table of a layout, made once per process."""
    return SymbolTable(layout)


class SymbolTable:
    """生成表: what every payload bit changes in the symbol, for one layout.

    A symbol is an integer of size x size bits, the first module in the highest bit.
    """

    def __init__(self, layout: ElQrLayout) -> None:
        """Make the table with one segno symbol per payload bit."""
        length = layout.payload.length
        zeros = "0" * length
        bases = [_number(qr_matrix(zeros, layout, mask)) for mask in range(_MASKS)]
        self._size = len(qr_matrix(zeros, layout, 0))
        self._bases = bases
        self._groups = []
        for start in range(0, length, 3):
            end = min(start + 3, length)
            changes = []
            for bit in range(_BITS_OF_DIGITS[end - start]):
                digits = f"{1 << bit:0{end - start}d}"
                text = zeros[:start] + digits + zeros[end:]
                changes.append(_number(qr_matrix(text, layout, 0)) ^ bases[0])
            self._groups.append(
                (start, end, _combinations(changes[:_HALF]), _combinations(changes[_HALF:]))
            )
        self._penalty = _Penalty(self._size)

    def matrix(self, digits: str, mask: int | None = None) -> Matrix:
        """Digits → modules; the best mask is the first of those with the lowest penalty."""
        payload = 0
        for start, end, low, high in self._groups:
            value = int(digits[start:end])
            payload ^= low[value & (1 << _HALF) - 1] ^ high[value >> _HALF]
        candidates = [payload ^ base for base in self._bases]
        if mask is None:
            mask = min(range(_MASKS), key=lambda number: self._penalty.of(candidates[number]))
        size = self._size
        modules = f"{candidates[mask]:0{size * size}b}".encode().translate(_BIT_VALUES)
        return tuple(modules[start : start + size] for start in range(0, size * size, size))


_BIT_VALUES = bytes.maketrans(b"01", b"\0\1")


def _number(matrix: Matrix) -> int:
    """A matrix as one integer."""
    return int("".join("".join(map(str, row)) for row in matrix), 2)


def _combinations(changes: list[int]) -> list[int]:
    """The joint change of every combination of payload bits."""
    table = [0]
    for change in changes:
        table += [entry ^ change for entry in table]
    return table


class _Penalty:
    """失点: ISO/IEC 18004, 7.8.3.1, over a symbol held as one integer.

    Shifting right by one brings the module to the left onto a place, by ``size`` the one above.
    Like segno (and 7.8.1) it judges the symbol before the format information is in.
    """

    def __init__(self, size: int) -> None:
        """Prepare the constants of a symbol of this size."""
        self._size = size
        self._all = (1 << size * size) - 1
        # Places that have at least n modules to their left or to their right.
        self._left = [self._columns(n, size) for n in range(12)]
        self._right = [self._columns(0, size - n) for n in range(12)]
        self._below_first_row = (1 << size * (size - 1)) - 1
        self._judged = self._all ^ self._format_places()

    def of(self, symbol: int) -> int:
        """The sum of the four features."""
        x = symbol & self._judged
        size = self._size
        level = ~(x ^ x >> 1) & self._left[1]  # equals its left neighbour
        upright = ~(x ^ x >> size) & self._below_first_row  # equals the one above
        blocks = (level & upright & level >> size).bit_count()
        dark_percent = x.bit_count() / size**2 * 100
        return (
            self._runs(level, 1)
            + self._runs(upright, size)
            + 3 * blocks
            + 40 * (self._finders(x, 1) + self._finders(x, size))
            + 10 * int(abs(dark_percent - 50) / 5)
        )

    @staticmethod
    def _runs(equal: int, step: int) -> int:
        """N1: a run of n >= 5 equal modules counts n - 2."""
        fifth = equal & equal >> step & equal >> 2 * step & equal >> 3 * step
        return fifth.bit_count() + 2 * (fifth & ~(fifth >> step)).bit_count()

    def _finders(self, x: int, step: int) -> int:
        """N3: how often 1011101 stands with four light modules (or the edge) on one side."""
        found = self._after(x, 6, step) & x
        if step == 1:
            found &= self._right[6]
        for place, dark in enumerate((0, 1, 1, 1, 0), start=1):
            neighbour = self._after(x, place, step)
            found &= neighbour if dark else ~neighbour
        before = after = 0
        for distance in range(1, 5):
            before |= self._before(x, distance, step)
            after |= self._after(x, 6 + distance, step)
        found &= ~(before & after)
        if found & (found >> 4 * step | found >> 6 * step):
            return self._apart(found, step)
        return found.bit_count()

    def _before(self, x: int, distance: int, step: int) -> int:
        """The module so many places earlier in the line, light beyond the edge."""
        return x >> distance * step & (self._left[distance] if step == 1 else self._all)

    def _after(self, x: int, distance: int, step: int) -> int:
        """The module so many places later in the line, light beyond the edge."""
        return x << distance * step & (self._right[distance] if step == 1 else self._all)

    def _apart(self, found: int, step: int) -> int:
        """Patterns that overlap one already counted in their line do not count again."""
        count = 0
        last: dict[int, int] = {}
        size = self._size
        for place in range(size * size):
            if found >> (size * size - 1 - place) & 1:
                row, column = divmod(place, size)
                line, index = (row, column) if step == 1 else (column, row)
                if index - last.get(line, -7) >= 7:
                    last[line] = index
                    count += 1
        return count

    def _columns(self, first: int, end: int) -> int:
        """All places in these columns."""
        size = self._size
        row = sum(1 << size - 1 - column for column in range(first, end))
        return sum(row << size * number for number in range(size))

    def _format_places(self) -> int:
        """Places of the format information and the module that is always dark (7.9)."""
        size = self._size
        line = [*range(6), 7, 8, *range(size - 8, size)]
        places = {(8, n) for n in line} | {(n, 8) for n in line}
        return sum(1 << size * size - 1 - (row * size + column) for row, column in places)
