"""日計の書出し: the report of the day as files in a folder, for the shelf and for other systems."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile import day_close, day_copies
from web.days.copies import keep_shown
from web.days.exports import MEDIA_TYPES, export, file_name
from web.days.text import as_text
from web.jobs.contract import JobResult

if TYPE_CHECKING:
    from pathlib import Path

    from web.jobs.contract import JobContext


def day_report(context: JobContext) -> JobResult:
    """日計: text, JSON, CSV, XLSX and PDF of the day of the run; a later run replaces them."""
    code = context.municipality_code
    folder = context.settings.report_folder / code / context.as_of.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    with reading(context.engine, code) as connection:
        profile = load_profile(connection, code)
        report, closure = day_close.shown_day(connection, profile, context.as_of)
        open_days = day_copies.open_days(connection, code, context.as_of)
    keep_shown(context.engine, report, closure, context.actor)
    for day in open_days:
        context.beat()
        with reading(context.engine, code) as connection:
            found = day_close.shown_day(connection, profile, day)
        keep_shown(context.engine, *found, context.actor)
    _write(folder / file_name(report, "txt"), as_text(report, closure))
    for form in MEDIA_TYPES:
        context.beat()
        _write(folder / file_name(report, form), export(report, closure, form))
    files = 1 + len(MEDIA_TYPES)
    context.say(f"日計 {context.as_of} を {files}つの形式で書き出しました。")
    return JobResult(totals={"files": files, "lines": sum(a.count for a in report.arrivals)})


def _write(path: Path, data: bytes) -> None:
    """Beside its place, then renamed: nobody ever sees half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)
