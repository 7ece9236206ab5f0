"""受付簿の検算: nothing that an operator was told is kept is missing from the books.

Differences are those of :mod:`reconcile.verify`, which knows nothing of the spool. The subject is
``notification:`` and the number in the spool.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import LargeBinary, cast, select, text

from payments.store.unit_of_work import reading
from reconcile.verify import everything
from reconcile.verify.walk import Difference
from web import clock
from web.notifications.known import known_to_books
from web.notifications.sealed_bodies import REFUSALS, SPOOL, hash_found
from web.notifications.spool import Spool
from web.notifications.spool_rows import HEAD, Entry
from web.notifications.spool_tables import BOOKED, CONFLICT, WAITING, spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Engine

    from web.notifications.sealed_bodies import Shelf

WAITING_HOURS = 24  # longer than any import: somebody must look why
PORTION = 1_000
BODIES = 200  # at once in memory
_WITHOUT_EVIDENCE = text(
    "SELECT n.key_id, n.notification_id, n.body_sha256 FROM payment_notification n "
    "WHERE n.municipality_code = :m AND n.answer_json IS NOT NULL AND NOT EXISTS ("
    "SELECT 1 FROM source_file f WHERE f.municipality_code = n.municipality_code "
    "AND f.file_id = n.file_id AND f.sha256 = n.body_sha256) "
    "ORDER BY n.key_id, n.notification_id"
)


def verify(
    engine: Engine,
    municipality_code: str,
    progress: Callable[[int], None] | None = None,
    *,
    as_of: datetime | None = None,
) -> list[Difference]:
    """検算 of the books and of the spool beside them (``everything.verify``).

    ``as_of``: the instant at which the spool was as it is, now where there is none.
    """
    differences = everything.verify(engine, municipality_code, progress)
    return [*differences, *spool_differences(engine, municipality_code, as_of or clock.now())]


def spool_differences(
    engine: Engine, municipality_code: str, as_of: datetime
) -> Iterator[Difference]:
    """What was altered, what never became evidence, and what is noted as booked and is not."""
    with closing(Spool(engine)) as store:
        for shelf in (SPOOL, REFUSALS):
            yield from _altered(store, municipality_code, shelf)
    yield from _spooled(engine, municipality_code, as_of - timedelta(hours=WAITING_HOURS))
    with reading(engine, municipality_code) as connection:
        rows = connection.execute(_WITHOUT_EVIDENCE, {"m": municipality_code}).all()
    for key_id, notification_id, sha256 in rows:
        subject = f"notification:{key_id}/{notification_id}"
        yield Difference("notification_evidence", subject, sha256, "")


def _altered(store: Spool, municipality_code: str, shelf: Shelf) -> Iterator[Difference]:
    """Every body that is not, or does not open to, the bytes that came."""
    after: int | None = 0
    while after is not None and (found := store.reading(municipality_code)) is not None:
        # As bytes whatever stands there: a hand that wrote text into an SQLite file is found out.
        columns = shelf.number, shelf.table.c.body_sha256, cast(shelf.table.c.body, LargeBinary)
        mine = shelf.table.c.municipality_code == municipality_code, shelf.number > after
        statement = select(*columns).where(*mine).order_by(shelf.number).limit(BODIES)
        with found as connection:
            after = None
            for after, sha256, body in connection.execute(statement).all():
                is_now = hash_found(
                    connection, shelf, municipality_code, after, sha256, bytes(body)
                )
                if is_now != sha256:
                    subject = f"{shelf.name}:{after}"
                    yield Difference("notification_body", subject, sha256, is_now)


def _spooled(engine: Engine, municipality_code: str, long_ago: datetime) -> Iterator[Difference]:
    """Entry by entry, what the books say to it; ``long_ago`` is too long to wait."""
    with closing(Spool(engine)) as store:
        after = 0
        while entries := _portion(store, municipality_code, after):
            after = entries[-1].spool_no
            with reading(engine, municipality_code) as connection:
                known = known_to_books(connection, municipality_code, [e.key for e in entries])
            for entry in entries:
                subject = f"notification:{entry.spool_no}"
                found = known.get(entry.key)
                if entry.state == WAITING:
                    if clock.in_japan(entry.received_at) < long_ago:
                        at = clock.in_japan(entry.received_at).astimezone(UTC).isoformat()
                        yield Difference("notification_unbooked", subject, BOOKED, at)
                elif found is None or found.body_sha256 != entry.body_sha256:
                    there = "" if found is None else found.body_sha256
                    yield Difference("notification_lost", subject, entry.body_sha256, there)


def _portion(store: Spool, municipality_code: str, after: int) -> list[Entry]:
    """The next entries that are to be in the books."""
    found = store.reading(municipality_code)
    if found is None:
        return []
    statement = (
        select(*HEAD)
        .where(
            spool.c.municipality_code == municipality_code,
            spool.c.spool_no > after,
            spool.c.state != CONFLICT,
        )
        .order_by(spool.c.spool_no)
        .limit(PORTION)
    )
    with found as connection:
        return [Entry(*row) for row in connection.execute(statement)]
