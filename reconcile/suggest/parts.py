"""候補の部品: the parts of suggestions, and money that waits beside for the same bills."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, text

from reconcile.suggest.rules import Fact, Reading, SuggestedPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from reconcile.settlement.owed import Owed

OWED_MAX = 200  # instalments looked at for one suggestion
READINGS_MAX = 20
WAITING_MAX = 12  # other payments looked at
TOGETHER_MAX = 4  # payments that may make up one bill

_BLOCKED = """
SELECT notice_id, term FROM link_block
WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no
  AND notice_id IS NOT NULL"""
# What waits in suspense and names a bill of these people.
_RECEIPTS = """
SELECT r.file_id, r.line_no, r.suspense_yen AS yen FROM notice n
JOIN receipt r ON r.municipality_code = :m AND r.notice_id = n.notice_id
WHERE n.municipality_code = :m AND n.obligor_no IN :obligors
  AND r.suspense_yen > 0 AND r.stage <> 'withdrawn'
ORDER BY r.file_id, r.line_no LIMIT :most"""


class Waiting(NamedTuple):
    """待っている金: another line whose money has no place yet."""

    subject: str
    yen: int


def part_of(owed: Owed, yen: int) -> SuggestedPart:
    """候補の期別 with the names a person reads."""
    place = f"{owed.item_code}/{owed.levy_year}/{owed.notice_no}/{owed.term}"
    return SuggestedPart(
        owed.notice_id, owed.term, yen, place, owed.open_yen, owed.obligor_no, owed.obligor_name
    )


def blocked_places(
    connection: Connection, code: str, file_id: int, line_no: int
) -> set[tuple[int, str]]:
    """手作業で解いた期別: what people took this money from is not suggested to them again."""
    rows = connection.execute(text(_BLOCKED), {"m": code, "file_id": file_id, "line_no": line_no})
    return {(row.notice_id, row.term) for row in rows}


def shares_with_others(
    connection: Connection,
    code: str,
    owed: Sequence[Owed],
    subject: str,
    yen: int,
    facts: frozenset[Fact],
    others: Sequence[Waiting] = (),
) -> list[Reading]:
    """複数の納付で一つの期別: this money and others that wait are one bill's open amount together.

    ``others`` are looked at beside the receipts in suspense of the same obligors.
    """
    if not owed:
        return []
    rows = connection.execute(
        text(_RECEIPTS).bindparams(bindparam("obligors", expanding=True)),
        {"m": code, "obligors": sorted({one.obligor_no for one in owed}), "most": WAITING_MAX},
    )
    waiting = [*others, *(Waiting(f"{r.file_id}:{r.line_no}", r.yen) for r in rows)]
    waiting = [one for one in waiting if one.subject != subject][:WAITING_MAX]
    readings = []
    for size in range(1, TOGETHER_MAX):
        for some in combinations(waiting, size):
            together = yen + sum(one.yen for one in some)
            readings += [
                Reading(
                    facts | {Fact.AMOUNT_WITH_OTHERS},
                    (part_of(bill, yen),),
                    beside=tuple(one.subject for one in some),
                )
                for bill in owed
                if bill.open_yen == together
            ]
    return readings[: READINGS_MAX + 1]
