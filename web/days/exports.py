"""日計の書出し: a report as CSV, XLSX or JSON, from the same tables as the page and the paper."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import xlsxwriter

from reconcile.report.data import report_as_data
from web import clock
from web.csv_download import safe
from web.days.paper import report_pdf
from web.days.sheets import heading, sheets
from web.language import JAPANESE, speaking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.closures import Closure
    from reconcile.report.period import DayReport
    from web.days.sheet import Sheet
    from web.days.sheets import Heading

FORMATS = ("text", "json", "csv", "xlsx", "pdf")
MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
_SHEET_NAME_MAX = 31  # of Excel
_WIDTHS = {"text": 32, "word": 14, "count": 12, "yen": 18, "figure": 18}
# A workbook carries a date of making; a fixed one keeps the same report the same bytes.
_MADE_AT = datetime(2026, 4, 1)  # noqa: DTZ001 - XlsxWriter takes dates without a zone


@speaking(JAPANESE)
def export(report: DayReport, closure: Closure | None, form: str) -> bytes:
    """The report in one of :data:`MEDIA_TYPES`."""
    if form == "json":
        return as_json(report, closure)
    if form == "csv":
        return as_csv(report, closure)
    if form == "xlsx":
        return as_xlsx(report, closure)
    return as_pdf(report, closure)


def file_name(report: DayReport, form: str) -> str:
    """``day-2026-06-01.csv``: which report it is, in letters that every system takes."""
    period = {
        "day": report.day.isoformat(),
        "month": report.day.isoformat()[:7],
        "year": str(report.fiscal_year),
    }[report.period]
    return f"{report.period}-{period}.{form}"


def as_json(report: DayReport, closure: Closure | None) -> bytes:
    """Everything, for a program; ``closure`` is null while the books are open."""
    return (json.dumps(as_data(report, closure), ensure_ascii=False, indent=2) + "\n").encode()


def as_data(report: DayReport, closure: Closure | None) -> dict[str, Any]:
    """The same as plain data."""
    signed = None
    if closure is not None:
        signed = {
            "closure_no": closure.closure_no,
            "asked_by": closure.asked_by,
            "decided_by": closure.decided_by,
            "reason": closure.reason,
            "made_at": closure.made_at.isoformat(),
            "report_sha256": closure.report_sha256,
        }
    return {**report_as_data(report), "blockers": list(report.blockers), "closure": signed}


def as_csv(report: DayReport, closure: Closure | None) -> bytes:
    """One table below the other."""
    return csv_of(heading(report, closure), sheets(report))


def csv_of(head: Heading, tables: Sequence[Sheet]) -> bytes:
    """表のCSV: one table below the other, in UTF-8 with BOM and CRLF, as spreadsheets open it.

    The first column names the table, so that a program can pick one; figures are plain numbers.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(["表題", head.municipality, head.title, head.state])
    for sheet in tables:
        writer.writerow([])
        writer.writerow([sheet.title, *(column.name for column in sheet.columns)])
        for row in sheet.all_rows:
            writer.writerow([sheet.title, *map(safe, row)])
    return stream.getvalue().encode("utf-8-sig")


def as_xlsx(report: DayReport, closure: Closure | None) -> bytes:
    """A workbook of all tables."""
    return xlsx_of(heading(report, closure), sheets(report))


def xlsx_of(head: Heading, tables: Sequence[Sheet]) -> bytes:
    """表のブック: a first sheet that says what it is, and one sheet for each table."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(
        stream,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
    )
    book.set_properties({"title": head.title, "author": head.municipality, "created": _MADE_AT})
    forms = {
        "head": book.add_format({"bold": True, "bg_color": "#E6E6E6", "bottom": 1}),
        "total": book.add_format({"bold": True, "top": 1, "num_format": "#,##0"}),
        "figure": book.add_format({"num_format": "#,##0"}),
        "title": book.add_format({"bold": True, "font_size": 16}),
    }
    cover = book.add_worksheet("表紙")
    cover.set_column(0, 0, 20)
    cover.set_column(1, 1, 80)
    cover.write_string(0, 0, head.title, forms["title"])
    for number, (name, value) in enumerate(head.facts, start=2):
        cover.write_string(number, 0, name)
        cover.write_string(number, 1, value)
    for sheet in tables:
        page = book.add_worksheet(sheet.title[:_SHEET_NAME_MAX])
        _write_sheet(page, sheet, forms)
    book.close()
    return stream.getvalue()


def _write_sheet(page: Any, sheet: Sheet, forms: dict[str, Any]) -> None:
    """One table, row by row from the top (constant_memory keeps no row behind)."""
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    page.freeze_panes(1, 0)
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, _WIDTHS[column.kind])
    for place, column in enumerate(sheet.columns):
        page.write_string(0, place, column.heading, forms["head"])
    last = len(sheet.rows)
    for number, row in enumerate(sheet.all_rows, start=1):
        form = forms["total"] if number > last else forms["figure"]
        for place, cell in enumerate(row):
            if isinstance(cell, int):
                page.write_number(number, place, cell, form)
            else:
                page.write_string(number, place, cell if cell is not None else "—", form)


def as_pdf(report: DayReport, closure: Closure | None) -> bytes:
    """The paper to be signed; a closed report has the date of its closing."""
    first_minute = datetime.combine(report.day, datetime.min.time(), UTC)
    # The paper carries whole seconds.
    closed_at = clock.in_japan(closure.made_at).replace(microsecond=0) if closure else None
    made_at = closed_at or first_minute
    return report_pdf(heading(report, closure), sheets(report), made_at)
