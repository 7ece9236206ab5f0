"""通知の内容: an event as a subscriber reads it, no more of it than the subscriber may know.

Names and addresses of people are in none of it, and amounts only where the municipality has said
so: what somebody owes or has paid is secret by law (地方税法22条). Everything in a body follows
from what never changes, so that a repeat says the same.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row

    from web.events.subscribers import Subscriber

_EVENTS = """
SELECT e.*, s.slip_no, s.el_number, s.amount_yen AS slip_yen, n.item_code, n.levy_year,
    n.notice_no, f.sha256, c.ends_on
FROM event e
LEFT JOIN slip s ON s.municipality_code = :m AND s.slip_id = e.slip_id
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = e.notice_id
LEFT JOIN source_file f ON f.municipality_code = :m AND f.file_id = e.file_id AND e.line_no = 0
LEFT JOIN day_closure c ON c.municipality_code = :m AND c.closure_no = e.closure_no
WHERE e.municipality_code = :m AND {which}
ORDER BY e.event_no"""


def event_id(event_no: int, token: str) -> str:
    """通知ID: the same for every attempt, and of no other event, also not after a restore."""
    return f"evt_{event_no}_{token}"


def bodies(
    connection: Connection, subscriber: Subscriber, municipality_code: str, first: int, last: int
) -> Iterator[dict[str, Any]]:
    """The events from ``first`` to ``last`` that this subscriber is told, in their order."""
    rows = connection.execute(
        text(_EVENTS.format(which="e.event_no >= :first AND e.event_no <= :last")),
        {"m": municipality_code, "first": first, "last": last},
        execution_options={"yield_per": 2_000},
    )
    for row in rows:
        if is_told(subscriber, row):
            yield content(subscriber, municipality_code, row)


def one_event(connection: Connection, municipality_code: str, event_no: int) -> Row[Any]:
    """An event with what stands around it; :class:`NotFoundError` ``event``."""
    row = connection.execute(
        text(_EVENTS.format(which="e.event_no = :event_no")),
        {"m": municipality_code, "event_no": event_no},
    ).one_or_none()
    if row is None:
        raise NotFoundError("event", found=event_no)
    return row


def is_told(subscriber: Subscriber, row: Row[Any]) -> bool:
    """A kind that was asked for, about a slip that the subscriber may be named."""
    if row.kind not in subscriber.kinds:
        return False
    return not row.kind.startswith("slip.") or bool(_numbers(subscriber.numbers, row))


def content(subscriber: Subscriber, municipality_code: str, row: Row[Any]) -> dict[str, Any]:
    """通知の内容 as JSON holds it."""
    return {
        "id": event_id(row.event_no, row.token),
        "type": row.kind,
        "timestamp": _instant(row.occurred_at),
        "number": row.event_no,
        "municipality_code": municipality_code,
        "data": _data(subscriber, row),
    }


def encoded(value: dict[str, Any]) -> bytes:
    """The bytes that are signed and sent: JSON on one line, Japanese as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _data(subscriber: Subscriber, row: Row[Any]) -> dict[str, Any]:
    """What the event says."""
    if row.kind.startswith("slip."):
        return _payment(subscriber, row)
    if row.kind.startswith("file."):
        return {"file": row.file_id, "sha256": row.sha256, "status": row.state}
    return {"closure": row.closure_no, "ends_on": _day(row.ends_on)}


def _payment(subscriber: Subscriber, row: Row[Any]) -> dict[str, Any]:
    """Which slip, how sure it is, and whether this payment alone covers what it asks for."""
    data: dict[str, Any] = {
        "payment": f"{row.file_id}-{row.line_no}",
        "slip": _numbers(subscriber.numbers, row),
    }
    if row.kind == "slip.paid":
        data["stage"] = row.state
        if row.slip_yen is not None:
            data["covers_slip"] = row.amount_yen >= row.slip_yen
    data["paid_on"] = _day(row.paid_on)
    if subscriber.with_amounts:
        data["amount_yen"] = row.amount_yen
    return data


def _numbers(allowed: Sequence[str], row: Row[Any]) -> dict[str, Any]:
    """The numbers of the slip that may be said and that there are."""
    found: dict[str, Any] = {}
    if "el_number" in allowed and row.el_number:
        found["el_number"] = row.el_number
    if "slip_no" in allowed and row.slip_no:
        found["slip_no"] = row.slip_no
    if "notice" in allowed:
        found["notice"] = {
            "item_code": row.item_code,
            "levy_year": row.levy_year,
            "notice_no": row.notice_no,
            "term": row.term,
        }
    return found


def _day(value: date | str | None) -> str | None:
    return None if value is None else str(value)


def _instant(value: datetime | str) -> str:
    """``2026-06-20T01:00:00.000000Z``, whichever way the database gives it."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
