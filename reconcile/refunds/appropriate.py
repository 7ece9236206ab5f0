"""充当: an overpayment settles what the same person owes and is due, before anything is paid back.

The law says that it must (地方税法17条の2①), in which order, and with effect from when
(:func:`payments.domain.overpayment.appropriate`). One person asks for what is proposed here,
another decides, and the money is placed as any other (:mod:`reconcile.placement`); so it is undone
in the same way. What a correction left over is split off from the payments behind it, the latest
first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments import approve
from payments.charges import charges_among
from payments.domain.errors import RefusedError
from payments.domain.overpayment import OverpaymentReason, Owed, Share, appropriate
from payments.versions import as_day
from reconcile.placement.ask import asked_placement, content_of, place_of, placement_view
from reconcile.placement.named import settling
from reconcile.placement.placing import place
from reconcile.placement_model import APPROPRIATION, Part, Placement, subject_of
from reconcile.refunds.found import Overpayment, overpayment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.placement.ask import PlacementView

KIND = APPROPRIATION

_OWED = """
SELECT a.notice_id, a.term, i.due_on,
    a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen AS open_yen
FROM notice n CROSS JOIN instalment_account a CROSS JOIN instalment i
WHERE n.municipality_code = :m AND n.obligor_no = :obligor_no
  AND a.municipality_code = :m AND a.notice_id = n.notice_id
  AND a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen > 0
  AND i.municipality_code = :m AND i.notice_id = a.notice_id AND i.term = a.term
  AND (i.due_on <= :as_of OR (n.notice_id = :meant AND a.term <> :term))
ORDER BY i.due_on, a.notice_id, a.term"""


class Line(NamedTuple):
    """充当の一部 as people read it."""

    place: str  # 科目/賦課年度/通知書番号/期別
    is_charge: bool
    open_yen: int
    share: Share


class Proposal(NamedTuple):
    """充当の提案: what would be settled, and by which payments the money came."""

    overpayment: Overpayment
    lines: tuple[Line, ...]
    placements: tuple[Placement, ...]  # one for each payment whose money moves

    @property
    def appropriated_yen(self) -> int:
        """充当額."""
        return sum(line.share.amount_yen for line in self.lines)

    @property
    def rest_yen(self) -> int:
        """還付へ回る額."""
        return self.overpayment.waiting_yen - self.appropriated_yen


def owed_by(
    connection: Connection, municipality_code: str, found: Overpayment, as_of: date
) -> list[Owed]:
    """納期限の来た未納 of the person, charges marked.

    Who paid with the slip of a wrong 期 meant another one of that notice, due or not.
    """
    wrong = found.reason is OverpaymentReason.WRONG_INSTALMENT
    meant = found.notice_id if wrong else 0
    scope = {
        "m": municipality_code, "obligor_no": found.obligor_no, "as_of": as_of.isoformat(),
        "meant": meant, "term": found.term,
    }  # fmt: skip
    rows: list[Any] = list(connection.execute(text(_OWED), scope))
    charges = charges_among(
        connection, municipality_code, [(row.notice_id, row.term) for row in rows]
    )
    return [
        Owed(
            row.notice_id,
            row.term,
            as_day(row.due_on),
            int(row.open_yen),
            is_charge=(row.notice_id, row.term) in charges,
            is_meant=row.notice_id == meant,
        )
        for row in rows
    ]


def proposal(connection: Connection, profile: Profile, subject: str, as_of: date) -> Proposal:
    """充当の提案 for what waits of an overpayment; without lines where nothing is due.

    Raises :class:`NotFoundError` ``overpayment``.
    """
    code = profile.municipality_code
    found = overpayment(connection, profile, subject, as_of)
    owed = owed_by(connection, code, found, as_of)
    shares = appropriate(
        max(found.waiting_yen, 0), found.arose_on, owed, as_of,
        newest_first=profile.refunds.newest_first,
    )  # fmt: skip
    facts = {(each.notice_id, each.term): each for each in owed}
    lines = tuple(
        Line(
            place_of(connection, code, share.notice_id, share.term),
            facts[share.notice_id, share.term].is_charge,
            facts[share.notice_id, share.term].open_yen,
            share,
        )
        for share in shares
    )
    return Proposal(found, lines, tuple(_placements(connection, code, found, shares)))


def _placements(
    connection: Connection, code: str, found: Overpayment, shares: Iterable[Share]
) -> list[Placement]:
    """The shares as money of the payments that hold it, the latest payment first."""
    left = [Part(share.notice_id, share.term, share.amount_yen) for share in shares]
    if not left:
        return []
    if found.file_id:
        view = placement_view(connection, code, found.file_id, found.line_no)
        return [_placement(view, left, free={})]
    views = settling(connection, code, found.notice_id, found.term)
    views.sort(key=lambda view: (str(view.paid_on), view.file_id, view.line_no), reverse=True)
    surplus, placements = found.waiting_yen, []
    here = (found.notice_id, found.term)
    for view in views:
        mine = sum(p.amount_yen for p in view.parts if (p.notice_id, p.term) == here)
        takes, left = _first(left, min(mine, surplus))
        if takes:
            yen = sum(part.amount_yen for part in takes)
            surplus -= yen
            placements.append(_placement(view, takes, free={here: yen}))
    return placements


def _placement(
    view: PlacementView, new: Iterable[Part], free: dict[tuple[int, str], int]
) -> Placement:
    """Where the money of a payment stands, less what is ``free`` of it, and the new parts."""
    yen: dict[tuple[int, str], int] = {}
    for part in view.parts:
        place_ = (part.notice_id, part.term)
        yen[place_] = yen.get(place_, 0) + part.amount_yen - free.get(place_, 0)
    for one in new:
        yen[one.notice_id, one.term] = yen.get((one.notice_id, one.term), 0) + one.amount_yen
    parts = tuple(Part(*place_, amount) for place_, amount in yen.items() if amount > 0)
    return Placement(view.file_id, view.line_no, parts)


def _first(parts: list[Part], yen: int) -> tuple[list[Part], list[Part]]:
    """So many yen of the parts, and what is left of them."""
    takes, left = list[Part](), list[Part]()
    for part in parts:
        now = min(part.amount_yen, yen)
        yen -= now
        if now:
            takes.append(part._replace(amount_yen=now))
        if part.amount_yen > now:
            left.append(part._replace(amount_yen=part.amount_yen - now))
    return takes, left


# ---- two people ----


def ask_appropriation(
    connection: Connection,
    profile: Profile,
    subject: str,
    *,
    as_of: date,
    asked_by: str,
    at: datetime,
    reason: str,
) -> list[Approval]:
    """充当の依頼: just what :func:`proposal` says, one request for each payment that it moves.

    Raises :class:`RefusedError` ``refund_not_classed`` or ``appropriation_nothing``, and what
    :func:`reconcile.placement.ask.content_of` and :func:`payments.approve.ask` raise.
    """
    found = proposal(connection, profile, subject, as_of)
    if found.overpayment.reason is None:
        raise RefusedError("refund_not_classed", subject=subject)
    if not found.lines:
        raise RefusedError("appropriation_nothing", subject=subject)
    asked = []
    for placement in found.placements:
        content = _content(connection, profile, found, placement)
        asked.append(
            approve.ask(
                connection,
                profile.municipality_code,
                KIND,
                subject_of(placement.file_id, placement.line_no),
                content,
                asked_by=asked_by,
                at=at,
                reason=reason,
            )
        )
    return asked


def _content(
    connection: Connection, profile: Profile, found: Proposal, placement: Placement
) -> dict[str, Any]:
    """依頼の内容: the placement, and beside it why and with effect from when (充当適状)."""
    content = content_of(connection, profile.municipality_code, placement)
    effect = {
        line.place: line.share.effective_on.isoformat()
        for line in found.lines
        if any(
            (part.notice_id, part.term) == (line.share.notice_id, line.share.term)
            for part in placement.parts
        )
    }
    return content | {
        "overpayment": found.overpayment.subject,
        "overpayment_no": found.overpayment.overpayment_no,
        "effective_on": effect,
    }


def content_now(connection: Connection, profile: Profile, approval: Approval) -> dict[str, Any]:
    """依頼の内容 as it would be asked for now; the errors of the placement."""
    said = approval.content
    code = profile.municipality_code
    content = content_of(connection, code, asked_placement(said))
    kept = ("overpayment", "overpayment_no", "effective_on")
    return content | {name: said[name] for name in kept}


def carry_out(connection: Connection, profile: Profile, approval: Approval, *, on: date) -> None:
    """充当の実行; :class:`RefusedError` ``approval_stale`` when the money stands otherwise."""
    content = content_now(connection, profile, approval)
    if approve.canonical(content) != approve.canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    place(connection, profile.municipality_code, approval, on=on)
