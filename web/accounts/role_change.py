"""役割の変更: who gets a role that decides about something gets it from two people (R10).

To give up roles, or to look on (監査), one administrator is enough. Somebody new who is to decide
waits outside, without roles, until the second person has agreed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments import approve
from payments.domain.errors import RefusedError
from web import clock
from web.accounts import staff
from web.duties import DECIDING, ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from payments.approve import Approval
    from web.accounts.staff import StaffUser

KIND = "user_roles"


def needs_second(before: Iterable[str], after: Iterable[str]) -> bool:
    """二人の承認が要るか: whether somebody could decide more than before."""
    return bool((frozenset(after) - frozenset(before)) & DECIDING)


def content_of(user: StaffUser, roles: Iterable[str]) -> dict[str, Any]:
    """変更の内容: the person as they are, and the roles they are to have."""
    wanted = frozenset(roles)
    return {
        "user_name": user.user_name,
        "before": list(user.roles),
        "after": [role for role in ROLES if role in wanted],
        "enters": user.disabled,  # and may sign in from then on
    }


def change(
    connection: Connection,
    municipality_code: str,
    user: StaffUser,
    roles: Iterable[str],
    *,
    by: str,
    reason: str,
) -> Approval | None:
    """変更する: at once, or ask a second person; the request, if there is one.

    Raises what :func:`web.accounts.staff.set_roles` and :func:`payments.approve.ask` raise.
    """
    wanted = staff.known_roles(roles)
    if not needs_second(() if user.disabled else user.roles, wanted):
        staff.set_roles(connection, municipality_code, user.user_name, wanted, by=by)
        if user.disabled:
            staff.enable(connection, municipality_code, user.user_name)
        return None
    return approve.ask(
        connection,
        municipality_code,
        KIND,
        user.user_name,
        content_of(user, wanted),
        asked_by=by,
        at=clock.now(),
        reason=reason,
    )


def content_now(
    connection: Connection, municipality_code: str, approval: Approval
) -> dict[str, Any]:
    """What would be asked for now; :class:`NotFoundError` ``user``."""
    user = staff.one(connection, municipality_code, approval.content["user_name"])
    return content_of(user, approval.content["after"])


def carry_out(connection: Connection, municipality_code: str, approval: Approval) -> None:
    """変更の実行; nobody agrees to roles of their own (``approval_own_roles``)."""
    content = approval.content
    if approval.decided_by == content["user_name"]:
        raise RefusedError("approval_own_roles", user_name=content["user_name"])
    staff.set_roles(
        connection,
        municipality_code,
        content["user_name"],
        content["after"],
        by=approval.decided_by or "",
    )
    if content["enters"]:
        staff.enable(connection, municipality_code, content["user_name"])


def others_who_decide(users: Iterable[StaffUser], user_name: str) -> list[StaffUser]:
    """Who could be the second person: in force, another, and of a role that decides about it."""
    return [
        user
        for user in users
        if user.user_name != user_name
        and not user.disabled
        and not frozenset({"admin", "approver"}).isdisjoint(user.roles)
    ]
