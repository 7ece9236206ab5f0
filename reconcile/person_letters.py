"""本人あての文書: letters that left the building for one 納付義務者, and on which day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.versions import as_day

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

DUNNING = "dunning"
# CROSS JOIN keeps the order of the joins on SQLite: from the person to what is theirs.
_DUNNED = """
SELECT l.list_no, l.notice_id, l.term, e.happened_on, w.amount_yen - w.paid_yen AS open_yen
FROM notice n CROSS JOIN dunning_letter l CROSS JOIN dunning_event e CROSS JOIN dunning_row w
WHERE n.municipality_code = :m AND n.obligor_no = :obligor_no
  AND l.municipality_code = :m AND l.notice_id = n.notice_id
  AND e.municipality_code = :m AND e.list_no = l.list_no AND e.event = 'dispatched'
  AND w.municipality_code = :m AND w.list_no = l.list_no
  AND w.notice_id = l.notice_id AND w.term = l.term
  AND NOT EXISTS (SELECT 1 FROM dunning_pull p WHERE p.municipality_code = :m
      AND p.list_no = l.list_no AND p.pull_no = e.subject_no AND p.seq = l.seq)
ORDER BY e.happened_on DESC, l.list_no DESC, l.seq"""
_TOLD = """
SELECT notice_no, kind, subject, noticed_on FROM refund_notice
WHERE municipality_code = :m AND obligor_no = :obligor_no ORDER BY notice_no DESC"""


class Letter(NamedTuple):
    """文書: a dunning letter of a list (``number``), or a notice about a refund (``subject``)."""

    kind: str  # DUNNING, or that of the notice: refund, appropriation, both
    number: int
    on: date
    notice_id: int = 0
    term: str = ""
    amount_yen: int | None = None
    subject: str = ""


def letters_to(
    connection: Connection, municipality_code: str, obligor_no: str
) -> tuple[Letter, ...]:
    """本人あての文書, the newest first of each kind; what was pulled out was never sent."""
    scope = {"m": municipality_code, "obligor_no": obligor_no}
    dunned = [
        Letter(
            DUNNING, row.list_no, as_day(row.happened_on), row.notice_id, row.term,
            int(row.open_yen),
        )
        for row in connection.execute(text(_DUNNED), scope)
    ]  # fmt: skip
    told = [
        Letter(row.kind, row.notice_no, as_day(row.noticed_on), subject=row.subject)
        for row in connection.execute(text(_TOLD), scope)
    ]
    return (*dunned, *told)
