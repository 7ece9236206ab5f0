"""統計の書出し: the last days as figures for statistics, in Parquet files beside the books."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.report.period import day_report
from web.jobs.contract import JobResult
from web.statistics.cells import rows_of
from web.statistics.files import write_day

if TYPE_CHECKING:
    from web.jobs.contract import JobContext

DAYS_AGAIN = 7  # what is booked on an earlier day that is still open comes with the next run


def statistics(context: JobContext) -> JobResult:
    """統計 of the week before the run; a day that is written again is replaced."""
    code = context.municipality_code
    written = 0
    for back in range(DAYS_AGAIN, 0, -1):
        day = context.as_of - timedelta(days=back)
        with reading(context.engine, code) as connection:
            report = day_report(connection, load_profile(connection, code), day)
        write_day(context.settings.statistics_folder, code, day, rows_of(code, report))
        written += 1
        context.beat()
    context.say(f"統計 {written}日分を書き出しました。")
    return JobResult(totals={"days_written": written})
