"""仕訳帳: opening a booking occasion, on a day whose books are open."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.domain.calendars import bank_business_day
from payments.domain.errors import InvalidValueError
from payments.store.bulk import take_numbers

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CLOSED = """
SELECT closed_until, closed_year FROM day_closure WHERE municipality_code = :m
ORDER BY closure_no DESC LIMIT 1
"""


def closed_books(connection: Connection, municipality_code: str) -> tuple[date | None, int]:
    """締め済: the last closed day (None: none) and the last closed 会計年度 (0: none)."""
    row = connection.execute(text(_CLOSED), {"m": municipality_code}).one_or_none()
    if row is None:
        return None, 0
    day = row.closed_until
    return date.fromisoformat(day) if isinstance(day, str) else day, int(row.closed_year)


def open_day_for(connection: Connection, municipality_code: str, day: date) -> date:
    """会計日: ``day`` while its books are open, else the next open business day.

    Corrections and late files of a closed day are booked there; its report stays as it was signed.
    """
    closed_until, _year = closed_books(connection, municipality_code)
    if closed_until is None or day > closed_until:
        return day
    following = closed_until + timedelta(days=1)
    try:
        return bank_business_day(following)
    except InvalidValueError:  # a year whose holidays nobody knows yet
        return following


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
    """仕訳帳: a new booking occasion; returns its number.

    It is booked on ``booked_on``, or on the next open day when that one is closed.
    """
    open_on = open_day_for(connection, municipality_code, booked_on)
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
            "booked_on": open_on.isoformat(),
            "now": datetime.now(UTC).isoformat(timespec="microseconds"),
            "actor": actor,
            "reason": reason,
        },
    )
    return journal_id
