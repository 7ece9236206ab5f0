"""Reading: from a file to what each slip on it says."""

from __future__ import annotations

import builtins
import dataclasses
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import segno
from paper import sheet
from PIL import Image, ImageFilter
from slips import slip_page

from payments.domain.errors import ConfigurationError
from qr.draw.slip_pdf import draw_slips
from qr.scan import read
from qr.scan.read import UPLOAD_LIMITS, ScanLimits, SlipReading, read_file, read_pages

if TYPE_CHECKING:
    from pathlib import Path

PATIENT = dataclasses.replace(UPLOAD_LIMITS, seconds_max=200)  # however slow the machine
ONE, OTHER = slip_page(7), slip_page(8, 45_600)


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def read_slips(data: bytes | Path, name: str) -> list[SlipReading]:
    """The slips of a file, read here and not apart, which is faster."""
    return [slip for slips in read_pages(data, name, PATIENT) for slip in slips]


def symbols(image: Image.Image) -> list[list[tuple[str, str]]]:
    """Symbol and text, slip by slip."""
    return [[(s.symbol, s.text) for s in slip.symbols] for slip in read_slips(png(image), "x")]


def both(slip: Any) -> list[tuple[str, str]]:
    return [("el_qr", slip.el_qr), ("konbini", slip.konbini_barcode)]


@pytest.fixture(scope="module")
def slip_pdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "slip.pdf"
    draw_slips([ONE, OTHER], path)
    return path


def test_a_reading_is_json_with_the_fields_of_the_registers(slip_pdf: Path) -> None:
    first, second, *_ = [json.loads(json.dumps(r.as_dict())) for r in read_file(slip_pdf)]
    names = ["file", "page", "symbol", "text", "valid", "fields", "findings", "slip"]
    assert list(first) == names
    assert (first["file"], first["page"], first["symbol"]) == ("slip.pdf", 1, "el_qr")
    assert first["valid"]
    expected = {
        "amount_yen": 12_300,
        "levy_year": 2026,
        "term": "01",
        "due_on": "2026-06-01",
        "valid_until": "2026-07-01",
        "collecting_body_code": "99999",
        "case_key": "00000000000000000007",
        "item_code": "901",
        "el_number": "9999900000000000000000007055433901",
    }
    assert {name: first["fields"][name] for name in expected} == expected
    assert second["symbol"] == "konbini"
    assert second["fields"]["konbini_barcode"] == ONE.konbini_barcode
    assert second["fields"]["free_area"] == "000010000000000000007"
    assert (second["fields"]["expires"], second["fields"]["valid_until"]) == (
        "260701",
        "2026-07-01",
    )


def test_a_slip_of_a_pdf_says_everything_four_times_over(slip_pdf: Path) -> None:
    """Symbols from the picture, and OCR行, eL番号 and the text under the bars from the text layer."""
    first, second = read_slips(slip_pdf, "slip.pdf")
    assert [(slip.number, slip.page, slip.good) for slip in (first, second)] == [
        (1, 1, True),
        (2, 2, True),
    ]
    kinds = [(s.symbol, len(s.text)) for s in first.symbols]
    assert kinds == [("el_qr", 255), ("konbini", 44), *(("ocr", n) for n in (39, 44, 34, 44))]
    upper, lower, number, under = first.symbols[2:]
    assert upper.fields["amount_yen"] == 12_300
    assert lower.fields["case_key"] == number.fields["case_key"] == "00000000000000000007"
    assert under.text == ONE.konbini_barcode
    assert first.fields["amount_yen"] == 12_300
    assert first.fields["free_area"] == "000010000000000000007"
    assert first.findings == ()


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_sheets_laid_in_any_way_up(turn: int) -> None:
    paper = sheet((ONE.el_qr, ONE.konbini_barcode))
    assert symbols(paper.rotate(turn, expand=True)) == [both(ONE)]


@pytest.mark.parametrize("turn", [-7, 3, 33, 61, 118])
def test_sheets_laid_in_anyhow(turn: int) -> None:
    """No engine finds bars that stand askew; the eL-QR beside them says how they stand."""
    paper = sheet((ONE.el_qr, ONE.konbini_barcode))
    turned = paper.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert symbols(turned) == [both(ONE)]


def test_a_slanting_photograph() -> None:
    paper = sheet((ONE.el_qr, ONE.konbini_barcode))
    width, height = paper.size
    corners = (-150, -60, -10, height + 30, width + 90, height + 160, width + 20, -20)
    slanting = paper.transform(
        (1500, 1200), Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=90
    )
    assert symbols(slanting) == [both(ONE)]


def test_a_dark_photograph() -> None:
    paper = sheet((ONE.el_qr, ONE.konbini_barcode)).point(lambda value: 8 + value // 9)
    assert symbols(paper) == [both(ONE)]


@pytest.mark.parametrize("sigma", [2.6, 3.2])
def test_a_soft_scan_is_tried_harder(sigma: float) -> None:
    soft = sheet((ONE.el_qr, None)).filter(ImageFilter.GaussianBlur(sigma))
    assert read.decode(soft) == []
    assert symbols(soft) == [[("el_qr", ONE.el_qr)]]


def test_a_coarse_scan() -> None:
    paper = sheet((ONE.el_qr, None))
    coarse = paper.resize((paper.width // 3, paper.height // 3), Image.Resampling.BOX)
    assert symbols(coarse) == [[("el_qr", ONE.el_qr)]]


def test_two_slips_in_one_picture() -> None:
    paper = sheet((ONE.el_qr, ONE.konbini_barcode), (OTHER.el_qr, OTHER.konbini_barcode))
    assert symbols(paper) == [both(ONE), both(OTHER)]
    assert symbols(paper.rotate(180)) == [both(OTHER), both(ONE)]


def test_the_same_slip_twice_is_one() -> None:
    paper = sheet((ONE.el_qr, ONE.konbini_barcode), (ONE.el_qr, None))
    assert symbols(paper) == [both(ONE)]


def test_a_barcode_alone() -> None:
    assert symbols(sheet((None, ONE.konbini_barcode))) == [[("konbini", ONE.konbini_barcode)]]


def test_a_contradiction_is_said_on_both_symbols() -> None:
    (slip,) = read_slips(png(sheet((ONE.el_qr, OTHER.konbini_barcode))), "x")
    assert not slip.good
    code, bars = slip.symbols
    assert code.valid
    assert bars.valid
    finding = {"code": "symbols_disagree", "field": "amount_yen"}
    assert code.findings == [
        {**finding, "found": "12300", "expected": "45600", "symbol": "konbini"}
    ]
    assert bars.findings == [{**finding, "found": "45600", "expected": "12300", "symbol": "el_qr"}]


@pytest.mark.parametrize("place", [20, 120, 240])
def test_an_altered_digit_is_never_a_valid_slip(place: int) -> None:
    digits = ONE.el_qr or ""
    altered = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
    (slip,) = read_slips(png(sheet((altered, None))), "x")
    (code,) = slip.symbols
    assert (code.text, code.valid, code.fields, slip.good) == (altered, False, {}, False)
    assert code.findings


def test_bars_with_a_wrong_check_digit() -> None:
    digits = ONE.konbini_barcode or ""
    altered = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    (slip,) = read_slips(png(sheet((ONE.el_qr, altered))), "x")
    code, bars = slip.symbols
    assert code.valid
    assert (bars.text, bars.valid, bars.fields) == (altered, False, {})
    assert [finding["code"] for finding in bars.findings] == ["konbini_check_digit"]


def test_a_foreign_qr_code_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "foreign.png"
    segno.make("https://example.invalid/", error="m").save(str(path), scale=6)
    (reading,) = read_file(path)
    assert (reading.symbol, reading.valid, reading.fields) == ("el_qr", False, {})
    assert reading.findings == [
        {"code": "el_qr_digit", "field": "", "position": 0, "found": "h", "expected": "0-9"}
    ]


def test_an_empty_sheet() -> None:
    assert read_slips(png(Image.new("L", (900, 700), 255)), "x") == []


def test_a_printed_line_with_a_wrong_check_digit(slip_pdf: Path) -> None:
    upper = read_slips(slip_pdf, "x")[0].symbols[2].text
    reading = read.interpret("x", 1, "ocr_upper", upper[:20] + "9" + upper[21:])
    assert (reading.symbol, reading.valid) == ("ocr", False)
    assert [finding["code"] for finding in reading.findings] == ["ocr_upper_check_digit"]


def test_what_the_read_back_uses(slip_pdf: Path) -> None:
    renders = [render for _, render in read.render_pdf(slip_pdf, ScanLimits(), 300)]
    assert len(renders) == 2
    paper = sheet((ONE.el_qr, ONE.konbini_barcode))
    assert sorted(read.decode(paper)) == sorted(both(ONE))


def test_a_missing_zbar_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_zbar(name: str, *args: Any, **options: Any) -> Any:
        if name == "pyzbar":
            raise ImportError("Unable to find zbar shared library")
        return original(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without_zbar)
    with pytest.raises(ConfigurationError) as caught:
        read.decode(Image.new("L", (10, 10), 255))
    assert caught.value.details["debian_package"] == "libzbar0"
