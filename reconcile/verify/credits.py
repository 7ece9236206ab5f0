"""検算・入金の充当先: what people decided about bank credits follows from two people.

Every decision is worked out once more from its approval alone: the bills and groups written down,
the postings, the outcome of the line, the links that must not come back, the names learned. Nothing
here is shared with what carried it out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

_APPROVED = """
SELECT a.approval_id, a.subject, a.content_json, a.reason, a.asked_by, a.decided_by,
    p.placement_no, p.file_id, p.line_no, p.journal_id, j.kind, j.reason AS journal_reason
FROM approval a
LEFT JOIN placement p ON p.municipality_code = :m AND p.approval_id = a.approval_id
LEFT JOIN journal j ON j.municipality_code = :m AND j.journal_id = p.journal_id
WHERE a.municipality_code = :m AND a.kind = 'credit_placement' AND a.decision = 'approved'
ORDER BY a.approval_id"""
_PARTS = """
SELECT notice_id, term, amount_yen FROM placement_part
WHERE municipality_code = :m AND placement_no = :placement_no ORDER BY part_no"""
_BOOKED = """
SELECT notice_id, term, group_id, amount_yen, reason FROM posting
WHERE municipality_code = :m AND journal_id = :journal_id AND subject_file_id = :file_id
  AND subject_line_no = :line_no AND reason IN ('placed', 'settled', 'suspense', 'applied')
ORDER BY leg"""
_OUTCOMES = """
SELECT outcome, rule FROM line_outcome
WHERE municipality_code = :m AND journal_id = :journal_id AND file_id = :file_id
  AND line_no = :line_no ORDER BY revision"""
_BLOCKS = """
SELECT notice_id, term, group_id FROM link_block
WHERE municipality_code = :m AND approval_id = :approval_id"""
_ALIASES = """
SELECT payer_folded, obligor_no FROM payer_alias
WHERE municipality_code = :m AND approval_id = :approval_id ORDER BY obligor_no"""
_STRAY_ALIASES = """
SELECT n.alias_no, n.event FROM payer_alias n
WHERE n.municipality_code = :m AND n.event = 'learned' AND NOT EXISTS (
    SELECT 1 FROM approval a WHERE a.municipality_code = :m AND a.approval_id = n.approval_id
      AND a.kind = 'credit_placement' AND a.decision = 'approved')
ORDER BY n.alias_no"""
_BY_HAND = """
SELECT o.file_id, o.line_no, o.revision, o.rule FROM deposit d
JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = d.file_id
 AND o.line_no = d.line_no AND o.rule IN ('M1', 'M2', 'M3')
WHERE d.municipality_code = :m AND NOT EXISTS (
    SELECT 1 FROM placement p WHERE p.municipality_code = :m AND p.journal_id = o.journal_id
      AND p.file_id = o.file_id AND p.line_no = o.line_no)
ORDER BY o.file_id, o.line_no, o.revision"""
# A credit is a payment just as long as people say so, all of it, on its own day.
_RECEIPTS = """
SELECT d.file_id, d.line_no, d.amount_yen, CAST(d.booked_on AS VARCHAR(10)) AS booked_on,
    r.stage, r.amount_yen AS received_yen, CAST(r.paid_on AS VARCHAR(10)) AS paid_on,
    r.journal_id AS decided_in,
    (SELECT o.outcome FROM line_outcome o WHERE o.municipality_code = :m
       AND o.file_id = d.file_id AND o.line_no = d.line_no
     ORDER BY o.revision DESC LIMIT 1) AS outcome,
    (SELECT MAX(p.journal_id) FROM placement p WHERE p.municipality_code = :m
       AND p.file_id = d.file_id AND p.line_no = d.line_no) AS placed_in
FROM deposit d
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = d.file_id AND r.line_no = d.line_no
WHERE d.municipality_code = :m ORDER BY d.file_id, d.line_no"""
# What people took apart, put together by something else than people.
_LINKED_AGAIN = """
SELECT s.file_id, s.line_no, s.group_id FROM settlement s
JOIN link_block b ON b.municipality_code = :m AND b.file_id = s.file_id
 AND b.line_no = s.line_no AND b.group_id = s.group_id
JOIN journal j ON j.municipality_code = :m AND j.journal_id = s.journal_id
WHERE s.municipality_code = :m AND j.kind <> 'credit_placement'
ORDER BY s.file_id, s.line_no, s.group_id"""
_DECIDED = {"place": ("placed", "M2"), "settle": ("settled", "M3"), "undo": ("unlinked", "M1")}


def credits_placed(store: Store) -> Iterator[Difference]:
    """入金の充当先の決定の検算: each against its approval, and nothing linked without one."""
    for row in list(store.rows(_APPROVED)):
        yield from _decision(store, row)
    for row in list(store.rows(_BY_HAND)):
        subject = f"{row.file_id}:{row.line_no}"
        yield Difference("credit_placement", subject, "placement", f"{row.rule} {row.revision}")
    for row in store.rows(_RECEIPTS):
        yield from _receipt(row)
    for row in list(store.rows(_LINKED_AGAIN)):
        yield Difference("link_block", f"{row.file_id}:{row.line_no}", "", f"group:{row.group_id}")
    for row in list(store.rows(_STRAY_ALIASES)):
        yield Difference("payer_alias", f"alias:{row.alias_no}", "approval", row.event)


def _decision(store: Store, row: Any) -> Iterator[Difference]:
    """One approval: two people, an occasion, and what it says and nothing else."""
    subject = row.subject.removeprefix("line:")
    said = json.loads(row.content_json)

    def compare(what: str, expected: object, found: object) -> Iterator[Difference]:
        if expected != found:
            yield Difference("credit_placement", f"{subject} {what}", str(expected), str(found))

    if row.asked_by == row.decided_by:
        yield from compare("people", "two people", row.asked_by)
    if row.placement_no is None:
        yield from compare("placement", "1", "0")
        return
    yield from compare("line", subject, f"{row.file_id}:{row.line_no}")
    occasion = ("credit_placement", row.reason)
    yield from compare("journal", occasion, (row.kind, row.journal_reason))
    parts = [(p["notice_id"], p["term"], p["amount_yen"]) for p in said["parts"]]
    written = [tuple(p) for p in store.rows(_PARTS, placement_no=row.placement_no)]
    yield from compare("parts", parts, written)
    key = {"journal_id": row.journal_id, "file_id": row.file_id, "line_no": row.line_no}
    booked = list(store.rows(_BOOKED, **key))
    placed = [(p.notice_id, p.term, p.amount_yen) for p in booked if p.reason == "placed"]
    yield from compare("placed", sorted(parts), sorted(placed))
    rest = sum(p.amount_yen for p in booked if p.reason == "suspense")
    yield from compare("suspense", said["suspense_yen"], rest)
    outcomes = [tuple(outcome) for outcome in store.rows(_OUTCOMES, **key)]
    yield from compare("outcome", _DECIDED[said["operation"]], outcomes[0] if outcomes else "")
    if said["groups"]:
        groups = sorted((g["group_id"], g["amount_yen"]) for g in said["groups"])
        settled = sorted((p.group_id, p.amount_yen) for p in booked if p.reason == "settled")
        yield from compare("groups", groups, settled)
    ended = {(p["notice_id"], p["term"], None) for p in said["stands"]["parts"]}
    ended |= {(None, None, g["group_id"]) for g in said["stands"]["groups"]}
    ended -= {(p["notice_id"], p["term"], None) for p in said["parts"]}
    ended -= {(None, None, g["group_id"]) for g in said["groups"]}
    blocks = {tuple(block) for block in store.rows(_BLOCKS, approval_id=row.approval_id)}
    yield from compare("blocks", _text(ended), _text(blocks))
    alias = said["alias"] or {"payer_folded": "", "obligors": []}
    names = [(alias["payer_folded"], obligor["obligor_no"]) for obligor in alias["obligors"]]
    learned = [tuple(name) for name in store.rows(_ALIASES, approval_id=row.approval_id)]
    yield from compare("names", names, learned)


def _receipt(row: Any) -> Iterator[Difference]:
    """収納: of a credit that people placed, and of no other one."""
    expected: tuple[Any, ...] = (None, "withdrawn")
    found: tuple[Any, ...] = (row.stage,)
    if row.outcome == "placed":
        expected = ("confirmed", row.amount_yen, row.booked_on, row.placed_in)
        found = (row.stage, row.received_yen, row.paid_on, row.decided_in)
        good = found == expected
    else:
        good = row.stage in expected
    if not good:
        subject = f"{row.file_id}:{row.line_no} receipt"
        yield Difference("credit_placement", subject, str(expected), str(found))


def _text(links: set[Any]) -> str:
    return ", ".join(sorted(str(link) for link in links))
