"""時効の見張り: how many open instalments are prescribed soon, counted at night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.limitation import prescribing
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from web.jobs.contract import JobResult

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def limitation(context: JobContext) -> JobResult:
    """時効が近い期別 within the days that the body has set; those that are over are told apart."""
    code = context.municipality_code
    with reading(context.engine, code) as connection:
        profile = load_profile(connection, code)
        within = profile.dunning.limitation_days
        found = prescribing(connection, profile, context.as_of, within_days=within)
    over = [each for each in found if each.days_left(context.as_of) < 0]
    totals = {
        "prescribing": len(found),
        "prescribing_yen": sum(each.open_yen for each in found),
        "prescribed": len(over),
        "prescribed_yen": sum(each.open_yen for each in over),
        "within_days": within,
    }
    context.say(f"時効の見張り: {within}日のうちに時効となる未納 {len(found):,}件")
    return JobResult(totals=totals)
