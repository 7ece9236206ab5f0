"""承認の役割: which roles may ask for a kind of approval, and which may decide it (R10).

The one table for pages and commands. That the second person is not the first one again is no
matter of roles: :mod:`payments.approve` and the database see to that. A kind that has no line here
is nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.approve import WAITING
from payments.domain.errors import RefusedError
from payments.release import KIND as RELEASE
from reconcile import day_close
from reconcile.arrivals.rules import KIND as ARRIVAL_RULES
from reconcile.certificate import KIND as CERTIFICATE
from reconcile.charges import planning, waiving, write_offs
from reconcile.debit.release import KINDS as DEBITS
from reconcile.dunning.draw import DESPITE as DUNNING_DESPITE
from reconcile.dunning.release import KIND as DUNNING
from reconcile.placement.credit_ask import KIND as CREDIT_PLACEMENT
from reconcile.placement_model import APPROPRIATION
from reconcile.placement_model import KIND as PLACEMENT
from reconcile.refunds import decide as refund
from reconcile.refunds import release as refund_release
from reconcile.refunds import withdraw as refund_withdraw
from web.accounts.role_change import KIND as USER_ROLES
from web.admin.parameters import KIND as PARAMETERS
from web.approval_effects import LIVE
from web.duties import Do, can, holds
from web.residents.linking import KIND as RESIDENT_LINK
from web.retention.letting_go import KIND as RETENTION

if TYPE_CHECKING:
    from payments.approve import Approval
    from web.accounts.staff import StaffUser


@dataclass(frozen=True, slots=True)
class Duty:
    """担当: the roles that ask, and those that decide."""

    asks: tuple[str, ...]
    decides: tuple[str, ...]


_WORKS = ("slips", "collection", "treasury")
_TREASURY = Duty(("treasury",), ("treasury", "approver"))
_NOBODY = Duty((), ())

DUTIES: dict[str, Duty] = {
    # Paper is the slip desk's; that it leaves the building the others may countersign.
    RELEASE: Duty(("slips",), (*_WORKS, "approver")),
    LIVE: Duty(("slips", "admin"), (*_WORKS, "approver")),
    # Both divisions work the cases of what residents paid.
    PLACEMENT: Duty(("collection", "treasury"), ("collection", "treasury", "approver")),
    # Who knows the payer may ask; money on the bank account is the treasury's to decide.
    CREDIT_PLACEMENT: Duty(("collection", "treasury"), ("treasury", "approver")),
    # Letters are the collectors' to draw; that they may go the others countersign, too.
    DUNNING: Duty(("collection",), ("collection", "treasury", "approver")),
    DUNNING_DESPITE: Duty(("collection",), ("treasury", "approver")),
    # Money that goes back: who knows the person may ask, the treasury decides and pays.
    APPROPRIATION: Duty(("collection", "treasury"), ("collection", "treasury", "approver")),
    **dict.fromkeys(
        (refund.KIND, refund.CANCEL), Duty(("collection", "treasury"), ("treasury", "approver"))
    ),
    **dict.fromkeys((refund_release.KIND, refund_withdraw.KIND), _TREASURY),
    # Which files are awaited decides what may be closed.
    ARRIVAL_RULES: _TREASURY,
    # Whose figures somebody sees: who knows the person at the counter, and a second one.
    RESIDENT_LINK: Duty(("slips", "collection"), ("slips", "collection", "approver")),
    # What the books are kept by; who looks after the machine may prepare it.
    PARAMETERS: Duty(("treasury", "admin"), ("treasury", "approver")),
    # Rights are given by who looks after people, and by a second one.
    USER_ROLES: Duty(("admin",), ("admin", "approver")),
    # A certificate although a channel is behind: who answers for it knows both sides.
    CERTIFICATE: Duty(_WORKS, ("treasury", "approver")),
    # Money that is taken from people's accounts: both divisions prepare it, two people send it.
    **dict.fromkeys(DEBITS, Duty(("collection", "treasury"), ("treasury", "approver"))),
    # Who collects asks that less is collected; another of them, or the treasury, agrees.
    **dict.fromkeys(
        (waiving.KIND, planning.KIND), Duty(("collection",), ("collection", "treasury", "approver"))
    ),
    # What is given up for good leaves the books of the treasury.
    **dict.fromkeys(
        (write_offs.KIND, write_offs.REVERSAL_KIND),
        Duty(("collection",), ("treasury", "approver")),
    ),
    **dict.fromkeys(day_close.KINDS, _TREASURY),
    # What is no longer needed goes for good; it was archived and read back before.
    RETENTION: Duty(("treasury", "admin"), ("treasury", "approver")),
}


def duty(kind: str) -> Duty:
    """担当 of a kind of approval."""
    return DUTIES.get(kind, _NOBODY)


def readable_kinds(person: StaffUser) -> list[str]:
    """読める種類: all for who may read details; else what the person asks for or decides."""
    return [
        kind
        for kind, found in DUTIES.items()
        if can(person, Do.READ_DETAILS) or holds(person, (*found.asks, *found.decides))
    ]


def may_read(person: StaffUser, kind: str) -> bool:
    """読めるか: an approval of this kind; who may read details reads also what nobody named."""
    return can(person, Do.READ_DETAILS) or kind in readable_kinds(person)


def may_decide(person: StaffUser, approval: Approval) -> bool:
    """決定できるか: whether it waits for a second person, and this is one who may be it."""
    return (
        approval.state == WAITING
        and not is_own(person, approval)
        and holds(person, duty(approval.kind).decides)
    )


def is_own(person: StaffUser, approval: Approval) -> bool:
    """自分の依頼: whether this person asked for it."""
    return approval.asked_by.casefold() == person.user_name.casefold()


def require_asker(person: StaffUser, kind: str) -> None:
    """依頼できる役割か: :class:`RefusedError` ``approval_role`` when the role may not ask."""
    _require(person, kind, duty(kind).asks)


def require_decider(person: StaffUser, kind: str) -> None:
    """決定できる役割か: :class:`RefusedError` ``approval_role`` when the role may not decide."""
    _require(person, kind, duty(kind).decides)


def _require(person: StaffUser, kind: str, roles: tuple[str, ...]) -> None:
    if not holds(person, roles):
        raise RefusedError("approval_role", user_name=person.user_name, kind=kind, roles=roles)
