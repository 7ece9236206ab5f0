"""読み戻し: decode every printed page again and compare it with what was meant (law.md B-02).

A slip never leaves the building unread: the symbols are decoded from the rendered page, not taken
from the values that drew it, and the amount and dates that a person reads are compared as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from qr.scan import DPI, ScanLimits, check_file, decode, find_symbols, interpret, render_pdf
from qr.slip_layout import BARCODE_AREA, MM, PAGE_HEIGHT_MM, PAGE_WIDTH_MM, QR_AREA
from qr.slip_words import wareki, yen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from PIL import Image

    from qr.slip_page import SlipPage


@dataclass(frozen=True, slots=True)
class Difference:
    """相違: one place where the paper says something else than the books."""

    page: int  # 1-based
    slip_no: str
    field: str
    printed: str
    expected: str


# The symbols stand in one corner of the sheet; reading that part alone is ten times faster.
_LEFT = min(QR_AREA.x, BARCODE_AREA.x) - 2
_TOP = QR_AREA.y - 2
_BOTTOM = BARCODE_AREA.y + BARCODE_AREA.height + 2
_CROP = (
    _LEFT * MM,
    (PAGE_HEIGHT_MM - _BOTTOM) * MM,
    (PAGE_WIDTH_MM - max(QR_AREA.x + QR_AREA.width, BARCODE_AREA.x + BARCODE_AREA.width) - 2) * MM,
    _TOP * MM,
)


def read_back(
    path: Path, pages: Iterable[SlipPage], limits: ScanLimits | None = None, dpi: int = DPI
) -> list[Difference]:
    """Compare every page of a drawn PDF with its slip; an empty list means all is well.

    A missing or surplus page ends the comparison with the difference ``page``.
    """
    limits = limits or ScanLimits()
    check_file(path, limits)
    differences: list[Difference] = []
    printed_pages = render_pdf(path, limits, dpi)
    for page_no, (meant, printed) in enumerate(zip_longest(pages, printed_pages), start=1):
        if meant is None:
            differences.append(Difference(page_no, "", "page", "page", ""))
            break
        if printed is None:
            differences.append(Difference(page_no, meant.slip_no, "page", "", "page"))
            break
        pdf_page, render = printed
        text = pdf_page.get_textpage()
        differences += _compare_text(page_no, meant, text.get_text_range())
        text.close()
        differences += _compare_symbols(page_no, meant, _symbols(render, meant))
    return differences


def _symbols(render: Callable[..., Image.Image], meant: SlipPage) -> dict[str, list[str]]:
    """Texts by symbol: from the usual corner, from the whole page when something lacks there."""
    found = decode(render(crop=_CROP))
    if len(found) < (meant.el_qr is not None) + (meant.konbini_barcode is not None):
        found = find_symbols(render())
    texts: dict[str, list[str]] = {"el_qr": [], "konbini": []}
    for symbol, text in found:
        texts[symbol].append(text)
    return texts


def _compare_symbols(
    page_no: int, meant: SlipPage, found: dict[str, list[str]]
) -> list[Difference]:
    """Compare both symbols: exactly the one meant, or none where none is meant."""
    differences = []
    for symbol, expected in (("el_qr", meant.el_qr), ("konbini", meant.konbini_barcode)):
        texts = found[symbol]
        if texts == ([] if expected is None else [expected]):
            continue
        if expected is not None and len(texts) == 1:
            differences += _field_differences(page_no, meant, symbol, texts[0], expected)
        else:
            differences.append(
                Difference(page_no, meant.slip_no, symbol, " ".join(texts), expected or "")
            )
    return differences


def _field_differences(
    page_no: int, meant: SlipPage, symbol: str, printed: str, expected: str
) -> list[Difference]:
    """Name the fields that differ between two symbols; the whole text when one is unreadable."""
    there = interpret("", page_no, symbol, printed)
    wanted = interpret("", page_no, symbol, expected)
    if not (there.valid and wanted.valid):
        return [Difference(page_no, meant.slip_no, symbol, printed, expected)]
    return [
        Difference(
            page_no,
            meant.slip_no,
            f"{symbol}.{name}",
            str(there.fields[name]),
            str(wanted.fields[name]),
        )
        for name in wanted.fields
        if there.fields[name] != wanted.fields[name]
    ]


def _compare_text(page_no: int, meant: SlipPage, text: str) -> list[Difference]:
    """Look for what a person must be able to read; ``printed`` is empty when it is not there."""
    lines = text.split()
    squeezed = "".join(lines)
    return [
        Difference(page_no, meant.slip_no, field, "", expected)
        for field, expected, there in (
            ("amount_yen", yen(meant.amount_yen), lines.count(yen(meant.amount_yen)) == 3),
            ("due_on", wareki(meant.due_on), squeezed.count(wareki(meant.due_on)) >= 3),
            ("valid_until", wareki(meant.valid_until), wareki(meant.valid_until) in squeezed),
            ("slip_no", meant.slip_no, squeezed.count("".join(meant.slip_no.split())) >= 3),
            ("notice_no", meant.notice_no, "".join(meant.notice_no.split()) in squeezed),
        )
        if not there
    ]
