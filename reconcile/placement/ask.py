"""充当先の決定の依頼: what stands of a payment's money, and asking that it be placed elsewhere.

One person asks with a reason (:func:`ask_placement`), another decides, and
:mod:`reconcile.placement.placing` carries it out in the same transaction. What was asked for says
what stood then: once that has changed, the first person asks again (``approval_stale``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import text

from payments import approve
from payments.domain.errors import NotFoundError, RefusedError
from reconcile.placement_model import APPROPRIATION, KIND, Part, Placement, placement_of, subject_of
from reconcile.store.refund_tables import DECIDED_OF_RECEIPT, DECIDED_OF_SURPLUS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile


@dataclass(frozen=True, slots=True)
class StandingPart:
    """充当の現状: what of the money settles one instalment now.

    ``place`` is 科目/賦課年度/通知書番号/期別; ``outstanding_yen`` is what is open there beside it.
    """

    notice_id: int
    term: str
    place: str
    amount_yen: int
    outstanding_yen: int


@dataclass(frozen=True, slots=True)
class PlacementView:
    """充当の現状: one receipt, where its money stands, and what people have decided about it.

    ``named`` is the place that the number of the report names ("" for none). ``waiting`` is asked
    for and not decided yet; ``decided`` are the placements carried out, oldest first.
    """

    file_id: int
    line_no: int
    file_name: str
    amount_yen: int
    stage: str
    paid_on: date | str | None
    named: str
    revision: int
    outcome: str
    rule: str
    parts: tuple[StandingPart, ...]
    suspense_yen: int
    waiting: Approval | None
    decided: tuple[Approval, ...]

    @property
    def subject(self) -> str:
        """承認の対象: ``line:FILE:LINE``."""
        return subject_of(self.file_id, self.line_no)


class Money(Protocol):
    """充てる金: a payment or a credit, and what of it settles instalments now."""

    @property
    def amount_yen(self) -> int:
        """All of it."""
        ...

    @property
    def parts(self) -> tuple[StandingPart, ...]:
        """What settles instalments."""
        ...


_RECEIPT = """
SELECT r.file_id, r.line_no, f.name, r.amount_yen, r.stage, r.paid_on, r.suspense_yen,
    r.journal_id, r.leg, o.revision, o.outcome, o.rule, n.item_code, n.levy_year, n.notice_no,
    r.term
FROM receipt r
JOIN source_file f ON f.municipality_code = :m AND f.file_id = r.file_id
JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = r.file_id
 AND o.line_no = r.line_no
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = r.notice_id
WHERE r.municipality_code = :m AND r.file_id = :file_id AND r.line_no = :line_no
ORDER BY o.revision DESC LIMIT 1"""
# A 確報 speaks of the receipt that its 速報 booked.
_CONFIRMED = """
SELECT partner_file_id, partner_line_no FROM line_outcome
WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no
  AND outcome = 'confirms'"""
_KNOWN = """
SELECT 1 FROM source_line WHERE municipality_code = :m AND file_id = :file_id
  AND line_no = :line_no"""
_CREDIT = """
SELECT 1 FROM deposit WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no"""
_STANDING = """
SELECT p.notice_id, p.term, p.amount_yen
FROM posting p
WHERE p.municipality_code = :m AND p.journal_id = :journal_id AND p.subject_file_id = :file_id
  AND p.subject_line_no = :line_no AND p.leg > :leg AND p.leg < :leg + 120
  AND p.reason IN ('applied', 'placed')
ORDER BY p.leg"""
_REFUNDED = f"""
SELECT {DECIDED_OF_RECEIPT} FROM receipt r
WHERE r.municipality_code = :m AND r.file_id = :file_id AND r.line_no = :line_no"""
_SURPLUS_REFUNDED = f"""
SELECT {DECIDED_OF_SURPLUS} FROM instalment_account a
WHERE a.municipality_code = :m AND a.notice_id = :notice_id AND a.term = :term"""
_ACCOUNT = """
SELECT n.item_code, n.levy_year, n.notice_no, a.amount_yen, a.surplus_yen,
    a.term_yen + a.whole_yen AS applied_yen
FROM instalment_account a
JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id
WHERE a.municipality_code = :m AND a.notice_id = :notice_id AND a.term = :term"""


def placement_view(
    connection: Connection, municipality_code: str, file_id: int, line_no: int
) -> PlacementView:
    """充当の現状 of the receipt that this line booked, or that it confirmed.

    Raises :class:`NotFoundError` ``placement_line``; :class:`RefusedError` ``placement_no_receipt``
    for a line that booked no money.
    """
    scope: dict[str, Any] = {"m": municipality_code, "file_id": file_id, "line_no": line_no}
    confirmed = connection.execute(text(_CONFIRMED), scope).first()
    if confirmed is not None:
        scope |= {"file_id": confirmed[0], "line_no": confirmed[1]}
    row = connection.execute(text(_RECEIPT), scope).one_or_none()
    if row is None:
        if connection.execute(text(_KNOWN), scope).first() is None:
            raise NotFoundError("placement_line", line_no=line_no)
        raise RefusedError("placement_no_receipt", line_no=line_no)
    standing: Sequence[Any] = ()
    if row.stage != "withdrawn":
        found = {**scope, "journal_id": row.journal_id, "leg": row.leg}
        standing = connection.execute(text(_STANDING), found).all()
    parts = tuple(
        StandingPart(
            part.notice_id,
            part.term,
            place_of(connection, municipality_code, part.notice_id, part.term),
            part.amount_yen,
            open_yen(connection, municipality_code, part.notice_id, part.term),
        )
        for part in standing
    )
    subject = subject_of(row.file_id, row.line_no)
    asked = approve.of_subject(connection, municipality_code, KIND, subject)
    asked += approve.of_subject(connection, municipality_code, APPROPRIATION, subject)
    asked.sort(key=lambda each: each.approval_id)
    named = f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}" if row.notice_no else ""
    return PlacementView(
        row.file_id, row.line_no, row.name, row.amount_yen, row.stage, row.paid_on, named,
        row.revision, row.outcome, row.rule, parts, row.suspense_yen,
        waiting=next((a for a in asked if a.decision is None), None),
        decided=tuple(a for a in asked if a.decision == "approved"),
    )  # fmt: skip


def place_of(connection: Connection, municipality_code: str, notice_id: int, term: str) -> str:
    """期別の名: 科目/賦課年度/通知書番号/期別.

    Raises :class:`NotFoundError` ``placement_instalment``.
    """
    row = _account(connection, municipality_code, notice_id, term)
    return f"{row.item_code}/{row.levy_year}/{row.notice_no}/{term}"


def open_yen(
    connection: Connection,
    municipality_code: str,
    notice_id: int,
    term: str,
    *,
    without_yen: int = 0,
) -> int:
    """未納額 of an instalment, as if ``without_yen`` of its money had been taken back.

    A surplus that a correction moved out goes back as far as the money behind it goes away
    (outcomes.md 9). Raises :class:`NotFoundError` ``placement_instalment``.
    """
    row = _account(connection, municipality_code, notice_id, term)
    applied = row.applied_yen - without_yen
    surplus = row.surplus_yen
    if without_yen:
        surplus = min(surplus, max(0, applied - row.amount_yen))
    return int(row.amount_yen - applied + surplus)


def _account(connection: Connection, municipality_code: str, notice_id: int, term: str) -> Any:
    row = connection.execute(
        text(_ACCOUNT), {"m": municipality_code, "notice_id": notice_id, "term": term}
    ).one_or_none()
    if row is None:
        raise NotFoundError("placement_instalment", term=term)
    return row


def room_yen(
    connection: Connection, municipality_code: str, view: Money, notice_id: int, term: str
) -> int:
    """充当できる額: what may be placed on an instalment once the receipt's money is taken back."""
    mine = sum(p.amount_yen for p in view.parts if (p.notice_id, p.term) == (notice_id, term))
    return open_yen(connection, municipality_code, notice_id, term, without_yen=mine)


# ---- asking ----


def ask_placement(
    connection: Connection,
    profile: Profile,
    placement: Placement,
    *,
    asked_by: str,
    at: datetime,
    reason: str,
    case_no: int | None = None,
) -> Approval:
    """充当先の決定の依頼: the first of the two people, with the reason.

    Raises what :func:`content_of` and :func:`payments.approve.ask` raise.
    """
    code = profile.municipality_code
    content = content_of(connection, code, placement, case_no=case_no)
    subject = subject_of(content["file_id"], content["line_no"])
    return approve.ask(
        connection, code, KIND, subject, content, asked_by=asked_by, at=at, reason=reason
    )


def content_of(
    connection: Connection,
    municipality_code: str,
    placement: Placement,
    *,
    case_no: int | None = None,
) -> dict[str, Any]:
    """依頼の内容: what stands, and what would be done, both as a person reads them.

    Raises what :func:`placement_view` and
    :func:`~reconcile.placement_model.placement_of` raise; :class:`NotFoundError` ``case`` or
    ``placement_instalment``; :class:`RefusedError` ``placement_withdrawn`` (the payment was
    withdrawn), ``placement_credit`` (it is money on the account), ``placement_same`` (it stands so
    already), ``placement_refunded`` (that much of it is paid back), ``placement_outstanding`` (a
    part is more than what is open there).
    """
    view = placement_view(connection, municipality_code, placement.file_id, placement.line_no)
    if view.stage == "withdrawn":
        raise RefusedError("placement_withdrawn", line_no=view.line_no)
    _require_payment(connection, municipality_code, view)
    require_rest(
        connection, municipality_code, (view.file_id, view.line_no), view, placement.placed_yen
    )
    placement = placement_of(
        view.file_id, view.line_no, placement.parts, amount_yen=view.amount_yen
    )
    if case_no is not None:
        require_case(connection, municipality_code, case_no)
    stands = [_part(part.place, part) for part in view.parts]
    parts = [
        _part(place_of(connection, municipality_code, part.notice_id, part.term), part)
        for part in placement.parts
    ]
    if sorted(map(str, parts)) == sorted(map(str, stands)):
        raise RefusedError("placement_same", line_no=view.line_no)
    for part, said in zip(placement.parts, parts, strict=True):
        room = room_yen(connection, municipality_code, view, part.notice_id, part.term)
        if part.amount_yen > room:
            raise RefusedError(
                "placement_outstanding", place=said["place"], found=part.amount_yen, expected=room
            )
    return {
        "operation": placement.operation,
        "file_id": view.file_id,
        "line_no": view.line_no,
        "file_name": view.file_name,
        "amount_yen": view.amount_yen,
        "case_no": case_no,
        "stands": {
            "revision": view.revision,
            "outcome": view.outcome,
            "rule": view.rule,
            "parts": stands,
            "suspense_yen": view.suspense_yen,
        },
        "parts": parts,
        "suspense_yen": view.amount_yen - placement.placed_yen,
    }


def _require_payment(connection: Connection, municipality_code: str, view: PlacementView) -> None:
    """A credit that is a payment itself is placed as a credit (reconcile.placement.credit_ask)."""
    scope = {"m": municipality_code, "file_id": view.file_id, "line_no": view.line_no}
    if connection.execute(text(_CREDIT), scope).first() is not None:
        raise RefusedError("placement_credit", line_no=view.line_no)


def require_rest(
    connection: Connection,
    municipality_code: str,
    line: tuple[int, int],
    view: Money,
    placed_yen: int,
) -> None:
    """What is decided to be paid back stays in suspense (reconcile.refunds).

    Raises :class:`RefusedError` ``placement_refunded``.
    """
    scope = {"m": municipality_code, "file_id": line[0], "line_no": line[1]}
    refunded = int(connection.execute(text(_REFUNDED), scope).scalar() or 0)
    for part in view.parts:
        place = {"m": municipality_code, "notice_id": part.notice_id, "term": part.term}
        if int(connection.execute(text(_SURPLUS_REFUNDED), place).scalar_one()):
            raise RefusedError("placement_refunded", line_no=line[1])
    if refunded and placed_yen > view.amount_yen - refunded:
        raise RefusedError("placement_refunded", line_no=line[1])


def _part(place: str, part: Part | StandingPart) -> dict[str, Any]:
    return {
        "place": place,
        "notice_id": part.notice_id,
        "term": part.term,
        "amount_yen": part.amount_yen,
    }


def require_case(connection: Connection, municipality_code: str, case_no: int) -> None:
    """確認事項の有無; :class:`NotFoundError` ``case``."""
    found = connection.execute(
        text("SELECT 1 FROM review_case WHERE municipality_code = :m AND case_no = :case_no"),
        {"m": municipality_code, "case_no": case_no},
    ).first()
    if found is None:
        raise NotFoundError("case", case_no=case_no)


def asked_placement(content: dict[str, Any]) -> Placement:
    """依頼の内容 → the placement that was asked for."""
    return placement_of(
        content["file_id"],
        content["line_no"],
        (Part(p["notice_id"], p["term"], p["amount_yen"]) for p in content["parts"]),
        amount_yen=content["amount_yen"],
    )
