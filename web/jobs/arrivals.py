"""受領予定の見張り: what has come is entered for its day, and the treasury told what has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.jobs.contract import JobResult, JobState
from web.notices.send import send_again

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def arrivals(context: JobContext) -> JobResult:
    """受領予定: enter what has come, say what is red, what came at last and what stands aside."""
    unsent = send_again(context)
    if unsent:
        return JobResult(JobState.INCOMPLETE, {"unsent": unsent}, ("notice_unsent",))
    return JobResult()
