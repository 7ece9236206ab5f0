"""Sheets of paper for the tests of reading: symbols on a grey picture, without the PDF library.

Drawn as an independent encoder (segno) and the bar table give them, 300 dots to the inch: six dots
for a module of the eL-QR, two for one of the barcode.
"""

from __future__ import annotations

import segno
from PIL import Image, ImageDraw

from qr.encode.code128 import bars

QR_DOTS, BAR_DOTS, BAR_HEIGHT = 6, 2, 150


def sheet(
    *symbols: tuple[str | None, str | None], size: tuple[int, int] = (1240, 900)
) -> Image.Image:
    """A sheet with one slip per pair of eL-QR and barcode digits, one below the other."""
    paper = Image.new("L", (size[0], size[1] * len(symbols)), 255)
    for place, (el_qr, konbini) in enumerate(symbols):
        top = place * size[1]
        if el_qr is not None:
            paper.paste(qr_symbol(el_qr), (700, top + 120))
        if konbini is not None:
            paper.paste(bar_symbol(konbini), (330, top + 560))
    return paper


def qr_symbol(digits: str) -> Image.Image:
    """The eL-QR with its quiet zone."""
    code = segno.make(digits, version=6 if len(digits) == 255 else None, error="m", micro=False)
    rows = [bytes(0 if dark else 255 for dark in row) for row in code.matrix_iter(border=4)]
    symbol = Image.frombytes("L", (len(rows[0]), len(rows)), b"".join(rows))
    return symbol.resize(
        (symbol.width * QR_DOTS, symbol.height * QR_DOTS), Image.Resampling.NEAREST
    )


def bar_symbol(digits: str) -> Image.Image:
    """The bars with their quiet zones."""
    found = list(bars(digits))
    width = max(start + wide for start, wide in found) + 30
    symbol = Image.new("L", (width * BAR_DOTS, BAR_HEIGHT), 255)
    draw = ImageDraw.Draw(symbol)
    for start, wide in found:
        left = (start + 15) * BAR_DOTS
        draw.rectangle((left, 0, left + wide * BAR_DOTS - 1, BAR_HEIGHT), fill=0)
    return symbol
