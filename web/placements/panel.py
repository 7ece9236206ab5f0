"""充当先の状況: where the money of one line stands, what waits, and what people decided before.

The line is a payment (収納, :mod:`reconcile.placement.ask`) or a credit on an account (入金,
:mod:`reconcile.placement.credit_ask`); the page speaks about both in one way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text

from payments.domain.errors import RefusedError
from reconcile.case_list import WAITING
from reconcile.placement.ask import placement_view
from reconcile.placement.credit_ask import credit_view, is_credit
from reconcile.placement.record import ANSWERED
from reconcile.settlement.owed import owed_by_notices
from reconcile.store.tables import ReviewCaseRow
from web import formatting, messages, stale
from web.explain.values import term
from web.language import translate as _
from web.language import translated
from web.texts import placements as words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.placement.ask import StandingPart
    from reconcile.placement.credit_ask import CreditView, StandingGroup

RECEIPT, CREDIT = "receipt", "credit"
INSTALMENTS_MAX = 200
_BLOCKS = """
SELECT DISTINCT b.term, n.item_code, n.levy_year, n.notice_no, g.ref, g.agent FROM link_block b
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = b.notice_id
LEFT JOIN remittance_group g ON g.municipality_code = :m AND g.group_id = b.group_id
WHERE b.municipality_code = :m AND b.file_id = :file_id AND b.line_no = :line_no
  AND (b.notice_id IS NOT NULL OR b.group_id IS NOT NULL)
ORDER BY n.item_code, n.levy_year, n.notice_no, b.term, g.ref"""
case_table = ReviewCaseRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Place:
    """充当先: an instalment or a remittance in words, or where the rest waits; yen then and now."""

    name: str
    obligor: str
    now_yen: int
    then_yen: int


@dataclass(frozen=True, slots=True)
class Decided:
    """決定の一つ: an approval with the places that it moved the money between."""

    approval: Approval
    operation: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """充当先の状況; a line that brought no money has no ``kind``, and ``why`` says so.

    ``facts`` are what a person recognises the line by; ``waits_yen`` has no place yet.
    """

    file_id: int
    line_no: int
    kind: str = ""
    why: str = ""
    file_name: str = ""
    amount_yen: int = 0
    facts: tuple[tuple[str, str], ...] = ()
    agent: str = ""
    movable: bool = False
    parts: tuple[StandingPart, ...] = ()
    groups: tuple[StandingGroup, ...] = ()
    waits_yen: int = 0
    places: tuple[Place, ...] = ()
    waiting: Decided | None = None
    history: tuple[Decided, ...] = ()
    blocks: tuple[str, ...] = ()  # links that no rule makes again, in words

    @property
    def settled_here(self) -> dict[tuple[int, str], int]:
        """Yen by instalment that the line settles now."""
        return {(part.notice_id, part.term): part.amount_yen for part in self.parts}

    @property
    def shown(self) -> str:
        """画面の版: where the money stands, what waits, how often it was decided."""
        waiting = self.waiting.approval.approval_id if self.waiting else 0
        return stale.shown(self.places, waiting, len(self.history))

    @property
    def linked(self) -> bool:
        """Whether there is anything to undo."""
        return bool(self.parts or self.groups)


def panel_of(connection: Connection, profile: Profile, file_id: int, line_no: int) -> Panel:
    """充当先の状況 of one line; :class:`NotFoundError` ``placement_line`` when there is none."""
    if is_credit(connection, profile, file_id, line_no):
        return _of_credit(connection, profile, credit_view(connection, profile, file_id, line_no))
    code = profile.municipality_code
    try:
        view = placement_view(connection, code, file_id, line_no)
    except RefusedError as error:
        return Panel(file_id, line_no, why=messages.error(error.error_code, error.details))
    stands = {"parts": list(map(_as_part, view.parts)), "suspense_yen": view.suspense_yen}
    key = view.file_id, view.line_no
    return Panel(
        view.file_id,
        view.line_no,
        kind=RECEIPT,
        file_name=view.file_name,
        amount_yen=view.amount_yen,
        facts=(
            (words.FACTS["amount"], _staged(view.amount_yen, view.stage)),
            (words.FACTS["paid_on"], formatting.long_day(view.paid_on)),
            (words.FACTS["outcome"], _outcome(view.outcome, view.rule)),
        ),
        movable=view.stage != "withdrawn",
        parts=view.parts,
        waits_yen=view.suspense_yen,
        places=places(connection, profile, view.amount_yen, stands, stands),
        waiting=_decided(connection, profile, view.waiting) if view.waiting else None,
        history=tuple(_decided(connection, profile, approval) for approval in view.decided),
        blocks=_blocks(connection, profile, *key) if view.decided else (),
    )


def _of_credit(connection: Connection, profile: Profile, view: CreditView) -> Panel:
    """入金 in the same words."""
    credit = view.deposit.credit
    stands: dict[str, Any] = {
        "parts": list(map(_as_part, view.parts)),
        "groups": [{"ref": g.ref, "amount_yen": g.amount_yen} for g in view.groups],
        "suspense_yen": view.suspense_yen,
    }
    return Panel(
        view.deposit.file_id,
        view.deposit.line_no,
        kind=CREDIT,
        file_name=view.file_name,
        amount_yen=view.amount_yen,
        facts=(
            (words.FACTS["credit"], formatting.yen(view.amount_yen)),
            (words.FACTS["booked_on"], formatting.long_day(credit.booked_on)),
            (words.FACTS["payer_name"], formatting.wide(credit.payer_name).strip() or "—"),
            (words.FACTS["remarks"], formatting.wide(credit.remarks).strip() or "—"),
            (words.FACTS["outcome"], _outcome(view.outcome, view.rule)),
        ),
        agent=view.deposit.agent,
        movable=view.deposit.state != "withdrawn",
        parts=view.parts,
        groups=view.groups,
        waits_yen=view.amount_yen - _placed(stands),
        places=places(connection, profile, view.amount_yen, stands, stands),
        waiting=_decided(connection, profile, view.waiting) if view.waiting else None,
        history=tuple(_decided(connection, profile, approval) for approval in view.decided),
        blocks=_blocks(connection, profile, *view.deposit.key) if view.decided else (),
    )


def _decided(connection: Connection, profile: Profile, approval: Approval) -> Decided:
    content = approval.content
    return Decided(
        approval,
        words.operation(approval.kind, content["operation"]),
        places(connection, profile, content["amount_yen"], content["stands"], content),
    )


def places(
    connection: Connection,
    profile: Profile,
    amount_yen: int,
    stands: Mapping[str, Any],
    then: Mapping[str, Any],
) -> tuple[Place, ...]:
    """充当先のいまと、承認したあと: bills and remittances by name, then what waits."""
    parts = {part["place"]: part for part in (*stands["parts"], *then["parts"])}
    refs = sorted({g["ref"] for side in (stands, then) for g in side.get("groups", ())})
    obligors = _obligors(
        connection, profile.municipality_code, {p["notice_id"] for p in parts.values()}
    )
    found = [
        Place(
            place_words(profile, place),
            obligors.get(part["notice_id"], ""),
            _yen_at(stands["parts"], "place", place),
            _yen_at(then["parts"], "place", place),
        )
        for place, part in sorted(parts.items())
    ]
    found += [
        Place(
            group_words(ref),
            "",
            _yen_at(stands.get("groups", ()), "ref", ref),
            _yen_at(then.get("groups", ()), "ref", ref),
        )
        for ref in refs
    ]
    suspense = Place(translated(words.SUSPENSE), "", stands["suspense_yen"], then["suspense_yen"])
    unidentified = Place(
        translated(words.UNIDENTIFIED),
        "",
        *(amount_yen - _placed(side) - side["suspense_yen"] for side in (stands, then)),
    )
    if "groups" not in stands:
        return (*found, suspense)
    return (*found, *(rest for rest in (suspense, unidentified) if rest.now_yen or rest.then_yen))


def place_words(profile: Profile, place: str) -> str:
    """``901/2026/0000000001/01`` → 市民税 2026年度 通知書 0000000001 第1期."""
    item_code, year, notice_no, of_term = place.split("/")
    name = next((i.name for i in profile.items if i.item_code == item_code), item_code)
    return _(
        "{name} {year}年度 通知書 {notice_no} {term}",
        name=name,
        year=year,
        notice_no=notice_no,
        term=term(of_term),
    )


def group_words(ref: str, agent: str = "") -> str:
    """払込 in words: whose, with its number and day."""
    name = f"{translated(words.GROUP)} {ref.replace('|', ' / ')}"
    return f"{name}（{messages.label('agent', agent)}）" if agent else name


def case_of_line(
    connection: Connection, municipality_code: str, file_id: int, line_no: int
) -> int | None:
    """確認事項: the newest case about this line that waits, or None."""
    number = connection.execute(
        select(case_table.c.case_no)
        .where(
            case_table.c.municipality_code == municipality_code,
            case_table.c.kind.in_(sorted(ANSWERED)),
            case_table.c.subject == f"{file_id}:{line_no}",
            case_table.c.state.in_(WAITING),
        )
        .order_by(case_table.c.case_no.desc())
        .limit(1)
    ).scalar_one_or_none()
    return int(number) if number is not None else None


def _blocks(
    connection: Connection, profile: Profile, file_id: int, line_no: int
) -> tuple[str, ...]:
    """結び付けの禁止: what people took apart, and no rule puts together again."""
    rows = connection.execute(
        text(_BLOCKS), {"m": profile.municipality_code, "file_id": file_id, "line_no": line_no}
    )
    return tuple(
        group_words(row.ref, row.agent)
        if row.ref is not None
        else place_words(profile, f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}")
        for row in rows
    )


def _as_part(part: StandingPart) -> dict[str, Any]:
    return {"place": part.place, "notice_id": part.notice_id, "amount_yen": part.amount_yen}


def _outcome(outcome: str, rule: str) -> str:
    return _("{outcome}（規則 {rule}）", outcome=messages.outcome(outcome).label, rule=rule)


def _staged(amount_yen: int, stage: str) -> str:
    return f"{formatting.yen(amount_yen)}（{messages.label('stage', stage)}）"


def _placed(content: Mapping[str, Any]) -> int:
    """What has a place among bills and remittances."""
    return sum(one["amount_yen"] for one in (*content["parts"], *content.get("groups", ())))


def _yen_at(shares: Sequence[Mapping[str, Any]], name: str, value: str) -> int:
    return sum(share["amount_yen"] for share in shares if share[name] == value)


def _obligors(
    connection: Connection, municipality_code: str, notices: Iterable[int]
) -> dict[int, str]:
    """納付義務者 by notice."""
    owed = owed_by_notices(
        connection, municipality_code, sorted(notices), most=INSTALMENTS_MAX, settled_too=True
    )
    return {one.notice_id: one.obligor_name for one in owed}
