"""納期到来分の集計: what fell due this fiscal year and what was paid of it, for the first page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.fiscal import fiscal_year
from payments.store.unit_of_work import reading
from reconcile.report.due import due_before
from web.jobs.contract import JobResult

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def due(context: JobContext) -> JobResult:
    """納期到来分 by 科目 (``901:due_yen``, ``901:paid_yen``), with their sums."""
    code = context.municipality_code
    with reading(context.engine, code) as connection:
        found = due_before(connection, code, context.as_of)
    totals = {
        "due": sum(each.number for each in found),
        "due_yen": sum(each.due_yen for each in found),
        "due_paid_yen": sum(each.paid_yen for each in found),
        "fiscal_year": fiscal_year(context.as_of),
    }
    for each in found:
        totals[f"{each.item_code}:due_yen"] = each.due_yen
        totals[f"{each.item_code}:paid_yen"] = each.paid_yen
    context.say(f"納期到来分の集計 {totals['due']:,}件")
    return JobResult(totals=totals)
