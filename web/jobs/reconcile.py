"""再照合: everything that waits for time to pass, once a day and after every round of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.audit.seal import seal_pending
from reconcile.day_totals import summarise
from reconcile.refunds import counting
from reconcile.refunds.bank import match_statement
from reconcile.waiting import reconcile_waiting
from web import clock
from web.jobs.contract import JobResult

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def reconcile(context: JobContext) -> JobResult:
    """再照合 as of the day of the run; then the totals of the days, so that pages open at once."""
    engine, code = context.engine, context.municipality_code
    report = reconcile_waiting(engine, code, as_of=context.as_of, actor=context.actor)
    context.beat()
    with unit_of_work(engine, code) as connection:
        profile = load_profile(connection, code)
        moved = match_statement(
            connection, profile, on=context.as_of, by=context.actor, at=clock.now()
        )
    summarise(engine, code)
    seal_pending(engine, code)
    with unit_of_work(engine, code) as connection:
        counting.keep(connection, profile, context.as_of, clock.now())
    opened = sum(report.cases_opened.values())
    context.say(f"再照合: 入金の充当 {report.credits_settled:,}件 確認事項 {opened:,}件")
    if any(moved):
        context.say(f"還付: 出金 {len(moved.paid):,}件 組戻し {len(moved.returned):,}件")
    return JobResult(totals={"credits_settled": report.credits_settled, "cases_opened": opened})
