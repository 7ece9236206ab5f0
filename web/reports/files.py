"""報告の書出し: a report as JSON, CSV, XLSX or PDF, and rows as files of any length."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import xlsxwriter

from web.csv_download import csv_file
from web.days.exports import csv_of, xlsx_of
from web.days.paper import report_pdf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from web.days.sheet import Cell, Column
    from web.reports.document import Document
    from web.reports.line import Line

PIECE_BYTES = 256 * 1024
XLSX_ROWS_MAX = 1_048_575  # of Excel, without the heading


def document_file(document: Document, form: str) -> bytes:
    """The report in ``json``, ``csv``, ``xlsx`` or ``pdf``."""
    if form == "json":
        return (json.dumps(as_data(document), ensure_ascii=False, indent=2) + "\n").encode()
    if form == "csv":
        return csv_of(document.head, document.sheets)
    if form == "xlsx":
        return xlsx_of(document.head, document.sheets)
    # The paper carries no moment of its own, so that the same books give the same bytes.
    return report_pdf(document.head, document.sheets, datetime(2026, 4, 1, tzinfo=UTC))


def as_data(document: Document) -> dict[str, Any]:
    """For a program: tables with named columns, whole numbers, null for a dash."""
    return {
        "report": document.code,
        "year": document.year,
        "title": document.head.title,
        "facts": dict(document.head.facts),
        "tables": [
            {
                "code": sheet.code,
                "title": sheet.title,
                "note": sheet.note,
                "columns": [{"name": column.name, "kind": column.kind} for column in sheet.columns],
                "rows": [list(row) for row in sheet.rows],
                "total": list(sheet.total) if sheet.total and sheet.rows else None,
            }
            for sheet in document.sheets
        ],
    }


def rows_csv(columns: Sequence[Column], lines: Iterable[Line]) -> Iterator[bytes]:
    """明細のCSV, piece by piece, however many rows there are."""
    return csv_file([column.name for column in columns], (line.cells for line in lines))


def rows_xlsx(title: str, columns: Sequence[Column], lines: Iterable[Line]) -> Iterator[bytes]:
    """明細のブック, written through a file: no row stays in memory.

    A workbook has room for :data:`XLSX_ROWS_MAX` rows; the last says that there are more.
    """
    with tempfile.TemporaryFile() as stream:
        book = xlsxwriter.Workbook(
            stream,
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
        )
        page = book.add_worksheet(title[:31])
        bold = book.add_format({"bold": True, "bg_color": "#E6E6E6", "bottom": 1})
        figure = book.add_format({"num_format": "#,##0"})
        page.freeze_panes(1, 0)
        page.set_landscape()
        page.set_paper(9)  # A4
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        for place, column in enumerate(columns):
            page.set_column(place, place, 18)
            page.write_string(0, place, column.heading, bold)
        for number, line in enumerate(lines, start=1):
            if number == XLSX_ROWS_MAX:
                page.write_string(number, 0, "ここから先は、CSVで書き出してください。")
                break
            for place, cell in enumerate(line.cells):
                _write(page, number, place, cell, figure)
        book.close()
        stream.seek(0)
        while piece := stream.read(PIECE_BYTES):
            yield piece


def _write(page: Any, number: int, place: int, cell: Cell, figure: Any) -> None:
    if isinstance(cell, int):
        page.write_number(number, place, cell, figure)
    elif cell is not None:
        page.write_string(number, place, cell)
