"""納付書の配置: where everything stands on the A4 sheet, as plain values.

Lengths here are millimetres from the top left corner of the sheet, text stands on its baseline,
sizes are points. Three parts from the top: 納入済通知書 (carries every symbol), 原符, 領収証書.
The millimetres of the official guidelines are not public; this arrangement is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qr import konbini_barcode, slip_words
from qr.el_qr import mpn_lines
from qr.slip_page import PrintProfile, SlipFault, SlipPage, read_symbols
from qr.slip_words import grouped, term_label, wareki, wareki_year, yen

if TYPE_CHECKING:
    from qr.el_qr import ElQr
    from qr.slip_fonts import SlipFonts

MM = 72 / 25.4
PAGE_WIDTH_MM, PAGE_HEIGHT_MM = 210.0, 297.0

# 0.48 pt is exactly 4 dots at 600 dpi and 2 at 300; both symbols stand on this grid, unscaled
# (symbols.md 3.5). A QR module of 3 grid steps (0.508 mm) is 12, 8 and 6 dots at 600, 400, 300.
GRID_PT = 0.48
QR_MODULE_PT = 3 * GRID_PT
BARCODE_HEIGHT_MM = 13.0  # at least 10
BARCODE_QUIET_MM = 2.54

OCR_PITCH_PT = 7.2  # ten characters to the inch


@dataclass(frozen=True, slots=True)
class Text:
    """文字: one piece of text in a box of ``width`` mm that is ``lines`` lines high."""

    name: str  # what it is, for a fault
    x: float
    y: float  # first baseline
    size: float
    text: str
    width: float
    bold: bool = False
    lines: int = 1
    align: str = "left"
    pitch: float = 0.0  # fixed advance per character in points, 0 for the font's own
    leading: float = 1.25


@dataclass(frozen=True, slots=True)
class Box:
    """枠: a rectangle, top left corner and size in mm."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """文字列: one line ready to be drawn, in points from the bottom left of the sheet."""

    x: float
    y: float
    size: float
    text: str
    bold: bool
    pitch: float


# The parts of the sheet.
NOTICE = Box(10, 8, 190, 117)
STUB = Box(10, 132, 190, 52)
RECEIPT = Box(10, 190, 190, 99)

# White areas that the 見本 mark never enters: symbols with their quiet zones, and the OCR lines.
QR_AREA = Box(133, 34, 28, 27)
BARCODE_AREA = Box(136, 67, 60, 25)
OCR_AREA = Box(11, 110.5, 124, 13.5)
QUIET_AREAS = (QR_AREA, BARCODE_AREA, OCR_AREA)

# Lower left corners of the drawn symbols, in whole grid steps from the bottom left of the sheet.
_QR_MODULES = 41
_BARCODE_MODULES = 288


def _steps(mm: float) -> int:
    """Millimetres → the nearest whole number of grid steps."""
    return round(mm * MM / GRID_PT)


def _bottom(box: Box) -> float:
    """Lower edge of a box in mm from the bottom of the sheet."""
    return PAGE_HEIGHT_MM - box.y - box.height


def qr_origin(modules: int = _QR_MODULES) -> tuple[float, float]:
    """Lower left corner of the QR symbol in points: centred in its area, on the grid."""
    free = (QR_AREA.width - modules * QR_MODULE_PT / MM) / 2
    return (
        _steps(QR_AREA.x + free) * GRID_PT,
        _steps(_bottom(QR_AREA) + free) * GRID_PT,
    )


def barcode_origin() -> tuple[float, float]:
    """Lower left corner of the bars in points: centred in the area, two lines of text below."""
    free = (BARCODE_AREA.width - _BARCODE_MODULES * GRID_PT / MM) / 2
    return _steps(BARCODE_AREA.x + free) * GRID_PT, _steps(_bottom(BARCODE_AREA) + 9) * GRID_PT


@dataclass(frozen=True, slots=True)
class Composition:
    """組版結果: the lines of a page and every reason why it must not be printed."""

    lines: list[Line]
    faults: list[SlipFault]


def compose(page: SlipPage, profile: PrintProfile, fonts: SlipFonts) -> Composition:
    """Place every variable text of a page; says what does not fit or cannot be printed."""
    contents = read_symbols(page, profile.layout)
    faults = contents.faults
    if faults:
        return Composition([], faults)
    texts = [*_notice(page), *_stub(page), *_receipt(page)]
    if contents.el_qr is not None:
        texts += _el_number(contents.el_qr)
        upper, lower = mpn_lines(contents.el_qr, profile.layout)
        texts += [
            Text("ocr_upper", 12, 115.5, 12, upper, 122, pitch=OCR_PITCH_PT),
            Text("ocr_lower", 12, 121.5, 12, lower, 122, pitch=OCR_PITCH_PT),
        ]
    else:
        texts += [
            Text("no_el_qr", QR_AREA.x + 1, QR_AREA.y + 11 + 4 * row, 8, words, 25)
            for row, words in enumerate(slip_words.NO_EL_QR)
        ]
    texts += _konbini(page, contents.konbini)
    lines = [line for text in texts for line in _set(text, page, fonts, faults)]
    return Composition(lines, faults)


def _notice(page: SlipPage) -> list[Text]:
    """納入済通知書."""
    postal = page.obligor_postal_code
    address = page.obligor_address
    if postal:
        address = f"〒{postal[:3]}-{postal[3:]} {address}"
    return [
        Text("issuer", 58, 15.5, 14, page.issuer, 60, bold=True),
        Text("item_name", 12, 25.5, 16, page.item_name, 100, bold=True),
        Text("levy_year", 115, 25.5, 14, wareki_year(page.levy_year), 40),
        Text("term", 198, 25.5, 16, term_label(page.term), 40, bold=True, align="right"),
        Text("amount_yen", 127, 40.2, 27, yen(page.amount_yen), 85, bold=True, align="right"),
        Text("due_on", 40, 52.5, 14, wareki(page.due_on), 90, bold=True),
        Text("valid_until", 40, 61, 14, wareki(page.valid_until), 90, bold=True),
        Text("notice_no", 40, 68.3, 11, page.notice_no, 90),
        Text("slip_no", 40, 75.2, 11, page.slip_no, 90),
        Text("obligor_address", 27, 81.8, 10, address, 104, lines=2, leading=1.2),
        Text("obligor_name", 27, 91, 13, f"{page.obligor_name} 様", 104, bold=True),
    ]


def _stub(page: SlipPage) -> list[Text]:
    """原符."""
    return [
        Text("issuer", 40, 138.5, 12, page.issuer, 60),
        Text("item_name", 12, 148, 13, page.item_name, 75, bold=True),
        Text("levy_year", 90, 148, 12, wareki_year(page.levy_year), 30),
        Text("term", 150, 148, 13, term_label(page.term), 28, bold=True, align="right"),
        Text("amount_yen", 150, 157, 18, yen(page.amount_yen), 110, bold=True, align="right"),
        Text("due_on", 32, 163.5, 10, wareki(page.due_on), 48),
        Text("valid_until", 103, 163.5, 10, wareki(page.valid_until), 48),
        Text("notice_no", 32, 169.3, 10, page.notice_no, 48),
        Text("slip_no", 103, 169.3, 10, page.slip_no, 48),
        Text("obligor_name", 32, 180.7, 11, f"{page.obligor_name} 様", 118),
    ]


def _receipt(page: SlipPage) -> list[Text]:
    """領収証書."""
    return [
        Text("issuer", 48, 196.5, 13, page.issuer, 70, bold=True),
        Text("item_name", 12, 207, 14, page.item_name, 75, bold=True),
        Text("levy_year", 90, 207, 12, wareki_year(page.levy_year), 30),
        Text("term", 148, 207, 14, term_label(page.term), 26, bold=True, align="right"),
        Text("amount_yen", 148, 219, 24, yen(page.amount_yen), 105, bold=True, align="right"),
        Text("due_on", 32, 227.5, 11, wareki(page.due_on), 50),
        Text("valid_until", 105, 227.5, 11, wareki(page.valid_until), 44),
        Text("notice_no", 32, 234.5, 11, page.notice_no, 50),
        Text("slip_no", 105, 234.5, 11, page.slip_no, 44),
        Text("obligor_name", 32, 249, 13, f"{page.obligor_name} 様", 116, bold=True),
        Text("contact", 42, 286, 12, page.contact, 155, bold=True),
    ]


EL_NUMBER_COLUMNS = ((28.0, 30.0), (58.0, 74.0), (132.0, 36.0), (168.0, 32.0))
"""Left edge and width of the four columns of the eL番号."""


def _el_number(payload: ElQr) -> list[Text]:
    """eL番号: in four columns under their labels, and in one line on the other parts."""
    parts = [part.digits for part in payload.el_number_parts]
    # Only the 20 digits need help for the eye; the site asks for the other parts as they are.
    parts[1] = grouped(parts[1])
    texts = [
        Text("el_number", x + 2, 106.8, 15, part, width - 4, bold=True)
        for part, (x, width) in zip(parts, EL_NUMBER_COLUMNS, strict=True)
    ]
    texts.append(Text("el_number", 32, 175, 10, "－".join(parts), 118))
    texts.append(Text("el_number", 32, 241.5, 11, "－".join(parts), 116))
    return texts


def _konbini(page: SlipPage, barcode: konbini_barcode.KonbiniBarcode | None) -> list[Text]:
    """The two text lines under the bars, or the sentence that there are none."""
    x = BARCODE_AREA.x
    if barcode is None or page.konbini_barcode is None:
        return [
            Text("no_konbini", x + 2, 77 + 5.5 * row, 10, words, 57)
            for row, words in enumerate(slip_words.NO_KONBINI)
        ]
    upper, lower = konbini_barcode.text_lines(page.konbini_barcode)
    texts = [
        Text("konbini_text_1", x + 5.6, 86.8, 8.5, upper, 52),
        Text("konbini_text_2", x + 5.6, 90.4, 8.5, lower, 52),
    ]
    if barcode.valid_until != page.valid_until:
        until = "期限なし" if barcode.valid_until is None else f"{wareki(barcode.valid_until)}まで"
        texts.append(Text("konbini_valid_until", x + 22, 65.8, 9, f"（{until}）", 40))
    return texts


def _set(text: Text, page: SlipPage, fonts: SlipFonts, faults: list[SlipFault]) -> list[Line]:
    """Turn a text into lines; a fault instead when a character or the room is missing."""
    missing = fonts.missing(text.text)
    if missing:
        codes = " ".join(f"{c} (U+{ord(c):04X})" for c in missing)
        fault = SlipFault(page.slip_no, text.name, "slip_glyph_missing", codes)
        if fault not in faults:
            faults.append(fault)
        return []
    width = text.width * MM
    if text.pitch:
        size, broken = text.size, [text.text]
    else:
        size, broken = fonts.fit(text.text, text.size, width, text.lines)
    if not broken:
        faults.append(SlipFault(page.slip_no, text.name, "slip_text_too_long", text.text))
        return []
    left = text.x * MM
    y = (PAGE_HEIGHT_MM - text.y) * MM
    lines = []
    for row, piece in enumerate(broken):
        x = left - fonts.width(piece, size) if text.align == "right" else left
        baseline = y - row * size * text.leading
        lines.append(Line(x, baseline, size, piece, text.bold, text.pitch))
    return lines
