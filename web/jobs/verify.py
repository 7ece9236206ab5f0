"""検算: every number worked out again from the evidence, every night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.audit.seal import seal_pending
from web.jobs.contract import JobResult, JobState
from web.notifications import checking

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def verify(context: JobContext) -> JobResult:
    """検算; a difference is FAILED: somebody must look before more is booked.

    What waits for its seal is sealed first. After a machine stood still over a night, all of it has
    waited for longer than a day, and the job that seals may just be beginning in its own lane.
    """
    seal_pending(context.engine, context.municipality_code, lambda _done: context.beat())
    found = checking.verify(context.engine, context.municipality_code, lambda _done: context.beat())
    names = sorted({difference.name for difference in found})
    context.say(f"検算: 不一致 {len(found):,}件" if found else "検算: すべて一致しました。")
    if found:
        return JobResult(JobState.FAILED, {"differences": len(found)}, ("verify_differs", *names))
    return JobResult(totals={"differences": 0})
