"""仕訳帳: opening a booking occasion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.store.bulk import take_numbers

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection


def open_journal(
    connection: Connection,
    municipality_code: str,
    kind: str,
    booked_on: date,
    actor: str,
    *,
    file_id: int | None = None,
    reason: str = "",
) -> int:
    """仕訳帳: a new booking occasion; returns its number."""
    journal_id = take_numbers(connection, municipality_code, "journal", 1)
    connection.execute(
        text(
            "INSERT INTO journal (municipality_code, journal_id, kind, file_id, booked_on, "
            "made_at, actor, reason) VALUES (:m, :journal_id, :kind, :file_id, :booked_on, :now, "
            ":actor, :reason)"
        ),
        {
            "m": municipality_code,
            "journal_id": journal_id,
            "kind": kind,
            "file_id": file_id,
            "booked_on": booked_on.isoformat(),
            "now": datetime.now(UTC).isoformat(timespec="microseconds"),
            "actor": actor,
            "reason": reason,
        },
    )
    return journal_id
