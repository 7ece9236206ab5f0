"""充当のあった入金: payments of which something was ever appropriated, placement by placement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.store.lookups import rows_about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

_PLACEMENTS = """
SELECT p.placement_no, p.file_id, p.line_no, a.kind, a.content_json FROM placement p
JOIN approval a ON a.municipality_code = :m AND a.approval_id = p.approval_id
WHERE p.municipality_code = :m AND EXISTS (
    SELECT 1 FROM placement_part t
    JOIN placement q ON q.municipality_code = :m AND q.placement_no = t.placement_no
    JOIN approval b ON b.municipality_code = :m AND b.approval_id = q.approval_id
        AND b.kind = 'appropriation'
    WHERE t.municipality_code = :m AND t.notice_id IN :some
      AND q.file_id = p.file_id AND q.line_no = p.line_no)"""


def placements_of(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> list[Row[Any]]:
    """充当先の経過: every placement of a payment once appropriated to one of these, in order.

    What was placed later, by whatever decision, is among them: it says what still stands.
    """
    placements = {
        row.placement_no: row
        for row in rows_about(connection, _PLACEMENTS, municipality_code, notice_ids)
    }
    return [row for _number, row in sorted(placements.items())]
