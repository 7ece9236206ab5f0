"""入金の充当先の決定の依頼: where a bank credit stands, and asking that people place it elsewhere.

One person asks with a reason (:func:`ask_credit_placement`), another decides, and
:mod:`reconcile.placement.credit_placing` carries it out in the same transaction. A credit is either
the payment of bills itself (充当, ``place``), or the money of remittance groups (払込の指定,
``settle``), or it is taken out of what it was linked to (消込取消, ``undo``). What was asked for
says what stood then: once that has changed, the first person asks again (``approval_stale``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from payments import approve
from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.domain.kana import fold_name
from payments.domain.money import require_yen
from reconcile.placement.ask import (
    StandingPart,
    open_yen,
    place_of,
    placement_view,
    require_case,
    require_rest,
)
from reconcile.placement_model import Part, placement_of, subject_of
from reconcile.settlement.open_credits import deposit_at, groups_of, is_net
from reconcile.settlement.search import GROUPS_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.settlement.open_credits import Deposit

KIND = "credit_placement"
PLACE, SETTLE, UNDO = "place", "settle", "undo"
SETTLED_RULE = "M3"

_LINE = """
SELECT f.name, o.revision, o.outcome, o.rule FROM source_file f
JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = f.file_id AND o.line_no = :line_no
WHERE f.municipality_code = :m AND f.file_id = :file_id ORDER BY o.revision DESC LIMIT 1"""
_SETTLED = """
SELECT g.group_id, g.agent, g.ref, g.remitted_on, s.amount_yen FROM settlement s
JOIN remittance_group g ON g.municipality_code = :m AND g.group_id = s.group_id
WHERE s.municipality_code = :m AND s.file_id = :file_id AND s.line_no = :line_no
ORDER BY g.group_id"""
_GROUP = """
SELECT group_id, agent, ref, remitted_on, confirmed_yen, fee_yen, credited_yen
FROM remittance_group WHERE municipality_code = :m AND group_id = :group_id"""
_STANDS = """
SELECT 1 FROM receipt WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no
  AND stage <> 'withdrawn'"""
# A transfer of ours that came back is owed again: its money is no payment of a bill (B5).
_RETURNED = """
SELECT refund_no FROM refund_event WHERE municipality_code = :m AND event = 'returned'
  AND file_id = :file_id AND line_no = :line_no"""
_OBLIGORS = """
SELECT DISTINCT o.obligor_no, o.name FROM notice n
JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = n.obligor_no
WHERE n.municipality_code = :m AND n.notice_id IN :notices ORDER BY o.obligor_no"""


class GroupShare(NamedTuple):
    """払込への充当: ``amount_yen`` (at least 1) of the credit is money of this group."""

    group_id: int
    amount_yen: int


class CreditPlacement(NamedTuple):
    """入金の充当先: bills, or remittance groups, or neither (消込取消).

    ``learn_alias`` asks that the payer's name be remembered for the people whose bills these are.
    """

    file_id: int
    line_no: int
    parts: tuple[Part, ...] = ()
    groups: tuple[GroupShare, ...] = ()
    learn_alias: bool = False

    @property
    def operation(self) -> str:
        """操作: ``place``, ``settle`` or ``undo``."""
        if self.parts:
            return PLACE
        return SETTLE if self.groups else UNDO


@dataclass(frozen=True, slots=True)
class StandingGroup:
    """充当の現状: how much of the credit is which group's money."""

    group_id: int
    agent: str
    ref: str
    remitted_on: date | str | None
    amount_yen: int


@dataclass(frozen=True, slots=True)
class CreditView:
    """入金の現状: one credit, what it is linked to, and what people have decided about it.

    ``state`` is open, settled (it has its place) or withdrawn; ``waiting`` is asked for and not
    decided yet; ``decided`` are the decisions carried out, oldest first.
    """

    deposit: Deposit
    file_name: str
    revision: int
    outcome: str
    rule: str
    parts: tuple[StandingPart, ...]
    groups: tuple[StandingGroup, ...]
    suspense_yen: int
    waiting: Approval | None
    decided: tuple[Approval, ...]

    @property
    def subject(self) -> str:
        """承認の対象: ``line:FILE:LINE``."""
        return subject_of(*self.deposit.key)

    @property
    def amount_yen(self) -> int:
        """入金額."""
        return self.deposit.credit.amount_yen


def is_credit(connection: Connection, profile: Profile, file_id: int, line_no: int) -> bool:
    """入金の明細か: whether the line is money on an account of ours."""
    return deposit_at(connection, profile, file_id, line_no) is not None


def credit_view(connection: Connection, profile: Profile, file_id: int, line_no: int) -> CreditView:
    """入金の現状 of this line; :class:`NotFoundError` ``credit`` when it is none."""
    deposit = deposit_at(connection, profile, file_id, line_no)
    if deposit is None:
        raise NotFoundError("credit", line_no=line_no)
    code = profile.municipality_code
    scope = {"m": code, "file_id": file_id, "line_no": line_no}
    line = connection.execute(text(_LINE), scope).one()
    parts: tuple[StandingPart, ...] = ()
    suspense_yen = 0
    if connection.execute(text(_STANDS), scope).first() is not None:
        payment = placement_view(connection, code, file_id, line_no)
        parts, suspense_yen = payment.parts, payment.suspense_yen
    groups = tuple(StandingGroup(*row) for row in connection.execute(text(_SETTLED), scope))
    asked = approve.of_subject(connection, code, KIND, subject_of(file_id, line_no))
    return CreditView(
        deposit, line.name, line.revision, line.outcome, line.rule, parts, groups, suspense_yen,
        waiting=next((a for a in asked if a.decision is None), None),
        decided=tuple(a for a in asked if a.decision == "approved"),
    )  # fmt: skip


def groups_named(
    connection: Connection,
    profile: Profile,
    view: CreditView,
    wanted: Sequence[tuple[str, int | None]],
) -> tuple[GroupShare, ...]:
    """払込の指定: (払込番号 or 払込日 as people read it, yen) → groups of the payer.

    Without yen, all that is still expected of the group. () when the first one names no group of
    the payer: then it is bills that are named. Raises :class:`NotFoundError` ``remittance_group``.
    """
    agent = view.deposit.agent
    refs = {one.ref: one for one in groups_of(connection, profile, agent)} if agent else {}
    standing = {one.ref: one for one in view.groups}
    if not wanted or wanted[0][0] not in {*refs, *standing}:
        return ()
    shares = []
    for ref, yen in wanted:
        if ref not in refs and ref not in standing:
            raise NotFoundError("remittance_group", group_id=ref)
        group_id = refs[ref].group_id if ref in refs else standing[ref].group_id
        expected = refs[ref].expected_yen if ref in refs else 0
        expected += standing[ref].amount_yen if ref in standing else 0
        shares.append(GroupShare(group_id, expected if yen is None else yen))
    return tuple(shares)


# ---- asking ----


def ask_credit_placement(
    connection: Connection,
    profile: Profile,
    placement: CreditPlacement,
    *,
    asked_by: str,
    at: datetime,
    reason: str,
    case_no: int | None = None,
) -> Approval:
    """入金の充当先の決定の依頼: the first of the two people, with the reason.

    Raises what :func:`content_of` and :func:`payments.approve.ask` raise.
    """
    content = content_of(connection, profile, placement, case_no=case_no)
    subject = subject_of(placement.file_id, placement.line_no)
    code = profile.municipality_code
    return approve.ask(
        connection, code, KIND, subject, content, asked_by=asked_by, at=at, reason=reason
    )


def content_of(
    connection: Connection,
    profile: Profile,
    placement: CreditPlacement,
    *,
    case_no: int | None = None,
) -> dict[str, Any]:
    """依頼の内容: what stands, and what would be done, both as a person reads them.

    Raises :class:`NotFoundError` ``credit``, ``case``, ``placement_instalment`` or
    ``remittance_group``; :class:`InvalidValueError` of
    :func:`~reconcile.placement_model.placement_of`, ``credit_mixed`` (bills and groups at once),
    ``credit_groups_sum`` (the groups are not the amount), ``credit_alias``;
    :class:`RefusedError` ``placement_withdrawn``, ``credit_returned`` (a refund that came back),
    ``placement_refunded`` (that much of it is paid back), ``placement_same``,
    ``placement_outstanding``, ``credit_group_open`` (more than is still expected of a group).
    """
    view = credit_view(connection, profile, placement.file_id, placement.line_no)
    if view.deposit.state == "withdrawn":
        raise RefusedError("placement_withdrawn", line_no=placement.line_no)
    line = {"file_id": placement.file_id, "line_no": placement.line_no}
    returned = connection.execute(text(_RETURNED), {"m": profile.municipality_code, **line})
    refund_no = returned.scalar()
    if refund_no is not None:
        raise RefusedError("credit_returned", line_no=placement.line_no, refund_no=refund_no)
    # Without parts it is no payment any more: all of it would leave.
    leaves = sum(part.amount_yen for part in placement.parts) or view.amount_yen
    require_rest(connection, profile.municipality_code, view.deposit.key, view, leaves)
    if placement.parts and placement.groups:
        raise InvalidValueError("credit_mixed")
    if case_no is not None:
        require_case(connection, profile.municipality_code, case_no)
    parts = _parts(connection, profile.municipality_code, view, placement.parts)
    groups = _groups(connection, profile, view, placement.groups)
    stands = {
        "revision": view.revision,
        "outcome": view.outcome,
        "rule": view.rule,
        "parts": [_part(part.place, part) for part in view.parts],
        "groups": [_group(group.ref, group) for group in view.groups],
        "suspense_yen": view.suspense_yen,
    }
    if _sorted(parts) == _sorted(stands["parts"]) and _sorted(groups) == _sorted(stands["groups"]):
        raise RefusedError("placement_same", line_no=placement.line_no)
    credit = view.deposit.credit
    placed = sum(part.amount_yen for part in placement.parts)
    return {
        "operation": placement.operation,
        "file_id": placement.file_id,
        "line_no": placement.line_no,
        "file_name": view.file_name,
        "amount_yen": credit.amount_yen,
        "booked_on": credit.booked_on.isoformat(),
        "payer_name": credit.payer_name,
        "remarks": credit.remarks,
        "case_no": case_no,
        "stands": stands,
        "parts": parts,
        "groups": groups,
        "suspense_yen": credit.amount_yen - placed if placement.parts else 0,
        "alias": _alias(connection, profile.municipality_code, view, placement),
    }


def asked_credit_placement(content: dict[str, Any]) -> CreditPlacement:
    """依頼の内容 → what was asked for."""
    return CreditPlacement(
        content["file_id"],
        content["line_no"],
        tuple(Part(p["notice_id"], p["term"], p["amount_yen"]) for p in content["parts"]),
        tuple(GroupShare(g["group_id"], g["amount_yen"]) for g in content["groups"]),
        learn_alias=content["alias"] is not None,
    )


def _parts(
    connection: Connection, code: str, view: CreditView, parts: Sequence[Part]
) -> list[dict[str, Any]]:
    """The bills by name, once each has room for its part."""
    placement = placement_of(*view.deposit.key, parts, amount_yen=view.amount_yen)
    named = []
    for part in placement.parts:
        mine = sum(
            one.amount_yen
            for one in view.parts
            if (one.notice_id, one.term) == (part.notice_id, part.term)
        )
        place = place_of(connection, code, part.notice_id, part.term)
        room = open_yen(connection, code, part.notice_id, part.term, without_yen=mine)
        if part.amount_yen > room:
            raise RefusedError(
                "placement_outstanding", place=place, found=part.amount_yen, expected=room
            )
        named.append(_part(place, part))
    return named


def _groups(
    connection: Connection, profile: Profile, view: CreditView, shares: Sequence[GroupShare]
) -> list[dict[str, Any]]:
    """The groups by name; together they are the whole credit, each no more than it still lacks."""
    if not shares:
        return []
    if len(shares) > GROUPS_MAX or len({share.group_id for share in shares}) != len(shares):
        raise InvalidValueError("credit_groups", found=len(shares), expected=GROUPS_MAX)
    named = []
    for share in sorted(shares):
        require_yen(share.amount_yen, "amount_yen", minimum=1)
        group = connection.execute(
            text(_GROUP), {"m": profile.municipality_code, "group_id": share.group_id}
        ).one_or_none()
        if group is None:
            raise NotFoundError("remittance_group", group_id=share.group_id)
        fee = group.fee_yen if is_net(profile, group.agent) else 0
        mine = sum(one.amount_yen for one in view.groups if one.group_id == share.group_id)
        expected = group.confirmed_yen - fee - group.credited_yen + mine
        if share.amount_yen > expected:
            raise RefusedError(
                "credit_group_open", ref=group.ref, found=share.amount_yen, expected=expected
            )
        named.append(_group(group.ref, share))
    total = sum(share.amount_yen for share in shares)
    if total != view.amount_yen:
        raise InvalidValueError("credit_groups_sum", found=total, expected=view.amount_yen)
    return named


def _alias(
    connection: Connection, code: str, view: CreditView, placement: CreditPlacement
) -> dict[str, Any] | None:
    """覚える名義: the folded name and the people it would be remembered for."""
    if not placement.learn_alias:
        return None
    folded = payer_name_of(view.deposit)
    if not placement.parts or not folded:
        raise InvalidValueError("credit_alias", field="payer_name", found=folded)
    rows = connection.execute(
        text(_OBLIGORS).bindparams(bindparam("notices", expanding=True)),
        {"m": code, "notices": sorted({part.notice_id for part in placement.parts})},
    )
    return {
        "payer_folded": folded,
        "obligors": [{"obligor_no": row.obligor_no, "name": row.name} for row in rows],
    }


def payer_name_of(deposit: Deposit) -> str:
    """振込名義, folded; from 摘要 where the bank gives none."""
    credit = deposit.credit
    return fold_name(credit.payer_name if credit.payer_name.strip() else credit.remarks)


def _part(place: str, part: Part | StandingPart) -> dict[str, Any]:
    return {
        "place": place,
        "notice_id": part.notice_id,
        "term": part.term,
        "amount_yen": part.amount_yen,
    }


def _group(ref: str, share: GroupShare | StandingGroup) -> dict[str, Any]:
    return {"ref": ref, "group_id": share.group_id, "amount_yen": share.amount_yen}


def _sorted(named: Any) -> list[str]:
    return sorted(map(str, named))
