"""受付簿: a notification is durable here before anybody is answered, whatever the books are doing.

Append-only but for the state of a row, which changes once, from waiting to booked. The numbers
ascend in the order of arrival, per municipality, without gaps.
"""

from __future__ import annotations

import fcntl
from contextlib import closing, contextmanager
from datetime import date, datetime  # noqa: TC003 - fields of tuples
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, func, insert, select, text, update

from payments.domain.errors import ConflictError
from payments.store.engine import open_engine
from payments.store.unit_of_work import enter_municipality, reading
from web import clock
from web.notifications.group_commit import GroupCommit
from web.notifications.spool_tables import (
    BOOKED,
    CONFLICT,
    SCHEMA_VERSION,
    SQLITE_GUARDS,
    WAITING,
    metadata,
    spool,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

_HEAD = tuple(c for c in spool.c if c.name not in {"municipality_code", "body", "booked_at"})
# As a literal: SQLite finds the small index of what waits only by a condition that it can read.
_IS_WAITING = text(f"state = '{WAITING}'")
# Made once: building a statement costs more than it costs the database to run it.
_UNDER_KEY = select(*_HEAD).where(
    spool.c.municipality_code == bindparam("m"),
    spool.c.key_id == bindparam("key_id"),
    spool.c.notification_id == bindparam("notification_id"),
)
_COUNTS = _UNDER_KEY.where(spool.c.state != CONFLICT)
_LAST_NO = select(func.coalesce(func.max(spool.c.spool_no), 0)).where(
    spool.c.municipality_code == bindparam("m")
)
_INSERT = insert(spool)
_WAITING = (
    select(*_HEAD)
    .where(
        spool.c.municipality_code == bindparam("m"),
        _IS_WAITING,
        spool.c.spool_no > bindparam("after"),
    )
    .order_by(spool.c.spool_no)
    .limit(bindparam("most"))
)
_BODY = select(spool.c.body).where(
    spool.c.municipality_code == bindparam("m"), spool.c.spool_no == bindparam("number")
)
_MARK = (
    update(spool)
    .where(
        spool.c.municipality_code == bindparam("m"),
        spool.c.spool_no == bindparam("number"),
        spool.c.state == WAITING,
    )
    .values(
        state=BOOKED,
        file_id=bindparam("file"),
        answer_json=bindparam("answer"),
        booked_at=bindparam("at"),
    )
)


class Arrival(NamedTuple):
    """届いた通知 as it goes in."""

    key_id: str
    notification_id: str
    body: bytes
    body_sha256: str


class Entry(NamedTuple):
    """受付: a row of the spool without its body."""

    spool_no: int
    key_id: str
    notification_id: str
    body_sha256: str
    received_at: datetime
    received_on: date
    state: str
    file_id: int | None
    answer_json: str | None


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
        self._writers: dict[str, GroupCommit] = {}

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
        engine = open_engine(f"sqlite:///{self.file}")
        with engine.connect() as connection:
            made = _is_made(connection)
        if not made:
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                _make(connection)
        return engine

    def close(self) -> None:
        """End the writers, whose work is committed first, and give the connections back."""
        for writer in self._writers.values():
            writer.close()
        if self.file is not None and "_engine" in self.__dict__:
            self._engine.dispose()

    # ---- writing ----

    def append(self, municipality_code: str, arrival: Arrival) -> tuple[Entry, bool]:
        """Keep one notification; its entry, and whether it is the first with this key and body.

        When this returns it survives a power cut. Raises :class:`ConflictError`
        ``idempotency_conflict`` for another body under a known key, which is kept all the same.
        """
        entry, first = self._writer(municipality_code).run(
            lambda connection: _append(connection, municipality_code, arrival)
        )
        if entry.body_sha256 != arrival.body_sha256:
            raise ConflictError("idempotency_conflict", notification_id=arrival.notification_id)
        return entry, first

    def keep_other(self, municipality_code: str, arrival: Arrival) -> None:
        """Keep a body whose key the books know with another one."""
        self._writer(municipality_code).run(
            lambda connection: _append(connection, municipality_code, arrival, known=True)
        )

    def mark_booked(
        self, municipality_code: str, spool_no: int, *, file_id: int, answer_json: str
    ) -> None:
        """記帳済: the entry is in the books as this file; once marked, an entry stays as it is."""
        values = {
            "m": municipality_code, "number": spool_no, "file": file_id, "answer": answer_json,
            "at": clock.now(),
        }  # fmt: skip
        self._writer(municipality_code).run(lambda connection: connection.execute(_MARK, values))

    def _writer(self, municipality_code: str) -> GroupCommit:
        """The writer of a municipality: a transaction concerns one only (R11)."""

        @contextmanager
        def transaction() -> Iterator[Connection]:
            engine = self._engine
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                enter_municipality(connection, municipality_code)
                yield connection

        return self._writers.setdefault(municipality_code, GroupCommit(transaction))

    # ---- reading ----

    def find(self, municipality_code: str, key_id: str, notification_id: str) -> Entry | None:
        """The entry that counts under this key, or None."""
        if not self._exists():
            return None
        with reading(self._engine, municipality_code) as connection:
            return _by_key(connection, municipality_code, key_id, notification_id)

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
            select(*_HEAD)
            .where(spool.c.municipality_code == municipality_code, spool.c.state == BOOKED)
            .order_by(spool.c.spool_no.desc())
            .limit(1)
        )
        if before is not None:
            statement = statement.where(spool.c.spool_no < before)
        with reading(self._engine, municipality_code) as connection:
            row = connection.execute(statement).first()
        return None if row is None else Entry(*row)

    def body(self, municipality_code: str, spool_no: int) -> bytes:
        """The bytes of an entry, as they came."""
        values = {"m": municipality_code, "number": spool_no}
        with reading(self._engine, municipality_code) as connection:
            return bytes(connection.execute(_BODY, values).scalar_one())

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

    def _exists(self) -> bool:
        """Whether anything can have arrived; looking at the spool never makes its file."""
        return self.file is None or self.file.exists()

    # ---- booking, one process at a time ----

    @contextmanager
    def turn(self, municipality_code: str, *, wait: bool = False) -> Iterator[bool]:
        """記帳の番: whether this process may book now, for as long as it is inside.

        With ``wait`` it waits until it may; a turn is one entry long.
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


def _is_made(connection: Connection) -> bool:
    """Whether this file of SQLite holds the table."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    return bool(version == SCHEMA_VERSION)


def _make(connection: Connection) -> None:
    """The table and its guards, unless another process has just made them."""
    if _is_made(connection):
        return
    metadata.create_all(connection)
    for guard in SQLITE_GUARDS:
        connection.exec_driver_sql(guard)
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _append(
    connection: Connection, municipality_code: str, arrival: Arrival, *, known: bool = False
) -> tuple[Entry, bool]:
    """The entry that counts under the key, after this arrival; whether the arrival was new."""
    key = _key(municipality_code, arrival.key_id, arrival.notification_id)
    rows = [Entry(*row) for row in connection.execute(_UNDER_KEY, key)]
    counts = next((row for row in rows if row.state != CONFLICT), None)
    same = next((row for row in rows if row.body_sha256 == arrival.body_sha256), None)
    if same is not None:
        return counts or same, False
    if connection.dialect.name == "postgresql":
        # Numbers in the order of the commits, also when several servers write.
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtext('kokin-spool'), hashtext(:m))"),
            {"m": municipality_code},
        )
    now = clock.now()
    values = {
        **arrival._asdict(),
        "municipality_code": municipality_code,
        "spool_no": connection.execute(_LAST_NO, {"m": municipality_code}).scalar_one() + 1,
        "received_at": now,
        "received_on": clock.in_japan(now).date(),
        "state": CONFLICT if known or counts else WAITING,
    }
    connection.execute(_INSERT, values)
    entry = Entry(
        **{name: values.get(name) for name in Entry._fields}  # type: ignore[arg-type]
    )
    return counts or entry, True


def _by_key(
    connection: Connection, municipality_code: str, key_id: str, notification_id: str
) -> Entry | None:
    """The entry that counts under a key."""
    key = _key(municipality_code, key_id, notification_id)
    row = connection.execute(_COUNTS, key).one_or_none()
    return None if row is None else Entry(*row)


def _key(municipality_code: str, key_id: str, notification_id: str) -> dict[str, str]:
    """The values of the statements about one key."""
    return {"m": municipality_code, "key_id": key_id, "notification_id": notification_id}
