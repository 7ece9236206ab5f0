"""充当先の状況: where the money of one line stands, what waits, and what people decided before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from payments.domain.errors import RefusedError
from reconcile.cases import WAITING
from reconcile.owed import owed_by_notices
from reconcile.placement import placement_view
from reconcile.placing import ANSWERED
from reconcile.store.tables import ReviewCaseRow
from web import messages
from web.explain.values import term
from web.texts import placements as words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.placement import PlacementView

INSTALMENTS_MAX = 200
case_table = ReviewCaseRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Place:
    """充当先: an instalment in words, or 仮受; yen before and after (None: not part of it)."""

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
    """充当先の状況; without ``view`` the line brought no money, and ``why`` says so."""

    file_id: int
    line_no: int
    view: PlacementView | None
    why: str = ""
    places: tuple[Place, ...] = ()
    waiting: Decided | None = None
    history: tuple[Decided, ...] = ()

    @property
    def settled_here(self) -> dict[tuple[int, str], int]:
        """Yen by instalment that the line settles now."""
        parts = self.view.parts if self.view else ()
        return {(part.notice_id, part.term): part.amount_yen for part in parts}


def panel_of(connection: Connection, profile: Profile, file_id: int, line_no: int) -> Panel:
    """充当先の状況 of one line; :class:`NotFoundError` ``placement_line`` when there is none."""
    code = profile.municipality_code
    try:
        view = placement_view(connection, code, file_id, line_no)
    except RefusedError as error:
        return Panel(file_id, line_no, None, messages.error(error.error_code, error.details))
    stands = {
        "parts": [
            {"place": p.place, "notice_id": p.notice_id, "amount_yen": p.amount_yen}
            for p in view.parts
        ],
        "suspense_yen": view.suspense_yen,
    }
    return Panel(
        view.file_id,
        view.line_no,
        view,
        places=places(connection, profile, stands, stands),
        waiting=_decided(connection, profile, view.waiting) if view.waiting else None,
        history=tuple(_decided(connection, profile, approval) for approval in view.decided),
    )


def _decided(connection: Connection, profile: Profile, approval: Approval) -> Decided:
    content = approval.content
    return Decided(
        approval,
        words.OPERATIONS[content["operation"]],
        places(connection, profile, content["stands"], content),
    )


def places(
    connection: Connection,
    profile: Profile,
    stands: Mapping[str, Any],
    then: Mapping[str, Any],
) -> tuple[Place, ...]:
    """充当先のいまと、承認したあと: every instalment concerned, by name, then 仮受."""
    parts = {part["place"]: part for part in (*stands["parts"], *then["parts"])}
    obligors = _obligors(
        connection, profile.municipality_code, {p["notice_id"] for p in parts.values()}
    )
    found = [
        Place(
            place_words(profile, place),
            obligors.get(part["notice_id"], ""),
            _yen_at(stands, place),
            _yen_at(then, place),
        )
        for place, part in sorted(parts.items())
    ]
    suspense = Place(words.SUSPENSE, "", stands["suspense_yen"], then["suspense_yen"])
    return (*found, suspense)


def place_words(profile: Profile, place: str) -> str:
    """``901/2026/0000000001/01`` → 市民税 2026年度 通知書 0000000001 第1期."""
    item_code, year, notice_no, of_term = place.split("/")
    name = next((i.name for i in profile.items if i.item_code == item_code), item_code)
    return f"{name} {year}年度 通知書 {notice_no} {term(of_term)}"


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


def _yen_at(content: Mapping[str, Any], place: str) -> int:
    return sum(part["amount_yen"] for part in content["parts"] if part["place"] == place)


def _obligors(
    connection: Connection, municipality_code: str, notices: Iterable[int]
) -> dict[int, str]:
    """納付義務者 by notice."""
    owed = owed_by_notices(
        connection, municipality_code, sorted(notices), most=INSTALMENTS_MAX, settled_too=True
    )
    return {one.notice_id: one.obligor_name for one in owed}
