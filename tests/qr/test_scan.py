"""Reading: images and PDFs, what deviates, and the limits."""

from __future__ import annotations

import builtins
import json
from typing import TYPE_CHECKING, Any

import pytest
import segno
from PIL import Image, ImageFilter
from slips import slip_page

from payments.domain.errors import ConfigurationError, InvalidValueError
from qr import scan
from qr.scan import ScanLimits, read_file
from qr.slip_pdf import draw_slips

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def slip_pdf(tmp_path: Path) -> Path:
    path = tmp_path / "slip.pdf"
    draw_slips([slip_page(7), slip_page(8)], path)
    return path


def rendered(path: Path, dpi: int = 300) -> list[Image.Image]:
    return [render() for _, render in scan.render_pdf(path, ScanLimits(), dpi)]


def test_a_reading_is_json_with_the_fields_of_the_registers(slip_pdf: Path) -> None:
    first, second, *_ = [json.loads(json.dumps(r.as_dict())) for r in read_file(slip_pdf)]
    assert list(first) == ["file", "page", "symbol", "text", "valid", "fields", "findings"]
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
    assert second["fields"]["konbini_barcode"] == slip_page(7).konbini_barcode
    assert second["fields"]["free_area"] == "000010000000000000007"
    assert (second["fields"]["expires"], second["fields"]["valid_until"]) == (
        "260701",
        "2026-07-01",
    )


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "webp"])
def test_pictures_of_every_kind(slip_pdf: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scan.{suffix}"
    rendered(slip_pdf)[0].save(path)
    assert {r.text for r in read_file(path)} == {slip_page(7).el_qr, slip_page(7).konbini_barcode}


def test_pages_of_a_tiff(slip_pdf: Path, tmp_path: Path) -> None:
    first, second = rendered(slip_pdf)
    path = tmp_path / "scan.tiff"
    first.save(path, save_all=True, append_images=[second])
    assert [r.page for r in read_file(path)] == [1, 1, 2, 2]


@pytest.mark.parametrize("turn", [90, 180, 3])
def test_turned_scans(slip_pdf: Path, tmp_path: Path, turn: int) -> None:
    path = tmp_path / "turned.png"
    rendered(slip_pdf)[0].rotate(turn, expand=True, fillcolor=255).save(path)
    assert slip_page(7).el_qr in {r.text for r in read_file(path)}


def test_a_soft_scan_is_tried_harder(slip_pdf: Path, tmp_path: Path) -> None:
    image = rendered(slip_pdf)[0].filter(ImageFilter.GaussianBlur(2))
    assert scan.decode(image) == []
    path = tmp_path / "soft.png"
    image.save(path)
    assert [r.text for r in read_file(path)] == [slip_page(7).el_qr]


def test_a_foreign_qr_code_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "foreign.png"
    segno.make("https://example.invalid/", error="m").save(str(path), scale=6)
    (reading,) = read_file(path)
    assert (reading.symbol, reading.valid, reading.fields) == ("el_qr", False, {})
    assert reading.findings == [
        {"code": "el_qr_digit", "field": "", "position": 0, "found": "h", "expected": "0-9"}
    ]


def test_an_amount_over_the_limit_is_read_and_said() -> None:
    digits = "9191234500001000000000000000102607010300001"
    weighted = sum(int(d) * (1 if place % 2 else 3) for place, d in enumerate(digits))
    reading = scan.interpret("f", 1, "konbini", f"{digits}{-weighted % 10}")
    assert reading.valid
    assert [finding["code"] for finding in reading.findings] == ["konbini_amount_limit"]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (ScanLimits(bytes_max=100), "scan_too_large"),
        (ScanLimits(pages_max=1), "scan_too_many_pages"),
        (ScanLimits(pixels_max=1_000_000), "scan_too_many_pixels"),
    ],
)
@pytest.mark.parametrize("kind", ["pdf", "tiff"])
def test_limits(slip_pdf: Path, tmp_path: Path, limits: ScanLimits, code: str, kind: str) -> None:
    path = slip_pdf
    if kind == "tiff":
        path = tmp_path / "scan.tiff"
        first, second = rendered(slip_pdf)
        first.save(path, save_all=True, append_images=[second])
    with pytest.raises(InvalidValueError, match=code):
        list(read_file(path, limits))


@pytest.mark.parametrize("content", [b"", b"no picture", b"%PDF-1.7 cut off", b"\x89PNG\r\n\x1a\n"])
def test_unreadable_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InvalidValueError, match="scan_unreadable"):
        list(read_file(path))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="scan_unreadable"):
        list(read_file(tmp_path / "nothing.pdf"))


def test_a_missing_zbar_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_zbar(name: str, *args: Any, **options: Any) -> Any:
        if name == "pyzbar":
            raise ImportError("Unable to find zbar shared library")
        return original(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without_zbar)
    with pytest.raises(ConfigurationError) as caught:
        scan.decode(Image.new("L", (10, 10), 255))
    assert caught.value.details["debian_package"] == "libzbar0"
