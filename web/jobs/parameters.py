"""団体設定の適用: what two people decided holds from its day on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.store.unit_of_work import unit_of_work
from web.admin.parameters import take_effect_as
from web.jobs.contract import JobResult

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def parameters(context: JobContext) -> JobResult:
    """団体設定の適用; a change that no longer fits the books fails, and the old settings stay."""
    code = context.municipality_code
    with unit_of_work(context.engine, code) as connection:
        taken = take_effect_as(
            connection, code, context.as_of, actor=context.actor, source="schedule"
        )
    if taken is not None:
        context.say(f"団体設定の適用: 承認 {taken.approval_id}")
    return JobResult(totals={"parameters": int(taken is not None)})
