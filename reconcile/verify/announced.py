"""検算・速報と確報: which reports announced a payment, and whether its slip still stood then.

A receipt keeps marks of the reports that spoke of its payment, so that each of them counts once.
They follow from the lines and from what these were found to be.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from reconcile.verify.plain import TAKEN_UP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.verify.walk import Store

_FIRST, _SECOND, _CONFIRMED, _TAKEN_UP = 1, 2, 4, 8
_LATER = "81"  # the kind of a second 速報
# What each payment that was taken up again had been announced by.
_ANNOUNCED = f"""
SELECT DISTINCT o.partner_file_id, o.partner_line_no, o.file_id, o.line_no, o.journal_id, l.stage,
    l.kind
FROM ({TAKEN_UP}) t
CROSS JOIN source_line w
CROSS JOIN source_line l
CROSS JOIN line_outcome o
WHERE w.municipality_code = :m AND w.file_id = t.from_file_id AND w.line_no = t.from_line_no
    AND l.municipality_code = :m AND l.identity = w.identity
    AND o.municipality_code = :m AND o.file_id = l.file_id AND o.line_no = l.line_no
    AND o.revision = 1 AND o.outcome IN ('confirms', 'repeat')
    AND o.partner_file_id = w.file_id AND o.partner_line_no = w.line_no"""
_IN_ORDER = "taken_in, file_id, line_no, from_file_id, from_line_no"
# Rules that come behind the one about slips that were replaced, and that rule itself.
_OF_A_STANDING_SLIP = frozenset({"short", "over", "expired_slip", "matched"})
_OF_AN_OLD_SLIP = "superseded_slip"


def mark(stage: str, kind: str) -> int:
    """How a report marks the payment that it speaks of."""
    if stage == "confirmed":
        return _CONFIRMED
    return _SECOND if kind == _LATER else _FIRST


def taken_up_again(store: Store) -> dict[tuple[int, int], int]:
    """取消後の確報: the marks that a payment has because another stands for it, or it for another.

    By file and line. A 確報 that books what had been withdrawn stands for the first such payment
    that none stands for yet, with the reports of that one.
    """
    said: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for row in store.rows(_ANNOUNCED):
        said[row.partner_file_id, row.partner_line_no].append(
            (row.journal_id, mark(row.stage, row.kind))
        )
    marks: dict[tuple[int, int], int] = defaultdict(int)
    takers: set[tuple[int, int]] = set()
    for row in store.rows(f"SELECT * FROM ({TAKEN_UP}) t ORDER BY {_IN_ORDER}"):
        taker, before = (row.file_id, row.line_no), (row.from_file_id, row.from_line_no)
        if taker in takers or marks[before] & _TAKEN_UP:
            continue
        takers.add(taker)
        marks[before] |= _TAKEN_UP
        marks[taker] |= mark("provisional", row.from_kind)
        for journal_id, one in said[before]:
            if journal_id <= row.taken_in:
                marks[taker] |= one
    return marks


def seen(line: Any, reports: Sequence[Any], taken_up: int) -> int:
    """速報・確報の印 of a payment: its own report, those that spoke of it, and ``taken_up``."""
    marks = mark(line.stage, line.kind) | taken_up
    for report in reports:
        marks |= mark(report.stage, report.kind)
    return marks


def superseded(outcomes: Sequence[Any], receipt: Any) -> bool:
    """旧納付書か: whether the slip was replaced or revoked when its payment came.

    The rules say so wherever they came to ask. Elsewhere a payment without a slip, or one with a
    slip that nothing has replaced to this day, was none; of the others what stands is taken.
    """
    decided = {row.outcome for row in outcomes}
    if _OF_AN_OLD_SLIP in decided:
        return True
    if decided & _OF_A_STANDING_SLIP or receipt.slip_id is None or receipt.stands:
        return False
    return bool(receipt.superseded)
