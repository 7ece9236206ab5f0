"""検算・充当先の決定: what people decided about a payment's money follows from two people.

Every placement is worked out once more from the approval alone: the parts written down, the
postings, the outcome of the line, and the links that must not come back. Nothing here is shared
with what carried it out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

_APPROVED = """
SELECT approval_id, subject, content_json, reason, asked_by, decided_by FROM approval
WHERE municipality_code = :m AND kind IN ('placement', 'appropriation')
  AND decision = 'approved'
ORDER BY approval_id"""
_PLACEMENTS = """
SELECT p.placement_no, p.approval_id, p.file_id, p.line_no, p.journal_id, j.kind, j.reason,
    r.stage, r.journal_id AS decided_in
FROM placement p
LEFT JOIN journal j ON j.municipality_code = :m AND j.journal_id = p.journal_id
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.file_id AND r.line_no = p.line_no
WHERE p.municipality_code = :m AND NOT EXISTS (
    SELECT 1 FROM approval a WHERE a.municipality_code = :m AND a.approval_id = p.approval_id
      AND a.kind = 'credit_placement')  -- reconcile.verify.credits
ORDER BY p.placement_no"""
_PARTS = """
SELECT notice_id, term, amount_yen FROM placement_part
WHERE municipality_code = :m AND placement_no = :placement_no ORDER BY part_no"""
_BOOKED = """
SELECT notice_id, term, amount_yen, reason FROM posting
WHERE municipality_code = :m AND journal_id = :journal_id AND subject_file_id = :file_id
  AND subject_line_no = :line_no AND reason IN ('placed', 'suspense', 'applied')
ORDER BY leg"""
_OUTCOMES = """
SELECT outcome, rule, applied_yen, suspense_yen FROM line_outcome
WHERE municipality_code = :m AND journal_id = :journal_id AND file_id = :file_id
  AND line_no = :line_no"""
_BY_HAND = """
SELECT o.file_id, o.line_no, o.revision, o.outcome, o.journal_id,
    (SELECT p.placement_no FROM placement p WHERE p.municipality_code = :m
      AND p.journal_id = o.journal_id AND p.file_id = o.file_id AND p.line_no = o.line_no) AS known
FROM line_outcome o
JOIN source_file f ON f.municipality_code = :m AND f.file_id = o.file_id
WHERE o.municipality_code = :m AND o.revision > 1 AND o.rule IN ('M1', 'M2')
  AND f.channel NOT IN ('bank', 'advice')
ORDER BY o.file_id, o.line_no, o.revision"""
_BLOCKS = """
SELECT b.block_no, b.file_id, b.line_no, b.notice_id, b.term, b.approval_id, a.decision, a.subject
FROM link_block b
LEFT JOIN approval a ON a.municipality_code = :m AND a.approval_id = b.approval_id
WHERE b.municipality_code = :m ORDER BY b.block_no"""
_REST_WITHOUT_CASE = """
SELECT r.file_id, r.line_no, r.suspense_yen FROM placement p
JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.file_id AND r.line_no = p.line_no
 AND r.journal_id = p.journal_id
WHERE p.municipality_code = :m AND r.stage <> 'withdrawn' AND r.suspense_yen > 0
  AND NOT EXISTS (SELECT 1 FROM review_case c WHERE c.municipality_code = :m
      AND c.file_id = r.file_id AND c.line_no = r.line_no AND c.kind IN ('unlinked', 'placed'))
ORDER BY r.file_id, r.line_no"""

Money = tuple[int | None, str | None, int]  # notice, term, yen


class _Approved(NamedTuple):
    """What two people decided, as their approval says it."""

    line: tuple[int, int]
    reason: str
    parts: tuple[Money, ...]
    ended: frozenset[tuple[int | None, str | None]]  # the links that stood before
    suspense_yen: int


def placements(store: Store) -> Iterator[Difference]:
    """充当先の決定の検算: each against its approval, and nothing placed without one."""
    approved: dict[int, _Approved] = {}
    for row in list(store.rows(_APPROVED)):
        approved[row.approval_id] = _approved(row)
        if row.asked_by == row.decided_by:
            subject = f"approval:{row.approval_id}"
            yield Difference("placement_approval", subject, "two people", row.asked_by)
    rows = list(store.rows(_PLACEMENTS))
    last = {(row.file_id, row.line_no): row.placement_no for row in rows}
    for row in rows:
        said = approved.get(row.approval_id)
        subject = f"{row.file_id}:{row.line_no}"
        if said is None or said.line != (row.file_id, row.line_no):
            found = "" if said is None else "{}:{}".format(*said.line)
            yield Difference("placement_approval", subject, str(row.approval_id), found)
            continue
        yield from _carried_out(store, row, said)
        if last[row.file_id, row.line_no] == row.placement_no and row.stage != "withdrawn":
            # No rule has decided about it since.
            yield from _unlike(
                "placement_in_force", subject, str(row.journal_id), str(row.decided_in)
            )
    done = {row.approval_id for row in rows}
    for approval_id in sorted(approved.keys() - done):
        yield Difference("placement_approval", f"approval:{approval_id}", "placement", "")
    yield from _by_hand(store)
    yield from _blocks(store, approved)


def _approved(row: Any) -> _Approved:
    content = json.loads(row.content_json)
    file_id, line_no = (int(number) for number in row.subject.split(":")[1:])
    stood = content["stands"]["parts"]
    return _Approved(
        (file_id, line_no),
        row.reason,
        tuple((p["notice_id"], p["term"], p["amount_yen"]) for p in content["parts"]),
        frozenset((p["notice_id"], p["term"]) for p in stood) or frozenset({(None, None)}),
        content["suspense_yen"],
    )


def _carried_out(store: Store, row: Any, said: _Approved) -> Iterator[Difference]:
    """One placement: its occasion, its parts, what was booked, and the outcome of its line."""
    subject = f"{row.file_id}:{row.line_no}"
    yield from _unlike(
        "placement_journal", subject, f"placement {said.reason}", f"{row.kind} {row.reason}"
    )
    parts = tuple(tuple(p) for p in store.rows(_PARTS, placement_no=row.placement_no))
    yield from _unlike("placement", subject, str(said.parts), str(parts))
    key = {"journal_id": row.journal_id, "file_id": row.file_id, "line_no": row.line_no}
    booked = list(store.rows(_BOOKED, **key))
    placed = sorted((p.notice_id, p.term, p.amount_yen) for p in booked if p.reason == "placed")
    rest = sum(p.amount_yen for p in booked if p.reason == "suspense")
    strange = sum(p.amount_yen for p in booked if p.reason == "applied")
    yield from _unlike(
        "placement_booking",
        subject,
        f"{sorted(said.parts)} + {said.suspense_yen}",
        f"{placed} + {rest}" + (f" + {strange}" if strange else ""),
    )
    yen = sum(part[2] for part in said.parts)
    decided = ("placed", "M2") if said.parts else ("unlinked", "M1")
    found = [tuple(outcome) for outcome in store.rows(_OUTCOMES, **key)]
    yield from _unlike(
        "placement_outcome", subject, str([(*decided, yen, said.suspense_yen)]), str(found)
    )


def _by_hand(store: Store) -> Iterator[Difference]:
    """Outcomes that only people cause, and money that waits after them."""
    for row in list(store.rows(_BY_HAND)):
        if row.known is None:
            subject = f"{row.file_id}:{row.line_no}"
            yield Difference("placement_outcome", subject, "", f"{row.outcome} {row.revision}")
    for row in list(store.rows(_REST_WITHOUT_CASE)):
        subject = f"{row.file_id}:{row.line_no}"
        yield Difference("case_missing", subject, str(row.suspense_yen), "")


def _blocks(store: Store, approved: dict[int, _Approved]) -> Iterator[Difference]:
    """結び付けの禁止: each follows from an approval, and every placement has those it ended."""
    found: dict[int, set[tuple[int | None, str | None]]] = {}
    for row in list(store.rows(_BLOCKS)):
        subject = f"{row.file_id}:{row.line_no}"
        if row.decision != "approved" or row.subject != f"line:{subject}":
            yield Difference("link_block", subject, "approved", f"{row.approval_id}")
        found.setdefault(row.approval_id, set()).add((row.notice_id, row.term))
    for approval_id, said in sorted(approved.items()):
        blocked = found.get(approval_id, set())
        if blocked != said.ended:
            subject = "{}:{}".format(*said.line)
            yield Difference("link_block", subject, _text(said.ended), _text(blocked))


def _text(links: frozenset[Any] | set[Any]) -> str:
    return ", ".join(sorted(str(link) for link in links))


def _unlike(name: str, subject: str, expected: str, found: str) -> Iterator[Difference]:
    if expected != found:
        yield Difference(name, subject, expected, found)
