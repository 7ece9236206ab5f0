"""受付簿の整理: what the books have held as evidence for long leaves the spool.

An entry goes when it was booked so many days ago and the books know the same body under the same
key with its answer: whoever sends it again gets that answer from them. What waits and what was a
conflict stays, and so does the youngest entry, whose number the next one follows. The database lets
nothing go that was booked within `KEPT_DAYS_MIN` days, so that books that were restored from
a copy find here what they lack.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from payments.store.unit_of_work import reading
from web.notifications.known import known_to_books
from web.notifications.spool import Spool
from web.notifications.spool_tables import BOOKED, spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

KEPT_DAYS = 90
PORTION = 1_000  # entries in one transaction: nobody who brings one waits long for it


def prune(
    books: Engine,
    municipality_code: str,
    *,
    now: datetime,
    days: int = KEPT_DAYS,
    beat: Callable[[], None] = lambda: None,
) -> int:
    """整理: how many entries left the spool that were booked ``days`` or more before ``now``.

    ``beat`` is called between the portions. The database refuses fewer than
    `KEPT_DAYS_MIN` days.
    """
    before = (now - timedelta(days=days)).astimezone(UTC)
    gone = after = 0
    with closing(Spool(books)) as store:
        while looked := _portion(store, municipality_code, after, before):
            after = looked[-1][0]
            with reading(books, municipality_code) as connection:
                keys = [(key_id, name) for _no, key_id, name, _sha256 in looked]
                known = known_to_books(connection, municipality_code, keys)
            numbers = [
                number
                for number, key_id, name, sha256 in looked
                if (found := known.get((key_id, name))) is not None
                and found.body_sha256 == sha256
                and found.answer_json is not None
            ]
            if numbers:
                with store.writing(municipality_code) as connection:
                    connection.execute(
                        delete(spool).where(
                            spool.c.municipality_code == municipality_code,
                            spool.c.spool_no.in_(numbers),
                        )
                    )
            gone += len(numbers)
            beat()
    return gone


def _portion(
    store: Spool, municipality_code: str, after: int, before: datetime
) -> list[tuple[int, str, str, str]]:
    """The next entries that were booked long enough ago: number, key id, idempotency key, hash."""
    found = store.reading(municipality_code)
    if found is None:
        return []
    youngest = (
        select(func.max(spool.c.spool_no))
        .where(spool.c.municipality_code == municipality_code)
        .scalar_subquery()
    )
    statement = (
        select(spool.c.spool_no, spool.c.key_id, spool.c.notification_id, spool.c.body_sha256)
        .where(
            spool.c.municipality_code == municipality_code,
            spool.c.spool_no > after,
            spool.c.spool_no < youngest,
            spool.c.state == BOOKED,
            spool.c.booked_at <= before,
        )
        .order_by(spool.c.spool_no)
        .limit(PORTION)
    )
    with found as connection:
        return [tuple(row) for row in connection.execute(statement)]
