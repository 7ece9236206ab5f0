"""充当先の指定: from what people name, a case or a number, to the line and the parts.

Nothing is guessed: what several payments could mean is refused with their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.domain.errors import NotFoundError, RefusedError
from reconcile.find import find_number
from reconcile.placement.ask import placement_view, room_yen
from reconcile.placement.placed import lines_placed_on
from reconcile.placement_model import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from reconcile.placement.ask import Money, PlacementView

WHOLE_YEAR = "00"


def line_of_case(connection: Connection, municipality_code: str, case_no: int) -> tuple[int, int]:
    """確認事項の納付 as file and line: its own, or the only payment on the instalment it is about.

    Raises :class:`NotFoundError` ``case``; :class:`RefusedError` ``placement_lines`` where several
    payments settle the instalment, ``placement_case`` for a case about no payment.
    """
    row = connection.execute(
        text(
            "SELECT subject, file_id, line_no FROM review_case "
            "WHERE municipality_code = :m AND case_no = :case_no"
        ),
        {"m": municipality_code, "case_no": case_no},
    ).one_or_none()
    if row is None:
        raise NotFoundError("case", case_no=case_no)
    if row.file_id is not None and row.line_no is not None:
        return int(row.file_id), int(row.line_no)
    notice_id, slash, term = str(row.subject).partition("/")
    lines = []
    if slash and notice_id.isdigit():
        lines = settling(connection, municipality_code, int(notice_id), term)
    if len(lines) == 1:
        return lines[0].file_id, lines[0].line_no
    if lines:
        named = "、".join(f"{line.file_name}:{line.line_no}" for line in lines)
        raise RefusedError("placement_lines", case_no=case_no, expected=named)
    raise RefusedError("placement_case", case_no=case_no)


def settling(
    connection: Connection, municipality_code: str, notice_id: int, term: str
) -> list[PlacementView]:
    """充当元: every payment whose money stands on an instalment, oldest file first."""
    rows = connection.execute(
        text(
            "SELECT file_id, line_no FROM receipt WHERE municipality_code = :m "
            "AND notice_id = :notice_id AND applied_yen > 0"
        ),
        {"m": municipality_code, "notice_id": notice_id},
    )
    lines = {(int(row.file_id), int(row.line_no)) for row in rows}
    lines |= set(lines_placed_on(connection, municipality_code, notice_id, term))
    views = [placement_view(connection, municipality_code, *line) for line in sorted(lines)]
    place = (notice_id, term)
    return [view for view in views if place in {(p.notice_id, p.term) for p in view.parts}]


def parts_named(
    connection: Connection,
    municipality_code: str,
    view: Money,
    wanted: Iterable[tuple[str, int | None]],
) -> tuple[Part, ...]:
    """充当先の指定: (number as people read it, yen) → parts; without yen, as much as is open.

    A number is whatever :func:`reconcile.find.find_number` knows that names an instalment
    or a slip; a 全期 slip stands for the instalments of its group, in order of term. Raises what
    that raises, and :class:`RefusedError` ``placement_notice`` for a notice without 期別.
    """
    parts: list[Part] = []
    for number, asked_yen in wanted:
        notice_id, terms = _places(connection, municipality_code, number)
        if asked_yen is not None and len(terms) == 1:
            parts.append(Part(notice_id, terms[0], asked_yen))
            continue
        rest = view.amount_yen - sum(part.amount_yen for part in parts)
        left = share = rest if asked_yen is None else asked_yen
        for term in terms:
            room = room_yen(connection, municipality_code, view, notice_id, term)
            if min(left, room) > 0:
                parts.append(Part(notice_id, term, min(left, room)))
                left -= min(left, room)
        if left == share or (asked_yen is not None and left):
            raise RefusedError(
                "placement_outstanding", place=number, found=share, expected=share - left
            )
    return tuple(parts)


def _places(connection: Connection, municipality_code: str, number: str) -> tuple[int, list[str]]:
    """The notice and the instalments that a number names."""
    found = find_number(connection, municipality_code, number)
    if found.kind not in {"instalment", "slip"}:
        raise RefusedError("placement_notice", found=number)
    if found.term != WHOLE_YEAR:
        return found.notice_id, [found.term]
    rows = connection.execute(
        text(
            "SELECT term FROM instalment_account WHERE municipality_code = :m "
            "AND notice_id = :notice_id AND in_group ORDER BY term"
        ),
        {"m": municipality_code, "notice_id": found.notice_id},
    )
    return found.notice_id, [str(term) for term in rows.scalars()]
