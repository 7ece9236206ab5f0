"""期限の確認: what is late today: 確報 of a 速報, money of a remittance, letters of the 20 days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.report.dunning import dunning_preview
from reconcile.waiting import confirmations_overdue, remittances_overdue, wrong_instalments
from web.jobs.contract import JobResult

if TYPE_CHECKING:
    from web.jobs.contract import JobContext


def overdue(context: JobContext) -> JobResult:
    """期限の確認: numbers and yen; the cases themselves are opened by the reconciliation."""
    code = context.municipality_code
    with reading(context.engine, code) as connection:
        profile = load_profile(connection, code)
        confirmations = confirmations_overdue(connection, profile, context.as_of)
        remittances = remittances_overdue(connection, profile, context.as_of)
        wrong = wrong_instalments(connection, profile, context.as_of)
        context.beat()
        preview = dunning_preview(connection, profile, context.as_of, context.now)
    totals = {
        "confirmation_overdue": len(confirmations),
        "confirmation_overdue_yen": sum(case.amount_yen for case in confirmations),
        "remittance_overdue": len(remittances),
        "remittance_overdue_yen": sum(case.amount_yen for case in remittances),
        "wrong_instalment_suspected": len(wrong),
        "dunning_over_limit": preview.listed.over_limit,
    }
    context.say(
        f"期限の確認: 確報の遅れ {len(confirmations):,}件 入金の遅れ {len(remittances):,}件"
    )
    return JobResult(totals=totals)
