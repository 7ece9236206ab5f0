"""振替の経過: whether an instalment was in a batch, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from reconcile.debit import batches as books
from reconcile.debit.results import results_of_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reconcile.debit.batches import Batch

_BATCHES = """
SELECT batch_no, row_no FROM debit_row
WHERE municipality_code = :m AND notice_id = :notice_id AND term = :term ORDER BY batch_no"""


class Told(NamedTuple):
    """振替の一回: the batch, what it asked for, and the 振替結果コード ("" for none yet)."""

    batch: Batch
    row_no: int
    amount_yen: int
    new_code: str
    result: str
    file_id: int | None
    line_no: int | None


def debits_of(
    connection: Connection, municipality_code: str, notice_id: int, term: str
) -> list[Told]:
    """振替の経過 of an instalment, oldest first; batches that ended are among them."""
    rows = connection.execute(
        text(_BATCHES), {"m": municipality_code, "notice_id": notice_id, "term": term}
    ).all()
    found = []
    for batch_no, row_no in rows:
        batch = books.batch_of(connection, municipality_code, batch_no)
        row = books.rows_of(connection, municipality_code, batch_no, after=row_no - 1, limit=1)[0]
        code, file_id, line_no = "", None, None
        if batch.in_force:
            (result,) = results_of_rows(connection, municipality_code, batch, [row])
            code, file_id, line_no = result.code, result.file_id, result.line_no
        found.append(Told(batch, row_no, row.amount_yen, row.new_code, code, file_id, line_no))
    return found
