"""ページ内容の解析: the operators of printed pages, taken apart many pages at once.

A page of a print run is written in one form only (:mod:`qr.slip_pdf`): the static form, texts that
stand each for themselves, and the two symbols as rectangles on a grid. Whatever else a page says
is kept as ``rest`` for the caller to refuse; nothing is interpreted generously.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# `q m 0 0 h x y cm`, rectangles one a line, `f Q`.
_SYMBOL = re.compile(rb"q (\S+) 0 0 (\S+) (\S+) (\S+) cm\n([\d \nre]*\n)f Q\n?")
# `1 0 0 1 x y Tm c Tc /F size Tf <gids> Tj`; what stands before the glyphs is kept in one piece.
_SHOWN = re.compile(rb"1 0 0 1 ([^<\n]{1,80})<([0-9A-Fa-f]*)> Tj\n?")
_RECTANGLE = re.compile(rb"(\d{1,3}) (\d{1,3}) (\d{1,3}) 1 re")


@dataclass(frozen=True, slots=True)
class SymbolDrawing:
    """記号の描画: a symbol as it stands on the page; numbers as they are written."""

    frame: tuple[bytes, bytes, bytes, bytes]  # module width, module height, x, y in points
    rectangles: bytes  # one a line

    @property
    def square(self) -> bool:
        """Whether it is meant as a QR symbol: modules as high as wide."""
        return self.frame[0] == self.frame[1]


@dataclass(frozen=True, slots=True)
class PageContent:
    """ページの内容: one page taken apart."""

    styles: list[bytes]  # of each shown text: place, spacing, font and size
    glyphs: list[bytes]  # of each shown text: glyph numbers in hexadecimal
    symbols: list[SymbolDrawing]
    rest: list[bytes]  # what stands between


def split_content(content: bytes) -> PageContent:
    """A page's decoded content stream → texts, symbols and the rest."""
    parts = _SYMBOL.split(content)
    symbols = [
        SymbolDrawing((parts[n], parts[n + 1], parts[n + 2], parts[n + 3]), parts[n + 4])
        for n in range(1, len(parts), 6)
    ]
    styles: list[bytes] = []
    glyphs: list[bytes] = []
    rest: list[bytes] = []
    for part in parts[::6]:
        pieces = _SHOWN.split(part)
        rest += pieces[::3]
        styles += pieces[1::3]
        glyphs += pieces[2::3]
    return PageContent(styles, glyphs, symbols, rest)


class RectangleReader:
    """矩形の読取: rectangles of one grid (rows x columns of modules) → modules, by the batch.

    A rectangle is looked up by its text, because the same few thousand come again on every page.
    """

    def __init__(self, rows: int, columns: int) -> None:
        """Take the grid; rows count from the bottom, as on a PDF page."""
        self._rows, self._columns = rows, columns
        self._spans = _Spans(rows, columns)

    def modules(self, drawings: Sequence[bytes]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Drawings → modules (n, rows, columns; from the top) and whether each is well drawn.

        A rectangle outside the grid, one over another, or anything else in between is not.
        """
        lines = [drawing.split(b"\n") for drawing in drawings]
        counts = np.fromiter(map(len, lines), np.int64, len(lines))
        owner = np.repeat(np.arange(len(lines)), counts)
        spans = np.fromiter(
            map(self._spans.__getitem__, chain.from_iterable(lines)), np.int64, len(owner)
        )
        well = np.ones(len(lines), bool)
        well[owner[spans == _NO_RECTANGLE]] = False
        size = self._rows * self._columns
        drawn = spans >= 0
        starts = spans[drawn] // _LENGTHS + owner[drawn] * size
        ends = starts + spans[drawn] % _LENGTHS
        change = np.bincount(starts, minlength=len(lines) * size + 1)
        change -= np.bincount(ends, minlength=len(lines) * size + 1)
        depth = np.cumsum(change[:-1]).reshape(len(lines), self._rows, self._columns)
        well &= (depth <= 1).all(axis=(1, 2))
        return depth > 0, well


_LENGTHS = 1 << 10  # lengths in modules are below this
_NOTHING, _NO_RECTANGLE = -1, -2


class _Spans(dict[bytes, int]):
    """Place of the first module and length of a rectangle in one number, by its text."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__({b"": _NOTHING})
        self._rows, self._columns = rows, columns

    def __missing__(self, line: bytes) -> int:
        """Read a rectangle not met before; a wrong one is not remembered."""
        match = _RECTANGLE.fullmatch(line)
        if match is None:
            return _NO_RECTANGLE
        column, row, length = map(int, match.groups())
        if not length or column + length > self._columns or row >= self._rows:
            return _NO_RECTANGLE
        span = ((self._rows - 1 - row) * self._columns + column) * _LENGTHS + length
        self[line] = span
        return span
