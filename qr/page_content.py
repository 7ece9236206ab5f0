"""ページ内容の解析: the operators of printed pages, taken apart many pages at once.

A page of a print run is written in one form only (:mod:`qr.slip_pdf`): the static form, texts that
stand each for themselves, and the two symbols as rectangles on a grid. Whatever else a page says
is kept as ``rest`` for the caller to refuse; nothing is interpreted generously.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# A symbol is `q m 0 0 h x y cm`, rectangles one a line, `f Q`.
_FRAME = re.compile(rb"(\S+) 0 0 (\S+) (\S+) (\S+)")
_RECTANGLE = re.compile(rb"(\d{1,3}) (\d{1,3}) (\d{1,3}) 1 re")
# `1 0 0 1 x y Tm c Tc /F size Tf <gids> Tj`; what stands before the glyphs is kept in one piece.
_SHOWN = re.compile(rb"1 0 0 1 ([^<\n]{1,80})<([0-9A-Fa-f]*)> Tj\n?")


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
    symbols: list[SymbolDrawing] = []
    between: list[bytes] = []
    head, *parts = content.split(b" cm\n")
    for part in parts:
        before, _, frame = head.rpartition(b"q ")
        numbers = _FRAME.fullmatch(frame)
        rectangles, end, after = part.partition(b"f Q\n")
        if numbers is None or not end:
            head += b" cm\n" + part  # no symbol: it stays among the rest
            continue
        symbols.append(SymbolDrawing((numbers[1], numbers[2], numbers[3], numbers[4]), rectangles))
        between.append(before)
        head = after
    styles: list[bytes] = []
    glyphs: list[bytes] = []
    rest: list[bytes] = []
    for part in (*between, head):
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
        count, size = len(drawings), self._rows * self._columns
        whole = [drawing if drawing[-1:] == b"\n" else b"-\n" for drawing in drawings]
        lines = b"".join(whole).split(b"\n")[:-1]
        spans = np.fromiter(map(self._spans.__getitem__, lines), np.int64, len(lines))
        owner = np.repeat(np.arange(count), [drawing.count(b"\n") for drawing in whole])
        drawn = spans != _NO_RECTANGLE
        well = np.ones(count, bool)
        well[owner[~drawn]] = False
        first = (spans[drawn] >> _LENGTH_BITS) + owner[drawn] * size
        change = np.bincount(first, minlength=count * size + 1)
        change -= np.bincount(first + (spans[drawn] & _LENGTH_MAX), minlength=count * size + 1)
        depth = np.cumsum(change[:-1]).reshape(count, self._rows, self._columns)
        well &= (depth <= 1).all(axis=(1, 2))
        return depth > 0, well


_LENGTH_BITS = 10
_LENGTH_MAX = (1 << _LENGTH_BITS) - 1
_NO_RECTANGLE = -1


class _Spans(dict[bytes, int]):
    """Place of the first module and length of a rectangle in one number, by its text."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self._rows, self._columns = rows, columns

    def __missing__(self, line: bytes) -> int:
        """Read a rectangle not met before; a wrong one is not remembered."""
        match = _RECTANGLE.fullmatch(line)
        if match is None:
            return _NO_RECTANGLE
        column, row, length = map(int, match.groups())
        if not length or column + length > self._columns or row >= self._rows:
            return _NO_RECTANGLE
        first = (self._rows - 1 - row) * self._columns + column
        span = first << _LENGTH_BITS | length
        self[line] = span
        return span
