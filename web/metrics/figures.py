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
    closed_until: float | None = None  # the end of the last closed day, of the body furthest behind
    heartbeat: float | None = None  # of the runner that was silent longest
    last_run: dict[str, float] = field(default_factory=dict)
    last_success: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failing: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_CODES, 0))


def read_figures(engine: Engine, codes: Iterable[str]) -> BookFigures:
    """計測値 of these municipalities: a few look-ups for each, every one by an index."""
    found = BookFigures()
    for code in codes:
        found.municipalities += 1
        with reading(engine, code) as connection:
            _count(found, connection, code)
            _jobs(found, connection, code)
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
        end = datetime.combine(closed_until + DAY, time(), clock.JST)
        found.closed_until = _older(found.closed_until, end)


def _jobs(found: BookFigures, connection: Connection, code: str) -> None:
    """When each job ran last and how; and whether its runner still gives a sign."""
    runs = last_runs(connection, code, _CODES)
    for job, run in runs.items():
        began = run.started_at or run.due_at
        found.last_run[job] = min(found.last_run.get(job, began.timestamp()), began.timestamp())
        found.failing[job] += run.state == JobState.FAILED
        if run.seconds is not None:
            found.seconds[job] = max(found.seconds.get(job, 0.0), float(run.seconds))
    for job, run in last_successes(connection, code, _CODES).items():
        ended = (run.ended_at or run.due_at).timestamp()
        found.last_success[job] = min(found.last_success.get(job, ended), ended)
    found.arrivals_overdue += _total(runs, "arrivals", "red")
    found.verify_differences += _total(runs, "verify", "differences")
    for lease in leases_of(connection, code).values():
        if lease.released_at is None:
            found.heartbeat = _older(found.heartbeat, lease.heartbeat_at)


def _total(runs: dict[str, Run], job: str, name: str) -> int:
    return runs[job].totals.get(name, 0) if job in runs else 0


def _older(known: float | None, found: datetime | None) -> float | None:
    """The earlier of two instants, either of which may be missing."""
    if found is None:
        return known
    instant = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return instant if known is None else min(known, instant)
