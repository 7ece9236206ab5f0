"""検算・調定異動: every line of a register of claims is an event, and every difference its posting.

A line that names a difference says nothing about the amount after it. That follows from the
ledger: what has been claimed of the instalment up to and with this line, of which the line itself
moved just its difference.
"""

from __future__ import annotations

import hashlib
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from payments.domain.calendars import tax_due_on
from reconcile.verify.walk import Difference, shown, unlike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Sections, Store

EVENT = (
    "line_no", "kind", "term", "amount_yen", "content", "item_code", "levy_year", "notice_no",
    "fiscal_year", "in_group", "whole_year_group", "obligor_no", "due_on_statutory", "due_on",
    "direct_debit",
)  # fmt: skip
_CONTENT_BYTES = 16
_OWN = 5  # columns of an event itself, before those of its notice and instalment
# What a notice says is what its first line said; when an instalment is due, what the last one says.
_OF_FIRST = slice(10, 12)
_OF_LAST = slice(12, 15)
# The notice and the instalment belong to what an event says; the year is that of the first line.
EVENTS = """
SELECT e.line_no, e.kind, e.term, e.amount_yen, e.content, n.item_code, n.levy_year, n.notice_no,
       CASE e.kind WHEN 'initial' THEN i.fiscal_year END,
       CASE e.kind WHEN 'initial' THEN a.in_group END,
       CASE e.kind WHEN 'initial' THEN n.whole_year_group END,
       CASE e.kind WHEN 'initial' THEN n.obligor_no END,
       CAST(i.due_on_statutory AS VARCHAR(10)), CAST(i.due_on AS VARCHAR(10)), i.direct_debit,
       e.file_id
FROM assessment_event e
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = e.notice_id
LEFT JOIN instalment i ON i.municipality_code = :m AND i.notice_id = e.notice_id
                      AND i.term = e.term
LEFT JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = e.notice_id
                              AND a.term = e.term
WHERE e.municipality_code = :m ORDER BY e.file_id, e.line_no"""
# The other lines that were applied: initial ones of the same notice, or those about the instalment.
_OTHERS = """
SELECT o.file_id, o.line_no FROM assessment_event e
JOIN assessment_event o ON o.municipality_code = :m AND o.notice_id = e.notice_id
 AND o.outcome = 'applied' AND {which}
WHERE e.municipality_code = :m AND e.file_id = :file_id AND e.line_no = :line_no"""
_OF_NOTICE = _OTHERS.format(which="o.kind = 'initial'")
_OF_INSTALMENT = _OTHERS.format(which="o.term = e.term")
_BOOKED = """
SELECT file_id, MIN(journal_id) FROM journal
WHERE municipality_code = :m AND file_id IS NOT NULL GROUP BY file_id"""
_REFUSED = """
SELECT line_no FROM assessment_event
WHERE municipality_code = :m AND file_id = :file_id AND outcome <> 'applied'"""
_CLAIMED = """CASE WHEN p.debit_account = 'receivable' THEN p.amount_yen ELSE -p.amount_yen END"""
# A register is booked in one journal, its lines in their order.
_CHANGES = f"""
SELECT e.line_no, e.outcome, COALESCE(SUM({_CLAIMED}), 0) AS claimed_yen,
       COALESCE(SUM(CASE WHEN p.subject_file_id = e.file_id AND p.subject_line_no = e.line_no
                         THEN {_CLAIMED} ELSE 0 END), 0) AS moved_yen
FROM assessment_event e
JOIN (SELECT MIN(journal_id) AS journal_id FROM journal
      WHERE municipality_code = :m AND file_id = :file_id) j ON 1 = 1
LEFT JOIN posting p ON p.municipality_code = :m AND p.notice_id = e.notice_id AND p.term = e.term
     AND p.reason IN ('assessment', 'correction', 'cancellation')
     AND (p.journal_id < j.journal_id
          OR (p.journal_id = j.journal_id AND p.subject_line_no <= e.line_no))
WHERE e.municipality_code = :m AND e.file_id = :file_id AND e.kind = 'correction'
GROUP BY e.line_no, e.outcome"""


def assessed(store: Store, stored: Sections, file_id: int, sheet: Any) -> Iterator[Difference]:
    """調定: every line is an event with the amount and the content of the file."""
    changes, others = _Changes(store, file_id), _Others(store, file_id)
    refused: set[int] | None = None
    for line_no, should, is_ in unlike(map(changes.event, sheet.lines), stored.of(file_id)):
        own = len(should) == len(is_) == 1 and should[0][:_OWN] == is_[0][:_OWN]
        if refused is None:
            refused = {row.line_no for row in store.rows(_REFUSED, file_id=file_id)}
        # What was not applied need not say what the instalment says.
        if own and (line_no in refused or others.told(should[0], is_[0])):
            continue
        yield _difference(f"{file_id}:{line_no}", should, is_)
    yield from changes.wrong


class _Others:
    """ほかの行: which line counts where several are about one notice or one instalment."""

    def __init__(self, store: Store, file_id: int) -> None:
        self.store, self.file_id = store, file_id
        self._booked: dict[int, int] | None = None

    def told(self, should: tuple[Any, ...], is_: tuple[Any, ...]) -> bool:
        """Whether all that differs is what an earlier line, or a later one, says instead."""
        rest_should, rest_is = list(should), list(is_)
        for part in (_OF_FIRST, _OF_LAST):
            rest_should[part] = rest_is[part] = [None] * len(should[part])
        line_no = should[0]
        return (
            rest_should == rest_is
            and (should[_OF_FIRST] == is_[_OF_FIRST] or min(self._order(line_no, _OF_NOTICE)) < 0)
            and (should[_OF_LAST] == is_[_OF_LAST] or max(self._order(line_no, _OF_INSTALMENT)) > 0)
        )

    def _order(self, line_no: int, others: str) -> list[int]:
        """Before (-1) or behind (1) this line, for each of the others, as they were booked."""
        if self._booked is None:
            self._booked = {row[0]: row[1] for row in self.store.rows(_BOOKED)}
        own = (self._booked.get(self.file_id, 0), self.file_id, line_no)
        found = self.store.rows(others, file_id=self.file_id, line_no=line_no)
        places = [(self._booked.get(row[0], 0), row[0], row[1]) for row in found]
        return [0, *((place > own) - (place < own) for place in places)]


def _difference(
    subject: str, should: list[tuple[Any, ...]], is_: list[tuple[Any, ...]]
) -> Difference:
    """The fields that differ, or how many events there are."""
    if len(should) != 1 or len(is_) != 1:
        return Difference("assessment_event", subject, f"{len(should)} line", f"{len(is_)} line")
    found = shown(EVENT, is_[0], should[0])
    return Difference("assessment_event", subject, shown(EVENT, should[0], is_[0]), found)


def _content(line: Any) -> bytes:
    """What a line says; of one with a 異動番号 half of it says which change it is."""
    if not line.change_no:
        return hashlib.blake2b(repr(line[2:]).encode(), digest_size=_CONTENT_BYTES).digest()
    half = _CONTENT_BYTES // 2
    parts = (line.change_no, repr(line[2:]))
    return b"".join(hashlib.blake2b(p.encode(), digest_size=half).digest() for p in parts)


class _Changes:
    """増減の行: what the ledger says of them, asked for once where a file has any."""

    def __init__(self, store: Store, file_id: int) -> None:
        self.store, self.file_id = store, file_id
        self.wrong: list[Difference] = []
        self._ledger: dict[int, tuple[str, int, int]] | None = None

    def event(self, line: Any) -> tuple[Any, ...]:
        """The event that a line must have become."""
        kind, amount_yen = line.kind, line.amount_yen
        if kind == "difference":
            kind, amount_yen = "correction", self._after(line.line_no, line.amount_yen)
        return (
            line.line_no,
            kind,
            line.term,
            amount_yen,
            _content(line),
            line.item_code,
            line.levy_year,
            line.notice_no,
            *(
                (line.fiscal_year, bool(line.whole_year_group), line.whole_year_group,
                 line.obligor_no)
                if kind == "initial"
                else (None,) * 4
            ),
            line.due_on_statutory,
            _shifted(line.due_on_statutory),
            "direct_debit" in (line.flags.split(";") if isinstance(line.flags, str)
                               else line.flags),
        )  # fmt: skip

    def _after(self, line_no: int, change_yen: int) -> int:
        """What is claimed after the line; its own posting must be its difference."""
        if self._ledger is None:
            rows = self.store.rows(_CHANGES, file_id=self.file_id)
            self._ledger = {row[0]: (row[1], int(row[2]), int(row[3])) for row in rows}
        outcome, claimed, moved = self._ledger.get(line_no, ("", 0, 0))
        should = change_yen if outcome == "applied" else 0
        if moved != should:
            self.wrong.append(
                Difference("assessment_event", f"{self.file_id}:{line_no}", f"change_yen={should}",
                           f"change_yen={moved}")
            )  # fmt: skip
        return claimed


@lru_cache(maxsize=4096)
def _shifted(statutory: str) -> str:
    """納期限 after the holiday shift (地方税法20条の5②)."""
    return tax_due_on(date.fromisoformat(statutory)).isoformat()
