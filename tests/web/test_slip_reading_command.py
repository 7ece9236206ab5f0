"""``kokin slips read``: lines for programs, a table for people, and an exit code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from paper import sheet
from PIL import Image
from slips import slip_page

from qr.digits.el_qr import mpn_lines, parse
from qr.digits.fields import SymbolError
from qr.digits.symbol_reading import interpret
from web import messages
from web.commands.slips import slips
from web.texts.symbols import FIELDS, LAYOUTS, REASONS, SYMBOL_FINDINGS

if TYPE_CHECKING:
    from pathlib import Path

ONE, OTHER = slip_page(1), slip_page(2, 45_600)


def read(*arguments: object) -> Result:
    return CliRunner().invoke(slips, ["read", *map(str, arguments)])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.png"
    sheet((ONE.el_qr, ONE.konbini_barcode)).save(path)
    return path


@pytest.fixture
def contradicting(tmp_path: Path) -> Path:
    path = tmp_path / "contradicting.png"
    sheet((ONE.el_qr, OTHER.konbini_barcode)).save(path)
    return path


def test_a_line_of_json_for_each_symbol(good: Path) -> None:
    done = read(good)
    code, bars = map(json.loads, done.stdout.splitlines())
    assert (code["file"], code["page"], code["slip"]) == ("good.png", 1, 1)
    assert (code["symbol"], bars["symbol"]) == ("el_qr", "konbini")
    assert (code["text"], bars["text"]) == (ONE.el_qr, ONE.konbini_barcode)
    assert (done.exit_code, done.stderr) == (0, "")


def test_one_bad_file_hides_no_other(good: Path, contradicting: Path, tmp_path: Path) -> None:
    empty, blank = tmp_path / "empty.jpg", tmp_path / "blank.png"
    empty.touch()
    Image.new("L", (400, 300), 255).save(blank)
    done = read(empty, blank, contradicting, tmp_path / "missing.pdf", good)
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 4
    for said in ("empty.jpg", "scan_empty", "blank.png", "symbol_none", "missing.pdf"):
        assert said in done.stderr


def test_a_contradiction_is_exit_code_1(contradicting: Path) -> None:
    done = read(contradicting)
    assert all(json.loads(line)["valid"] for line in done.stdout.splitlines())
    assert done.exit_code == 1


def test_a_table_for_people(good: Path, contradicting: Path) -> None:
    done = read("--table", good, contradicting)
    for words in ("納付書", "eL-QR", "バーコード", "正しい", "12,300円", "45,600円", "2026-07-01"):
        assert words in done.stdout
    assert "金額が読取元によって異なります（「12300」と「45600」）" in done.stdout
    assert done.exit_code == 1


def test_the_table_calls_no_contradicted_symbol_right(contradicting: Path) -> None:
    said = read("--table", contradicting).stdout
    assert "正しい" not in said
    assert said.count("食い違い") == 2


def test_a_missing_file_is_not_called_damaged(tmp_path: Path) -> None:
    done = read(tmp_path / "missing.pdf")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "missing.pdf がありません" in done.stderr
    assert "壊れて" not in done.stderr


def test_more_pages_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "pages.tiff"
    page = sheet((ONE.el_qr, None))
    page.save(path, save_all=True, append_images=[page])
    refused = read("--pages-max", 1, path)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "scan_too_many_pages" in refused.stderr
    assert read("--pages-max", 2, path).exit_code == 0


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("reason", REASONS)
def test_every_deviation_has_a_sentence(layout: str, reason: str) -> None:
    error = SymbolError(
        symbol=layout, reason=reason, field="金額", position=3, found="1", expected="2"
    )
    values = {"code": error.error_code, "field": "金額", "found": "1", "expected": "2"}
    sentence = messages.symbol_finding(values)
    assert sentence.startswith(LAYOUTS[layout])
    assert "—" not in sentence


@pytest.mark.parametrize("code", SYMBOL_FINDINGS)
def test_every_other_finding_has_one_too(code: str) -> None:
    sentence = messages.symbol_finding({"code": code, "field": "x", "found": "1", "expected": "2"})
    assert sentence.endswith("。")
    assert messages.symbol_finding({"code": "no_such_code"}) == messages.UNKNOWN_FINDING


def test_every_field_that_two_symbols_share_has_a_name() -> None:
    said = [
        interpret("", 1, kind, text).fields.keys()
        for kind, text in (
            ("el_qr", ONE.el_qr or ""),
            ("konbini", ONE.konbini_barcode or ""),
            ("ocr_upper", mpn_lines(parse(ONE.el_qr or ""))[0]),
            ("ocr_lower", mpn_lines(parse(ONE.el_qr or ""))[1]),
            ("el_number", parse(ONE.el_qr or "").el_number),
        )
    ]
    shared = {
        name for place, names in enumerate(said) for other in said[:place] for name in names & other
    }
    assert shared <= FIELDS.keys()
