"""Slip PDF: what is printed can be read again, and what would print wrong is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

import pypdfium2 as pdfium
import pytest
from slips import check_page, slip_page

from payments.domain.errors import ConfigurationError
from qr.draw.slip_pdf import draw_slips
from qr.layout.fonts import find_font
from qr.layout.shipped import SHIPPED
from qr.layout.slip_page import PrintProfile, SlipFaultsError, SlipPage
from qr.scan.read import read_file

if TYPE_CHECKING:
    from pathlib import Path


def printed_text(pdf: bytes, page_no: int = 0) -> str:
    document = pdfium.PdfDocument(pdf)
    text: str = document[page_no].get_textpage().get_text_range()
    document.close()
    return text


def drawn(*pages: SlipPage, profile: PrintProfile | None = None) -> bytes:
    out = BytesIO()
    assert draw_slips(pages, out, profile) == len(pages)
    return out.getvalue()


def test_both_symbols_of_every_page_read_as_meant(tmp_path: Path) -> None:
    pages = [slip_page(1), slip_page(2, 300_000), slip_page(3, 1_234_567)]
    path = tmp_path / "slips.pdf"
    assert draw_slips(iter(pages), path) == 3
    found = [(r.page, r.symbol, r.text) for r in read_file(path) if r.symbol != "ocr"]
    assert found == [
        (1, "el_qr", pages[0].el_qr),
        (1, "konbini", pages[0].konbini_barcode),
        (2, "el_qr", pages[1].el_qr),
        (2, "konbini", pages[1].konbini_barcode),
        (3, "el_qr", pages[2].el_qr),
    ]


def test_a_person_finds_everything_on_the_page() -> None:
    text = printed_text(drawn(slip_page(42)))
    for words in (
        *("納入済通知書", "原符", "領収証書"),
        *("収納機関番号", "納付番号", "確認番号", "納付区分"),
        *("99999", "0000 0000 0000 0000 0042", "332598", "901"),
        *("市県民税（普通徴収）", "令和8年度", "第1期", "￥12,300"),
        *("納期限", "令和8年6月1日（月）", "支払期限", "令和8年7月1日（水）"),
        *("0000000042", "税目 太郎 様", "〒100-0001", "未来市一丁目", "みほん市"),
        *("みほん市 会計課 電話 000-000-0000", "見本"),
        "(91)912345-0000100000000000000420",
        "260701-0-012300-1",
    ):
        assert words in text, words
    ocr_lines = [slip_page(42).el_qr or ""]
    assert ocr_lines[0][29:68] in text
    assert ocr_lines[0][68:112] in text


def test_sample_mark_is_on_unless_switched_off() -> None:
    assert "見本" not in printed_text(drawn(slip_page(), profile=PrintProfile(sample=False)))


def test_equal_slips_give_equal_bytes() -> None:
    assert drawn(slip_page(1), slip_page(2)) == drawn(slip_page(1), slip_page(2))
    assert drawn(slip_page(1)) != drawn(slip_page(2))


def test_a_slip_without_symbols_says_so() -> None:
    text = printed_text(drawn(replace(slip_page(), el_qr=None, konbini_barcode=None)))
    squeezed = "".join(text.split())
    assert "この納付書にはeL-QRとeL番号がありません" in squeezed
    assert "この納付書は、コンビニエンスストアでは使えません。" in squeezed
    assert "00000000000000012300" not in text


@pytest.mark.parametrize("layout", SHIPPED)
def test_a_slip_without_an_el_number_has_no_labels_for_it(layout: str) -> None:
    pages = [replace(slip_page(1), layout=layout, el_qr=None), replace(slip_page(2), layout=layout)]
    pdf = drawn(*pages)
    without, with_number = ("".join(printed_text(pdf, number).split()) for number in (0, 1))
    labels = ("収納機関番号", "納付番号", "確認番号", "納付区分")
    assert [label for label in labels if label in without] == []
    assert all(label in with_number for label in labels)
    # Once where the eL-QR would stand, once where its number would.
    assert without.count("この納付書にはeL-QRとeL番号がありません") == 2
    assert "この納付書にはeL-QRとeL番号がありません" not in with_number


def test_another_expiry_of_the_barcode_is_printed() -> None:
    page = slip_page()
    assert "まで\r" not in printed_text(drawn(page))
    later = replace(page, el_qr=None, valid_until=date(2026, 8, 31))
    assert "令和8年7月1日（水）まで" in printed_text(drawn(later))


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"amount_yen": 0}, "amount_yen", "slip_amount_zero"),
        ({"amount_yen": 12_301}, "el_qr.amount_yen", "slip_symbol_differs"),
        ({"amount_yen": 12_301}, "konbini_barcode.amount_yen", "slip_symbol_differs"),
        ({"due_on": date(2026, 6, 2)}, "el_qr.due_on", "slip_symbol_differs"),
        ({"valid_until": date(2026, 6, 30)}, "el_qr.valid_until", "slip_symbol_differs"),
        ({"levy_year": 2025}, "el_qr.levy_year", "slip_symbol_differs"),
        ({"term": "1"}, "term", "slip_term"),
        ({"el_qr": "0" * 255}, "el_qr", "el_qr_fixed"),
        ({"konbini_barcode": "91" + "0" * 42}, "konbini_barcode", "konbini_check_digit"),
        (
            {"el_qr": None, "amount_yen": 300_001, "konbini_barcode": slip_page().konbini_barcode},
            "konbini_barcode.amount_yen",
            "slip_symbol_differs",
        ),
        ({"obligor_name": "\U00030000田 太郎"}, "obligor_name", "slip_glyph_missing"),
        ({"obligor_name": "田\U000e01ef城"}, "obligor_name", "slip_glyph_missing"),
        ({"obligor_name": "税目\n太郎"}, "obligor_name", "slip_glyph_missing"),
        ({"notice_no": "1" * 2_000}, "notice_no", "slip_text_too_long"),
    ],
)
def test_refused_before_anything_is_printed(
    change: dict[str, object], field: str, code: str
) -> None:
    bad = replace(slip_page(2), **change)  # type: ignore[arg-type]
    assert (field, code) in [(fault.field, fault.code) for fault in check_page(bad)]
    out = BytesIO()
    with pytest.raises(SlipFaultsError) as caught:
        draw_slips([slip_page(1), bad], out)
    assert caught.value.faults[0].slip_no == "S2026-0000002"
    assert out.getvalue() == b""


def test_a_refused_run_leaves_the_older_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "slips.pdf"
    draw_slips([slip_page(1)], path)
    before = path.read_bytes()
    with pytest.raises(SlipFaultsError):
        draw_slips([replace(slip_page(1), amount_yen=0)], path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_missing_characters_are_listed() -> None:
    name = "\U00030000目\U0001f4b4田\U000e01ef\U00030000"
    (fault,) = check_page(replace(slip_page(), obligor_name=name))
    assert fault.found == (
        "\U00030000 (U+30000) \U0001f4b4 (U+1F4B4) 田\U000e01ef (U+7530 U+E01EF)"
    )


def test_a_barcode_above_the_limit_is_refused() -> None:
    # 300,001 yen with a check digit that holds: such a symbol is never built by our own codec.
    digits = "9191234500001000000000000000102607010300001"
    weighted = sum(int(d) * (1 if place % 2 else 3) for place, d in enumerate(digits))
    page = replace(
        slip_page(), el_qr=None, amount_yen=300_001, konbini_barcode=f"{digits}{-weighted % 10}"
    )
    assert [fault.code for fault in check_page(page)] == ["konbini_amount_limit"]


@pytest.mark.parametrize(
    ("field", "length"), [("obligor_name", 100), ("obligor_address", 200), ("slip_no", 30)]
)
def test_the_longest_values_of_the_registers_fit(field: str, length: int) -> None:
    page = replace(slip_page(), **{field: "亜" * length})  # type: ignore[arg-type]
    assert check_page(page) == []
    text = "".join(printed_text(drawn(page)).split())
    assert "亜" * length in text


def test_a_missing_font_names_its_package(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_font("BIZUDGothic-Regular.ttf", (tmp_path,))
    assert caught.value.details["debian_package"] == "fonts-morisawa-bizud-gothic"
    assert caught.value.details["searched"] == [str(tmp_path)]
