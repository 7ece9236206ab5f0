"""受付簿: a notification is durable here before anybody is answered, whatever the books are doing.

Append-only but for the state of a row, which changes once, from waiting to booked. The numbers
ascend in the order of arrival, per municipality, without gaps.
"""

from __future__ import annotations

import fcntl
from contextlib import closing, contextmanager
from datetime import datetime  # noqa: TC003 - field of a tuple
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, event, func, select, text

from payments.domain.errors import ConflictError, RefusedError
from payments.store.engine import keys_of, open_engine
from payments.store.unit_of_work import enter_municipality, reading
from web import clock
from web.notifications.door import Uses
from web.notifications.door_tables import SQLITE_DOOR_GUARDS
from web.notifications.group_commit import GroupCommit
from web.notifications.sealed_bodies import SPOOL, plain_body
from web.notifications.spool_rows import HEAD, Entry, by_keys
from web.notifications.spool_tables import (
    BOOKED,
    CONFLICT,
    SCHEMA_VERSION,
    SQLITE_GUARDS,
    WAITING,
    metadata,
    spool,
)
from web.notifications.spool_writer import Results, SpoolWriter, Work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import date

    from sqlalchemy import Connection, Engine

    from web.notifications.door import Refused, Signed
    from web.notifications.known import Key
    from web.notifications.spool_rows import Arrival, Mark

# As a literal: SQLite finds the small index of what waits only by a condition that it can read.
_IS_WAITING = text(f"state = '{WAITING}'")
_WAITING = (
    select(*HEAD)
    .where(
        spool.c.municipality_code == bindparam("m"),
        _IS_WAITING,
        spool.c.spool_no > bindparam("after"),
    )
    .order_by(spool.c.spool_no)
    .limit(bindparam("most"))
)
_BODIES = select(spool.c.spool_no, spool.c.body_sha256, spool.c.body).where(
    spool.c.municipality_code == bindparam("m"),
    spool.c.spool_no.in_(bindparam("numbers", expanding=True)),
)

CONFLICTS_SHOWN = 200
LOG_PAGES = 2_000  # tidied away in some milliseconds; the books' 20,000 take 70 of them


class Waiting(NamedTuple):
    """記帳待ち: how many notifications wait to be booked, and since when the oldest does."""

    number: int
    oldest_at: datetime | None

    @property
    def oldest_seconds(self) -> int:
        """How long the oldest has waited; 0 when none waits."""
        if self.oldest_at is None:
            return 0
        return max(int((clock.now() - clock.in_japan(self.oldest_at)).total_seconds()), 0)


class Spool:
    """受付簿 of the municipalities of one database."""

    def __init__(self, books: Engine) -> None:
        """Beside the database that ``books`` opens; nothing is made before it is needed."""
        self._books = books
        self._uses = Uses()
        self._writers: dict[str, tuple[SpoolWriter, GroupCommit[Work, Results]]] = {}

    @property
    def file(self) -> Path | None:
        """The file of the spool, or None when the books' server holds it."""
        if self._books.dialect.name != "sqlite":
            return None
        books = Path(str(self._books.url.database))
        return books.with_name(f"{books.stem}-notifications{books.suffix}")

    @cached_property
    def _engine(self) -> Engine:
        """The engine of the spool; on SQLite its file is made when it is not there yet."""
        if self.file is None:
            return self._books
        engine = open_engine(f"sqlite:///{self.file}", keys=keys_of(self._books))
        event.listen(engine, "connect", _tidy_often)
        with engine.connect() as connection:
            made = _is_made(connection)
        if not made:
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                _make(connection)
        return engine

    def close(self) -> None:
        """End the writers, whose work is committed first, and give the connections back."""
        for writer, commits in self._writers.values():
            commits.close()
            writer.close()
        if self.file is not None and "_engine" in self.__dict__:
            self._engine.dispose()

    # ---- writing ----

    def append(self, municipality_code: str, arrival: Arrival) -> tuple[Entry, bool]:
        """Keep one notification; its entry, and whether it is the first with this key and body.

        When this returns it survives a power cut. Raises :class:`ConflictError`
        ``idempotency_conflict`` for another body under a known key, which is kept all the same.
        """
        ((entry, first),) = self.append_many(municipality_code, [arrival])
        if entry.body_sha256 != arrival.body_sha256:
            raise ConflictError("idempotency_conflict", notification_id=arrival.notification_id)
        return entry, first

    def append_many(
        self,
        municipality_code: str,
        arrivals: Sequence[Arrival],
        signed: Signed | None = None,
        refused: Sequence[Refused] = (),
    ) -> list[tuple[Entry, bool]]:
        """Keep several at once; per arrival the entry that counts, and whether it was new.

        When this returns all of them survive a power cut. An entry with another hash than the
        arrival means that the key was taken: the arrival is kept as a conflict. ``refused``: bodies
        of the same request that are kept, and never booked.

        Raises :class:`RefusedError` ``nonce_used`` when ``signed`` was here before; then nothing
        is kept.
        """
        request = () if signed is None else (signed,)
        found = self._writer(municipality_code).run((*request, *arrivals, *refused))
        if found is None:
            raise RefusedError("nonce_used")
        return found

    def mark_booked(self, municipality_code: str, marks: Sequence[Mark]) -> None:
        """記帳済: the entries are in the books; once marked, an entry stays as it is."""
        if marks:
            self._writer(municipality_code).run(tuple(marks))

    def settle(self, municipality_code: str) -> None:
        """Return when everything that could be read until now survives a power cut.

        On PostgreSQL an entry can be read a moment before it does.
        """
        if self.file is None:
            self.append_many(municipality_code, ())

    def _writer(self, municipality_code: str) -> GroupCommit[Work, Results]:
        """The writer of a municipality: a transaction concerns one only (R11)."""
        found = self._writers.get(municipality_code)
        if found is None:
            writer = SpoolWriter(lambda: self._engine, self._books, municipality_code, self._uses)
            commits = GroupCommit(writer.perform, len, settle=writer.settle, writers=writer.writers)
            made = writer, commits
            found = self._writers.setdefault(municipality_code, made)
        return found[1]

    # ---- reading ----

    def find(self, municipality_code: str, key_id: str, notification_id: str) -> Entry | None:
        """The entry that counts under this key, or None."""
        key = (key_id, notification_id)
        return self.find_many(municipality_code, [key]).get(key)

    def find_many(self, municipality_code: str, keys: Sequence[Key]) -> dict[Key, Entry]:
        """The entries that count under these keys."""
        if not self._exists():
            return {}
        with reading(self._engine, municipality_code) as connection:
            rows = by_keys(connection, municipality_code, keys)
        return {row.key: row for row in rows if row.state != CONFLICT}

    def next_waiting(self, municipality_code: str, after: int, most: int) -> list[Entry]:
        """The oldest entries behind number ``after`` that wait to be booked, at most so many."""
        if not self._exists():
            return []
        values = {"m": municipality_code, "after": after, "most": most}
        with reading(self._engine, municipality_code) as connection:
            return [Entry(*row) for row in connection.execute(_WAITING, values)]

    def last_booked(self, municipality_code: str, before: int | None) -> Entry | None:
        """The youngest entry that is marked as booked, of those below number ``before``."""
        if not self._exists():
            return None
        statement = (
            select(*HEAD)
            .where(spool.c.municipality_code == municipality_code, spool.c.state == BOOKED)
            .order_by(spool.c.spool_no.desc())
            .limit(1)
        )
        if before is not None:
            statement = statement.where(spool.c.spool_no < before)
        with reading(self._engine, municipality_code) as connection:
            row = connection.execute(statement).first()
        return None if row is None else Entry(*row)

    def bodies(self, municipality_code: str, numbers: Sequence[int]) -> dict[int, bytes]:
        """The bytes of some entries, as they came, by number."""
        values = {"m": municipality_code, "numbers": numbers}
        with reading(self._engine, municipality_code) as connection:
            rows = connection.execute(_BODIES, values).all()
            return {
                row.spool_no: plain_body(
                    connection, SPOOL, municipality_code, row.spool_no, row.body_sha256,
                    bytes(row.body),
                )
                for row in rows
            }  # fmt: skip

    def waiting(self, municipality_code: str, until: date | None = None) -> Waiting:
        """How many wait, of all days or of those up to ``until``."""
        if not self._exists():
            return Waiting(0, None)
        statement = select(func.count(), func.min(spool.c.received_at)).where(
            spool.c.municipality_code == municipality_code, _IS_WAITING
        )
        if until is not None:
            statement = statement.where(spool.c.received_on <= until)
        with reading(self._engine, municipality_code) as connection:
            return Waiting(*connection.execute(statement).one())

    def conflicts(self, municipality_code: str) -> list[tuple[Entry, Entry | None]]:
        """食い違った通知, the youngest first: each with the entry that counts under its key.

        The other is None where only the books know it; at most :data:`CONFLICTS_SHOWN`.
        """
        if not self._exists():
            return []
        statement = (
            select(*HEAD)
            .where(spool.c.municipality_code == municipality_code, spool.c.state == CONFLICT)
            .order_by(spool.c.spool_no.desc())
            .limit(CONFLICTS_SHOWN)
        )
        with reading(self._engine, municipality_code) as connection:
            found = [Entry(*row) for row in connection.execute(statement)]
        counts = self.find_many(municipality_code, [entry.key for entry in found])
        return [(entry, counts.get(entry.key)) for entry in found]

    def reading(self, municipality_code: str) -> AbstractContextManager[Connection] | None:
        """A read transaction in the store, or None while there is none."""
        return reading(self._engine, municipality_code) if self._exists() else None

    @contextmanager
    def writing(self, municipality_code: str) -> Iterator[Connection]:
        """A write transaction in the store."""
        with (
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            enter_municipality(connection, municipality_code)
            yield connection

    def _exists(self) -> bool:
        """Whether anything can have arrived; looking at the spool never makes its file."""
        return self.file is None or self.file.exists()

    # ---- booking, one process at a time ----

    @contextmanager
    def turn(self, municipality_code: str, *, wait: bool = False) -> Iterator[bool]:
        """記帳の番: whether this process may book now, for as long as it is inside.

        With ``wait`` it waits until it may; a turn is one step long.
        Two that book one entry at the same time would book it twice. The turn ends with the
        process, however that ends.
        """
        if self.file is None:
            with reading(self._books, municipality_code) as connection:
                take = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
                found = connection.execute(
                    text(f"SELECT {take}(hashtext('kokin-book'), hashtext(:m))"),
                    {"m": municipality_code},
                ).scalar_one()
                yield wait or found
            return
        # Not the database file: closing another handle of it would drop SQLite's own locks.
        with closing(self.file.with_suffix(".lock").open("a")) as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True


def _tidy_often(connection: Any, _record: object) -> None:
    """Whoever commits behind so many pages of log tidies them away, and everybody waits for it."""
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")


def _is_made(connection: Connection) -> bool:
    """Whether this file of SQLite holds the table."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    return bool(version == SCHEMA_VERSION)


def _make(connection: Connection) -> None:
    """The table and its guards, unless another process has just made them."""
    if _is_made(connection):
        return
    metadata.create_all(connection)
    for guard in (*SQLITE_GUARDS, *SQLITE_DOOR_GUARDS):
        connection.exec_driver_sql(guard)
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
