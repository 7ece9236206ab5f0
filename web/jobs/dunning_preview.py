"""督促対象の見込み: how many instalments a dunning list would have today; numbers only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.report import dunning
from web.jobs.contract import JobResult, JobState

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def dunning_preview(context: JobContext) -> JobResult:
    """督促対象の見込み; INCOMPLETE while a channel's files are not complete up to yesterday."""
    code = context.municipality_code
    with reading(context.engine, code) as connection:
        profile = load_profile(connection, code)
        found = dunning.dunning_preview(connection, profile, context.as_of, context.now)
    totals = {"listed": found.listed.number, "listed_yen": found.listed.yen}
    totals["over_limit"] = found.listed.over_limit
    for ground, counted in found.held_back.items():
        totals |= {ground: counted.number, f"{ground}_yen": counted.yen}
    # A date as a number, since totals are numbers: 20260601.
    totals["cut_off_on"] = int(found.cut_off.strftime("%Y%m%d"))
    context.say(f"督促対象の見込み {found.listed.number:,}件（{found.cut_off} までの資料による）")
    if found.held_back["channel_incomplete"].number:
        return JobResult(JobState.INCOMPLETE, totals, ("channel_incomplete",))
    return JobResult(totals=totals)
