"""口座振替の依頼: the first of the two people, for pages and commands alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments import approve
from reconcile.debit import release
from reconcile.debit.build import Act
from web import clock

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile


def act(actor: str) -> Act:
    """いまの機会: this person, now."""
    return Act(actor, clock.now(), clock.today())


def content(
    connection: Connection, profile: Profile, kind: str, batch_no: int, stopped: str
) -> dict[str, Any]:
    """依頼の内容 of this kind; raises what stands in the way."""
    if kind == release.RELEASE:
        return release.release_content(connection, profile, batch_no, today=clock.today())
    if kind == release.REPLACE:
        return release.replace_content(connection, profile, batch_no, stopped, today=clock.today())
    return release.withdraw_content(connection, profile, batch_no, stopped)


def ask(
    connection: Connection,
    profile: Profile,
    kind: str,
    batch_no: int,
    *,
    asked_by: str,
    reason: str,
    stopped: str = "",
) -> Approval:
    """依頼: raises what stands in the way, and ``approval_waiting``."""
    return approve.ask(
        connection,
        profile.municipality_code,
        kind,
        release.subject_of(batch_no),
        content(connection, profile, kind, batch_no, stopped.strip()),
        asked_by=asked_by,
        at=clock.now(),
        reason=reason,
    )
