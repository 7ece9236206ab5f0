"""承認の決定と取下げ: the one way in for pages and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments import approve
from payments.release import KIND as RELEASE
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from web import clock
from web.accounts import staff
from web.approval_effects import decide_and_do
from web.approval_roles import require_decider
from web.printing.report import rewrite_report

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

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
        _written_down(connection, municipality_code, person, approval, source)
    if approval.kind == RELEASE:
        rewrite_report(engine, municipality_code, int(approval.content["run_id"]))
    return approval


def recall_as(
    engine: Engine,
    municipality_code: str,
    approval_id: int,
    *,
    person: StaffUser,
    note: str,
    source: str = "cli",
) -> Approval:
    """取下げ by ``person``, who asked; raises what :func:`payments.approve.recall` raises."""
    with unit_of_work(engine, municipality_code) as connection:
        approval = approve.recall(
            connection,
            municipality_code,
            approval_id,
            recalled_by=person.user_name,
            at=clock.now(),
            note=note,
        )
        _written_down(connection, municipality_code, person, approval, source)
    return approval


def _written_down(
    connection: Connection,
    municipality_code: str,
    person: StaffUser,
    approval: Approval,
    source: str,
) -> None:
    """操作記録 of how a request ended."""
    staff.record(
        connection,
        municipality_code,
        person.user_name,
        f"approval_{approval.state}",
        str(approval.approval_id),
        source,
    )
