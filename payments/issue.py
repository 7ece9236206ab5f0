"""再発行・更正・失効: what happens to a slip after it was issued, one transaction each.

A change is a new version, never an alteration: the old slip is superseded and a payment on it is
still recognised (law.md B-04). First versions come from a print run (:mod:`payments.print_runs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.errors import NotFoundError, RefusedError
from payments.domain.reason import require_reason
from payments.domain.slip import WHOLE_YEAR, SlipEvent, SlipState, next_state
from payments.store.charge_tables import is_plan_slip
from payments.versions import (
    OPEN_YEN,
    Act,
    Ending,
    Issue,
    Issued,
    draft,
    end_versions,
    places_of,
    write_versions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row

    from payments.domain.profile import Profile
    from payments.versions import Place, SlipDraft

BATCH_PLACES = 5_000


@dataclass(frozen=True, slots=True)
class Corrected:
    """更正の結果: how many slips were replaced, and how many ended without a successor."""

    replaced: int
    cancelled: int  # the assessment is cancelled
    unusable: int  # paid the other way (全期 or 期別), or a 全期 slip with one part left


@dataclass(frozen=True, slots=True)
class CorrectionScope:
    """更正の対象: empty fields leave everything in."""

    item_code: str = ""
    levy_year: int | None = None
    notice_no: str = ""


def reissue(
    connection: Connection, profile: Profile, slip_no: str, act: Act, *, reason: str
) -> Issued:
    """再発行: a new version of this very slip over what is left to pay now.

    The new one has an eL number and a free area of its own and works everywhere once its data has
    reached the hub; the old one is superseded. Raises :class:`NotFoundError` ``slip``,
    :class:`RefusedError` ``slip_state`` when it stands no longer (somebody else was faster), or
    the code of :attr:`payments.versions.Place.refusal`.
    """
    reason = require_reason(reason)
    place = _standing_place(connection, profile, slip_no, SlipEvent.SUPERSEDED)
    if place.refusal:
        raise RefusedError(place.refusal, slip_no=slip_no)
    return write_versions(connection, profile, [Issue(place, SlipEvent.REISSUED, reason)], act)[0]


def reissue_preview(connection: Connection, profile: Profile, slip_no: str, act: Act) -> SlipDraft:
    """再発行の下見: what :func:`reissue` would issue now; its numbers are none. Writes nothing.

    Raises as :func:`reissue` does.
    """
    place = _standing_place(connection, profile, slip_no, SlipEvent.SUPERSEDED)
    if place.refusal:
        raise RefusedError(place.refusal, slip_no=slip_no)
    return draft(profile, Issue(place, SlipEvent.REISSUED), act)


def revoke(
    connection: Connection, profile: Profile, slip_no: str, act: Act, *, reason: str
) -> None:
    """失効: this slip ends without a successor; older versions never come back in its place.

    Raises as :func:`reissue` does.
    """
    reason = require_reason(reason)
    place = _standing_place(connection, profile, slip_no, SlipEvent.REVOKED)
    end_versions(connection, profile.municipality_code, _revocations(place, reason), act)


def correct(
    connection: Connection,
    profile: Profile,
    act: Act,
    *,
    scope: CorrectionScope | None = None,
    reason: str = "",
) -> Corrected:
    """更正: every current slip whose amount is no longer what is left to pay is replaced.

    Slips of cancelled assessments are revoked. So are slips that nobody can pay rightly any more,
    so that the hub takes no second payment on them (law.md I24): 全期 slips whose notice is being
    paid by 期別 slips or has a single instalment open, and 期別 slips that the 全期 slip has
    settled; their reason is what happened, that of the others ``reason``. A slip that has been paid
    itself stays as it is. Run again, there is nothing left.
    """
    scope = scope or CorrectionScope()
    replaced = cancelled = unusable = 0
    for keys in _differing(connection, profile.municipality_code, scope):
        issues: list[Issue] = []
        endings: list[Ending] = []
        for place in places_of(connection, profile.municipality_code, keys).values():
            if place.current is None or place.current.amount_yen == place.to_pay_yen:
                continue
            if not place.refusal:
                issues.append(Issue(place, SlipEvent.CORRECTED, reason))
            elif place.refusal == "assessment_cancelled":
                endings += _revocations(place, place.refusal)
                cancelled += 1
            elif place.refusal != "slip_nothing_due":
                endings += _revocations(place, place.refusal)
                unusable += 1
        replaced += len(issues)
        write_versions(connection, profile, issues, act)
        end_versions(connection, profile.municipality_code, endings, act)
    return Corrected(replaced, cancelled, unusable)


def slip_place(connection: Connection, municipality_code: str, slip_no: str) -> Row[Any]:
    """納付書の所在: what it is for, and its state; :class:`NotFoundError` ``slip``."""
    row = connection.execute(
        text(
            "SELECT slip_id, notice_id, term, version, state FROM slip "
            "WHERE municipality_code = :m AND slip_no = :slip_no"
        ),
        {"m": municipality_code, "slip_no": slip_no},
    ).one_or_none()
    if row is None:
        raise NotFoundError("slip", slip_no=slip_no)
    return row


def _standing_place(
    connection: Connection, profile: Profile, slip_no: str, event: SlipEvent
) -> Place:
    """The place of a slip that still stands; ``slip_state`` when another took its place."""
    slip = slip_place(connection, profile.municipality_code, slip_no)
    key = (slip.notice_id, slip.term)
    place = places_of(connection, profile.municipality_code, [key])[key]
    next_state(SlipState(slip.state), event)
    if place.current is None or place.current.slip_id != slip.slip_id:
        raise RefusedError("slip_state", state=SlipState.SUPERSEDED.value, event=event.value)
    return place


def _revocations(place: Place, reason: str) -> list[Ending]:
    """The current version ends; lower ones that a register left in state new end with it."""
    *older, current = place.standing
    return [
        *(Ending(v.slip_id, SlipEvent.SUPERSEDED, reason, current.slip_id) for v in older),
        Ending(current.slip_id, SlipEvent.REVOKED, reason),
    ]


def _differing(
    connection: Connection, municipality_code: str, scope: CorrectionScope
) -> Iterator[list[tuple[int, str]]]:
    """Places with a slip in state new over another amount than is open, or paid the other way.

    Each batch goes on behind the last place of the one before, so that what was looked at once is
    not looked at again.
    """
    conditions = {
        "item_code": "n.item_code = :item_code",
        "levy_year": "n.levy_year = :levy_year",
        "notice_no": "n.notice_no = :notice_no",
    }
    chosen = {name: getattr(scope, name) for name in conditions if getattr(scope, name)}
    narrowed = "".join(f" AND {conditions[name]}" for name in chosen)
    statement = text(
        f"""SELECT s.notice_id, s.term
            FROM slip s
            JOIN notice n ON n.municipality_code = s.municipality_code AND n.notice_id = s.notice_id
            JOIN instalment_account a ON a.municipality_code = s.municipality_code
             AND a.notice_id = s.notice_id
             AND (a.term = s.term OR (s.term = '{WHOLE_YEAR}' AND a.in_group))
            WHERE s.municipality_code = :m AND s.state = 'new' AND NOT {is_plan_slip("s")}
              AND s.notice_id >= :notice_id AND (s.notice_id > :notice_id OR s.term > :term)
              {narrowed}
            GROUP BY s.notice_id, s.term, s.slip_id, s.amount_yen
            HAVING (SUM({OPEN_YEN}) > 0 AND SUM({OPEN_YEN}) <> s.amount_yen)
                OR SUM(a.amount_yen) = 0
                OR (s.term = '{WHOLE_YEAR}' AND SUM(a.term_yen) > 0)
                OR (s.term <> '{WHOLE_YEAR}' AND SUM({OPEN_YEN}) <= 0 AND SUM(a.whole_yen) > 0)
            ORDER BY s.notice_id, s.term LIMIT {BATCH_PLACES}"""
    )
    notice_id, term = 0, ""
    while True:
        rows = connection.execute(
            statement, {"m": municipality_code, "notice_id": notice_id, "term": term, **chosen}
        ).all()
        if not rows:
            return
        notice_id, term = rows[-1]
        yield [(row.notice_id, row.term) for row in rows]
