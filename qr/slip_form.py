"""納付書の様式: the parts of the page that never change, drawn once per document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qr import slip_words
from qr.slip_fonts import BOLD, REGULAR
from qr.slip_layout import (
    EL_NUMBER_COLUMNS,
    MM,
    NOTICE,
    PAGE_HEIGHT_MM,
    QUIET_AREAS,
    RECEIPT,
    STUB,
    Box,
)

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

_LABELS: tuple[tuple[float, float, float, str, bool], ...] = (
    # x, baseline, size, text, bold
    (10, 15.8, 18, slip_words.NOTICE, True),
    (13, 39, 14, "納付金額", True),
    (12, 52.5, 13, "納期限", False),
    (12, 61, 13, "支払期限", False),
    (12, 68.3, 11, "通知書番号", False),
    (12, 75.2, 11, "納付書番号", False),
    (12, 81.8, 10, "住所", False),
    (12, 91, 10, "氏名", False),
    (136.5, 33, 10, slip_words.QR, True),
    (165, 35, 9, slip_words.STAMP, False),
    (137, 65.8, 10, slip_words.BARCODE, True),
    (12, 102.8, 12, "eL番号", True),
    (10, 138.8, 15, slip_words.STUB, True),
    (12, 156.5, 11, "納付金額", True),
    (12, 163.5, 10, "納期限", False),
    (84, 163.5, 10, "支払期限", False),
    (12, 169.3, 10, "通知書番号", False),
    (84, 169.3, 10, "納付書番号", False),
    (12, 175, 10, "eL番号", False),
    (12, 180.7, 10, "氏名", False),
    (157, 149, 9, slip_words.STAMP, False),
    (10, 196.8, 18, slip_words.RECEIPT, True),
    (12, 218, 14, "納付金額", True),
    (12, 227.5, 11, "納期限", False),
    (84, 227.5, 11, "支払期限", False),
    (12, 234.5, 11, "通知書番号", False),
    (84, 234.5, 11, "納付書番号", False),
    (12, 241.5, 11, "eL番号", False),
    (12, 249, 11, "氏名", False),
    (151.5, 206, 10, slip_words.RECEIVED, False),
    (154, 213, 9, slip_words.STAMP, False),
    (12, 257.6, 12, slip_words.HOW_TO_PAY, True),
    (12, 286, 11, "お問い合わせ先", False),
)

_EL_LABELS = ("収納機関番号", "納付番号", "確認番号", "納付区分")
_STAMPS = (Box(163, 31, 35, 30), Box(155, 144.5, 43, 37.5), Box(152, 208.5, 46, 42))
_AMOUNT = Box(10, 29, 120, 15)
_EL_NUMBER = Box(10, 93.5, 190, 15.8)
_RULES: tuple[tuple[float, float, float], ...] = (  # x, y, length of thin lines between the fields
    (10, 29, 190),
    (10, 55, 120),
    (10, 63.6, 120),
    (10, 70.5, 120),
    (10, 77.4, 120),
    (10, 150.5, 142),
    (10, 159, 142),
    (10, 210, 140),
    (10, 222.5, 140),
    (10, 252.5, 190),
    (10, 281, 190),
)
_CUTS = (128.6, 186.6)


def draw_form(canvas: Canvas, *, sample: bool) -> None:
    """Draw frames, labels and, unless it is a live run, the 見本 mark under everything else."""
    if sample:
        _sample_mark(canvas)
    canvas.setFillGray(1)
    for area in QUIET_AREAS:
        canvas.rect(*_points(area), stroke=0, fill=1)
    canvas.setFillGray(0)
    _frames(canvas)
    for x, y, size, text, bold in _LABELS:
        _text(canvas, x, y, size, text, bold=bold)
    for (x, _), label in zip(EL_NUMBER_COLUMNS, _EL_LABELS, strict=True):
        _text(canvas, x + 2, 98.7, 10, label)
    for row, (way, words) in enumerate(slip_words.WAYS_TO_PAY):
        _text(canvas, 14, 263.3 + 5.4 * row, 11, way, bold=True)
        _text(canvas, 36, 263.3 + 5.4 * row, 11, words)
    if sample:
        for part in (NOTICE, STUB, RECEIPT):
            _text(canvas, 122, part.y + 7, 11, slip_words.SAMPLE_NOTE, bold=True)


def _frames(canvas: Canvas) -> None:
    """Frames of the parts, of the amount and stamps, rules between fields, and the cut lines."""
    canvas.setStrokeGray(0.6)
    canvas.setLineWidth(0.4)
    for x, y, length in _RULES:
        _rule(canvas, x, y, length)
    canvas.setStrokeGray(0)
    canvas.setLineWidth(0.8)
    for part in (NOTICE, STUB, RECEIPT):
        canvas.rect(*_points(Box(part.x, part.y + 10, part.width, part.height - 10)))
    canvas.setLineWidth(0.5)
    for box in (*_STAMPS, _EL_NUMBER):
        canvas.rect(*_points(box))
    for x, _ in EL_NUMBER_COLUMNS:
        top, bottom = _EL_NUMBER.y, _EL_NUMBER.y + _EL_NUMBER.height
        canvas.line(x * MM, _up(top), x * MM, _up(bottom))
    canvas.setLineWidth(1.5)
    canvas.rect(*_points(_AMOUNT))
    canvas.setLineWidth(0.5)
    canvas.setDash(3, 3)
    for y in _CUTS:
        _rule(canvas, 0, y, 210)
        width = len(slip_words.CUT_LINE) * 8 / MM
        canvas.setFillGray(1)
        canvas.rect(*_points(Box(103 - width / 2, y - 2, width + 4, 4)), stroke=0, fill=1)
        canvas.setFillGray(0)
        _text(canvas, 105 - width / 2, y + 1, 8, slip_words.CUT_LINE)
    canvas.setDash()


def _rule(canvas: Canvas, x: float, y: float, length: float) -> None:
    """One horizontal line."""
    canvas.line(x * MM, _up(y), (x + length) * MM, _up(y))


def _up(y: float) -> float:
    """Millimetres from the top → points from the bottom."""
    return (PAGE_HEIGHT_MM - y) * MM


def _sample_mark(canvas: Canvas) -> None:
    """見本: large, diagonal and light."""
    for part in (NOTICE, STUB, RECEIPT):
        canvas.saveState()
        canvas.setFillGray(0.9)
        x, y, width, height = _points(part)
        canvas.translate(x + width / 2, y + height / 2)
        canvas.rotate(20)
        canvas.setFont(BOLD, 110)
        canvas.drawCentredString(0, -40, "見　本")
        canvas.restoreState()


def _points(box: Box) -> tuple[float, float, float, float]:
    """A box in points: lower left corner, width and height."""
    return box.x * MM, _up(box.y + box.height), box.width * MM, box.height * MM


def _text(
    canvas: Canvas, x: float, y: float, size: float, text: str, *, bold: bool = False
) -> None:
    """One label on its baseline."""
    canvas.setFont(BOLD if bold else REGULAR, size)
    canvas.drawString(x * MM, _up(y), text)
