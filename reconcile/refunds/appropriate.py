"""充当: an overpayment settles what the same person owes and is due, before anything is paid back.

The law says that it must (地方税法17条の2①), in which order, and with effect from when
(:func:`payments.domain.overpayment.appropriate`). One person asks for what is proposed here,
another decides, and the money is placed as any other (:mod:`reconcile.placement`); so it is undone
in the same way. What a correction left over is split off from the payments behind it, the latest
first. What is not due yet takes nothing unless the person agrees (委託納付, ``law.md 6.2``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments import approve
from payments.charges import charges_among
from payments.domain.errors import InvalidValueError, RefusedError
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
    from payments.charges import PlaceKey
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
ORDER BY i.due_on, a.notice_id, a.term"""


class Consent(NamedTuple):
    """委託納付の同意: on which day the person agreed that which instalments are paid early."""

    on: date
    places: frozenset[PlaceKey]


class Line(NamedTuple):
    """充当の一部 as people read it."""

    place: str  # 科目/賦課年度/通知書番号/期別
    is_charge: bool
    open_yen: int
    share: Share
    is_entrusted: bool = False  # 委託納付


class NotDue(NamedTuple):
    """納期限の来ていない期別 of the person, which they may entrust to us."""

    notice_id: int
    term: str
    place: str  # 科目/賦課年度/通知書番号/期別
    due_on: date
    open_yen: int


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
    connection: Connection,
    municipality_code: str,
    found: Overpayment,
    consent: Consent | None = None,
) -> list[Owed]:
    """未納 of the person, due or not, by 納期限; charges marked, and what was meant or entrusted.

    Who paid with the slip of a wrong 期 meant another one of that notice, due or not.
    """
    wrong = found.reason is OverpaymentReason.WRONG_INSTALMENT
    scope = {"m": municipality_code, "obligor_no": found.obligor_no}
    rows: list[Any] = list(connection.execute(text(_OWED), scope))
    charges = charges_among(
        connection, municipality_code, [(row.notice_id, row.term) for row in rows]
    )
    here = (found.notice_id, found.term)
    return [
        Owed(
            row.notice_id,
            row.term,
            as_day(row.due_on),
            int(row.open_yen),
            is_charge=place in charges,
            is_meant=wrong and row.notice_id == found.notice_id and place != here,
            entrusted_on=consent.on if consent and place in consent.places else None,
        )
        for row in rows
        for place in ((row.notice_id, row.term),)
    ]


def not_due(
    connection: Connection, municipality_code: str, found: Overpayment, as_of: date
) -> list[NotDue]:
    """委託納付のできる期別: those of the person that are open and not due yet."""
    return [
        NotDue(
            each.notice_id, each.term,
            place_of(connection, municipality_code, each.notice_id, each.term),
            each.due_on, each.open_yen,
        )
        for each in owed_by(connection, municipality_code, found)
        if not each.takes(as_of)
    ]  # fmt: skip


def proposal(
    connection: Connection,
    profile: Profile,
    subject: str,
    as_of: date,
    consent: Consent | None = None,
) -> Proposal:
    """充当の提案 for what waits of an overpayment; without lines where nothing takes it.

    Raises :class:`NotFoundError` ``overpayment``.
    """
    code = profile.municipality_code
    found = overpayment(connection, profile, subject, as_of)
    owed = owed_by(connection, code, found, consent)
    shares = appropriate(
        max(found.waiting_yen, 0), found.arose_on, owed, as_of,
        newest_first=profile.refunds.newest_first,
    )  # fmt: skip
    facts = {(each.notice_id, each.term): each for each in owed}
    lines = tuple(
        Line(
            place_of(connection, code, share.notice_id, share.term),
            fact.is_charge,
            fact.open_yen,
            share,
            fact.due_on > as_of and not fact.is_meant,
        )
        for share in shares
        for fact in (facts[share.notice_id, share.term],)
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
    consent: Consent | None = None,
) -> list[Approval]:
    """充当の依頼: just what :func:`proposal` says, one request for each payment that it moves.

    Raises :class:`RefusedError` ``refund_not_classed`` or ``appropriation_nothing``,
    :class:`InvalidValueError` ``entrusted_consent`` for a day to come or what is due or not open,
    and what :func:`reconcile.placement.ask.content_of` and :func:`payments.approve.ask` raise.
    """
    found = proposal(connection, profile, subject, as_of, consent)
    if consent is not None:
        later = not_due(connection, profile.municipality_code, found.overpayment, as_of)
        named = consent.places & {(each.notice_id, each.term) for each in later}
        if consent.on > as_of or not named or named != consent.places:
            raise InvalidValueError("entrusted_consent", found=consent.on.isoformat())
    if found.overpayment.reason is None:
        raise RefusedError("refund_not_classed", subject=subject)
    if not found.lines:
        raise RefusedError("appropriation_nothing", subject=subject)
    asked = []
    for placement in found.placements:
        content = _content(connection, profile, found, placement, consent)
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
    connection: Connection,
    profile: Profile,
    found: Proposal,
    placement: Placement,
    consent: Consent | None,
) -> dict[str, Any]:
    """依頼の内容: the placement, and beside it why and with effect from when (充当適状)."""
    content = content_of(connection, profile.municipality_code, placement)
    lines = [
        line
        for line in found.lines
        if any(
            (part.notice_id, part.term) == (line.share.notice_id, line.share.term)
            for part in placement.parts
        )
    ]
    content |= {
        "overpayment": found.overpayment.subject,
        "overpayment_no": found.overpayment.overpayment_no,
        "effective_on": {line.place: line.share.effective_on.isoformat() for line in lines},
    }
    entrusted = [line.place for line in lines if line.is_entrusted]
    if consent is not None and entrusted:
        content |= {"entrusted": entrusted, "consented_on": consent.on.isoformat()}
    return content


_KEPT = ("overpayment", "overpayment_no", "effective_on", "entrusted", "consented_on")


def content_now(connection: Connection, profile: Profile, approval: Approval) -> dict[str, Any]:
    """依頼の内容 as it would be asked for now; the errors of the placement."""
    said = approval.content
    code = profile.municipality_code
    content = content_of(connection, code, asked_placement(said))
    return content | {name: said[name] for name in _KEPT if name in said}


def carry_out(connection: Connection, profile: Profile, approval: Approval, *, on: date) -> None:
    """充当の実行; :class:`RefusedError` ``approval_stale`` when the money stands otherwise.

    It is stale, too, when something has become due that comes before what was entrusted.
    """
    said = approval.content
    content = content_now(connection, profile, approval)
    stale = approve.canonical(content) != approve.canonical(said)
    if said.get("entrusted"):
        due = proposal(connection, profile, said["overpayment"], on).lines
        stale = stale or any(line.place not in said["effective_on"] for line in due)
    if stale:
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    place(connection, profile.municipality_code, approval, on=on)
