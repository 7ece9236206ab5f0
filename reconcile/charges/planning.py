"""分納の依頼・開始・見張り: agreed by one person or two, and looked at every night.

A plan that is paid ends; one of which a part has not come in time is broken, and a case says so: a
person decides whether collection goes on or a new plan is agreed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from payments import approve
from payments.domain.errors import RefusedError
from payments.domain.plans import Instalments, PlanPart, plan_parts
from payments.plans import KEPT, agree, end_plan, list_plans, owed_on, plans_on, standings
from payments.versions import Act
from reconcile import flag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.charges import PlaceKey
    from payments.domain.profile import Profile

KIND = "payment_plan"
BROKEN = "plan_broken"  # 確認事項
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Watched:
    """分納の見張りの結果."""

    kept: int
    ended: int
    broken: int


def content_of(
    connection: Connection,
    municipality_code: str,
    places: Sequence[PlaceKey],
    payments: Sequence[Instalments],
) -> dict[str, Any]:
    """分納の内容: the payments on what is open of these instalments now.

    Raises as :func:`payments.plans.owed_on` and :func:`payments.domain.plans.plan_parts` do, and
    :class:`RefusedError` ``plan_stands``.
    """
    _obligor_no, owed = owed_on(connection, municipality_code, places)
    stands = plans_on(connection, municipality_code, places)
    if stands:
        raise RefusedError("plan_stands", plan_no=stands[0])
    parts = plan_parts(owed, payments)
    return {
        "places": [list(place) for place in sorted(places)],
        "payments": [[each.due_on.isoformat(), each.amount_yen] for each in payments],
        "parts": [[p.due_on.isoformat(), p.notice_id, p.term, p.amount_yen] for p in parts],
        "amount_yen": sum(part.amount_yen for part in parts),
    }


def ask_plan(
    connection: Connection,
    profile: Profile,
    places: Sequence[PlaceKey],
    payments: Sequence[Instalments],
    *,
    asked_by: str,
    at: datetime,
    reason: str,
) -> Approval:
    """分納の依頼, where the profile wants two people."""
    content = content_of(connection, profile.municipality_code, places, payments)
    notice_id, term = min(places)
    return approve.ask(
        connection, profile.municipality_code, KIND, f"instalment:{notice_id}/{term}", content,
        asked_by=asked_by, at=at, reason=reason,
    )  # fmt: skip


def wish_in(content: dict[str, Any]) -> tuple[list[PlaceKey], list[Instalments]]:
    """分納の内容 as an approval says it: the instalments, and the payments."""
    places = [(int(notice_id), str(term)) for notice_id, term in content["places"]]
    payments = [Instalments(date.fromisoformat(on), int(yen)) for on, yen in content["payments"]]
    return places, payments


def carry_out(
    connection: Connection, profile: Profile, approval: Approval, *, on: date, at: datetime
) -> int:
    """分納の開始; :class:`RefusedError` ``approval_stale`` when what is open has changed."""
    content = content_of(connection, profile.municipality_code, *wish_in(approval.content))
    if approve.canonical(content) != approve.canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    parts = [PlanPart(date.fromisoformat(day), *rest) for day, *rest in content["parts"]]
    return agree(
        connection, profile, parts, Act(str(approval.decided_by), at, on),
        reason=approval.reason, approval_id=approval.approval_id,
    )  # fmt: skip


def begin(
    connection: Connection,
    profile: Profile,
    places: Sequence[PlaceKey],
    payments: Sequence[Instalments],
    act: Act,
    *,
    reason: str,
) -> int:
    """分納の開始 by one person; :class:`RefusedError` ``plan_two`` where two have to agree."""
    if profile.charges.plans_by_two:
        raise RefusedError("plan_two")
    content = content_of(connection, profile.municipality_code, places, payments)
    parts = [PlanPart(date.fromisoformat(day), *rest) for day, *rest in content["parts"]]
    return agree(connection, profile, parts, act, reason=reason)


def watch(connection: Connection, profile: Profile, on: date, act: Act) -> Watched:
    """分納の見張り: paid plans end, broken ones end with a case; run again, nothing more."""
    code = profile.municipality_code
    ended = broken = kept = 0
    below = 2**62
    while plans := list_plans(connection, code, state=KEPT, below=below, limit=_AT_ONCE):
        below = plans[-1].plan_no
        grace = profile.charges.plan_grace_days
        found = standings(connection, code, plans, on, grace_days=grace)
        for plan in plans:
            stands = found[plan.plan_no]
            if stands.is_paid:
                end_plan(connection, code, plan.plan_no, "ended", act, reason="完納")
                ended += 1
            elif stands.is_broken:
                missed = stands.missed_on.isoformat() if stands.missed_on else ""
                end_plan(connection, code, plan.plan_no, "broken", act, reason=f"{missed} 未納")
                case = flag.Case(
                    BROKEN, f"plan:{plan.plan_no}", stands.expected_yen - stands.paid_yen
                )
                flag.open_cases(connection, code, [case], on=on.isoformat(), actor=act.actor)
                broken += 1
            else:
                kept += 1
    return Watched(kept, ended, broken)
