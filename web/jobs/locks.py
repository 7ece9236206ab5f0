"""定時処理の担当: one process at a time runs a lane, and everybody can see which.

The lock is what counts: on PostgreSQL an advisory lock of a session, on SQLite a lock on a file
beside the database. Both end with the process, however it dies. It is held for a look and for what
that finds to do, so that several processes share the work: whoever is free takes the next lane.
The row of ``job_runner`` is what people see of it: who ran something last, since when, and when
anybody last held the lane. A lock that nobody gets while the row stays silent is held by a process
that hangs; the clock of the machine may jump meanwhile, either way, without anybody being taken for
dead who lives, or for alive who is dead.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from payments.store.unit_of_work import enter_municipality, reading
from web import clock
from web.jobs.tables import JobRunnerRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Engine

SEEN_BEATS = 2  # who lives gives another sign within so many intervals

runners = JobRunnerRow.__table__  # type: ignore[attr-defined]

_TRY = "SELECT pg_try_advisory_lock(hashtext('kokin-jobs'), hashtext(:name))"
_LET_GO = "SELECT pg_advisory_unlock(hashtext('kokin-jobs'), hashtext(:name))"
# Who holds it has been silent for too long (a host that hangs): the server ends its session.
_END_SESSION = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND classid = (hashtext('kokin-jobs')::bigint & 4294967295)::oid
AND objid = (hashtext(:name)::bigint & 4294967295)::oid AND granted AND pid <> pg_backend_pid()"""
# So that the server notices within two minutes that the host of a holder has gone.
_KEEPALIVES = (
    "tcp_keepalives_idle = 60",
    "tcp_keepalives_interval = 15",
    "tcp_keepalives_count = 4",
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """担当: as it stands in the database."""

    lane: str
    holder: str
    since_at: datetime
    heartbeat_at: datetime
    released_at: datetime | None


@contextlib.contextmanager
def noting(engine: Engine, municipality_code: str) -> Iterator[Connection]:
    """A write of the scheduler about itself; it does not wait for an import on PostgreSQL."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        enter_municipality(connection, municipality_code)
        yield connection


def leases_of(connection: Connection, municipality_code: str) -> dict[str, Lease]:
    """担当 by lane, of those that have ever run."""
    rows = connection.execute(
        runners.select().where(runners.c.municipality_code == municipality_code)
    )
    return {
        row.lane: Lease(
            row.lane,
            row.holder,
            clock.in_japan(row.since_at),
            clock.in_japan(row.heartbeat_at),
            clock.in_japan(row.released_at) if row.released_at else None,
        )
        for row in rows
    }


def is_hung(engine: Engine, municipality_code: str, lane: str) -> bool:
    """固まった担当: of a lane that is silent, whether a process holds its lock all the same.

    Only a file lock can outlive the patience of others: PostgreSQL's is taken from a silent holder
    (:meth:`Lanes.hold`). Whoever asks at the very moment in which a process takes the lane only
    makes it try again.
    """
    if engine.dialect.name != "sqlite":
        return False
    path = _lock_file(engine, f"{municipality_code}/{lane}")
    if not path.exists():
        return False
    with path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _lock_file(engine: Engine, name: str) -> Path:
    """On SQLite: the file beside the database whose lock is the lane."""
    database = Path(str(engine.url.database))
    return database.with_name(f".{database.name}-{name.replace('/', '-')}.lock")


class Lanes:
    """The lanes that this process runs; safe to ask from several threads."""

    def __init__(
        self, engine: Engine, holder: str, *, beat_seconds: int, stale_seconds: int
    ) -> None:
        """Take how often to give a sign of life, and after what silence a holder is dead."""
        self.engine = engine
        self.holder = holder
        self.beat_seconds = beat_seconds
        self._beaten_at = clock.now()
        self.stale_seconds = stale_seconds
        self._guard = threading.Lock()
        self._files: dict[str, Any] = {}
        self._session: Connection | None = None
        self._names: set[str] = set()
        self._shown: set[str] = set()  # where the row has named this process
        self._heard: dict[str, datetime] = {}  # sign of life that is known to stand in the row
        self._last: dict[str, tuple[datetime, float]] = {}  # sign of another, and since when seen

    def hold(self, municipality_code: str, lane: str) -> bool:
        """Whether this process runs the lane: it does already, or nobody does."""
        name = f"{municipality_code}/{lane}"
        with self._guard:
            if self._still_has(name):
                return True
            taken = self._take_file(name) if self._sqlite else self._take_lock(name)
        if taken:
            self._give_sign(municipality_code, lane)
            self._last.pop(name, None)
        elif self._is_stale(municipality_code, lane):
            log.warning("no sign of life from the holder of %s", name)
            self._end_session(name)
        return taken

    def let_go(self, municipality_code: str, lane: str) -> None:
        """Whoever is free may have the lane from now on."""
        name = f"{municipality_code}/{lane}"
        with self._guard:
            handle = self._files.pop(name, None)
            if handle is not None:
                handle.close()
            if name not in self._names or self._session is None:
                return
            self._names.discard(name)
            try:
                self._session.execute(text(_LET_GO), {"name": name})
            except SQLAlchemyError:  # It was lost, and the locks with it.
                self._drop_session()

    def show(self, municipality_code: str, lane: str) -> None:
        """Say in the database who runs the lane from now on."""
        name, now = f"{municipality_code}/{lane}", clock.now()
        key = {"municipality_code": municipality_code, "lane": lane}
        since = case((runners.c.holder == self.holder, runners.c.since_at), else_=now)
        values = {"holder": self.holder, "heartbeat_at": now, "released_at": None}
        with noting(self.engine, municipality_code) as connection:
            changed = connection.execute(
                runners.update().filter_by(**key).values(**values, since_at=since)
            )
            if not changed.rowcount:
                connection.execute(runners.insert().values(**key, **values, since_at=now))
        self._shown.add(name)
        self._heard[name] = now

    def beat(self) -> None:
        """生存の印: this process still lives and holds what it holds; asked often, written seldom.

        While a long import holds the books, the sign waits for the next time.
        """
        with self._guard:
            now = clock.now()
            if self._is_recent(self._beaten_at, now):
                return
            self._beaten_at = now
            names = sorted(self._files or self._names)
        for name in names:
            code, _slash, lane = name.partition("/")
            with contextlib.suppress(OperationalError), noting(self.engine, code) as connection:
                connection.execute(
                    runners.update()
                    .where(
                        runners.c.municipality_code == code,
                        runners.c.lane == lane,
                        runners.c.holder == self.holder,
                    )
                    .values(heartbeat_at=clock.now())
                )

    def release(self) -> None:
        """Give everything back, and say so."""
        for name in sorted(self._shown):
            code, _slash, lane = name.partition("/")
            with contextlib.suppress(DBAPIError), noting(self.engine, code) as connection:
                connection.execute(
                    runners.update()
                    .where(
                        runners.c.municipality_code == code,
                        runners.c.lane == lane,
                        runners.c.holder == self.holder,
                    )
                    .values(released_at=clock.now())
                )
        with self._guard:
            for handle in self._files.values():
                handle.close()
            self._files.clear()
            self._drop_session()

    @property
    def _sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def _still_has(self, name: str) -> bool:
        """A file lock stays; a session may have been lost with its server or network."""
        if self._sqlite:
            return name in self._files
        return name in self._names and self._living() is not None

    def _living(self) -> Connection | None:
        """The session with the locks; forgotten if it is not there any more."""
        if self._session is None:
            return None
        try:
            self._session.execute(text("SELECT 1"))
        except SQLAlchemyError:
            log.warning("the session with the locks was lost")
            self._drop_session()
        return self._session

    def _begun(self) -> Connection:
        """A new session, for the locks alone."""
        options = {"isolation_level": "AUTOCOMMIT"}
        session = self._session = self.engine.connect().execution_options(**options)
        for setting in _KEEPALIVES:
            session.execute(text(f"SET {setting}"))
        return session

    def _take_file(self, name: str) -> bool:
        """A lock on a file beside the database."""
        handle = _lock_file(self.engine, name).open("ab")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            return False
        self._files[name] = handle
        return True

    def _take_lock(self, name: str) -> bool:
        """An advisory lock of the one session that this process keeps for its locks.

        A session that is lost while it is asked is let go at once: what its driver has broken off
        answers nothing any more, and no other would ever take its place.
        """
        try:
            session = self._living() or self._begun()
            taken = bool(session.execute(text(_TRY), {"name": name}).scalar_one())
        except SQLAlchemyError:
            self._drop_session()
            raise
        if taken:
            self._names.add(name)
        return taken

    def _drop_session(self) -> None:
        """The session ends, and with it its locks."""
        self._names.clear()
        if self._session is not None:
            with contextlib.suppress(SQLAlchemyError):  # It may be gone already.
                self._session.execute(text("SELECT pg_advisory_unlock_all()"))
            self._session.invalidate()
            self._session.close()
            self._session = None

    def _is_stale(self, municipality_code: str, lane: str) -> bool:
        """Whether the holder that the database names has been silent for too long.

        One sign of life is watched by a clock that nobody sets: when the clock of the machine is
        put forward, all signs are old at once, and a holder that lives has to have the time for
        another one; when it is put back, the last sign is to come, and all that is known of the
        silence is for how long it has been seen.
        """
        name = f"{municipality_code}/{lane}"
        with reading(self.engine, municipality_code) as connection:
            lease = leases_of(connection, municipality_code).get(lane)
        if lease is None or lease.released_at is not None:
            return False
        sign, since = self._last.get(name, (None, 0.0))
        if sign != lease.heartbeat_at:
            since = monotonic()
            self._last[name] = lease.heartbeat_at, since
        seen = monotonic() - since
        age = (clock.now() - lease.heartbeat_at).total_seconds()
        silence = age if age >= 0 else seen
        return silence > self.stale_seconds and seen >= SEEN_BEATS * self.beat_seconds

    def _end_session(self, name: str) -> None:
        """PostgreSQL: end the session that holds the lock; on SQLite only its process can."""
        if self._sqlite:
            return
        with self.engine.connect() as connection, connection.begin():
            connection.execute(text(_END_SESSION), {"name": name})

    def _give_sign(self, municipality_code: str, lane: str) -> None:
        """A lane that somebody looks after is heard of: seldom, and by whoever comes first."""
        name, now = f"{municipality_code}/{lane}", clock.now()
        if name in self._heard and self._is_recent(self._heard[name], now):
            return
        with reading(self.engine, municipality_code) as connection:
            lease = leases_of(connection, municipality_code).get(lane)
        if lease is None or lease.released_at or not self._is_recent(lease.heartbeat_at, now):
            self.show(municipality_code, lane)
        else:
            self._heard[name] = lease.heartbeat_at

    def _is_recent(self, heard: datetime, now: datetime) -> bool:
        """A sign from an hour to come was given before the clock was put back: it says nothing."""
        return 0 <= (now - heard).total_seconds() < self.beat_seconds
