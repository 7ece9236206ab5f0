"""受付簿の行: how the writer of the spool enters what arrived, and marks what is booked.

Set-based: so many notifications, asked for by however many requests, cost a handful of statements.
"""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - fields of tuples
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, select

from payments.store.engine import keys_of
from web import clock
from web.notifications.known import listed, portions
from web.notifications.sealed_bodies import SPOOL, body_to_keep
from web.notifications.spool_tables import BOOKED, CONFLICT, WAITING, spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from web.notifications.journey import Journey
    from web.notifications.known import Key, Known

HEAD = tuple(c for c in spool.c if c.name not in {"municipality_code", "body", "booked_at"})
# Made once: building a statement costs more than it costs the database to run it.
_UNDER_KEYS = select(*HEAD).where(
    spool.c.municipality_code == bindparam("m"),
    spool.c.key_id == bindparam("key_id"),
    spool.c.notification_id.in_(bindparam("ids", expanding=True)),
)
_ANY_ENTRY = (
    "SELECT 1 FROM notification_spool WHERE municipality_code = {mark} AND key_id = {mark} "
    "AND notification_id {listed} LIMIT 1"
)
# One writer at a time, also when several servers write: numbers in the order of the commits. The
# lock is held until the commit can be seen, not until it is on the disk.
ALONE = "SELECT pg_advisory_xact_lock(hashtext('kokin-spool'), hashtext({mark}))"
_MARK = (
    f"UPDATE notification_spool SET state = '{BOOKED}', booked_at = {{mark}}, "
    "file_id = wanted.column2, answer_json = wanted.column3 FROM <marks> "
    f"WHERE municipality_code = {{mark}} AND spool_no = wanted.column1 AND state = '{WAITING}'"
)
_ENTERED = (
    "municipality_code", "spool_no", "key_id", "notification_id", "body_sha256", "body",
    "received_at", "received_on", "state",
)  # fmt: skip


class Arrival(NamedTuple):
    """届いた通知 as it goes in."""

    key_id: str
    notification_id: str
    body: bytes
    body_sha256: str
    transaction_id: str = ""

    @property
    def key(self) -> Key:
        """What makes it the same notification when it comes again."""
        return self.key_id, self.notification_id


class Entry(NamedTuple):
    """受付: a row of the spool without its body."""

    spool_no: int  # 0: only the books know it
    key_id: str
    notification_id: str
    body_sha256: str
    received_at: datetime
    received_on: date
    state: str
    file_id: int | None
    answer_json: str | None

    @property
    def key(self) -> Key:
        """What makes it the same notification when it comes again."""
        return self.key_id, self.notification_id


class Mark(NamedTuple):
    """記帳済の印: the entry is in the books as this file, and this is its answer."""

    spool_no: int
    file_id: int
    answer_json: str


def by_keys(connection: Connection, municipality_code: str, keys: Iterable[Key]) -> list[Entry]:
    """Every entry under these keys, conflicts included."""
    found: list[Entry] = []
    for key_id, ids in portions(keys):
        if not listed(connection, _ANY_ENTRY, (municipality_code, key_id), ids):
            continue
        values = {"m": municipality_code, "key_id": key_id, "ids": ids}
        found += [Entry(*row) for row in connection.execute(_UNDER_KEYS, values)]
    return found


def append_all(
    connection: Connection,
    municipality_code: str,
    arrivals: Sequence[Arrival],
    known: Mapping[Key, Known],
    writes: Journey,
    last_no: int,
    *,
    new: bool = False,
) -> list[tuple[Entry, bool]]:
    """Enter what arrived, in order; per arrival the entry that counts, and whether it was new.

    ``known``: what the books hold under these keys, which the spool may have forgotten. A body
    under a key that counts with another one is kept as a conflict. ``writes`` takes what is to be
    written, numbered behind ``last_no``. ``new``: nothing was entered under any of these keys
    before this transaction.
    """
    keys = () if new else (arrival.key for arrival in arrivals)
    rows = by_keys(connection, municipality_code, keys)
    counts = {key: _of_books(key, found) for key, found in known.items()}
    counts |= {row.key: row for row in rows if row.state != CONFLICT}
    there = {(row.key, row.body_sha256): row for row in rows}
    for key, entry in counts.items():
        # Known to the books without an answer: it is entered, and booked as the same file again.
        if entry.spool_no or entry.answer_json is not None:
            there.setdefault((key, entry.body_sha256), entry)
    sealing = keys_of(connection)
    last = last_no
    now = clock.now()
    on = clock.in_japan(now).date()
    written = writes.written(spool.c.received_at, now), writes.written(spool.c.received_on, on)
    results: list[tuple[Entry, bool]] = []
    fresh: list[tuple[object, ...]] = []
    for arrival in arrivals:
        key = arrival.key
        same = there.get((key, arrival.body_sha256))
        if same is not None:
            results.append((counts.get(key, same), False))
            continue
        other = counts.get(key)
        conflict = other is not None and other.body_sha256 != arrival.body_sha256
        last += 1
        entry = Entry(
            last, *key, arrival.body_sha256, now, on,
            CONFLICT if conflict else WAITING, None, None,
        )  # fmt: skip
        if other is None or not conflict:
            counts[key] = entry
        there[key, arrival.body_sha256] = entry
        results.append((counts[key], True))
        body = body_to_keep(sealing, SPOOL, municipality_code, last, arrival.body)
        fresh.append((municipality_code, *entry[:4], body, *written, entry.state))
    writes.add_rows("notification_spool", _ENTERED, fresh)
    return results


def mark_all(writes: Journey, municipality_code: str, marks: Sequence[Mark]) -> None:
    """Mark what is booked; an entry that is marked stays as it is."""
    if marks:
        at = writes.written(spool.c.booked_at, clock.now())
        source, values = writes.table(marks)
        writes.add(_MARK.replace("<marks>", source), at, *values, municipality_code)


def _of_books(key: Key, found: Known) -> Entry:
    """What the books know, in the shape of an entry."""
    return Entry(
        0, *key, found.body_sha256, found.received_at, clock.in_japan(found.received_at).date(),
        BOOKED, found.file_id, found.answer_json,
    )  # fmt: skip
