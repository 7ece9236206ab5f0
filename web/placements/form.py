"""充当先の入力: what a person typed, read back with the mistakes beside their fields.

The form shows every instalment of the notices that were looked up (of a credit also the open
remittances of a payer), with a field for the amount that shall go there. What was typed stays as it
was typed until it is right.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from payments.domain.errors import KokinError
from reconcile.find import find_number
from reconcile.placement.ask import open_yen
from reconcile.placement.credit_ask import GroupShare
from reconcile.placement_model import Part
from reconcile.settlement.line_books import as_date
from reconcile.settlement.open_credits import groups_of
from reconcile.settlement.owed import owed_by_notices
from web import messages
from web.placements.panel import CREDIT, group_words, place_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection
    from werkzeug.datastructures import MultiDict

    from payments.domain.profile import Profile
    from web.placements.panel import Panel

NOTICES_MAX = 10
GROUPS_SHOWN = 30
INSTALMENTS_MAX = 200
NUMBER_MAX = 60
TYPED_MAX = 20
_AMOUNT = re.compile(r"[0-9]{1,11}")
_ID = re.compile(r"[0-9]{1,18}")
_FIELD = re.compile(r"(?:part-[0-9]{1,18}-[0-9]{2}|group-[0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Row:
    """充当先の一行: an instalment or a remittance, what fits there, and what was typed beside it.

    ``place`` is a :class:`Part` or a :class:`GroupShare` of zero yen: where the amount would go.
    """

    place: Part | GroupShare
    name: str  # in words
    obligor: str
    day: date
    asked_yen: int  # 調定額, or what is expected of a remittance
    room_yen: int  # what fits, with what this line settles of it already
    typed: str = ""

    @property
    def field(self) -> str:
        """The name of its field."""
        return field_name(self.place)


@dataclass(slots=True)
class Typed:
    """入力: the numbers looked up, the amounts as typed, the reasons."""

    notices: list[int] = field(default_factory=list)
    amounts: dict[str, str] = field(default_factory=dict)  # name of a field → what was typed
    number: str = ""
    agent: str = ""
    reason: str = ""
    undo_reason: str = ""
    learn_alias: bool = False
    errors: dict[str, str] = field(default_factory=dict)  # name of a field → what is wrong
    code: str = ""  # of the rule that said no
    named: str = ""  # the field of the instalment that a looked-up number names by itself

    def add(self, place: Part | GroupShare) -> None:
        """Show this place with its amount."""
        if isinstance(place, Part):
            self.show(place.notice_id)
        if place.amount_yen:
            self.amounts[field_name(place)] = f"{place.amount_yen:,}"

    def show(self, notice_id: int) -> None:
        """Show the instalments of this notice, too."""
        if notice_id not in self.notices:
            self.notices = [*self.notices, notice_id][-NOTICES_MAX:]


def field_name(place: Part | GroupShare) -> str:
    """The name of the field of one place."""
    if isinstance(place, Part):
        return f"part-{place.notice_id}-{place.term}"
    return f"group-{place.group_id}"


def standing(panel: Panel) -> Typed:
    """The form as the money stands now."""
    typed = Typed(agent=panel.agent)
    for part in panel.parts:
        typed.add(Part(part.notice_id, part.term, part.amount_yen))
    for group in panel.groups:
        typed.add(GroupShare(group.group_id, group.amount_yen))
    return typed


def read_form(form: MultiDict[str, str], panel: Panel, reason_max: int) -> Typed:
    """What was sent; nothing is checked yet but its size."""
    notices = [int(v) for v in form.getlist("notice")[:NOTICES_MAX] if _ID.fullmatch(v)]
    amounts = {
        name: value.strip()[:TYPED_MAX]
        for name, value in form.items()
        if _FIELD.fullmatch(name) and value.strip()
    }
    return Typed(
        notices=list(dict.fromkeys(notices)),
        amounts=dict(list(amounts.items())[:INSTALMENTS_MAX]),
        number=form.get("number", "").strip()[:NUMBER_MAX],
        agent=form.get("agent", panel.agent)[:NUMBER_MAX],
        reason=form.get("reason", "")[: reason_max + 1],
        learn_alias=form.get("learn_alias") == "yes",
    )


def look_up(connection: Connection, municipality_code: str, typed: Typed) -> None:
    """通知書番号・納付書番号から: add what the number stands for, or say why there is nothing."""
    try:
        found = find_number(connection, municipality_code, typed.number)
    except KokinError as error:
        typed.errors["number"] = messages.error(error.error_code, error.details)
        return
    if not found.notice_id:
        typed.errors["number"] = messages.error("placement_number")
        return
    typed.show(found.notice_id)
    typed.named = field_name(Part(found.notice_id, found.term, 0))
    typed.number = ""


def rows_of(connection: Connection, profile: Profile, panel: Panel, typed: Typed) -> list[Row]:
    """充当先の行: every instalment that was looked up, then every open remittance of the payer.

    The instalment that a number names by itself gets as much as fits, to be changed or left.
    """
    rows = _instalments(connection, profile, panel.settled_here, typed)
    if panel.kind == CREDIT:
        rows += _remittances(connection, profile, panel, typed)
    left = panel.amount_yen - sum(yen_of(row.typed) or 0 for row in rows)
    return [
        replace(row, typed=f"{min(row.room_yen, left):,}")
        if row.field == typed.named and not row.typed and min(row.room_yen, left) > 0
        else row
        for row in rows
    ]


def _instalments(
    connection: Connection,
    profile: Profile,
    settled_here: Mapping[tuple[int, str], int],
    typed: Typed,
) -> list[Row]:
    code = profile.municipality_code
    rows = []
    for one in owed_by_notices(
        connection, code, typed.notices, most=INSTALMENTS_MAX, settled_too=True
    ):
        place = Part(one.notice_id, one.term, 0)
        name = f"{one.item_code}/{one.levy_year}/{one.notice_no}/{one.term}"
        mine = settled_here.get((one.notice_id, one.term), 0)
        room = open_yen(connection, code, one.notice_id, one.term, without_yen=mine)
        was = typed.amounts.get(field_name(place), "")
        rows.append(
            Row(
                place, place_words(profile, name), one.obligor_name, one.due_on, one.amount_yen,
                room, was,
            )
        )  # fmt: skip
    return rows


def _remittances(connection: Connection, profile: Profile, panel: Panel, typed: Typed) -> list[Row]:
    """払込: what the payer still owes, the latest first, and what the credit settles now."""
    mine = {group.group_id: group for group in panel.groups}
    opened = groups_of(connection, profile, typed.agent) if typed.agent else []
    found: dict[int, tuple[str, object, int]] = {
        group.group_id: (group.ref, group.remitted_on, group.expected_yen)
        for group in opened
        if group.expected_yen > 0
    }
    for group_id, group in mine.items():
        ref, day, expected = found.get(group_id, (group.ref, group.remitted_on, 0))
        found[group_id] = (ref, day, expected + group.amount_yen)
    rows = []
    for group_id, (ref, day, expected) in found.items():
        place = GroupShare(group_id, 0)
        agent = mine[group_id].agent if group_id in mine else typed.agent
        was = typed.amounts.get(field_name(place), "")
        name = group_words(ref, agent)
        rows.append(Row(place, name, "", as_date(day), expected, expected, was))
    rows.sort(key=lambda row: (not row.typed, -row.day.toordinal(), row.name))
    return rows[:GROUPS_SHOWN]


def places_typed(rows: Sequence[Row], typed: Typed, amount_yen: int) -> list[Part | GroupShare]:
    """充当先 as typed; every mistake lands in ``typed.errors`` beside its field."""
    found: list[Part | GroupShare] = []
    for row in rows:
        yen = yen_of(row.typed)
        if row.typed and yen is None:
            typed.errors[row.field] = messages.error("placement_yen")
        elif yen and yen > max(row.room_yen, 0):
            typed.errors[row.field] = messages.error("placement_room", {"expected": row.room_yen})
        if yen:
            found.append(row.place._replace(amount_yen=yen))
    placed = sum(place.amount_yen for place in found)
    if placed > amount_yen:
        values = {"found": placed, "expected": amount_yen}
        typed.errors["places"] = messages.error("placement_sum", values)
    return found


def yen_of(typed: str) -> int | None:
    """金額 as people type it: ``１２，３００円`` → 12300; "" is 0, anything else None."""
    plain = unicodedata.normalize("NFKC", typed).replace(",", "").replace("、", "")
    plain = plain.replace(" ", "").removesuffix("円")
    if not plain:
        return 0
    return int(plain) if _AMOUNT.fullmatch(plain) else None
