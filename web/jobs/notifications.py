"""納付通知の記帳: what the server has received and not booked itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.jobs.contract import JobResult, JobState
from web.notifications.outlook import book_rest, waiting

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def anything_waits(context: JobContext) -> bool:
    """Whether a notification waits to be booked."""
    return waiting(context.engine, context.municipality_code).number > 0


def book_notifications(context: JobContext) -> JobResult:
    """記帳; INCOMPLETE while the books are locked by a long import: the next round goes on."""
    booked = book_rest(context.engine, context.municipality_code)
    left = waiting(context.engine, context.municipality_code).number
    context.say(f"納付通知 {booked:,}件を記帳しました。")
    if left:
        return JobResult(
            JobState.INCOMPLETE, {"booked": booked, "left": left}, ("notifications_left",)
        )
    return JobResult(totals={"booked": booked})
