"""充当適状の日: from when money that was appropriated pays an instalment (地方税法17条の2②).

Two people agreed to the day together with the appropriation; it counts as the day of payment as
long as the money stays where they placed it, also when more of the same payment is placed later.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

from payments.appropriated import placements_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from payments.charges import PlaceKey

Line = tuple[int, int]  # file_id, line_no


def effective_days(
    connection: Connection, municipality_code: str, notice_ids: Sequence[int]
) -> dict[Line, dict[PlaceKey, date]]:
    """充当適状の日 by payment and instalment, as the last placement of each payment left them."""
    found: dict[Line, dict[PlaceKey, date]] = {}
    for row in placements_of(connection, municipality_code, notice_ids):
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
