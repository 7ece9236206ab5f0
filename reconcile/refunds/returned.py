"""戻ってきた還付: to which accounts its transfers went in vain, and the end of their case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from reconcile import flag
from reconcile.refunds.events import RETURNED, Refund, happenings

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

KINDS = frozenset({"refund_returned"})

_TRIED = """
SELECT l.account_no FROM refund_sent s
JOIN refund_batch_line l ON l.municipality_code = :m AND l.batch_no = s.batch_no
 AND l.refund_no = s.refund_no AND l.attempt = s.attempt
WHERE s.municipality_code = :m AND s.refund_no = :refund_no AND s.attempt < :attempt
  AND NOT EXISTS (SELECT 1 FROM refund_batch_event e WHERE e.municipality_code = :m
      AND e.batch_no = s.batch_no AND e.event = 'withdrawn')"""


def came_back_from(connection: Connection, municipality_code: str, found: Refund) -> set[int]:
    """戻ってきた口座: to which the earlier attempts at a refund were sent, and not stopped."""
    values = {"m": municipality_code, "refund_no": found.refund_no, "attempt": found.attempt}
    return set(connection.execute(text(_TRIED), values).scalars())


def end_case(
    connection: Connection, municipality_code: str, refund_no: int, *, by: str, on: date, note: str
) -> None:
    """確認事項の終わり: what becomes of a transfer that came back is decided; ``note`` says why."""
    subjects = [
        f"{each.file_id}:{each.line_no}"
        for each in happenings(connection, municipality_code, refund_no)
        if each.event == RETURNED
    ]
    flag.close_cases(
        connection, municipality_code, subjects, kinds=KINDS, on=on.isoformat(), actor=by, note=note
    )
