"""充当先の決定: what two people say about the place of one payment's money, as plain values.

A placement (充当先の決定) names the parts of the money that settle instalments; what is left stays
in suspense (仮受金). No part at all takes the link back (消込取消), one part is a rematch or a move
(再消込・振替), several are a split (分割). The same values serve receipts and bank credits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from payments.domain.money import require_yen

if TYPE_CHECKING:
    from collections.abc import Iterable

KIND = "placement"
APPROPRIATION = "appropriation"  # a placement that the law asks for (reconcile.refunds)
PARTS_MAX = 20  # a receipt taken back can give back as many surpluses (reconcile.post)
UNDO, MOVE, SPLIT = "undo", "move", "split"
# The rules that only people apply: without a part, and with parts.
UNLINKED_RULE, PLACED_RULE = "M1", "M2"
UNLINKED, PLACED = "unlinked", "placed"


class Part(NamedTuple):
    """充当の一部: ``amount_yen`` (at least 1) settles one instalment (never 全期 00)."""

    notice_id: int
    term: str
    amount_yen: int


class Placement(NamedTuple):
    """充当先の決定: the line that brought the money, and the parts, in the order of writing."""

    file_id: int
    line_no: int
    parts: tuple[Part, ...]

    @property
    def subject(self) -> str:
        """承認の対象: ``line:FILE:LINE``."""
        return subject_of(self.file_id, self.line_no)

    @property
    def operation(self) -> str:
        """操作: ``undo`` (消込取消), ``move`` (再消込・振替) or ``split`` (分割)."""
        return {0: UNDO, 1: MOVE}.get(len(self.parts), SPLIT)

    @property
    def placed_yen(self) -> int:
        """充当額: what settles instalments."""
        return sum(part.amount_yen for part in self.parts)

    @property
    def outcome(self) -> str:
        """照合結果: ``unlinked`` or ``placed``."""
        return PLACED if self.parts else UNLINKED

    @property
    def rule(self) -> str:
        """規則: ``M1`` or ``M2``."""
        return PLACED_RULE if self.parts else UNLINKED_RULE


def placement_of(
    file_id: int, line_no: int, parts: Iterable[Part], *, amount_yen: int
) -> Placement:
    """充当先の決定 of ``amount_yen`` yen, once it makes sense by itself.

    Raises :class:`InvalidValueError` ``placement_parts`` (more than :data:`PARTS_MAX`),
    ``placement_term`` (全期 is no instalment), ``yen_out_of_range`` or ``not_yen`` (a part below
    one yen), ``placement_twice`` (one instalment in two parts), ``placement_sum`` (more than came).
    """
    found = tuple(parts)
    if len(found) > PARTS_MAX:
        raise InvalidValueError("placement_parts", found=len(found), expected=PARTS_MAX)
    for part in found:
        if not is_term(part.term):
            raise InvalidValueError("placement_term", field="term", found=part.term)
        require_yen(part.amount_yen, "amount_yen", minimum=1)
    named = [(part.notice_id, part.term) for part in found]
    for place in named:
        if named.count(place) > 1:
            raise InvalidValueError("placement_twice", found=place[1])
    placement = Placement(file_id, line_no, found)
    if placement.placed_yen > amount_yen:
        raise InvalidValueError("placement_sum", found=placement.placed_yen, expected=amount_yen)
    return placement


def is_term(term: str) -> bool:
    """期別か: two digits, and not 全期 (00)."""
    return len(term) == len("01") and term.isascii() and term.isdigit() and term != "00"


def subject_of(file_id: int, line_no: int) -> str:
    """承認の対象 of everything that people decide about one line: ``line:FILE:LINE``."""
    return f"line:{file_id}:{line_no}"
