"""承認の決定: one person decides what another asked for; the one way in for pages and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments import approve
from payments.release import KIND as RELEASE
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.approval_effects import decide_and_do
from web.approval_roles import require_decider
from web.printing.report import rewrite_report

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from payments.approve import Approval
    from web.accounts.staff import StaffUser


def decide_as(
    engine: Engine,
    municipality_code: str,
    approval_id: int,
    decision: str,
    *,
    person: StaffUser,
    note: str = "",
    source: str = "cli",
) -> Approval:
    """承認・却下 by ``person``: decided, done and recorded in one transaction, or nothing of it.

    Raises :class:`RefusedError` ``approval_role``, and what
    :func:`web.approval_effects.decide_and_do` raises.
    """
    with unit_of_work(engine, municipality_code) as connection:
        require_decider(person, approve.show(connection, municipality_code, approval_id).kind)
        approval = decide_and_do(
            connection,
            load_profile(connection, municipality_code),
            approval_id,
            decision,
            decided_by=person.user_name,
            note=note,
        )
        staff.record(
            connection,
            municipality_code,
            person.user_name,
            f"approval_{approval.state}",
            str(approval_id),
            source,
        )
    if approval.kind == RELEASE:
        rewrite_report(engine, municipality_code, int(approval.content["run_id"]))
    return approval
