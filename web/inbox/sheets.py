"""指摘票: what is wrong with a file, for the desk that asks the sender for another one.

As CSV (UTF-8 with BOM, CRLF, no cell a formula) and as text, with each place and what to do.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from web import clock, formatting, messages
from web.csv_download import safe
from web.language import JAPANESE, speaking
from web.texts.inbox import NEXT, NEXT_BY_STATUS, SHEET

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model import FileReport, Finding

_COLUMNS = ("name", "line", "byte", "field", "code", "what", "found", "expected", "next")
_SAYS_NOTHING = frozenset({"other_channel"})  # its value is a channel, nothing out of the file


def what_to_do(code: str, status: str) -> str:
    """すべきこと about one finding of a file in this state; "" where nothing is to be done."""
    if status not in NEXT_BY_STATUS:
        return ""
    return NEXT.get(code, NEXT_BY_STATUS[status])


@speaking(JAPANESE)
def as_csv(report: FileReport, *, values: bool = True) -> bytes:
    """One line per finding; without ``values`` nothing out of the file itself."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow([SHEET[name] for name in _COLUMNS])
    for finding in report.findings:
        writer.writerow(safe(text) for text in _row(report, finding, values=values))
    return stream.getvalue().encode("utf-8-sig")


@speaking(JAPANESE)
def as_text(report: FileReport, arrived_at: datetime, *, values: bool = True) -> bytes:
    """The same to be read, with what the file is and where it lies."""
    head = [
        (SHEET["name"], report.name),
        (SHEET["status"], messages.label("file_status", report.status.value)),
        (SHEET["arrived"], f"{clock.in_japan(arrived_at):%Y-%m-%d %H:%M}"),
        (SHEET["file_no"], str(report.file_id or "")),
        (SHEET["sha256"], report.sha256),
    ]
    lines = [SHEET["title"], "", *(f"{name}: {value}" for name, value in head), ""]
    for number, finding in enumerate(report.findings, start=1):
        _, line, byte, field, code, what, found, expected, todo = _row(
            report, finding, values=values
        )
        lines.append(f"{number}. {what}（{code}）")
        place = [
            f"{SHEET[name]} {text}"
            for name, text in (("line", line), ("byte", byte), ("field", field))
            if text
        ]
        shown = [
            f"{SHEET[name]}「{text}」"
            for name, text in (("found", found), ("expected", expected))
            if text
        ]
        lines += [f"   {'、'.join(part)}" for part in (place, shown) if part]
        if todo:
            lines.append(f"   {SHEET['next']}: {todo}")
    if not report.findings:
        lines.append(SHEET["none"])
    lines += ["", SHEET["kept"], SHEET["again"].format(file_id=report.file_id)]
    return ("\n".join(lines) + "\n").encode()


def _row(report: FileReport, finding: Finding, *, values: bool) -> list[str]:
    """What the sheet says of one finding."""
    number = "" if finding.line_no is None else formatting.count(finding.line_no, "")
    offset = "" if finding.byte_offset is None else formatting.count(finding.byte_offset, "")
    told = values or not finding.found or finding.code in _SAYS_NOTHING
    found = finding.found if told else SHEET["left_out"]
    return [
        report.name,
        number,
        offset,
        finding.field,
        finding.code,
        messages.finding(finding.code),
        found,
        finding.expected,
        what_to_do(finding.code, report.status.value),
    ]
