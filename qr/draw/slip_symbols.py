"""記号の描画: both symbols as filled rectangles on the printer grid, many slips at once.

A symbol is written in its own units, one rectangle a line, its numbers with leading zeros so that
all lines are equally long (the check reads them all at once). The same few thousand rectangles
come again on every page, so their text is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qr.encode.code128 import WIDTHS, codewords
from qr.encode.symbol_table import SymbolPress
from qr.layout.shapes import MM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qr.digits.el_qr import ElQrLayout
    from qr.layout.shapes import SlipLayout

_CODEWORD_MODULES = 11


class SymbolDrawing:
    """記号の描画: digits → operators, for one layout."""

    def __init__(self, layout: SlipLayout, digits: ElQrLayout, mask: int | None) -> None:
        """Prepare the frames of both symbols."""
        self._press = SymbolPress(digits, mask)
        size = self._press.size
        self._runs = _Runs(size)
        module = layout.el_qr.module_pt
        x, y = layout.qr_origin(size)
        self._qr_frame = f"q {module:.2f} 0 0 {module:.2f} {x:.2f} {y:.2f} cm\n"
        x, y = layout.barcode_origin()
        height = layout.konbini.bar_height * MM
        width = layout.konbini.module_pt
        self._bar_frame = f"q {width:.2f} 0 0 {height:.2f} {x:.2f} {y:.2f} cm\n"
        self._bars = _Bars()

    def qr(self, digits: Sequence[str]) -> list[str]:
        """The QR symbols: one rectangle per run of dark modules."""
        if not digits:
            return []
        modules = self._press.modules(digits)
        size = self._press.size
        edges = np.diff(modules.astype(np.int8), axis=2, prepend=0, append=0)
        # Runs begin and end in the same order, so the two lists belong together.
        owner, row, start = np.nonzero(edges == 1)
        end = np.nonzero(edges == -1)[2]
        keys = ((row * size + start) * (size + 1) + end - start).tolist()
        runs = [*map(self._runs.__getitem__, keys)]
        ends = np.cumsum(np.bincount(owner, minlength=len(digits))).tolist()
        frame = self._qr_frame
        return [
            f"{frame}{''.join(runs[first:last])}f Q\n"
            for first, last in zip([0, *ends], ends, strict=False)
        ]

    def barcode(self, digits: str) -> str:
        """The bars, each from one codeword."""
        bars = self._bars
        words = "".join([bars[key] for key in enumerate(codewords(digits))])
        return f"{self._bar_frame}{words}f Q\n"


class _Runs(dict[int, str]):
    """Text of a run of modules by its number."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def __missing__(self, key: int) -> str:
        """Write a run not met before; rows count from the bottom on a page."""
        place, length = divmod(key, self._size + 1)
        row, column = divmod(place, self._size)
        text = self[key] = f"{column:02d} {self._size - 1 - row:02d} {length:02d} 1 re\n"
        return text


class _Bars(dict[tuple[int, int], str]):
    """Text of the bars of a codeword by its place and value."""

    def __missing__(self, key: tuple[int, int]) -> str:
        """Write a codeword not met before at this place."""
        place, word = key
        start = place * _CODEWORD_MODULES
        text = ""
        for number, width in enumerate(map(int, WIDTHS[word])):
            if number % 2 == 0:
                text += f"{start:03d} 0 {width:03d} 1 re\n"
            start += width
        self[key] = text
        return text
