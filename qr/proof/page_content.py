"""ページ内容の解析: the operators of printed pages, taken apart many pages at once.

A page of a print run is written in one form only (:mod:`qr.draw.slip_pdf`): the static form, texts
that stand each for themselves, and the two symbols as rectangles on a grid. Whatever else a page
says is kept as ``rest`` for the caller to refuse; nothing is interpreted generously.
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
# `1 0 0 1 x y Tm c Tc /F size Tf <gids> Tj`; what stands before the glyphs is kept in one piece.
_SHOWN = re.compile(rb"1 0 0 1 ([^<]*)<([^>]*)> Tj\n")


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

    A rectangle is one line `column row length 1 re`; its numbers have as many digits as the grid
    asks for, so that all lines are equally long and are read at once.
    """

    def __init__(self, rows: int, columns: int) -> None:
        """Take the grid; rows count from the bottom, as on a PDF page."""
        self._rows, self._columns = rows, columns
        across, down = len(str(columns)), len(str(rows - 1))
        line = f"{'0' * across} {'0' * down} {'0' * across} 1 re\n".encode()
        self._line = np.frombuffer(line, np.uint8)
        numbers = (0, across), (across + 1, across + 1 + down), (across + down + 2, -6)
        self._numbers = [slice(*places) for places in numbers]
        self._most = np.zeros(len(line), np.uint8)  # over what stands in the line above
        for places in self._numbers:
            self._most[places] = 9

    def modules(self, drawings: Sequence[bytes]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Drawings → modules (n, rows, columns; from the top) and whether each is well drawn.

        A rectangle outside the grid, one over another, or anything else in between is not.
        """
        count, size, wide = len(drawings), self._rows * self._columns, len(self._line)
        well = np.array([len(drawing) % wide == 0 for drawing in drawings])
        whole = [drawing if fine else b"" for drawing, fine in zip(drawings, well, strict=True)]
        owner = np.repeat(np.arange(count), [len(drawing) // wide for drawing in whole])
        values = np.frombuffer(b"".join(whole), np.uint8).reshape(-1, wide) - self._line
        column, row, length = (_number(values[:, places]) for places in self._numbers)
        right = (length > 0) & (column + length <= self._columns) & (row < self._rows)
        right[np.flatnonzero(values > self._most) // wide] = False
        well[owner[~right]] = False
        first = (owner * size + (self._rows - 1 - row) * self._columns + column)[right]
        change = np.bincount(first, minlength=count * size + 1)
        change -= np.bincount(first + length[right], minlength=count * size + 1)
        depth = np.cumsum(change[:-1]).reshape(count, self._rows, self._columns)
        well &= (depth <= 1).all(axis=(1, 2))
        return depth > 0, well


def _number(digits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The last axis read as a decimal number."""
    number = np.zeros(len(digits), np.int64)
    for column in digits.T:
        number = number * 10 + column
    return number
