"""計測値の中身: read from the books when they are asked for; of the installation, and of nobody.

Every figure is one number for all municipalities (the worst, or the sum), so that the number of
series does not grow with them and no operator learns of another body; which one it is, `kokin
doctor` and the pages say. No label but the code of a job; every count has an end.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.store.tables import JournalRow
from payments.store.unit_of_work import reading
from reconcile.journal import closed_books
from web import clock
from web.events.tables import EventDeliveryRow
from web.jobs.contract import JobState
from web.jobs.history import last_runs, last_successes
from web.jobs.locks import leases_of
from web.jobs.table import JOBS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Engine

    from web.jobs.history import Run

COUNTED_MAX = 100_000  # of one municipality: more is not a figure to watch but a disaster
DAY = timedelta(days=1)
_CODES = [entry.code for entry in JOBS]
_NEVER_MISSING = (
    "reconcile",
    "verify",
    "backup",
)  # what the alerts ask after; once there are books
_WHOLE = [entry.code for entry in JOBS if entry.whole]  # watched under the first body only
_OPEN_CASES = """
SELECT COUNT(*) FROM (
    SELECT 1 AS one FROM review_case
    WHERE municipality_code = :m AND state IN ('open', 'acknowledged') LIMIT :most
) counted
"""
_DELIVERIES = """
SELECT COUNT(*) FROM (
    SELECT 1 AS one FROM event_delivery
    WHERE municipality_code = :m AND state = :state LIMIT :most
) counted
"""
_DUE = """
SELECT MIN(due_at) FROM event_delivery WHERE municipality_code = :m AND state = 'waiting'
"""
_FIRST_DAY = "SELECT MIN(booked_on) FROM journal WHERE municipality_code = :m"
_FIRST_ENTRY = """
SELECT made_at FROM journal WHERE municipality_code = :m ORDER BY journal_id LIMIT 1
"""


@dataclass
class BookFigures:
    """帳簿の計測値 of all municipalities together; instants are seconds since 1970."""

    municipalities: int = 0
    arrivals_overdue: int = 0  # as the last watch found
    verify_differences: int = 0  # as the last verification found
    cases_open: int = 0
    events_waiting: int = 0
    events_failed: int = 0
    events_due_at: float | None = None  # the oldest that waits
    # The end of the last closed day, of the body furthest behind; of one that never closed a day,
    # the beginning of its first.
    closed_until: float | None = None
    heartbeat: float | None = None  # of the runner that was silent longest, stopped ones included
    last_run: dict[str, float] = field(default_factory=dict)
    last_success: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failing: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_CODES, 0))


def read_figures(engine: Engine, codes: Iterable[str]) -> BookFigures:
    """計測値 of these municipalities: a few look-ups for each, every one by an index."""
    found = BookFigures()
    for number, code in enumerate(codes):
        found.municipalities += 1
        with reading(engine, code) as connection:
            _count(found, connection, code)
            _jobs(found, connection, code, first=number == 0)
    return found


def free_space(settings_home: str) -> tuple[int, int]:
    """空き容量 and size of the disk that holds the data folder, in bytes."""
    usage = shutil.disk_usage(settings_home)
    return usage.free, usage.total


def _count(found: BookFigures, connection: Connection, code: str) -> None:
    """What is open, what waits, and how far the books are closed."""
    values = {"m": code, "most": COUNTED_MAX}
    found.cases_open += connection.execute(text(_OPEN_CASES), values).scalar_one()
    for state, name in (("waiting", "events_waiting"), ("failed", "events_failed")):
        number = connection.execute(text(_DELIVERIES), values | {"state": state}).scalar_one()
        setattr(found, name, getattr(found, name) + number)
    due_at = EventDeliveryRow.__table__.c.due_at  # type: ignore[attr-defined]
    oldest = connection.execute(text(_DUE).columns(due_at), {"m": code}).scalar_one()
    found.events_due_at = _older(found.events_due_at, oldest)
    closed_until, _year = closed_books(connection, code)
    if closed_until is not None:
        open_from = closed_until + DAY
    else:
        booked_on = JournalRow.__table__.c.booked_on  # type: ignore[attr-defined]
        first = text(_FIRST_DAY).columns(booked_on)
        open_from = connection.execute(first, {"m": code}).scalar_one()
    if open_from is not None:
        found.closed_until = _older(
            found.closed_until, datetime.combine(open_from, time(), clock.JST)
        )


def _jobs(found: BookFigures, connection: Connection, code: str, *, first: bool) -> None:
    """When each job ran last and how; and whether its runner still gives a sign.

    What never happened is as old as the books: otherwise no alert could tell of it.
    """
    made_at = JournalRow.__table__.c.made_at  # type: ignore[attr-defined]
    entries = connection.execute(text(_FIRST_ENTRY).columns(made_at), {"m": code})
    since = _older(None, entries.scalar_one_or_none())
    runs = last_runs(connection, code, _CODES)
    began = {job: _older(None, run.started_at or run.due_at) for job, run in runs.items()}
    successes = last_successes(connection, code, _CODES)
    ended = {job: _older(None, run.ended_at or run.due_at) for job, run in successes.items()}
    for job in _NEVER_MISSING:
        if first or job not in _WHOLE:
            began.setdefault(job, since)
            ended.setdefault(job, since)
    for told, instants in ((found.last_run, began), (found.last_success, ended)):
        for job, instant in instants.items():
            if instant is not None:
                told[job] = min(told.get(job, instant), instant)
    for job, run in runs.items():
        found.failing[job] += run.state == JobState.FAILED
        if run.seconds is not None:
            found.seconds[job] = max(found.seconds.get(job, 0.0), float(run.seconds))
    found.arrivals_overdue += _total(runs, "arrivals", "red")
    found.verify_differences += _total(runs, "verify", "differences")
    signs = [sign for sign in (_sign_of_life(connection, code), since) if sign is not None]
    if signs:
        found.heartbeat = min(signs[0], found.heartbeat or signs[0])


def _sign_of_life(connection: Connection, code: str) -> float | None:
    """最後の合図: the oldest of those who hold a lane; of runners that all stopped, the newest."""
    leases = leases_of(connection, code).values()
    held = [lease.heartbeat_at.timestamp() for lease in leases if lease.released_at is None]
    stopped = [lease.released_at.timestamp() for lease in leases if lease.released_at is not None]
    return min(held) if held else max(stopped, default=None)


def _total(runs: dict[str, Run], job: str, name: str) -> int:
    return runs[job].totals.get(name, 0) if job in runs else 0


def _older(known: float | None, found: datetime | None) -> float | None:
    """The earlier of two instants, either of which may be missing."""
    if found is None:
        return known
    instant = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return instant if known is None else min(known, instant)
