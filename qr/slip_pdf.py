"""納付書PDF: draw slips, one A4 page each, into one reproducible PDF.

The unchanging form is one Form XObject; per page only its own text and symbols are written, and
each page is compressed as soon as it is complete, so that memory grows by about the size of the
finished PDF only. Equal pages give equal bytes.
"""

from __future__ import annotations

import zlib
from operator import length_hint
from pathlib import Path
from typing import IO, TYPE_CHECKING

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFStream
from reportlab.pdfgen.canvas import Canvas

from qr.code128 import bars
from qr.slip_fonts import BOLD, REGULAR, load_fonts
from qr.slip_form import draw_form
from qr.slip_layout import (
    BARCODE_HEIGHT_MM,
    GRID_PT,
    MM,
    QR_MODULE_PT,
    barcode_origin,
    compose,
    qr_origin,
)
from qr.slip_page import PrintProfile, SlipFault, SlipFaultsError, SlipPage
from qr.symbol import dark_runs
from qr.symbol_table import SymbolPress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qr.slip_layout import Line

_FORM = "slip_form"


def check_page(page: SlipPage, profile: PrintProfile | None = None) -> list[SlipFault]:
    """印刷前検査: every reason why this page must not be printed; empty when it may be."""
    profile = profile or PrintProfile()
    return compose(page, profile, load_fonts(profile.font_folders)).faults


def draw_slips(
    pages: Iterable[SlipPage], out: Path | IO[bytes], profile: PrintProfile | None = None
) -> int:
    """納付書を印刷する: write all pages into one PDF and return how many there were.

    A page with a fault raises :class:`SlipFaultsError` and nothing is written at all. A file
    appears under its name only when it is complete.
    """
    profile = profile or PrintProfile()
    if not isinstance(out, Path):
        return _draw(pages, out, profile)
    unfinished = out.with_name(f"{out.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            count = _draw(pages, file, profile)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _draw(pages: Iterable[SlipPage], out: IO[bytes], profile: PrintProfile) -> int:
    """Write all pages into the stream."""
    fonts = load_fonts(profile.font_folders)
    press = SymbolPress(profile.layout, profile.mask, length_hint(pages))
    canvas = Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
    canvas.setTitle("納付書")
    canvas.beginForm(_FORM, 0, 0, *A4)
    draw_form(canvas, sample=profile.sample)
    canvas.endForm()
    count = 0
    for page in pages:
        composition = compose(page, profile, fonts)
        if composition.faults:
            raise SlipFaultsError(composition.faults)
        canvas.doForm(_FORM)
        canvas.addLiteral(_text_operators(canvas, composition.lines))
        if page.el_qr is not None:
            canvas.addLiteral(qr_operators(page.el_qr, press))
        if page.konbini_barcode is not None:
            canvas.addLiteral(barcode_operators(page.konbini_barcode))
        canvas.showPage()
        _compress_last_page(canvas)
        count += 1
    canvas.save()
    return count


def _text_operators(canvas: Canvas, lines: list[Line]) -> str:
    """All texts of a page in one text object; the fonts embed just the characters used."""
    document = canvas._doc  # noqa: SLF001 - what the font's own subset interface asks for
    operators = ["BT"]
    for line in lines:
        font = pdfmetrics.getFont(BOLD if line.bold else REGULAR)
        # Digits are half an em wide in this face; the rest of the pitch is added space.
        space = line.pitch - line.size / 2 if line.pitch else 0
        operators.append(f"1 0 0 1 {line.x:.2f} {line.y:.2f} Tm {space:g} Tc")
        for subset, codes in font.splitString(line.text, document):
            name = font.getSubsetInternalName(subset, document)
            operators.append(f"{name} {line.size:g} Tf <{codes.hex()}> Tj")
    operators.append("ET")
    return "\n".join(operators)


def qr_operators(digits: str, press: SymbolPress) -> str:
    """The QR symbol as filled rectangles, one per run of dark modules, in module units."""
    matrix = press.matrix(digits)
    size = len(matrix)
    x, y = qr_origin(size)
    runs = "".join(
        [f"{column} {size - 1 - row} {length} 1 re\n" for column, row, length in dark_runs(matrix)]
    )
    return f"q {QR_MODULE_PT:.2f} 0 0 {QR_MODULE_PT:.2f} {x:.2f} {y:.2f} cm\n{runs}f Q"


def barcode_operators(digits: str) -> str:
    """The bars as filled rectangles on the 0.48 pt grid."""
    x, y = barcode_origin()
    rectangles = "".join([f"{start} 0 {width} 1 re\n" for start, width in bars(digits)])
    height = BARCODE_HEIGHT_MM * MM
    return f"q {GRID_PT:.2f} 0 0 {height:.2f} {x:.2f} {y:.2f} cm\n{rectangles}f Q"


def _compress_last_page(canvas: Canvas) -> None:
    """Replace the operators of the page just finished by their compressed bytes.

    The library would keep them as text until the end: five times the memory for a large run.
    """
    page = canvas._doc.Pages.pages[-1]  # noqa: SLF001 - no public way to the page object
    content = zlib.compress(page.stream.encode("latin-1"), 6)
    page.Contents = PDFStream(PDFDictionary({"Filter": PDFName("FlateDecode")}), content)
    page.stream = None
