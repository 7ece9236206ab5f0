"""承認の実行: what is done when the second person agrees, in the same transaction.

A kind of approval that takes effect at once has its line in :data:`EFFECTS`. If what was asked for
is no longer so, nothing is decided and nothing is done: the first person asks again.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from payments import approve
from payments.domain.errors import RefusedError
from payments.release import KIND as RELEASE
from payments.release import release
from payments.store.municipalities import set_live
from reconcile import certificate as certifying
from reconcile import day_close
from reconcile.arrivals import rules as arrival_rules
from reconcile.charges import planning, waiving, write_offs
from reconcile.debit import release as debit_release
from reconcile.dunning import release as dunning_release
from reconcile.dunning.draw import DESPITE as DUNNING_DESPITE
from reconcile.placement import credit_placing, placing
from reconcile.placement.credit_ask import KIND as CREDIT_PLACEMENT
from reconcile.placement_model import KIND as PLACEMENT
from web import clock
from web.accounts import role_change
from web.admin import parameters
from web.debits.asking import act
from web.notifications.outlook import require_booked
from web.refunds import approving as refund_approving
from web.residents import linking
from web.retention import letting_go
from web.slip_release import content_to_release

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile

LIVE = "municipality_live"


def live_content(profile: Profile) -> dict[str, object]:
    """本番への切替の内容: which profile goes live."""
    return {"live": True, "name": profile.name, "profile_version": profile.version}


def decide_and_do(
    connection: Connection,
    profile: Profile,
    approval_id: int,
    decision: str,
    *,
    decided_by: str,
    note: str = "",
) -> Approval:
    """承認・却下, and with an approval what was asked for.

    Raises what :func:`payments.approve.decide` raises, what the effect raises, and
    :class:`RefusedError` ``approval_stale`` when something has changed since it was asked.
    """
    approval = approve.decide(
        connection,
        profile.municipality_code,
        approval_id,
        decision,
        decided_by=decided_by,
        at=clock.now(),
        note=note,
    )
    if approval.decision == "approved" and approval.kind in EFFECTS:
        EFFECTS[approval.kind](connection, profile, approval)
    return approval


def _release(connection: Connection, profile: Profile, approval: Approval) -> None:
    """The run leaves the building, if it is still just what was asked for."""
    run_id = int(approval.content["run_id"])
    content = content_to_release(connection, profile, run_id)
    _require_same(approval, content)
    release(connection, profile.municipality_code, run_id, at=clock.now())


def _live(connection: Connection, profile: Profile, approval: Approval) -> None:
    """Slips are printed without 見本 from now on."""
    _require_same(approval, live_content(profile))
    set_live(connection, profile.municipality_code, live=True)


def _require_same(approval: Approval, content: dict[str, object]) -> None:
    """What would be done now is what was asked for."""
    if approve.canonical(content) != approve.canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)


def _close(connection: Connection, profile: Profile, approval: Approval) -> None:
    """A day or a year is closed or re-opened; its figures are compared there."""
    if not approval.content.get("despite"):
        require_booked(
            connection.engine, profile.municipality_code, approval.kind, approval.subject
        )
    day_close.carry_out(connection, profile.municipality_code, approval)


def _place(connection: Connection, profile: Profile, approval: Approval) -> None:
    """A payment's money goes to another place, if it still stands as it did."""
    placing.carry_out(connection, profile, approval, on=clock.today())


def _place_credit(connection: Connection, profile: Profile, approval: Approval) -> None:
    """A bank credit is linked or taken apart, if it still stands as it did."""
    credit_placing.carry_out(connection, profile, approval, on=clock.today())


def _arrival_rules(connection: Connection, profile: Profile, approval: Approval) -> None:
    """The calendar of arrivals is what was decided: that it still fits is all there is to do."""
    asked = arrival_rules.rules_in(approval)
    content = arrival_rules.content_of(connection, profile, asked, approval.approval_id)
    _require_same(approval, content)


def _parameters(connection: Connection, profile: Profile, approval: Approval) -> None:
    """The settings of the body change when their day has come, perhaps at once."""
    code = profile.municipality_code
    _require_same(approval, parameters.content_now(connection, code, approval))
    parameters.take_effect(connection, code, clock.today())


def _user_roles(connection: Connection, profile: Profile, approval: Approval) -> None:
    """Somebody gets other roles, if they still are who they were."""
    code = profile.municipality_code
    _require_same(approval, role_change.content_now(connection, code, approval))
    role_change.carry_out(connection, code, approval)


def _dunning(connection: Connection, profile: Profile, approval: Approval) -> None:
    """The letters of a list come into being, if it is just what was drawn."""
    dunning_release.carry_out(connection, profile.municipality_code, approval, on=clock.today())


def _dunning_despite(connection: Connection, profile: Profile, approval: Approval) -> None:
    """A list may be drawn over just these gaps; the draw itself asks what was decided."""
    as_of = date.fromisoformat(str(approval.content["as_of"]))
    content = dunning_release.despite_content(connection, profile, as_of, clock.now())
    _require_same(approval, content)


def _debit(connection: Connection, profile: Profile, approval: Approval) -> None:
    """A batch of debits is released, replaced or withdrawn, if it is still what was asked for."""
    now = debit_release.content_now(connection, profile, approval, today=clock.today())
    _require_same(approval, now)
    debit_release.carry_out(connection, profile, approval, act(str(approval.decided_by)))


def _write_off(connection: Connection, profile: Profile, approval: Approval) -> None:
    """Claims are given up, if they still stand as they did."""
    write_offs.carry_out(connection, profile, approval, on=clock.today())


def _write_off_reversal(connection: Connection, profile: Profile, approval: Approval) -> None:
    """A claim is owed again."""
    code = profile.municipality_code
    write_offs.carry_out_reversal(connection, code, approval, on=clock.today())


def _waive(connection: Connection, profile: Profile, approval: Approval) -> None:
    """A late charge is waived; the next run books it."""
    waiving.carry_out(connection, profile.municipality_code, approval)


def _plan(connection: Connection, profile: Profile, approval: Approval) -> None:
    """Partial payments are agreed, if what is open is still the same."""
    planning.carry_out(connection, profile, approval, on=clock.today(), at=clock.now())


def _resident_link(connection: Connection, profile: Profile, approval: Approval) -> None:
    """A resident sees the figures of the person from now on, if nothing has changed."""
    code = profile.municipality_code
    found = linking.request_of(connection, None, code, int(approval.subject))
    _require_same(approval, linking.content_of(found))
    actor = approval.decided_by or ""
    linking.decide(connection, code, found, linking.LINKED, actor=actor, note=approval.reason)


def _certificate(connection: Connection, profile: Profile, approval: Approval) -> None:
    """Certificates of this day, as long as just these files are missing: that is all it does."""
    day = date.fromisoformat(str(approval.content["on"]))
    _require_same(approval, certifying.despite_content(connection, profile, day, clock.now()))


EFFECTS: dict[str, Callable[[Connection, Profile, Approval], None]] = {
    RELEASE: _release,
    LIVE: _live,
    PLACEMENT: _place,
    dunning_release.KIND: _dunning,
    DUNNING_DESPITE: _dunning_despite,
    CREDIT_PLACEMENT: _place_credit,
    arrival_rules.KIND: _arrival_rules,
    role_change.KIND: _user_roles,
    parameters.KIND: _parameters,
    linking.KIND: _resident_link,
    certifying.KIND: _certificate,
    **dict.fromkeys(debit_release.KINDS, _debit),
    **refund_approving.EFFECTS,
    waiving.KIND: _waive,
    planning.KIND: _plan,
    letting_go.KIND: letting_go.carry_out,
    write_offs.KIND: _write_off,
    write_offs.REVERSAL_KIND: _write_off_reversal,
    **dict.fromkeys(day_close.KINDS, _close),
}
