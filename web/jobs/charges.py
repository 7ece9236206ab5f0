"""延滞金の調定と分納の見張り: what is certain becomes a claim, and plans are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from payments.versions import Act
from reconcile.audit.seal import seal_pending
from reconcile.charges.booking import book_charges
from reconcile.charges.planning import watch
from reconcile.dunning.sent import book_sent_fees
from web.jobs.contract import JobResult

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def charges(context: JobContext) -> JobResult:
    """延滞金の調定 of all touched since the last run, fees of letters that lack it, and plans."""
    engine, code = context.engine, context.municipality_code
    fees = book_sent_fees(engine, code, on=context.as_of, actor=context.actor)
    booked = book_charges(engine, code, on=context.as_of, actor=context.actor)
    context.beat()
    with unit_of_work(engine, code) as connection:
        act = Act(context.actor, context.now, context.as_of)
        watched = watch(connection, load_profile(connection, code), context.as_of, act)
    seal_pending(engine, code)
    context.say(f"延滞金の調定: {booked.count:,}件 分納の不履行 {watched.broken:,}件")
    return JobResult(
        totals={
            "charges_booked": booked.count,
            "charges_booked_yen": booked.yen,
            "fees_booked": fees.count,
            "plans_kept": watched.kept,
            "plans_ended": watched.ended,
            "plans_broken": watched.broken,
        }
    )
