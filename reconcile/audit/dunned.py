"""監査資料の督促: which lists, letters and re-checks belong to a day, or to the notices of a case.

Of the lists that were drawn on a day all rows come along, because the seal holds their digest; of
a case only the rows of its notices do. A re-check is about a person, and comes along with every
notice of theirs. What two people decided about a list is there, and on whose decision it was drawn
although a file lacked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection

_AT_ONCE = 5_000
# In this order, joined by commas behind the number of the list, rows give the digest of a list.
ROW = (
    "list_no", "notice_id", "term", "obligor_no", "item_code", "due_on", "amount_yen", "paid_yen",
    "ground", "grounds",
)  # fmt: skip
_ROWS = (
    f"SELECT {', '.join(ROW).replace('due_on', 'CAST(due_on AS VARCHAR(10)) AS due_on')} "
    "FROM dunning_row WHERE municipality_code = :m AND list_no = :list_no{of_notice} "
    "ORDER BY notice_id, term"
)
_ENTRIES = """
SELECT e.entry_no FROM seal_entry e JOIN {kind} t ON t.municipality_code = :m
    AND t.{name} = e.subject_id AND {part}
WHERE e.municipality_code = :m AND e.kind = '{kind}' AND {which}"""
_KINDS = {
    "dunning_list": ("list_no", "e.part_no = 0"),
    "dunning_event": ("list_no", "t.event_no = e.part_no"),
    "dunning_recheck": ("recheck_no", "e.part_no = 0"),
    "limitation_event": ("event_no", "e.part_no = 0"),
}
_ON_DAY = """SELECT list_no FROM dunning_list WHERE municipality_code = :m AND as_of_on = :on
    UNION SELECT list_no FROM dunning_event WHERE municipality_code = :m AND happened_on = :on"""
_OF_NOTICE = """SELECT l.list_no FROM dunning_list l WHERE l.municipality_code = :m AND EXISTS (
    SELECT 1 FROM dunning_row w WHERE w.municipality_code = :m AND w.list_no = l.list_no
      AND w.notice_id = :notice_id)"""
_APPROVED = """
SELECT approval_id FROM approval WHERE municipality_code = :m
  AND (subject IN (SELECT 'dunning:' || CAST(l.list_no AS VARCHAR(20)) FROM ({lists}) l)
    OR approval_id IN (SELECT d.despite_id FROM dunning_list d
        WHERE d.municipality_code = :m AND d.list_no IN ({lists})))"""
_OF_PERSON = """t.obligor_no = (SELECT x.obligor_no FROM notice x
    WHERE x.municipality_code = :m AND x.notice_id = :notice_id)"""


class Dunned(NamedTuple):
    """範囲の督促: lists whose rows come along, sealed entries, approvals."""

    lists: set[int]
    entries: set[int]
    approvals: set[int]


def of_day(connection: Connection, municipality_code: str, day: date) -> Dunned:
    """一日の督促: what was drawn, done and asked on it, and what its letters renewed."""
    find = _Finder(connection, {"m": municipality_code, "on": day.isoformat()})
    lists = find.numbers(
        "SELECT list_no FROM dunning_list WHERE municipality_code = :m AND as_of_on = :on"
    )
    entries = find.entries("dunning_list", f"t.list_no IN ({_ON_DAY})")
    entries |= find.entries("dunning_event", "t.happened_on = :on")
    entries |= find.entries("dunning_recheck", "t.asked_on = :on")
    entries |= find.entries("limitation_event", "t.from_on = :on")
    return Dunned(lists, entries, find.numbers(_APPROVED.format(lists=_ON_DAY)))


def of_notices(connection: Connection, municipality_code: str, notice_ids: Iterable[int]) -> Dunned:
    """一件の督促: every list on which these notices stand, whatever became of it."""
    found = Dunned(set(), set(), set())
    for notice_id in sorted(notice_ids):
        find = _Finder(connection, {"m": municipality_code, "notice_id": notice_id})
        found.lists.update(find.numbers(_OF_NOTICE))
        for kind in ("dunning_list", "dunning_event"):
            found.entries.update(find.entries(kind, f"t.list_no IN ({_OF_NOTICE})"))
        found.entries.update(find.entries("dunning_recheck", _OF_PERSON))
        found.entries.update(find.entries("limitation_event", "t.notice_id = :notice_id"))
        found.approvals.update(find.numbers(_APPROVED.format(lists=_OF_NOTICE)))
    return found


def rows_of(
    connection: Connection,
    municipality_code: str,
    lists: Iterable[int],
    notice_ids: Iterable[int] | None,
) -> Iterator[Any]:
    """督促リストの明細 of these lists, whole or of some notices only."""
    some: list[tuple[str, dict[str, int]]] = [("", {})]
    if notice_ids is not None:
        some = [
            (" AND notice_id = :notice_id", {"notice_id": number}) for number in sorted(notice_ids)
        ]
    for list_no in sorted(lists):
        for condition, more in some:
            found = connection.execute(
                text(_ROWS.format(of_notice=condition)),
                {"m": municipality_code, "list_no": list_no, **more},
                execution_options={"yield_per": _AT_ONCE},
            )
            for portion in found.partitions(_AT_ONCE):
                yield from portion


class _Finder(NamedTuple):
    """Look-ups with the same values."""

    connection: Connection
    values: dict[str, Any]

    def numbers(self, statement: str) -> set[int]:
        """The first column of what is found."""
        return set(self.connection.execute(text(statement), self.values).scalars())

    def entries(self, kind: str, which: str) -> set[int]:
        """The entries of one kind for which ``which`` holds of their row ``t``."""
        name, part = _KINDS[kind]
        return self.numbers(_ENTRIES.format(kind=kind, name=name, part=part, which=which))
