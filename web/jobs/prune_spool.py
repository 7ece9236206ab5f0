"""受付簿の整理: notifications that the books have held for long leave the spool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.jobs.contract import JobResult
from web.notifications.pruning import prune

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def prune_spool(context: JobContext) -> JobResult:
    """整理 of one municipality's spool."""
    gone = prune(context.engine, context.municipality_code, now=context.now, beat=context.beat)
    if gone:
        context.say(f"記帳から日数を経た納付通知 {gone:,}件を受付簿から除きました。")
    return JobResult(totals={"pruned": gone})
