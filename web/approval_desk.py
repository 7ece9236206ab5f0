"""承認の決定と取下げ: the one way in for pages and commands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from payments import approve
from payments.domain.errors import RefusedError
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

# What lets one person sign in as another, and how long its owner has to notice.
LENDING = ("password_reset", "second_factor_dropped")
LENT = timedelta(days=7)


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

    Raises :class:`RefusedError` ``approval_role`` or ``approval_lent``, and what
    :func:`web.approval_effects.decide_and_do` raises.
    """
    with unit_of_work(engine, municipality_code) as connection:
        asked = approve.show(connection, municipality_code, approval_id)
        require_decider(person, asked.kind)
        if decision == "approved":
            _require_two_people(connection, municipality_code, asked.asked_by, person.user_name)
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


def _require_two_people(
    connection: Connection, municipality_code: str, asked_by: str, decided_by: str
) -> None:
    """二人であること: neither has just been given the way in by the other (R10).

    Who sets somebody's password anew could sign in as them, and be both people. Raises
    :class:`RefusedError` ``approval_lent``.
    """
    events = staff.events.c
    lent = [
        and_(events.actor == giver, events.subject == taker)
        for giver, taker in ((asked_by, decided_by), (decided_by, asked_by))
    ]
    found = connection.execute(
        select(events.event_id)
        .where(
            events.municipality_code == municipality_code,
            events.happened_at > clock.now() - LENT,
            events.event.in_(LENDING),
            or_(*lent),
        )
        .limit(1)
    )
    if found.first() is not None:
        raise RefusedError("approval_lent", asked_by=asked_by, user_name=decided_by, days=LENT.days)


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
