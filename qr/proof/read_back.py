"""読み戻し: printed pages rendered, both symbols decoded again and compared (law.md B-02).

A slip never leaves the building unread. Only the areas of the symbols are rendered, as a printer
would; zbar decodes them, their size and place on the sheet are measured, their quiet zones must
be white, and the digits that a person reads are looked up in the text layer. Renderer, decoder and
text extraction are others than those of :mod:`qr.proof.slip_check`.
"""

from __future__ import annotations

from math import ceil
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pypdfium2 as pdfium

from payments.domain.errors import InvalidValueError
from qr.digits.difference import Difference, symbol_faults
from qr.layout.slip_page import PrintProfile
from qr.layout.symbol_places import POINTS_PER_MM, symbol_places
from qr.proof.printed_file import A4_PT
from qr.proof.printed_values import squeezed
from qr.proof.slip_expected import expected_values
from qr.scan.read import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from PIL import Image

    from qr.digits.difference import Fault
    from qr.layout.slip_page import SlipPage
    from qr.layout.symbol_places import SymbolPlace

DPI = {"el_qr": 300, "konbini": 600}
"""Dots per inch: 6 dots per QR module and 4 per bar module, both exact."""

_WHOLE_PAGE_DPI = 300
_SIZE_OFF = 0.01  # of the size: the next printer profile worth naming is 97 or 103 %
_PLACE_OFF_MM = 0.2
_BLACK = 128
_DIGITS = ("ocr_upper", "ocr_lower", "el_number", "konbini_text_1", "konbini_text_2", "slip_no")


class _Window(NamedTuple):
    """Dots cut off left of a picture and above it, and dots per point across and down."""

    left: int
    top: int
    across: float
    down: float


def read_back(
    path: Path,
    slips: Mapping[int, SlipPage],
    profile: PrintProfile | None = None,
    tick: Callable[[int], None] | None = None,
) -> list[Difference]:
    """Compare rendered pages of a PDF with their slips; an empty list means all is well.

    ``slips`` holds what is meant by page number, from 1; only these pages are rendered, and one
    that is missing is the difference ``page``. ``tick`` is called with 1 after each page. Raises
    ``InvalidValueError`` (``scan_unreadable``) for a file that is no PDF.
    """
    profile = profile or PrintProfile()
    differences: list[Difference] = []
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        raise InvalidValueError("scan_unreadable", file=path.name) from error
    try:
        for number, slip in sorted(slips.items(), key=itemgetter(0)):
            faults = [("page", "", "page")]
            if number <= len(document):
                page = document[number - 1]
                places = symbol_places(profile.slip_layout(slip.layout), profile.layout)
                faults = _page_faults(page, slip, places)
                page.close()
            differences += [Difference(path.name, number, slip.slip_no, *f) for f in faults]
            if tick is not None:
                tick(1)
    finally:
        document.close()
    return differences


def _page_faults(
    printed: pdfium.PdfPage, meant: SlipPage, places: dict[str, SymbolPlace]
) -> list[Fault]:
    """Everything on one rendered page that is not as it must be."""
    width, height = printed.get_size()
    if max(abs(width - A4_PT[2]), abs(height - A4_PT[3])) > 0.1:
        return [("page_box", f"{width:g} {height:g}", f"{A4_PT[2]:g} {A4_PT[3]:g}")]
    faults: list[Fault] = []
    for name, expected in (("el_qr", meant.el_qr), ("konbini", meant.konbini_barcode)):
        image, window = _rendered(printed, places[name], DPI[name])
        texts = _texts(image, name)
        if expected is not None:
            faults += _ink_faults(image, places[name], window)
            # A symbol that is not where it should be is still read, to name what it says.
            texts = texts or _texts(_whole(printed), name)
        if len(texts) == 1 and expected is not None:
            faults += symbol_faults(name, texts[0], expected)
        elif texts or expected is not None:
            faults.append((name, " ".join(texts), expected or ""))
    return faults + _text_faults(printed, meant)


def _rendered(printed: pdfium.PdfPage, place: SymbolPlace, dpi: int) -> tuple[Image.Image, _Window]:
    """A symbol with its quiet zone in grey, and where on the page it was cut out."""
    width, height = printed.get_size()
    left, bottom, right, top = place.quiet_zone
    scale = dpi / 72
    crop = (left, bottom, width - right, height - top)
    image: Image.Image = printed.render(scale=scale, grayscale=True, crop=crop).to_pil()
    # The renderer cuts at whole dots and stretches the page to a whole number of them.
    across, down = ceil(width * scale) / width, ceil(height * scale) / height
    return image, _Window(ceil(crop[0] * scale), ceil(crop[3] * scale), across, down)


def _whole(printed: pdfium.PdfPage) -> Image.Image:
    """The whole page in grey."""
    image: Image.Image = printed.render(scale=_WHOLE_PAGE_DPI / 72, grayscale=True).to_pil()
    return image


def _texts(image: Image.Image, name: str) -> list[str]:
    """What zbar reads in a picture, of one kind of symbol."""
    return [text for symbol, text in decode(image) if symbol == name]


def _ink_faults(image: Image.Image, place: SymbolPlace, window: _Window) -> list[Fault]:
    """Size and place of the ink measured against the layout: a scaled print shows here.

    Everything dark in the area counts, so ink in the quiet zone makes the symbol too large.
    """
    dark = np.asarray(image) < _BLACK
    columns, rows = np.flatnonzero(dark.any(axis=0)), np.flatnonzero(dark.any(axis=1))
    expected = _millimetres(place.width, place.height)
    if not columns.size:
        return [(f"{place.symbol}.size", "", expected)]
    left = (window.left + int(columns[0])) / window.across
    bottom = A4_PT[3] - (window.top + int(rows[-1]) + 1) / window.down
    width = len(range(columns[0], columns[-1] + 1)) / window.across
    height = len(range(rows[0], rows[-1] + 1)) / window.down
    if max(abs(width / place.width - 1), abs(height / place.height - 1)) > _SIZE_OFF:
        return [(f"{place.symbol}.size", _millimetres(width, height), expected)]
    if max(abs(left - place.x), abs(bottom - place.y)) > _PLACE_OFF_MM * POINTS_PER_MM:
        found, expected = _millimetres(left, bottom), _millimetres(place.x, place.y)
        return [(f"{place.symbol}.position", found, expected)]
    return []


def _text_faults(printed: pdfium.PdfPage, meant: SlipPage) -> list[Fault]:
    """What a person types in or reads aloud, looked up in the text layer of the page."""
    page_text = printed.get_textpage()
    text = squeezed("".join(page_text.get_text_range().split()))
    page_text.close()
    values = expected_values(meant)
    wanted = {name: str(values[name]) for name in _DIGITS}
    wanted["amount_yen"] = f"￥{meant.amount_yen:,}"
    return [(name, "", value) for name, value in wanted.items() if value not in text]


def _millimetres(width: float, height: float) -> str:
    """Two lengths in points as a person measures them."""
    return f"{width / POINTS_PER_MM:.2f} {height / POINTS_PER_MM:.2f} mm"
