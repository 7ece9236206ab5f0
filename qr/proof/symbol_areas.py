"""QRコードの区画: which module of a symbol is what, read from ISO/IEC 18004 for versions 1 to 10.

The side that checks what was printed uses this and nothing of the side that prints: no table,
constant or order here comes from :mod:`qr.encode.symbol` or :mod:`qr.encode.symbol_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

VERSION_MAX = 10

_FINDER = ("1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111")
_ALIGNMENT = ("11111", "10001", "10101", "10001", "11111")

# Annex E: row and column of the centres of the alignment patterns, versions 1 to 10.
_CENTRES = (
    (),
    (6, 18),
    (6, 22),
    (6, 26),
    (6, 30),
    (6, 34),
    (6, 22, 38),
    (6, 24, 42),
    (6, 26, 46),
    (6, 28, 50),
)

# Table 9: check codewords per block and number of blocks, versions 1 to 10.
_BLOCKS = {
    "L": (
        (7, 1), (10, 1), (15, 1), (20, 1), (26, 1), (18, 2), (20, 2), (24, 2), (30, 2), (18, 4),
    ),
    "M": (
        (10, 1), (16, 1), (26, 1), (18, 2), (24, 2), (16, 4), (18, 4), (22, 4), (22, 5), (26, 5),
    ),
    "Q": (
        (13, 1), (22, 1), (18, 2), (26, 2), (18, 4), (24, 4), (18, 6), (22, 6), (20, 8), (24, 8),
    ),
    "H": (
        (17, 1), (28, 1), (22, 2), (16, 4), (22, 4), (28, 4), (26, 5), (26, 6), (24, 8), (28, 8),
    ),
}  # fmt: skip

# Table 10, with row i and column j.
_MASKS: tuple[Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.bool_]], ...] = (
    lambda i, j: (i + j) % 2 == 0,
    lambda i, j: i % 2 + 0 * j == 0,
    lambda i, j: j % 3 + 0 * i == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: i * j % 2 + i * j % 3 == 0,
    lambda i, j: (i * j % 2 + i * j % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2 == 0,
)


@dataclass(frozen=True)
class SymbolAreas:
    """区画: the modules of one version; places are indices into the flattened symbol."""

    version: int
    size: int
    fixed: NDArray[np.intp]  # finders, separators, timing, alignment and the dark module
    fixed_dark: NDArray[np.bool_]  # what stands on each of them
    format_copies: NDArray[np.intp]  # (2, 15), most significant bit first
    version_copies: NDArray[np.intp]  # (2, 18), most significant bit first; (2, 0) below 7
    data: NDArray[np.intp]  # in the order in which codewords are placed, remainder bits last
    masks: NDArray[np.bool_]  # (8, places of data)

    @property
    def codewords(self) -> int:
        """How many codewords the symbol holds."""
        return len(self.data) // 8

    def blocks(self, level: str) -> list[NDArray[np.intp]]:
        """The codewords of every block, as indices into the interleaved sequence (7.6)."""
        check, count = _BLOCKS[level][self.version - 1]
        short = self.codewords // count - check
        long_from = count - self.codewords % count
        data_of = [short + (number >= long_from) for number in range(count)]
        order: list[list[int]] = [[] for _ in range(count)]
        place = 0
        for index in range(short + 1):
            for number in range(count):
                if index < data_of[number]:
                    order[number].append(place)
                    place += 1
        for _ in range(check):
            for number in range(count):
                order[number].append(place)
                place += 1
        return [np.array(places) for places in order]

    @staticmethod
    def check_codewords(version: int, level: str) -> int:
        """How many codewords at the end of every block are check codewords."""
        return _BLOCKS[level][version - 1][0]


@cache
def symbol_areas(version: int) -> SymbolAreas:
    """The areas of a version, 1 to 10."""
    size = 17 + 4 * version
    fixed = _fixed(version, size)
    formats = _format_places(size)
    versions = _version_places(size) if version >= 7 else [[], []]
    taken = set(fixed)
    for copies in (*formats, *versions):
        taken.update(copies)
    data = [place for place in _zigzag(size) if place not in taken]
    rows, columns = np.divmod(np.arange(size * size), size)
    flat = [row * size + column for row, column in fixed]
    order = np.array([row * size + column for row, column in data])
    return SymbolAreas(
        version=version,
        size=size,
        fixed=np.array(flat),
        fixed_dark=np.array(list(fixed.values())),
        format_copies=_flat(formats, size),
        version_copies=_flat(versions, size),
        data=order,
        masks=np.array([mask(rows, columns)[order] for mask in _MASKS]),
    )


_Place = tuple[int, int]


def _flat(copies: list[list[_Place]], size: int) -> NDArray[np.intp]:
    """Rows and columns as indices into the flattened symbol."""
    return np.array([[row * size + column for row, column in copy] for copy in copies], np.intp)


def _fixed(version: int, size: int) -> dict[_Place, bool]:
    """Everything that is the same in all symbols of a version (6.3.3 to 6.3.6, 7.9.1)."""
    places: dict[_Place, bool] = {}
    for line in range(size):  # timing; the patterns below write over its ends
        places[6, line] = places[line, 6] = line % 2 == 0
    for top, left in ((0, 0), (0, size - 7), (size - 7, 0)):
        for row in range(max(0, top - 1), min(size, top + 8)):
            for column in range(max(0, left - 1), min(size, left + 8)):
                inside = 0 <= row - top < 7 and 0 <= column - left < 7
                places[row, column] = inside and _FINDER[row - top][column - left] == "1"
    centres = _CENTRES[version - 1]
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    for y, x in ((y, x) for y in centres for x in centres if (y, x) not in corners):
        for row, modules in enumerate(_ALIGNMENT):
            for column, module in enumerate(modules):
                places[y - 2 + row, x - 2 + column] = module == "1"
    places[size - 8, 8] = True
    return places


def _format_places(size: int) -> list[list[_Place]]:
    """Both copies of the format information, bit 14 first (figure 25)."""
    beside_finder = [
        *((8, column) for column in (0, 1, 2, 3, 4, 5, 7, 8)),
        *((row, 8) for row in (7, 5, 4, 3, 2, 1, 0)),
    ]
    split = [
        *((row, 8) for row in range(size - 1, size - 8, -1)),
        *((8, column) for column in range(size - 8, size)),
    ]
    return [beside_finder, split]


def _version_places(size: int) -> list[list[_Place]]:
    """Both copies of the version information, bit 17 first (figures 27 and 28)."""
    lower_left = [(size - 11 + bit % 3, bit // 3) for bit in range(17, -1, -1)]
    return [lower_left, [(column, row) for row, column in lower_left]]


def _zigzag(size: int) -> list[_Place]:
    """Two columns at a time from the right, up and down in turn, past the timing column (7.7.3)."""
    places: list[_Place] = []
    rights = [*range(size - 1, 6, -2), *range(5, 0, -2)]
    for number, right in enumerate(rights):
        rows = range(size) if number % 2 else range(size - 1, -1, -1)
        places += [(row, column) for row in rows for column in (right, right - 1)]
    return places
