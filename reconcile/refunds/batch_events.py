"""振込データの経過: what has happened to a batch, one row after the other, and who did it why."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from reconcile.store.refund_tables import RefundBatchEventRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

BUILT, REPLACED, RELEASED, HANDED_OUT, PAID = "built", "replaced", "released", "handed_out", "paid"
WITHDRAWN = "withdrawn"  # by two people; the end of a batch, as being replaced or paid
TAKEN_AGAIN = "taken_again"  # how a further ``handed_out`` is told

event_table: Any = RefundBatchEventRow.__table__  # type: ignore[attr-defined]

_EVENTS = """
SELECT event_no, event, made_at, actor, note, approval_id, file_id, line_no
FROM refund_batch_event WHERE municipality_code = :m AND batch_no = :batch_no ORDER BY event_no"""


class BatchEvent(NamedTuple):
    """振込データの経過の一件; of a file that was taken again, ``note`` says why."""

    event_no: int
    event: str
    made_at: Any
    actor: str
    note: str
    approval_id: int | None
    file_id: int
    line_no: int

    @property
    def what(self) -> str:
        """出来事 as it is told: the file taken again has a name of its own."""
        return TAKEN_AGAIN if self.event == HANDED_OUT and self.note else self.event


def batch_events(connection: Connection, municipality_code: str, batch_no: int) -> list[BatchEvent]:
    """振込データの経過 behind its building, oldest first."""
    values = {"m": municipality_code, "batch_no": batch_no}
    found = []
    for row in connection.execute(text(_EVENTS), values):
        facts = row._asdict()
        if isinstance(row.made_at, str):  # as SQLite hands out instants
            facts["made_at"] = datetime.fromisoformat(row.made_at)
        found.append(BatchEvent(**facts))
    return found


def write_batch_event(
    connection: Connection,
    municipality_code: str,
    batch_no: int,
    event: str,
    *,
    by: str,
    at: datetime | None,
    **other: object,
) -> None:
    """振込データの経過を書く."""
    last = connection.execute(
        text(
            "SELECT COALESCE(MAX(event_no), 0) FROM refund_batch_event "
            "WHERE municipality_code = :m AND batch_no = :batch_no"
        ),
        {"m": municipality_code, "batch_no": batch_no},
    ).scalar_one()
    connection.execute(
        event_table.insert().values(
            municipality_code=municipality_code,
            batch_no=batch_no,
            event_no=int(last) + 1,
            event=event,
            actor=by,
            made_at=at,
            **{"note": "", "file_id": 0, "line_no": 0} | other,
        )
    )
