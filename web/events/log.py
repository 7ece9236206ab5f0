"""外部通知の記録: what has happened, who was told, and how it stands with each subscriber."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from web import clock
from web.events.deliveries import Attempt, attempts_at
from web.events.subscribers import Subscriber, everybody
from web.events.transport import DELIVERED
from web.language import translate as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

NUMBER_MAX = 2**63 - 1

_EVENTS = """
SELECT e.event_no, e.token, e.kind, e.occurred_at, e.state, e.file_id, e.line_no, s.slip_no,
    n.notice_no, e.term, c.ends_on
FROM event e
LEFT JOIN slip s ON s.municipality_code = :m AND s.slip_id = e.slip_id
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = e.notice_id
LEFT JOIN day_closure c ON c.municipality_code = :m AND c.closure_no = e.closure_no
WHERE e.municipality_code = :m AND e.event_no < :before {which}
ORDER BY e.event_no DESC LIMIT :limit"""
# Nearly everything is a payment and was delivered: what is rare is looked up by its own index.
_PAYMENTS = "AND e.kind = 'slip.paid'"
_OF_KIND = "AND e.kind = :kind AND e.kind <> 'slip.paid'"
_DELIVERED = """AND EXISTS (
    SELECT 1 FROM event_delivery d WHERE d.municipality_code = :m AND d.event_no = e.event_no
      AND d.state = 'delivered')"""
_IN_STATE = """AND e.event_no IN (
    SELECT d.event_no FROM event_delivery d {index}
    WHERE d.municipality_code = :m AND d.state = '{state}' AND d.event_no < :before)"""
# SQLite, which counts nothing, would rather read all that was ever delivered.
_INDEXES = {"waiting": "event_delivery_order", "failed": "event_delivery_failed"}
_TOLD = """
SELECT d.event_no, d.subscriber_no, s.name, d.state, d.attempts, d.reason, d.due_at, d.done_at
FROM event_delivery d
JOIN event_subscriber s ON s.municipality_code = :m AND s.subscriber_no = d.subscriber_no
WHERE d.municipality_code = :m AND d.event_no IN :numbers
ORDER BY d.event_no, s.name"""
_COUNTS = """
SELECT subscriber_no, COUNT(*) AS number FROM event_delivery {index}
WHERE municipality_code = :m AND state = '{state}' GROUP BY subscriber_no"""
_AHEAD = """
SELECT COUNT(*) FROM event WHERE municipality_code = :m AND event_no >= :first
  AND kind IN :kinds"""


@dataclass(frozen=True, slots=True)
class Told:
    """配信 of one event to one subscriber."""

    name: str
    subscriber_no: int
    state: str
    attempts: int
    reason: str
    due_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Happened:
    """外部通知 with those who are told it."""

    event_no: int
    token: str
    kind: str
    occurred_at: datetime
    state: str
    subject: str
    file_id: int | None
    line_no: int | None
    deliveries: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """購読者の状況: what waits for it and what was given up."""

    subscriber: Subscriber
    waiting: int
    failed: int


def happened(
    connection: Connection,
    municipality_code: str,
    *,
    kind: str = "",
    state: str = "",
    before: int = NUMBER_MAX,
    limit: int,
) -> list[Happened]:
    """外部通知, the newest first; ``state`` is one of STATES, that of any delivery, "" for all."""
    which = {"": "", "slip.paid": _PAYMENTS}.get(kind, _OF_KIND)
    if state:
        index = _index(connection, state)
        rare = _IN_STATE.format(state=state, index=index)
        which += _DELIVERED if state == DELIVERED else rare
    values = {"m": municipality_code, "before": before, "limit": limit, "kind": kind}
    rows = connection.execute(text(_EVENTS.format(which=which)), values).all()
    told = _told(connection, municipality_code, [row.event_no for row in rows])
    return [_happened(row, told[row.event_no]) for row in rows]


def one(connection: Connection, municipality_code: str, event_no: int) -> Happened | None:
    """One event, or None."""
    found = happened(connection, municipality_code, before=event_no + 1, limit=1)
    return found[0] if found and found[0].event_no == event_no else None


def history(
    connection: Connection, municipality_code: str, event: Happened
) -> dict[int, tuple[Attempt, ...]]:
    """配信記録 of an event, by subscriber."""
    return {
        told.subscriber_no: attempts_at(
            connection, municipality_code, told.subscriber_no, event.event_no
        )
        for told in event.deliveries
    }


def standings(connection: Connection, municipality_code: str) -> list[Standing]:
    """購読者の状況, by number; what nobody has looked at yet waits, too."""
    counts = {
        state: {
            row.subscriber_no: int(row.number)
            for row in connection.execute(
                text(_COUNTS.format(state=state, index=_index(connection, state))),
                {"m": municipality_code},
            )
        }
        for state in ("waiting", "failed")
    }
    return [
        Standing(
            subscriber,
            counts["waiting"].get(subscriber.subscriber_no, 0)
            + _ahead(connection, municipality_code, subscriber),
            counts["failed"].get(subscriber.subscriber_no, 0),
        )
        for subscriber in everybody(connection, municipality_code)
    ]


def _ahead(connection: Connection, municipality_code: str, subscriber: Subscriber) -> int:
    """Events that stand behind the subscriber's mark."""
    counted = connection.execute(
        text(_AHEAD).bindparams(bindparam("kinds", expanding=True)),
        {
            "m": municipality_code,
            "first": subscriber.next_event_no,
            "kinds": list(subscriber.kinds),
        },
    )
    return int(counted.scalar_one())


def _index(connection: Connection, state: str) -> str:
    """The index of the few that are in this state, named where the database must be told."""
    is_told = connection.dialect.name == "sqlite" and state in _INDEXES
    return f"INDEXED BY {_INDEXES[state]}" if is_told else ""


def _told(
    connection: Connection, municipality_code: str, numbers: Sequence[int]
) -> dict[int, tuple[Told, ...]]:
    """Who is told each of these events."""
    found: defaultdict[int, tuple[Told, ...]] = defaultdict(tuple)
    if numbers:
        statement = text(_TOLD).bindparams(bindparam("numbers", expanding=True))
        for row in connection.execute(statement, {"m": municipality_code, "numbers": numbers}):
            found[row.event_no] += (
                Told(row.name, row.subscriber_no, row.state, row.attempts, row.reason,
                     _instant(row.due_at), _instant(row.done_at) if row.done_at else None),
            )  # fmt: skip
    return found


def _happened(row: Any, told: tuple[Told, ...]) -> Happened:
    return Happened(
        row.event_no, row.token, row.kind, _instant(row.occurred_at), row.state, _subject(row),
        row.file_id, row.line_no, told,
    )  # fmt: skip


def _subject(row: Any) -> str:
    """What an event is about, in the numbers that staff know."""
    if row.notice_no is not None:
        if row.slip_no:
            return _("納付書 {slip_no}", slip_no=row.slip_no)
        return _("通知書 {notice_no} {term}期", notice_no=row.notice_no, term=row.term)
    return _("資料 {file_id}", file_id=row.file_id) if row.file_id is not None else str(row.ends_on)


def _instant(value: datetime | str) -> datetime:
    """An instant as both databases give it to a plain statement."""
    return clock.in_japan(datetime.fromisoformat(value) if isinstance(value, str) else value)
