"""Read-back: a page that says something else than the books never passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from slips import slip_page

from qr.read_back import read_back
from qr.slip_pdf import draw_slips

if TYPE_CHECKING:
    from pathlib import Path


def test_exchanged_pages(tmp_path: Path) -> None:
    path = tmp_path / "slips.pdf"
    draw_slips([slip_page(1), slip_page(2)], path)
    differences = read_back(path, [slip_page(2), slip_page(1)])
    assert {difference.page for difference in differences} == {1, 2}
    key = next(d for d in differences if d.field == "el_qr.case_key")
    assert (key.page, key.slip_no) == (1, "S2026-0000002")
    assert (key.printed, key.expected) == ("00000000000000000001", "00000000000000000002")
    assert {"konbini.free_area", "slip_no", "notice_no"} <= {d.field for d in differences}


def test_another_amount(tmp_path: Path) -> None:
    path = tmp_path / "slips.pdf"
    draw_slips([slip_page(1, 12_300)], path)
    found = {(d.field, d.printed, d.expected) for d in read_back(path, [slip_page(1, 12_400)])}
    assert ("amount_yen", "", "￥12,400") in found
    assert ("el_qr.amount_yen", "12300", "12400") in found
    assert ("konbini.amount_yen", "12300", "12400") in found


def test_a_symbol_too_few_or_too_many(tmp_path: Path) -> None:
    path = tmp_path / "slips.pdf"
    page = slip_page(1)
    draw_slips([replace(page, konbini_barcode=None), page], path)
    few, many = read_back(path, [page, replace(page, konbini_barcode=None)])
    assert (few.page, few.field, few.printed, few.expected) == (
        1,
        "konbini",
        "",
        page.konbini_barcode,
    )
    assert (many.page, many.printed, many.expected) == (2, page.konbini_barcode, "")


@pytest.mark.parametrize(
    ("printed", "meant", "page_no", "slip_no"),
    [([1], [1, 2], 2, "S2026-0000002"), ([1, 2], [1], 2, "")],
)
def test_a_page_too_few_or_too_many(
    tmp_path: Path, printed: list[int], meant: list[int], page_no: int, slip_no: str
) -> None:
    path = tmp_path / "slips.pdf"
    draw_slips(map(slip_page, printed), path)
    (difference,) = read_back(path, map(slip_page, meant))
    assert (difference.page, difference.field, difference.slip_no) == (page_no, "page", slip_no)


def test_a_date_that_only_a_person_reads(tmp_path: Path) -> None:
    path = tmp_path / "slips.pdf"
    page = replace(slip_page(1), el_qr=None, konbini_barcode=None)
    draw_slips([page], path)
    (difference,) = read_back(path, [replace(page, due_on=date(2026, 6, 30))])
    assert (difference.field, difference.expected) == ("due_on", "令和8年6月30日（火）")
