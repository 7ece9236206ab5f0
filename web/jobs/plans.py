"""予定の設定: when a job runs in a municipality: what it has set, and the defaults for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from payments.domain.errors import InvalidValueError
from web import clock
from web.accounts import staff
from web.jobs.table import JOBS, Entry, entry_of
from web.jobs.tables import JobScheduleRow
from web.jobs.timing import CatchUp, Timing, timing_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from web.config import Settings

schedules = JobScheduleRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Plan:
    """予定 of one job: ``own`` says that the municipality has set something itself.

    ``since_at`` is the moment behind which slots are owed, None when nobody has watched yet.
    """

    entry: Entry
    timing: Timing
    catch_up: CatchUp
    enabled: bool
    since_at: datetime | None
    own: bool
    changed_by: str

    @property
    def code(self) -> str:
        """The job."""
        return self.entry.code


def plans(
    connection: Connection, municipality_code: str, settings: Settings, *, lane: str = ""
) -> list[Plan]:
    """予定 of every job, or of one lane, in the order of the table."""
    rows = {
        row.job: row
        for row in connection.execute(
            select(schedules).where(schedules.c.municipality_code == municipality_code)
        )
    }
    return [
        _plan(entry, rows.get(entry.code), settings) for entry in JOBS if lane in {"", entry.lane}
    ]


def watch(connection: Connection, municipality_code: str, jobs: Sequence[str]) -> None:
    """From now on these jobs are watched: their slots are owed."""
    now = clock.now()
    known = set(
        connection.execute(
            select(schedules.c.job).where(schedules.c.municipality_code == municipality_code)
        ).scalars()
    )
    for job in jobs:
        if job not in known:
            _write(
                connection, municipality_code, job,
                since_at=now, changed_at=now, changed_by="schedule",
            )  # fmt: skip


def set_plan(
    connection: Connection,
    municipality_code: str,
    settings: Settings,
    job: str,
    changes: dict[str, Any],
    *,
    actor: str,
    source: str = "cli",
) -> Plan:
    """予定の変更: ``changes`` of timing, days, catch_up and enabled; "" returns to the default.

    What lies before the change is not owed any more. Raises :class:`NotFoundError` ``job`` and
    :class:`InvalidValueError` ``job_timing``, ``job_days``, ``job_round_days`` or ``job_catch_up``.
    """
    entry = entry_of(job)
    now = clock.now()
    row = connection.execute(
        select(schedules).where(
            schedules.c.municipality_code == municipality_code, schedules.c.job == job
        )
    ).one_or_none()
    kept = (
        {name: getattr(row, name) for name in ("timing", "days", "catch_up", "enabled")}
        if row
        else {}
    )
    values: dict[str, Any] = (
        {"timing": "", "days": "", "catch_up": "", "enabled": True} | kept | changes
    )
    wanted = values["catch_up"]
    if wanted not in {"", *CatchUp}:
        raise InvalidValueError("job_catch_up", found=wanted, expected=" / ".join(CatchUp))
    timing_of(values["timing"] or entry.timing(settings), values["days"] or entry.days)
    key = {"municipality_code": municipality_code, "job": job}
    values |= {"since_at": now, "changed_at": now, "changed_by": actor[:60]}
    if row is None:
        connection.execute(schedules.insert().values(**key, **values))
    else:
        connection.execute(schedules.update().filter_by(**key).values(**values))
    staff.record(connection, municipality_code, actor, "job_changed", _said(job, changes), source)
    return next(p for p in plans(connection, municipality_code, settings) if p.code == job)


def _said(job: str, changes: dict[str, Any]) -> str:
    """``reconcile timing=0 7 * * *``: what was changed, for the records."""
    return " ".join([job, *(f"{name}={value}" for name, value in sorted(changes.items()))])


def _write(connection: Connection, municipality_code: str, job: str, **values: Any) -> None:
    connection.execute(
        schedules.insert().values(
            municipality_code=municipality_code,
            job=job,
            **{"timing": "", "days": "", "catch_up": "", "enabled": True, **values},
        )
    )


def _plan(entry: Entry, row: Any, settings: Settings) -> Plan:
    """A row, or the lack of one, over the defaults."""
    if row is None:
        timing = timing_of(entry.timing(settings), entry.days)
        return Plan(
            entry, timing, entry.catch_up, enabled=True, since_at=None, own=False, changed_by=""
        )
    return Plan(
        entry,
        timing_of(row.timing or entry.timing(settings), row.days or entry.days),
        CatchUp(row.catch_up or entry.catch_up),
        bool(row.enabled),
        clock.in_japan(row.since_at),
        bool(row.timing or row.days or row.catch_up or not row.enabled),
        row.changed_by,
    )
