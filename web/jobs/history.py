"""実行履歴: what was due, what ran, and how it ended.

After a restart it tells which slots nobody has dealt with, and which run was cut off.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from payments.domain.errors import ConflictError, NotFoundError, RefusedError
from payments.store.bulk import take_numbers
from web import clock
from web.jobs.contract import JobResult, JobState
from web.jobs.tables import JobRunRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime, timedelta

    from sqlalchemy import Connection

    from web.jobs.timing import Slot

runs = JobRunRow.__table__  # type: ignore[attr-defined]

ASKED, RUNNING, SKIPPED = "ASKED", "RUNNING", "SKIPPED"
BY_SCHEDULE, BY_HAND = "schedule", "hand"
CUT_OFF = "job_cut_off"
ENDED = (JobState.OK.value, JobState.INCOMPLETE.value, JobState.FAILED.value, SKIPPED)


@dataclass(frozen=True, slots=True)
class Run:
    """実行: one attempt at one slot; instants are Japanese time."""

    run_id: int
    job: str
    slot: str
    attempt: int
    cause: str
    due_at: datetime
    covers: int
    as_of_on: date
    state: str
    actor: str
    holder: str
    asked_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    totals: Mapping[str, int]
    notes: tuple[str, ...]

    @property
    def seconds(self) -> int | None:
        """所要時間, in whole seconds; None before it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.started_at).total_seconds())

    @property
    def was_cut_off(self) -> bool:
        """Whether its process ended before it did."""
        return CUT_OFF in self.notes


def asked(connection: Connection, municipality_code: str, jobs: Sequence[str]) -> list[Run]:
    """依頼済: what people want to be run now, oldest first."""
    return _some(connection, municipality_code, "state = 'ASKED' AND job IN :jobs", jobs=jobs)


def running(connection: Connection, municipality_code: str, jobs: Sequence[str]) -> list[Run]:
    """実行中: what has begun and not ended, whether its process lives or not."""
    return _some(connection, municipality_code, "state = 'RUNNING' AND job IN :jobs", jobs=jobs)


def last_runs(
    connection: Connection, municipality_code: str, jobs: Sequence[str]
) -> dict[str, Run]:
    """最後の実行 of each job, whatever became of it; what only waits does not count."""
    found = _last_of_each(connection, municipality_code, jobs, "l.state <> 'ASKED'", "l.run_id")
    return {run.job: run for run in found}


def last_successes(
    connection: Connection, municipality_code: str, jobs: Sequence[str]
) -> dict[str, Run]:
    """最後の正常な実行 of each job that has had one."""
    found = _last_of_each(connection, municipality_code, jobs, "l.state = 'OK'", "l.run_id")
    return {run.job: run for run in found}


def last_slots(
    connection: Connection, municipality_code: str, jobs: Sequence[str]
) -> dict[str, datetime]:
    """最後の実行枠 of each job that the schedule has dealt with."""
    found = _last_of_each(connection, municipality_code, jobs, "l.cause = 'schedule'", "l.due_at")
    return {run.job: run.due_at for run in found}


def history(
    connection: Connection,
    municipality_code: str,
    *,
    job: str = "",
    limit: int = 50,
    offset: int = 0,
) -> list[Run]:
    """履歴, newest first; of one job or of all."""
    return _some(
        connection,
        municipality_code,
        "(:job = '' OR job = :job)",
        tail="ORDER BY run_id DESC LIMIT :limit OFFSET :offset",
        job=job,
        limit=limit,
        offset=offset,
    )


def number_of_runs(connection: Connection, municipality_code: str, job: str = "") -> int:
    """How many runs the history of a job, or of all, has."""
    found = connection.execute(
        text(
            "SELECT COUNT(*) FROM job_run WHERE municipality_code = :m "
            "AND (:job = '' OR job = :job)"
        ),
        {"m": municipality_code, "job": job},
    )
    return int(found.scalar_one())


def run_of(connection: Connection, municipality_code: str, run_id: int) -> Run:
    """One run; :class:`NotFoundError` ``job_run``."""
    found = _some(connection, municipality_code, "run_id = :run_id", run_id=run_id)
    if not found:
        raise NotFoundError("job_run", run_id=run_id)
    return found[0]


def ask(
    connection: Connection,
    municipality_code: str,
    job: str,
    *,
    actor: str,
    as_of_on: date | None = None,
    again: Run | None = None,
) -> int:
    """今すぐ実行: note that somebody wants a job to run; its number.

    ``again`` repeats a run that has ended, at its slot and as of its day. Raises
    :class:`ConflictError` ``job_asked`` when that job is already asked for, and
    :class:`RefusedError` ``job_run_open`` when the run to be repeated has not ended.
    """
    waiting = asked(connection, municipality_code, [job])
    if waiting:
        raise ConflictError("job_asked", run_id=waiting[0].run_id)
    if again is not None and again.state not in ENDED:
        raise RefusedError("job_run_open", run_id=again.run_id)
    run_id = take_numbers(connection, municipality_code, "job_run", 1)
    now = clock.now()
    values = {
        "slot": again.slot if again else f"hand-{run_id}",
        "attempt": _next_attempt(connection, municipality_code, again) if again else 1,
        "cause": again.cause if again else BY_HAND,
        "due_at": again.due_at.astimezone(UTC) if again else now,
        "covers": again.covers if again else 1,
        "as_of_on": as_of_on or (again.as_of_on if again else clock.in_japan(now).date()),
        "state": ASKED,
        "actor": actor[:60],
        "asked_at": now,
    }
    _add(connection, municipality_code, run_id, job, values)
    return run_id


def begin_asked(connection: Connection, municipality_code: str, run: Run, holder: str) -> Run:
    """着手 of what somebody asked for."""
    _change(
        connection, municipality_code, run.run_id, ASKED,
        state=RUNNING, holder=holder, started_at=clock.now(),
    )  # fmt: skip
    return run_of(connection, municipality_code, run.run_id)


def begin(
    connection: Connection,
    municipality_code: str,
    job: str,
    slot: Slot,
    holder: str,
    *,
    as_of_on: date,
) -> Run:
    """着手 of a slot of the schedule."""
    now = clock.now()
    run_id = take_numbers(connection, municipality_code, "job_run", 1)
    values = {
        "slot": slot_name(slot.due_at),
        "attempt": 1,
        "cause": BY_SCHEDULE,
        "due_at": slot.due_at.astimezone(UTC),  # SQLite keeps no zone
        "covers": slot.covers,
        "as_of_on": as_of_on,
        "state": SKIPPED if slot.skipped else RUNNING,
        "actor": BY_SCHEDULE,
        "holder": holder,
        "started_at": None if slot.skipped else now,
        "ended_at": now if slot.skipped else None,
        "notes_json": json.dumps(["job_missed"] if slot.skipped else []),
    }
    _add(connection, municipality_code, run_id, job, values)
    return run_of(connection, municipality_code, run_id)


def begin_again(connection: Connection, municipality_code: str, run: Run, holder: str) -> Run:
    """再着手: the next attempt at the slot of a run that was cut off or failed."""
    run_id = take_numbers(connection, municipality_code, "job_run", 1)
    values = {
        "slot": run.slot,
        "attempt": _next_attempt(connection, municipality_code, run),
        "cause": run.cause,
        "due_at": run.due_at.astimezone(UTC),
        "covers": run.covers,
        "as_of_on": run.as_of_on,
        "state": RUNNING,
        "actor": run.actor,
        "holder": holder,
        "started_at": clock.now(),
    }
    _add(connection, municipality_code, run_id, run.job, values)
    return run_of(connection, municipality_code, run_id)


def end(connection: Connection, municipality_code: str, run: Run, result: JobResult) -> bool:
    """終了: how it ended; False when somebody has taken the run from this process meanwhile."""
    changed = _change(
        connection,
        municipality_code,
        run.run_id,
        RUNNING,
        holder=run.holder,
        state=result.state.value,
        ended_at=clock.now(),
        totals_json=json.dumps(dict(result.totals)),
        notes_json=json.dumps(list(result.notes)),
    )
    return bool(changed)


def cut_off(connection: Connection, municipality_code: str, jobs: Sequence[str]) -> list[Run]:
    """中断: runs whose process has ended before them, said by whoever holds the lane now."""
    found = running(connection, municipality_code, jobs)
    for run in found:
        end(connection, municipality_code, run, JobResult(JobState.INCOMPLETE, notes=(CUT_OFF,)))
    return found


def forget_old(connection: Connection, municipality_code: str, age: timedelta) -> None:
    """古い履歴を消す: runs that ended longer ago than ``age``."""
    connection.execute(
        text("DELETE FROM job_run WHERE municipality_code = :m AND ended_at < :before").bindparams(
            bindparam("before", type_=runs.c.ended_at.type)
        ),
        {"m": municipality_code, "before": clock.now() - age},
    )


def slot_name(due_at: datetime) -> str:
    """``2026-06-03T06:30``: the slot of a schedule, to the second where it has one."""
    local = clock.in_japan(due_at).replace(tzinfo=None)
    return local.isoformat(timespec="auto" if local.second or local.microsecond else "minutes")


def _next_attempt(connection: Connection, municipality_code: str, run: Run) -> int:
    found = connection.execute(
        text(
            "SELECT MAX(attempt) FROM job_run WHERE municipality_code = :m AND job = :job "
            "AND slot = :slot"
        ),
        {"m": municipality_code, "job": run.job, "slot": run.slot},
    )
    return int(found.scalar_one()) + 1


def _add(
    connection: Connection, municipality_code: str, run_id: int, job: str, values: dict[str, Any]
) -> None:
    connection.execute(
        runs.insert().values(
            municipality_code=municipality_code,
            run_id=run_id,
            job=job,
            **{"totals_json": "{}", "notes_json": "[]", "holder": "", **values},
        )
    )


def _change(
    connection: Connection,
    municipality_code: str,
    run_id: int,
    was: str,
    *,
    holder: str,
    **values: Any,
) -> int:
    """Change a run that is still as it ``was``; how many rows."""
    statement = runs.update().where(
        runs.c.municipality_code == municipality_code,
        runs.c.run_id == run_id,
        runs.c.state == was,
    )
    if was == RUNNING:
        statement = statement.where(runs.c.holder == holder)
    return int(connection.execute(statement.values(holder=holder, **values)).rowcount)


def _last_of_each(
    connection: Connection, municipality_code: str, jobs: Sequence[str], wanted: str, order: str
) -> list[Run]:
    """The last run of each job by an order that has an index: one step into it per job."""
    last = (
        "SELECT (SELECT l.run_id FROM job_run l WHERE l.municipality_code = :m "
        f"AND l.job = :job_{{number}} AND {wanted} ORDER BY {order} DESC LIMIT 1)"
    )
    each = " UNION ALL ".join(last.format(number=number) for number in range(len(jobs)))
    values = {f"job_{number}": job for number, job in enumerate(jobs)}
    return _some(connection, municipality_code, f"run_id IN ({each})", **values)


def _some(
    connection: Connection,
    municipality_code: str,
    wanted: str,
    *,
    tail: str = "ORDER BY run_id",
    **values: Any,
) -> list[Run]:
    """Runs by a condition over ``job_run r``."""
    statement = text(
        f"SELECT r.* FROM job_run r WHERE r.municipality_code = :m AND {wanted} {tail}"
    )
    if "jobs" in values:
        statement = statement.bindparams(bindparam("jobs", expanding=True, type_=runs.c.job.type))
    rows = connection.execute(statement.columns(*runs.c), {"m": municipality_code, **values})
    return [_run(row) for row in rows]


def _run(row: Any) -> Run:
    asked_at, started_at, ended_at = (
        clock.in_japan(at) if at else None for at in (row.asked_at, row.started_at, row.ended_at)
    )
    return Run(
        row.run_id, row.job, row.slot, row.attempt, row.cause, clock.in_japan(row.due_at),
        row.covers, row.as_of_on, row.state, row.actor, row.holder, asked_at, started_at,
        ended_at, json.loads(row.totals_json), tuple(json.loads(row.notes_json)),
    )  # fmt: skip
