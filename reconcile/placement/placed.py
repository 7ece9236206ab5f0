"""充当の照会: what people placed where, for whoever tells or counts it (reads only)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.money import format_yen

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LINES = """
SELECT DISTINCT p.file_id, p.line_no FROM placement_part t
JOIN placement p ON p.municipality_code = :m AND p.placement_no = t.placement_no
WHERE t.municipality_code = :m AND t.notice_id = :notice_id
  AND (:term IN ('', '00') OR t.term = :term)
ORDER BY p.file_id, p.line_no"""
# 充当済: parts in force are those of the placement whose journal decided the receipt as it stands.
PLACED = """FROM placement_part t
JOIN placement p ON p.municipality_code = :m AND p.placement_no = t.placement_no
JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.file_id AND r.line_no = p.line_no
 AND r.journal_id = p.journal_id AND r.stage <> 'withdrawn'
WHERE t.municipality_code = :m"""
_APPROVAL = """
SELECT a.approval_id, a.asked_by, a.decided_by, a.reason, a.content_json FROM placement p
JOIN approval a ON a.municipality_code = :m AND a.approval_id = p.approval_id
WHERE p.municipality_code = :m AND p.file_id = :file_id AND p.line_no = :line_no
  AND p.journal_id = :journal_id"""
# A receipt whose decision in force is a placement: its parts say what it settles.
BY_HAND = """EXISTS (
    SELECT 1 FROM placement p WHERE p.municipality_code = :m AND p.file_id = {receipt}.file_id
      AND p.line_no = {receipt}.line_no AND p.journal_id = {receipt}.journal_id)"""


def lines_placed_on(
    connection: Connection, municipality_code: str, notice_id: int, term: str = ""
) -> list[tuple[int, int]]:
    """充当された明細: every line that people ever placed on the notice, or on one of its terms."""
    scope = {"m": municipality_code, "notice_id": notice_id, "term": term}
    rows = connection.execute(text(_LINES), scope)
    return [(int(row.file_id), int(row.line_no)) for row in rows]


def decided_by_people(
    connection: Connection, municipality_code: str, file_id: int, line_no: int, journal_id: int
) -> dict[str, Any]:
    """二人の決定 carried out in this journal: who asked, who decided, why, and the places.

    Empty when it was none.
    """
    row = connection.execute(
        text(_APPROVAL),
        {
            "m": municipality_code,
            "file_id": file_id,
            "line_no": line_no,
            "journal_id": journal_id,
        },
    ).one_or_none()
    if row is None:
        return {}
    content = json.loads(row.content_json)
    return {
        "approval_id": row.approval_id,
        "asked_by": row.asked_by,
        "decided_by": row.decided_by,
        "decision_reason": row.reason,
        "placed_before": _shown(content["stands"]),
        "placed_now": _shown(content),
    }


def _shown(said: dict[str, Any]) -> str:
    """Places with their money, as people read them (of a credit also 払込); "" for none."""
    shares = [(part["place"], part["amount_yen"]) for part in said["parts"]]
    shares += [(f"払込 {one['ref']}", one["amount_yen"]) for one in said.get("groups", ())]
    return "、".join(f"{place} {format_yen(yen)}" for place, yen in shares)
