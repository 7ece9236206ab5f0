"""配信: which events wait for which webhook, whose turn it is, and what became of the attempts.

An event is sent at least once: a worker claims it for a while (``lease_until_at``), sends it
outside of any transaction, and writes down what became of it. A worker that dies over it leaves it
to another when the lease is over; the receiver knows the repeat by the event's id. What is about
one slip is sent in its order: the next waits until the one before was heard or given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import DateTime, bindparam, func, insert, select, text, update

from payments.domain.errors import RefusedError
from web import clock
from web.events.subscribers import WEBHOOK, everybody, subscribers
from web.events.tables import EventAttemptRow, EventDeliveryRow
from web.events.transport import DELIVERED

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from web.events.subscribers import Subscriber
    from web.events.transport import Answer

WAITING, FAILED = "waiting", "failed"
STATES = (WAITING, DELIVERED, FAILED)
# The pause behind each failed attempt; behind the one after the last pause it is given up.
PAUSES = (
    timedelta(seconds=60),
    timedelta(minutes=5),
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=2),
)
# Longer than a batch can take: eight times ten seconds at the receivers, and four times the minute
# for which a busy SQLite file is waited for (web/jobs/outbox.py).
LEASE = timedelta(minutes=6)
# So many may wait per subscriber; the rest stays behind the subscriber's mark until there is room.
AHEAD = 5_000
_LOOKED_AT = 20_000  # events in one step, whether the subscriber wants them or not

deliveries = EventDeliveryRow.__table__  # type: ignore[attr-defined]
attempts = EventAttemptRow.__table__  # type: ignore[attr-defined]

_LAST = """
SELECT COALESCE(MAX(event_no), 0) FROM event
WHERE municipality_code = :m AND event_no >= :first AND event_no < :before"""
_PUT = """
INSERT INTO event_delivery (municipality_code, subscriber_no, event_no, subject, state, attempts,
    due_at, holder, lease_until_at, done_at, reason)
SELECT e.municipality_code, CAST(:subscriber_no AS BIGINT), e.event_no,
    COALESCE(e.slip_id, -e.notice_id, 0), 'waiting', 0, :now, '', NULL, NULL, ''
FROM event e
LEFT JOIN slip s ON s.municipality_code = :m AND s.slip_id = e.slip_id
WHERE e.municipality_code = :m AND e.event_no >= :first AND e.event_no <= :last
  AND e.kind IN ({kinds}) AND (e.notice_id IS NULL OR {known})
ON CONFLICT (municipality_code, subscriber_no, event_no) DO """
_ONCE = "NOTHING"
_AGAIN = "UPDATE SET state = 'waiting', attempts = 0, due_at = excluded.due_at, done_at = NULL"
_KNOWN = {
    "el_number": "s.el_number IS NOT NULL",
    "slip_no": "s.slip_no IS NOT NULL",
    "notice": "e.notice_id IS NOT NULL",
}
# The plus keeps SQLite from the subscribers' key: in the order of the due times it stops early.
_CLAIM = """
WITH picked AS MATERIALIZED (
    SELECT d.subscriber_no AS whose, d.event_no AS which FROM event_delivery d
    WHERE d.municipality_code = :m AND d.state = 'waiting' AND d.due_at <= :now
      AND (d.lease_until_at IS NULL OR d.lease_until_at <= :now)
      AND +d.subscriber_no IN :open
      AND (d.subject = 0 OR NOT EXISTS (
        SELECT 1 FROM event_delivery b
        WHERE b.municipality_code = :m AND b.subscriber_no = d.subscriber_no
          AND b.subject = d.subject AND b.event_no < d.event_no AND b.state = 'waiting'))
    ORDER BY d.due_at, d.event_no LIMIT :most {lock})
UPDATE event_delivery SET holder = :holder, lease_until_at = :until
FROM picked
WHERE municipality_code = :m AND subscriber_no = picked.whose AND event_no = picked.which
RETURNING subscriber_no, event_no, attempts"""


class Claim(NamedTuple):
    """担当: one delivery that this worker makes; ``attempts`` failed before."""

    subscriber_no: int
    event_no: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """配信記録: one attempt."""

    attempt_no: int
    made_at: datetime
    duration_ms: int
    status: int | None
    reason: str


def anything_due(connection: Connection, municipality_code: str, now: datetime) -> bool:
    """送るものがあるか: for a webhook in force, or for a folder."""
    behind = text("SELECT 1 FROM event WHERE municipality_code = :m AND event_no >= :first LIMIT 1")
    known = [one for one in everybody(connection, municipality_code) if not one.disabled]
    if not known:
        return False
    for first in {subscriber.next_event_no for subscriber in known}:
        if connection.execute(behind, {"m": municipality_code, "first": first}).first():
            return True
    mine = (deliveries.c.municipality_code == municipality_code, deliveries.c.state == WAITING)
    numbers = [subscriber.subscriber_no for subscriber in known]
    due = (deliveries.c.due_at <= now, deliveries.c.subscriber_no.in_(numbers))
    return connection.execute(select(deliveries.c.event_no).where(*mine, *due)).first() is not None


def spread(connection: Connection, municipality_code: str, now: datetime) -> int:
    """配信の用意: what has happened since is put in line for every webhook; how many deliveries."""
    return sum(
        _spread_to(connection, municipality_code, subscriber, now)
        for subscriber in everybody(connection, municipality_code)
        if subscriber.channel == WEBHOOK and not subscriber.disabled
    )


def _spread_to(
    connection: Connection, municipality_code: str, subscriber: Subscriber, now: datetime
) -> int:
    """The same for one of them, unless enough waits for it already."""
    me = (
        subscribers.c.municipality_code == municipality_code,
        subscribers.c.subscriber_no == subscriber.subscriber_no,
    )
    # Two workers must not move one mark: the second waits here and sees where the first left it.
    mark = select(subscribers.c.next_event_no).where(*me).with_for_update()
    first = connection.execute(mark).scalar_one()
    scope = {"m": municipality_code, "first": first, "before": first + _LOOKED_AT}
    last = connection.execute(text(_LAST), scope).scalar_one()
    if last < first or _waiting(connection, municipality_code, subscriber) >= AHEAD:
        return 0
    connection.execute(update(subscribers).where(*me).values(next_event_no=last + 1))
    return _put(connection, municipality_code, subscriber, (first, last), now, _ONCE)


def _waiting(connection: Connection, municipality_code: str, subscriber: Subscriber) -> int:
    """How many wait, counted no further than to :data:`AHEAD`."""
    some = (
        select(deliveries.c.event_no)
        .where(
            deliveries.c.municipality_code == municipality_code,
            deliveries.c.subscriber_no == subscriber.subscriber_no,
            deliveries.c.state == WAITING,
        )
        .limit(AHEAD)
        .subquery()
    )
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _put(
    connection: Connection, municipality_code: str, subscriber: Subscriber,
    numbers: tuple[int, int], now: datetime, if_there: str,
) -> int:  # fmt: skip
    """A delivery for every event between two numbers that the subscriber is told."""
    # Kinds and numbers come from closed lists and are written into the statement.
    statement = _PUT.format(
        kinds=", ".join(f"'{kind}'" for kind in subscriber.kinds),
        known="(" + " OR ".join(_KNOWN[number] for number in subscriber.numbers) + ")",
    )
    put = connection.execute(
        text(statement + if_there).bindparams(_instant("now")),
        {
            "m": municipality_code,
            "subscriber_no": subscriber.subscriber_no,
            "first": numbers[0],
            "last": numbers[1],
            "now": now,
        },
    )
    return int(put.rowcount)


def claim(
    connection: Connection,
    municipality_code: str,
    holder: str,
    now: datetime,
    *,
    resting: Collection[int],
    most: int,
) -> list[Claim]:
    """担当を決める: what is due and nobody is at, oldest first, for this worker alone.

    ``resting``: subscribers who do not answer just now. Of each slip only the first event that
    waits is given out, so that none overtakes another.
    """
    numbers = [
        subscriber.subscriber_no
        for subscriber in everybody(connection, municipality_code)
        if not subscriber.disabled and subscriber.subscriber_no not in resting
    ]
    if not numbers:
        return []
    lock = "FOR UPDATE OF d SKIP LOCKED" if connection.dialect.name == "postgresql" else ""
    rows = connection.execute(
        text(_CLAIM.format(lock=lock)).bindparams(
            _instant("now"), _instant("until"), bindparam("open", expanding=True)
        ),
        {
            "m": municipality_code, "now": now, "until": now + LEASE, "holder": holder,
            "open": numbers, "most": most,
        },
    )  # fmt: skip
    return sorted(Claim(*row) for row in rows)


def write_down(
    connection: Connection,
    municipality_code: str,
    holder: str,
    claimed: Claim,
    answer: Answer,
    now: datetime,
) -> str:
    """配信の結果: the attempt, and what follows from it; the state of the delivery now."""
    key = {
        "municipality_code": municipality_code,
        "subscriber_no": claimed.subscriber_no,
        "event_no": claimed.event_no,
    }
    mine = [attempts.c[name] == value for name, value in key.items()]
    number = connection.execute(
        select(func.coalesce(func.max(attempts.c.attempt_no), 0) + 1).where(*mine)
    )
    connection.execute(
        insert(attempts).values(
            **key,
            attempt_no=number.scalar_one(),
            made_at=now,
            duration_ms=answer.duration_ms,
            status=answer.status,
            reason=answer.reason,
        )
    )
    changes = _outcome(claimed, answer, now)
    connection.execute(
        update(deliveries)
        .where(*(deliveries.c[name] == value for name, value in key.items()))
        .where(deliveries.c.holder == holder)  # Whose lease was over has no say any more.
        .values(holder="", lease_until_at=None, reason=answer.reason, **changes)
    )
    return str(changes["state"])


def _outcome(claimed: Claim, answer: Answer, now: datetime) -> dict[str, Any]:
    """Heard, to be tried again, or given up."""
    if answer.reason == DELIVERED:
        return {"state": DELIVERED, "attempts": claimed.attempts + 1, "done_at": now}
    if claimed.attempts >= len(PAUSES):
        return {"state": FAILED, "attempts": claimed.attempts + 1, "done_at": now}
    due_at = now + PAUSES[claimed.attempts]
    return {"state": WAITING, "attempts": claimed.attempts + 1, "due_at": due_at}


def put_back(
    connection: Connection, municipality_code: str, holder: str, claims: Collection[Claim],
    now: datetime,
) -> None:  # fmt: skip
    """後に回す: what was not tried because its receiver does not answer; it costs no attempt."""
    for claimed in claims:
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.municipality_code == municipality_code,
                deliveries.c.subscriber_no == claimed.subscriber_no,
                deliveries.c.event_no == claimed.event_no,
                deliveries.c.holder == holder,
            )
            .values(holder="", lease_until_at=None, due_at=now + PAUSES[0])
        )


def replay(
    connection: Connection, municipality_code: str, subscriber: Subscriber, first: int, last: int
) -> int:
    """再送: these events once more, whatever became of them; how many.

    Raises :class:`RefusedError` ``subscriber_is_folder``, ``subscriber_disabled`` or
    ``nothing_to_replay``.
    """
    _require_webhook(subscriber)
    numbers = (first, last)
    put = _put(connection, municipality_code, subscriber, numbers, clock.now(), _AGAIN)
    if not put:
        raise RefusedError("nothing_to_replay", name=subscriber.name)
    return put


def replay_failed(connection: Connection, municipality_code: str, subscriber: Subscriber) -> int:
    """再送 of everything that was given up; how many. Raises as :func:`replay` does."""
    _require_webhook(subscriber)
    changed = connection.execute(
        update(deliveries)
        .where(
            deliveries.c.municipality_code == municipality_code,
            deliveries.c.subscriber_no == subscriber.subscriber_no,
            deliveries.c.state == FAILED,
        )
        .values(state=WAITING, attempts=0, due_at=clock.now(), done_at=None)
    )
    if not changed.rowcount:
        raise RefusedError("nothing_to_replay", name=subscriber.name)
    return changed.rowcount


def _require_webhook(subscriber: Subscriber) -> None:
    if subscriber.channel != WEBHOOK:
        raise RefusedError("subscriber_is_folder", name=subscriber.name)
    if subscriber.disabled:
        raise RefusedError("subscriber_disabled", name=subscriber.name)


def attempts_at(
    connection: Connection, municipality_code: str, subscriber_no: int, event_no: int
) -> tuple[Attempt, ...]:
    """配信記録 of one delivery, the first one first."""
    rows = connection.execute(
        select(attempts)
        .where(
            attempts.c.municipality_code == municipality_code,
            attempts.c.subscriber_no == subscriber_no,
            attempts.c.event_no == event_no,
        )
        .order_by(attempts.c.attempt_no)
    )
    return tuple(
        Attempt(row.attempt_no, clock.in_japan(row.made_at), row.duration_ms, row.status,
                row.reason)
        for row in rows
    )  # fmt: skip


def _instant(name: str) -> Any:
    """A moment in a statement, written as the tables keep it."""
    return bindparam(name, type_=DateTime(timezone=True))
