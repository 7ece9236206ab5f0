"""文字層の数字: the numbers of a slip as the text layer of a PDF has them.

What a person reads off the paper (OCR行, eL番号, the text under the bars) is compared with what
the symbols say; on a picture without a text layer there is nothing to compare, and no engine
guesses characters.
"""

from __future__ import annotations

import re
from ctypes import byref, c_int
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pypdfium2 import raw

from qr.digits.ocr_line import LOWER, UPPER

if TYPE_CHECKING:
    import pypdfium2 as pdfium

    from qr.scan.images import Point

_GAP = r"[ \-－‐―]{1,3}"
_PATTERNS = {
    # A line printed character by character may come out with a space between any two.
    "ocr_upper": re.compile(rf"(?<![0-9])[0-9](?: ?[0-9]){{{UPPER.length - 1}}}(?! ?[0-9])"),
    "ocr_lower": re.compile(rf"(?<![0-9])[0-9](?: ?[0-9]){{{LOWER.length - 1}}}(?! ?[0-9])"),
    "el_number": re.compile(
        rf"(?<![0-9])[0-9]{{5}}{_GAP}(?:[0-9]{{4}} ?){{4}}[0-9]{{4}}"
        rf"{_GAP}[0-9]{{6}}{_GAP}[0-9]{{3}}(?! ?[0-9])"
    ),
    "konbini_text": re.compile(
        r"\(91\)[0-9]{6}-[0-9]{22}\s+[0-9]{6}-[0-9]-[0-9]{6}-[0-9](?![0-9])"
    ),
}


@dataclass(frozen=True, slots=True)
class PrintedDigits:
    """印字された数字: one number of a page, what it is by its form, and where it stands."""

    kind: str  # "ocr_upper", "ocr_lower", "el_number" or "konbini_text"
    digits: str
    middle: Point  # in pixels of the page as drawn


def digits_of(page: pdfium.PdfPage, scale: float) -> list[PrintedDigits]:
    """Every number of the page that has the form of a slip's; ``scale`` is that of its picture."""
    text_page = page.get_textpage()
    text = text_page.get_text_range()
    size = [round(length * scale) for length in page.get_size()]
    found = []
    for kind, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            first = text_page.get_charbox(match.start())
            last = text_page.get_charbox(match.end() - 1)
            middle = ((first[0] + last[2]) / 2, (first[1] + last[3]) / 2)
            digits = re.sub(r"[^0-9]", "", match.group())
            found.append(PrintedDigits(kind, digits, _pixel(page, size, middle)))
    text_page.close()
    return found


def _pixel(page: pdfium.PdfPage, size: list[int], point: Point) -> Point:
    """Where a point of the page is in its picture, whichever way the page is turned."""
    x, y = c_int(), c_int()
    raw.FPDF_PageToDevice(page, 0, 0, *size, 0, *point, byref(x), byref(y))
    return float(x.value), float(y.value)
