"""受付の記録: what came by which way, and what became of it that time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select

from payments.store.bulk import take_numbers
from reconcile.store.evidence_tables import FileDeliveryRow
from web.inbox.names import safe_name

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from reconcile.model import FileReport

deliveries = FileDeliveryRow.__table__  # type: ignore[attr-defined]


class Way(NamedTuple):
    """届いた道: by what a file came, who brought it, and the folder's claim."""

    came_by: str  # inbox upload command retry
    actor: str
    claim: str = ""


class Delivery(NamedTuple):
    """受付: one arrival of a file."""

    name: str
    came_by: str
    folder: str
    actor: str
    arrived_at: datetime
    status: str
    kept_as: str


def enter(
    connection: Connection,
    municipality_code: str,
    report: FileReport,
    way: Way,
    *,
    at: datetime,
    kept_as: str,
) -> None:
    """Write down one arrival."""
    if report.file_id is None:
        return
    connection.execute(
        insert(deliveries).values(
            municipality_code=municipality_code,
            delivery_no=take_numbers(connection, municipality_code, "delivery", 1),
            file_id=report.file_id,
            name=safe_name(report.name),
            came_by=way.came_by,
            folder=way.claim,
            actor=way.actor[:60],
            arrived_at=at,
            status=report.status.value,
            kept_as=kept_as,
        )
    )


def of_file(connection: Connection, municipality_code: str, file_id: int) -> list[Delivery]:
    """Every arrival of one file, the latest last."""
    columns = [deliveries.c[name] for name in Delivery._fields]
    rows = connection.execute(
        select(*columns)
        .where(deliveries.c.municipality_code == municipality_code, deliveries.c.file_id == file_id)
        .order_by(deliveries.c.delivery_no)
    )
    return [Delivery(*row) for row in rows]
