"""Read-back: what a printer would print is decoded and measured; nothing else than the books passes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from altered import change_file, change_page
from slips import slip_page

from payments.domain.errors import InvalidValueError
from qr.draw.slip_pdf import draw_slips
from qr.proof.read_back import read_back

if TYPE_CHECKING:
    from pathlib import Path

    import pikepdf


@pytest.fixture
def printed(tmp_path: Path):
    """Draws slips into a file."""

    def draw(*pages) -> Path:
        path = tmp_path / "slips.pdf"
        draw_slips([slip_page(page) if isinstance(page, int) else page for page in pages], path)
        return path

    return draw


def books(*pages):
    slips = [slip_page(page) if isinstance(page, int) else page for page in pages]
    return dict(enumerate(slips, start=1))


def test_a_good_file_has_no_differences_and_every_page_is_counted(printed) -> None:
    pages = [1, 2, slip_page(3, 300_001), replace(slip_page(4), el_qr=None)]
    ticks: list[int] = []
    assert read_back(printed(*pages), books(*pages), tick=ticks.append) == []
    assert ticks == [1, 1, 1, 1]


def test_exchanged_pages(printed) -> None:
    differences = read_back(printed(1, 2), books(2, 1))
    assert {difference.page for difference in differences} == {1, 2}
    key = next(d for d in differences if d.field == "el_qr.case_key")
    assert (key.file, key.page, key.slip_no) == ("slips.pdf", 1, "S2026-0000002")
    assert (key.printed, key.expected) == ("00000000000000000001", "00000000000000000002")
    assert {"konbini.free_area", "slip_no", "ocr_lower"} <= {d.field for d in differences}


def test_another_amount(printed) -> None:
    differences = read_back(printed(slip_page(1, 12_300)), books(slip_page(1, 12_400)))
    found = {(d.field, d.printed, d.expected) for d in differences}
    assert ("amount_yen", "", "￥12,400") in found
    assert ("el_qr.amount_yen", "12300", "12400") in found
    assert ("konbini.amount_yen", "12300", "12400") in found


def test_a_symbol_too_few_or_too_many(printed) -> None:
    page = slip_page(1)
    without = replace(page, konbini_barcode=None)
    differences = read_back(printed(without, page), books(page, without))
    few = next(d for d in differences if (d.page, d.field) == (1, "konbini"))
    many = next(d for d in differences if (d.page, d.field) == (2, "konbini"))
    assert (few.printed, few.expected) == ("", page.konbini_barcode)
    assert (many.printed, many.expected) == (page.konbini_barcode, "")


def test_only_the_pages_asked_for_are_rendered(printed) -> None:
    path = printed(1, 9, 3, 9)
    assert read_back(path, {1: slip_page(1), 3: slip_page(3)}) == []
    (missing,) = read_back(path, {1: slip_page(1), 5: slip_page(5)})
    assert (missing.page, missing.field, missing.expected) == (5, "page", "page")


@pytest.mark.parametrize("scale", [0.97, 1.03])
def test_a_printer_profile_that_scales_is_found(printed, scale: float) -> None:
    path = printed(1)
    shrunk = b"q %.2f 0 0 %.2f 8.93 12.63 cm\n" % (scale, scale)
    change_page(path, 1, lambda content: shrunk + content + b"\nQ")
    found = {(d.field, d.expected) for d in read_back(path, books(1))}
    assert {("el_qr.size", "20.83 20.83 mm"), ("konbini.size", "48.77 13.00 mm")} <= found


def test_a_page_of_another_size_is_found(printed) -> None:
    path = printed(1)

    def larger(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].obj.MediaBox = [0, 0, 613.68, 867.93]

    change_file(path, larger)
    assert [d.field for d in read_back(path, books(1))] == ["page_box"]


def test_a_barcode_that_stands_a_millimetre_off_is_found(printed) -> None:
    path = printed(1)

    def moved(content: bytes) -> bytes:
        match = re.search(rb"q 0\.48 0 0 [\d.]+ ([\d.]+)", content)
        x = b"%.2f" % (float(match[1]) - 72 / 25.4)
        return content[: match.start(1)] + x + content[match.end(1) :]

    change_page(path, 1, moved)
    assert [d.field for d in read_back(path, books(1))] == ["konbini.position"]


def test_ink_in_the_quiet_zone_is_found(printed) -> None:
    path = printed(1)

    def stained(content: bytes) -> bytes:
        x, y = re.search(rb"q 1\.44 0 0 1\.44 ([\d.]+) ([\d.]+) cm", content).groups()
        stain = b"%.2f %.2f 1 1 re f\n" % (float(x) - 4, float(y) + 20)
        return content + b"\n" + stain

    change_page(path, 1, stained)
    assert [d.field for d in read_back(path, books(1))] == ["el_qr.size"]


def test_no_pdf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nothing.pdf"
    path.write_bytes(b"nothing")
    with pytest.raises(InvalidValueError, match="scan_unreadable"):
        read_back(path, books(1))
