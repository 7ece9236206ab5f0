"""日計の書出し: the same figures in every format, and a file that stays the same byte for byte."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pypdfium2
import pytest
from day_reports import CLOSURE, small_report
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import ConfigurationError
from reconcile.report.data import report_as_data, report_from_data
from web.days import paper
from web.days.exports import MEDIA_TYPES, as_csv, as_json, as_pdf, as_xlsx, export, file_name
from web.days.sheet import Column, cell_text
from web.days.sheets import heading, sheets

GOLDEN = Path(__file__).parents[2] / "vectors" / "day_report.csv"
PERIODS = ("day", "month", "year")
SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def _csv_tables(data: bytes) -> dict[str, list[list[str]]]:
    """Title of the table → its rows, heading first."""
    tables: dict[str, list[list[str]]] = {}
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
        if row:
            tables.setdefault(row[0], []).append(row[1:])
    return tables


def _xlsx_tables(data: bytes) -> dict[str, list[list[str]]]:
    """The same of a workbook, read without the library that wrote it."""
    tables = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - our own file
        for number, sheet in enumerate(book.iter(f"{SPREADSHEET}sheet"), start=1):
            page = ET.fromstring(  # noqa: S314
                archive.read(f"xl/worksheets/sheet{number}.xml")
            )
            tables[sheet.attrib["name"]] = [
                ["".join(cell.itertext()) for cell in row.iter(f"{SPREADSHEET}c")]
                for row in page.iter(f"{SPREADSHEET}row")
            ]
    return tables


def _pdf_text(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    return "".join("".join(page.get_textpage().get_text_range().split()) for page in document)


@pytest.mark.parametrize("period", PERIODS)
def test_every_format_holds_the_same_figures(period):
    report = small_report(period)
    in_csv = _csv_tables(as_csv(report, None))
    in_xlsx = _xlsx_tables(as_xlsx(report, None))
    on_paper = _pdf_text(as_pdf(report, None))
    for sheet in sheets(report):
        figures = [
            (place, cell)
            for row in sheet.all_rows
            for place, cell in enumerate(row)
            if isinstance(cell, int)
        ]
        for number, row in enumerate(sheet.all_rows, start=1):
            for place, cell in enumerate(row):
                if isinstance(cell, int):
                    assert int(in_csv[sheet.title][number][place]) == cell
                    assert int(in_xlsx[sheet.title][number][place]) == cell
        assert figures or not sheet.rows or sheet.code == "checks"
        assert all(cell_text(cell) in on_paper for _place, cell in figures)
        assert sheet.title in on_paper


@pytest.mark.parametrize("period", PERIODS)
def test_the_totals_of_the_tables_are_those_of_the_report(period):
    report = small_report(period)
    plain = json.loads(as_json(report, CLOSURE))
    assert sum(row["amount_yen"] for row in plain["revenue"]) == report.collected_yen
    found = {sheet.code: sheet for sheet in sheets(report)}
    now = next(
        i for i, c in enumerate(found["revenue"].columns) if c.name in {"本日", "月計", "収入済"}
    )
    assert found["revenue"].total[now] == report.collected_yen
    funds = found["funds"]
    assert funds.total[4] == report.collected_yen
    assert plain["closure"]["report_sha256"] == CLOSURE.report_sha256


@pytest.mark.parametrize("period", PERIODS)
def test_a_report_comes_back_from_its_data(period):
    report = small_report(period)
    assert report_from_data(json.loads(json.dumps(report_as_data(report)))) == report


def test_the_csv_is_the_golden_one():
    made = as_csv(small_report(), CLOSURE)
    assert made == GOLDEN.read_bytes()


def test_no_cell_of_the_csv_is_a_formula():
    rows = csv.reader(io.StringIO(as_csv(small_report(), None).decode("utf-8-sig"), newline=""))
    cells = [cell for row in rows for cell in row]
    assert "'=cmd|' /C calc'!A0" in cells
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)


def test_the_same_report_gives_the_same_bytes_in_another_process():
    script = (
        "import sys, hashlib; from day_reports import CLOSURE, small_report; "
        "from web.days.exports import MEDIA_TYPES, export; "
        "[print(form, hashlib.sha256(export(small_report(), CLOSURE, form)).hexdigest()) "
        "for form in MEDIA_TYPES]"
    )
    paths = [str(Path(__file__).parents[2] / "support"), str(Path(__file__).parents[3])]
    begin = f"import sys; sys.path[:0] = {paths!r}; "
    made = subprocess.run(
        [sys.executable, "-c", begin + script], check=True, capture_output=True, text=True
    )
    here = [
        f"{form} {hashlib.sha256(export(small_report(), CLOSURE, form)).hexdigest()}"
        for form in MEDIA_TYPES
    ]
    assert made.stdout.splitlines() == here


def test_the_paper_can_be_signed_and_read():
    document = pypdfium2.PdfDocument(as_pdf(small_report(), CLOSURE))
    page = document[0]
    assert tuple(round(side) for side in page.get_size()) == (842, 595)  # A4, landscape
    text = _pdf_text(as_pdf(small_report(), CLOSURE))
    for word in ("会計管理者", "係長", "担当", "みほん市", "締め済（締め番号3）", "kaikei", "kanri",
                 CLOSURE.report_sha256, f"1/{len(document)}"):  # fmt: skip
        assert word in text, word
    raw = as_pdf(small_report(), CLOSURE)
    assert b"/StructTreeRoot" in raw or b"/ObjStm" in raw
    assert document.get_metadata_dict()["Title"].startswith("日計表")


def test_without_the_japanese_font_nothing_is_printed(monkeypatch):
    paper.fonts.cache_clear()
    bare = SimpleNamespace(families=lambda: ["Some Font"])
    monkeypatch.setattr(paper.typst, "Fonts", lambda **_options: bare)
    with pytest.raises(ConfigurationError, match="font_missing"):
        as_pdf(small_report(), None)
    paper.fonts.cache_clear()


@pytest.mark.parametrize(
    ("period", "name"),
    [("day", "day-2026-06-01"), ("month", "month-2026-06"), ("year", "year-2026")],
)
def test_a_file_is_named_after_what_it_holds(period, name):
    assert file_name(small_report(period), "csv") == f"{name}.csv"


def test_the_heading_says_whether_it_was_signed():
    assert heading(small_report(), None).state == "未締め（現在の帳簿による）"
    assert heading(small_report("month"), None).state == "全日締め済"
    facts = dict(heading(small_report(), CLOSURE).facts)
    assert (facts["作成"], facts["特記"]) == ("kaikei", "手数料を照会中")
    assert facts["確認"] == "kanri（2026-06-02 09:30）"


@given(st.integers(-(10**15), 10**15))
def test_a_figure_reads_back(figure):
    assert int(cell_text(figure).replace(",", "").replace("−", "-")) == figure
    assert Column("金額", "yen").heading == "金額（円）"
