"""段階の明細: the postings that a figure by day and step is made of, page by page.

The summaries say how much, this says which: a posting names the line that it is about, and the line
leads to its evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from reconcile.report.stretches import WITHIN, stretches
from reconcile.report.trend import STEPS, moved, sign

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

# The postings lead, in the order in which they are stored, stretch by stretch: a page ends with its
# last row, and nothing is sorted.
# A look-up in place of a join: for a join it would first go through all notices.
_CHANNEL = """COALESCE((SELECT f.channel FROM source_file f
    WHERE f.municipality_code = :m AND f.file_id = p.subject_file_id), '')"""
_ITEM = """COALESCE((SELECT n.item_code FROM notice n
    WHERE n.municipality_code = :m AND n.notice_id = p.notice_id), '')"""
_ROWS = f"""
SELECT p.journal_id, p.subject_file_id, p.subject_line_no, p.leg, p.debit_account,
    p.credit_account, p.reason, p.amount_yen, {_CHANNEL} AS channel, {_ITEM} AS item_code,
    p.notice_id, p.term
FROM posting p
CROSS JOIN journal j
WHERE p.municipality_code = :m AND {WITHIN}
  AND j.municipality_code = :m AND j.journal_id = p.journal_id AND j.booked_on = :day
  AND ((p.debit_account IN :ins AND p.credit_account IN :outs)
    OR (p.debit_account IN :outs AND p.credit_account IN :ins))
  AND (:item_code = '*' OR {_ITEM} = :item_code)
ORDER BY p.journal_id, p.subject_file_id, p.subject_line_no, p.leg LIMIT :limit"""
START = (0, 0, 0, 0)
ALL = "*"


class StepRow(NamedTuple):
    """段階の一件: one posting; what was taken back is below zero."""

    journal_id: int
    file_id: int
    line_no: int
    leg: int
    debit: str
    credit: str
    reason: str
    amount_yen: int
    channel: str
    item_code: str
    notice_id: int | None
    term: str | None

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Where it stands, for the page that follows."""
        return self.journal_id, self.file_id, self.line_no, self.leg


def step_rows(
    connection: Connection,
    municipality_code: str,
    step: str,
    day: date,
    *,
    channel: str = ALL,
    item_code: str = ALL,
    after: tuple[int, ...] = START,
    limit: int = 100,
) -> tuple[StepRow, ...]:
    """段階の明細 of one 会計日 in the order of the books, those behind ``after``.

    ``channel`` and ``item_code`` are :data:`ALL` or one of each; "" is what has none.
    """
    ins, outs = STEPS[step]
    statement = text(_ROWS).bindparams(
        bindparam("ins", expanding=True), bindparam("outs", expanding=True)
    )
    values = {
        "m": municipality_code,
        "day": day.isoformat(),
        "ins": sorted(ins),
        "outs": sorted(outs),
        "item_code": item_code,
    }
    rows: list[Any] = []
    limit = min(limit, _number(connection, municipality_code, step, day, channel, item_code))
    if limit == 0:
        return ()
    wanted = None if channel == ALL else channel
    for one in stretches(connection, municipality_code, day, channel=wanted, after=after):
        if len(rows) >= limit:
            break
        here = {**values, **one.values(), "limit": limit - len(rows)}
        rows += connection.execute(statement, here).all()
    return tuple(_signed(StepRow(*row), step) for row in rows)


def _number(
    connection: Connection, municipality_code: str, step: str, day: date, channel: str, item: str
) -> int:
    """How many there are, as the summaries have it: who has them all need not read the rest."""
    rows = moved(connection, municipality_code, day, day, ("item_code", "channel"))
    return sum(
        row.count
        for row in rows
        if sign(step, row.debit, row.credit)
        and channel in {ALL, row.channel}
        and item in {ALL, row.item_code}
    )


def _signed(row: StepRow, step: str) -> StepRow:
    return row._replace(amount_yen=sign(step, row.debit, row.credit) * row.amount_yen)
