"""充当適状の日: from when money that was appropriated pays an instalment (地方税法17条の2②).

Two people agreed to the day together with the appropriation; it counts as the day of payment as
long as the money stays where they placed it, also when more of the same payment is placed later.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

from payments.store.lookups import rows_about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from payments.charges import PlaceKey

Line = tuple[int, int]  # file_id, line_no
# Every placement of a line that has ever been appropriated to one of these notices.
_PLACEMENTS = """
SELECT p.placement_no, p.file_id, p.line_no, a.content_json FROM placement p
JOIN approval a ON a.municipality_code = :m AND a.approval_id = p.approval_id
WHERE p.municipality_code = :m AND EXISTS (
    SELECT 1 FROM placement_part t
    JOIN placement q ON q.municipality_code = :m AND q.placement_no = t.placement_no
    JOIN approval b ON b.municipality_code = :m AND b.approval_id = q.approval_id
        AND b.kind = 'appropriation'
    WHERE t.municipality_code = :m AND t.notice_id IN :some
      AND q.file_id = p.file_id AND q.line_no = p.line_no)
ORDER BY p.placement_no"""


def effective_days(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> dict[Line, dict[PlaceKey, date]]:
    """充当適状の日 by payment and instalment, as the last placement of each payment left them."""
    placements = {
        row.placement_no: row
        for row in rows_about(connection, _PLACEMENTS, municipality_code, notice_ids)
    }
    found: dict[Line, dict[PlaceKey, date]] = {}
    for _number, row in sorted(placements.items()):
        said = json.loads(row.content_json)
        before = found.get((row.file_id, row.line_no), {})
        now = said.get("effective_on", {})
        days: dict[PlaceKey, date] = {}
        for part in said["parts"]:
            place = (part["notice_id"], part["term"])
            if part["place"] in now:
                days[place] = date.fromisoformat(now[part["place"]])
            elif place in before:
                days[place] = before[place]
        found[row.file_id, row.line_no] = days
    return found
