"""受付簿の検算: nothing that an operator was told is kept is missing from the books.

Differences are those of :mod:`reconcile.verify`, which knows nothing of the spool. The subject is
``notification:`` and the number in the spool.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from payments.store.unit_of_work import reading
from reconcile.verify import everything
from reconcile.verify.walk import Difference
from web import clock
from web.notifications.known import known_to_books
from web.notifications.spool import Spool
from web.notifications.spool_rows import HEAD, Entry
from web.notifications.spool_tables import BOOKED, CONFLICT, WAITING, spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

WAITING_HOURS = 24  # longer than any import: somebody must look why
PORTION = 1_000
_WITHOUT_EVIDENCE = text(
    "SELECT n.key_id, n.notification_id, n.body_sha256 FROM payment_notification n "
    "WHERE n.municipality_code = :m AND n.answer_json IS NOT NULL AND NOT EXISTS ("
    "SELECT 1 FROM source_file f WHERE f.municipality_code = n.municipality_code "
    "AND f.file_id = n.file_id AND f.sha256 = n.body_sha256) "
    "ORDER BY n.key_id, n.notification_id"
)


def verify(
    engine: Engine, municipality_code: str, progress: Callable[[int], None] | None = None
) -> list[Difference]:
    """検算 of the books and of the spool beside them (``everything.verify``)."""
    differences = everything.verify(engine, municipality_code, progress)
    return [*differences, *spool_differences(engine, municipality_code)]


def spool_differences(engine: Engine, municipality_code: str) -> Iterator[Difference]:
    """What was received and never became evidence, and what is noted as booked and is not."""
    yield from _spooled(engine, municipality_code)
    with reading(engine, municipality_code) as connection:
        rows = connection.execute(_WITHOUT_EVIDENCE, {"m": municipality_code}).all()
    for key_id, notification_id, sha256 in rows:
        subject = f"notification:{key_id}/{notification_id}"
        yield Difference("notification_evidence", subject, sha256, "")


def _spooled(engine: Engine, municipality_code: str) -> Iterator[Difference]:
    """Entry by entry, what the books say to it."""
    long_ago = clock.now() - timedelta(hours=WAITING_HOURS)
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
