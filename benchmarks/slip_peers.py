"""The same work by other libraries, for :mod:`slips` (dependency group ``bench``)."""

from __future__ import annotations

import re
import time
from io import BytesIO, StringIO
from typing import IO, TYPE_CHECKING

from qrbill import QRBill
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from qr.draw.slip_symbols import SymbolDrawing
from qr.draw.slip_values import slip_values
from qr.layout.fonts import find_font
from qr.layout.shapes import MM, PAGE_HEIGHT_MM
from qr.layout.slip_page import PrintProfile, SlipPage, read_symbols

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_RECTANGLE = re.compile(r"(\d+) (\d+) (\d+) 1 re")


def canvas_of(slips: Sequence[SlipPage], profile: PrintProfile) -> Callable[..., None]:
    """A function that draws these slips with a plain canvas; symbols are made here, beforehand."""
    layout = profile.slip_layout("standard")
    for name in ("regular", "bold"):
        pdfmetrics.registerFont(TTFont(name, str(find_font(layout.faces[name]))))
    made = SymbolDrawing(layout, profile.layout, None)
    frames = (
        (layout.el_qr.module_pt, layout.el_qr.module_pt, *layout.qr_origin(41)),
        (layout.konbini.module_pt, layout.konbini.bar_height * MM, *layout.barcode_origin()),
    )
    symbols = {
        slip.slip_no: [
            (x + int(column) * width, y + int(row) * height, int(length) * width, height)
            for (width, height, x, y), operators in zip(frames, drawn, strict=True)
            for column, row, length in _RECTANGLE.findall(operators)
        ]
        for slip, code in zip(slips, made.qr([s.el_qr or "" for s in slips]), strict=True)
        for drawn in [(code, made.barcode(slip.konbini_barcode or ""))]
    }

    def draw(slips: Sequence[SlipPage], out: IO[bytes], profile: PrintProfile) -> None:
        canvas = Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
        for slip in slips:
            for frame in layout.frames:
                place = (frame.x * MM, (PAGE_HEIGHT_MM - frame.y - frame.height) * MM)
                canvas.rect(*place, frame.width * MM, frame.height * MM)
            for rule in layout.rules:
                x, y = rule.x * MM, (PAGE_HEIGHT_MM - rule.y) * MM
                canvas.line(x, y, x + rule.width * MM, y - rule.height * MM)
            for label in layout.labels:
                canvas.setFont(label.face, label.size)
                canvas.drawString(label.x * MM, (PAGE_HEIGHT_MM - label.y) * MM, label.text)
            values = slip_values(slip, read_symbols(slip, profile.layout))
            for text in layout.texts:
                if value := values.get(text.field, ""):
                    canvas.setFont("bold" if text.face == "bold" else "regular", text.size)
                    x, y = text.left * MM, (PAGE_HEIGHT_MM - text.y) * MM
                    if text.align == "right":
                        canvas.drawRightString(x + text.width * MM, y, value)
                    else:
                        canvas.drawString(x, y, value)
            for rectangle in symbols[slip.slip_no]:
                canvas.rect(*rectangle, stroke=0, fill=1)
            canvas.showPage()
        canvas.save()

    return draw


def draw_bills(first: int, count: int, *, pdf: bool) -> tuple[float, float, int]:
    """Seconds, seconds of processor and bytes of so many bills, as SVG or as one-page PDF files."""
    size = 0
    started, processor = time.perf_counter(), time.process_time()
    for number in range(first, first + count):
        bill = QRBill(
            account="CH4431999123000889012",
            creditor={"name": "Muster", "pcode": "1000", "city": "Musterstadt", "country": "CH"},
            debtor={"name": f"{number}", "pcode": "1000", "city": "Musterstadt", "country": "CH"},
            amount=f"{number + 1}.00",
            reference_number=_reference(number),
        )
        drawing = StringIO()
        bill.as_svg(drawing)
        size += len(_pdf(drawing.getvalue()) if pdf else drawing.getvalue())
    return time.perf_counter() - started, time.process_time() - processor, size


def _pdf(svg: str) -> bytes:
    """The SVG as a finished PDF."""
    from reportlab.graphics.renderPDF import drawToString  # noqa: PLC0415 - only for this figure
    from svglib.svglib import svg2rlg  # noqa: PLC0415

    data: bytes = drawToString(svg2rlg(BytesIO(svg.encode())))
    return data


def _reference(number: int) -> str:
    """26 digits and their check digit (modulus 10, recursive)."""
    digits, carry = f"21{number:024d}", 0
    for digit in digits:
        carry = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)[(carry + int(digit)) % 10]
    return f"{digits}{(10 - carry) % 10}"
