"""検算・調定異動: every line of a register of claims is an event, and every difference its posting.

A line that names a difference says nothing about the amount after it. That follows from the
ledger: what has been claimed of the instalment up to and with this line, of which the line itself
moved just its difference.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from reconcile.verify.walk import Difference, shown, unlike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Sections, Store

EVENT = (
    "line_no", "kind", "term", "amount_yen", "content", "item_code", "levy_year", "notice_no",
    "fiscal_year",
)  # fmt: skip
_CONTENT_BYTES = 16
_OWN = 5  # columns of an event itself, before those of its notice and instalment
# The notice and the instalment belong to what an event says; the year is that of the first line.
EVENTS = """
SELECT e.line_no, e.kind, e.term, e.amount_yen, e.content, n.item_code, n.levy_year, n.notice_no,
       CASE e.kind WHEN 'initial' THEN i.fiscal_year END, e.file_id
FROM assessment_event e
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = e.notice_id
LEFT JOIN instalment i ON i.municipality_code = :m AND i.notice_id = e.notice_id
                      AND i.term = e.term
WHERE e.municipality_code = :m ORDER BY e.file_id, e.line_no"""
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
    changes = _Changes(store, file_id)
    refused: set[int] | None = None
    for line_no, should, is_ in unlike(map(changes.event, sheet.lines), stored.of(file_id)):
        own = len(should) == len(is_) == 1 and should[0][:_OWN] == is_[0][:_OWN]
        if refused is None:
            refused = {row.line_no for row in store.rows(_REFUSED, file_id=file_id)}
        # What was not applied need not say what the instalment says.
        if not own or line_no not in refused:
            yield _difference(f"{file_id}:{line_no}", should, is_)
    yield from changes.wrong


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
            line.fiscal_year if kind == "initial" else None,
        )

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
