"""充当先の入力: what a person typed, read back with the mistakes beside their fields.

The form shows every instalment of the notices that were looked up, with a field for the amount that
shall settle it. What was typed stays as it was typed until it is right.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from payments.domain.errors import KokinError
from reconcile.explain_find import find_number
from reconcile.owed import Owed, owed_by_notices
from reconcile.placement import room_yen
from reconcile.placement_model import PARTS_MAX, Part
from web import messages
from web.placements.panel import place_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection
    from werkzeug.datastructures import MultiDict

    from payments.domain.profile import Profile
    from reconcile.placement import PlacementView

NOTICES_MAX = 10
INSTALMENTS_MAX = 200
NUMBER_MAX = 60
TYPED_MAX = 20
_AMOUNT = re.compile(r"[0-9]{1,11}")


@dataclass(frozen=True, slots=True)
class Row:
    """期別の一行: an instalment, what may still settle it, and what was typed beside it."""

    owed: Owed
    place: str  # its name in words
    room_yen: int  # open now, with what this line settles of it already
    typed: str = ""

    @property
    def name(self) -> str:
        """The name of its field."""
        return field_name(self.owed.notice_id, self.owed.term)


@dataclass(slots=True)
class Typed:
    """入力: the numbers looked up, the amounts as typed, the reason."""

    notices: list[int] = field(default_factory=list)
    amounts: dict[str, str] = field(default_factory=dict)
    number: str = ""
    reason: str = ""
    undo_reason: str = ""
    errors: dict[str, str] = field(default_factory=dict)  # name of a field → what is wrong
    named: str = ""  # the field of the instalment that a looked-up number names by itself

    def add(self, notice_id: int) -> None:
        """Show the instalments of this notice, too."""
        if notice_id not in self.notices:
            self.notices = [*self.notices, notice_id][-NOTICES_MAX:]


def field_name(notice_id: int, term: str) -> str:
    """The name of the field of one instalment."""
    return f"yen-{notice_id}-{term}"


def read_form(form: MultiDict[str, str], reason_max: int) -> Typed:
    """What was sent; nothing is checked yet but its size."""
    notices = [int(v) for v in form.getlist("notice")[:NOTICES_MAX] if v.isdecimal()]
    amounts = {
        name: value.strip()[:TYPED_MAX]
        for name, value in form.items()
        if name.startswith("yen-") and value.strip()
    }
    return Typed(
        notices=list(dict.fromkeys(notices)),
        amounts=dict(list(amounts.items())[:INSTALMENTS_MAX]),
        number=form.get("number", "").strip()[:NUMBER_MAX],
        reason=form.get("reason", "")[: reason_max + 1],
    )


def prefilled(parts: Sequence[Part]) -> Typed:
    """The form with these parts in it, as a person would have typed them."""
    typed = Typed()
    for part in parts:
        typed.add(part.notice_id)
        typed.amounts[field_name(part.notice_id, part.term)] = f"{part.amount_yen:,}"
    return typed


def look_up(connection: Connection, municipality_code: str, typed: Typed) -> None:
    """通知書番号・納付書番号から: add what the number stands for, or say why there is nothing."""
    if not typed.number:
        typed.errors["number"] = messages.error("placement_number")
        return
    try:
        found = find_number(connection, municipality_code, typed.number)
    except KokinError as error:
        typed.errors["number"] = messages.error(error.error_code, error.details)
        return
    if not found.notice_id:
        typed.errors["number"] = messages.error("placement_number")
        return
    typed.add(found.notice_id)
    typed.named = field_name(found.notice_id, found.term)
    typed.number = ""


def rows_of(
    connection: Connection, profile: Profile, typed: Typed, view: PlacementView
) -> list[Row]:
    """期別の行 of every notice that was looked up, with what was typed beside it.

    The instalment that a number names by itself gets as much as fits, to be changed or left.
    """
    code = profile.municipality_code
    owed = owed_by_notices(connection, code, typed.notices, most=INSTALMENTS_MAX, settled_too=True)
    rows = []
    for one in owed:
        place = f"{one.item_code}/{one.levy_year}/{one.notice_no}/{one.term}"
        name = field_name(one.notice_id, one.term)
        room = room_yen(connection, code, view, one.notice_id, one.term)
        rows.append(Row(one, place_words(profile, place), room, typed.amounts.get(name, "")))
    left = view.amount_yen - sum(yen_of(row.typed) or 0 for row in rows)
    return [
        replace(row, typed=f"{min(row.room_yen, left):,}")
        if row.name == typed.named and not row.typed and min(row.room_yen, left) > 0
        else row
        for row in rows
    ]


def parts_of(rows: Sequence[Row], typed: Typed, amount_yen: int) -> tuple[Part, ...]:
    """充当の一部 as typed; every mistake lands in ``typed.errors`` beside its field."""
    parts = []
    for row in rows:
        yen = yen_of(row.typed)
        if row.typed and yen is None:
            typed.errors[row.name] = messages.error("placement_yen")
        elif yen and yen > max(row.room_yen, 0):
            typed.errors[row.name] = messages.error("placement_room", {"expected": row.room_yen})
        if yen:
            parts.append(Part(row.owed.notice_id, row.owed.term, yen))
    placed = sum(part.amount_yen for part in parts)
    if placed > amount_yen:
        typed.errors["parts"] = messages.error(
            "placement_sum", {"found": placed, "expected": amount_yen}
        )
    if len(parts) > PARTS_MAX:
        typed.errors["parts"] = messages.error(
            "placement_parts", {"found": len(parts), "expected": PARTS_MAX}
        )
    return tuple(parts)


def yen_of(typed: str) -> int | None:
    """金額 as people type it: ``１２，３００円`` → 12300; "" is 0, anything else None."""
    plain = unicodedata.normalize("NFKC", typed).replace(",", "").replace("、", "")
    plain = plain.replace(" ", "").removesuffix("円")
    if not plain:
        return 0
    return int(plain) if _AMOUNT.fullmatch(plain) else None
