"""日計の文字の表: the report as tables of characters, on a terminal and in a file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from web.commands.sheets import print_sheet
from web.days.sheets import heading, sheets

if TYPE_CHECKING:
    from reconcile.closures import Closure
    from reconcile.report.period import DayReport

WIDE = 200


def print_report(out: Console, report: DayReport, closure: Closure | None) -> None:
    """The report as tables."""
    head = heading(report, closure)
    out.print(f"{head.municipality} {head.title} {head.state}", markup=False)
    if not report.business_day:
        out.print("銀行休業日", markup=False)
    for sheet in sheets(report):
        print_sheet(out, sheet)


def as_text(report: DayReport, closure: Closure | None) -> bytes:
    """The tables as they stand on the screen, for a file."""
    stream = io.StringIO()
    print_report(Console(file=stream, width=WIDE, highlight=False), report, closure)
    return stream.getvalue().encode()
