"""Tables of what runs by itself: schedules, runs and who is running (定時処理の表).

As in :mod:`web.tables`, rows do not validate and ``municipality_code`` leads every key. These rows
are operational: they decide nothing about money and are not sealed. No row holds anything that
could be run: a job is found by its code in :mod:`web.jobs.table`, an unknown code runs nothing.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index, UniqueConstraint, text
from sqlmodel import BigInteger, Field, SQLModel

_RUNNING, _ASKED = text("state = 'RUNNING'"), text("state = 'ASKED'")


class JobScheduleRow(SQLModel, table=True):
    """予定: since when a job is watched, and what a municipality wants otherwise ("": default)."""

    __tablename__ = "job_schedule"
    municipality_code: str = Field(primary_key=True, max_length=5)
    job: str = Field(primary_key=True, max_length=30)
    timing: str = Field(default="", max_length=100)  # cron expression, or "@every 20"
    days: str = Field(default="", max_length=20)
    catch_up: str = Field(default="", max_length=10)
    enabled: bool = True
    since_at: datetime = Field(sa_type=DateTime(timezone=True))  # slots before it are not owed
    changed_at: datetime = Field(sa_type=DateTime(timezone=True))
    changed_by: str = Field(max_length=60)


class JobRunRow(SQLModel, table=True):
    """実行履歴: one attempt at one slot of a job, with what it was given and how it ended.

    ASKED (somebody wants it now) → RUNNING → OK, INCOMPLETE or FAILED; SKIPPED from the start.
    The database refuses to change a run that has ended.
    """

    __tablename__ = "job_run"
    __table_args__: ClassVar[Any] = (
        CheckConstraint(
            "state IN ('ASKED', 'RUNNING', 'OK', 'INCOMPLETE', 'FAILED', 'SKIPPED')",
            name="job_run_state",
        ),
        CheckConstraint("cause IN ('schedule', 'hand')", name="job_run_cause"),
        CheckConstraint("covers > 0 AND attempt > 0", name="job_run_counts"),
        UniqueConstraint("municipality_code", "job", "slot", "attempt"),
        Index("job_run_by_slot", "municipality_code", "job", "cause", "due_at"),
        Index("job_run_by_job", "municipality_code", "job", "run_id"),
        # One run of a job at a time, whatever the locks say.
        Index(
            "job_run_running", "municipality_code", "job", unique=True,
            sqlite_where=_RUNNING, postgresql_where=_RUNNING,
        ),
        Index(
            "job_run_asked", "municipality_code", "job", unique=True,
            sqlite_where=_ASKED, postgresql_where=_ASKED,
        ),
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    run_id: int = Field(primary_key=True, sa_type=BigInteger)
    job: str = Field(max_length=30)
    slot: str = Field(max_length=40)  # 2026-06-03T06:30 of a schedule, hand-12 of a person
    attempt: int = 1
    cause: str = Field(max_length=10)
    due_at: datetime = Field(sa_type=DateTime(timezone=True))
    covers: int = 1  # how many slots it stands for, itself included
    as_of_on: date
    state: str = Field(max_length=10)
    actor: str = Field(max_length=60)
    holder: str = Field(default="", max_length=80)
    asked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    started_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    totals_json: str = "{}"
    notes_json: str = "[]"


class JobRunnerRow(SQLModel, table=True):
    """担当: which process runs the jobs of one lane, since when, and when it was last heard of."""

    __tablename__ = "job_runner"
    municipality_code: str = Field(primary_key=True, max_length=5)
    lane: str = Field(primary_key=True, max_length=10)
    holder: str = Field(max_length=80)
    since_at: datetime = Field(sa_type=DateTime(timezone=True))
    heartbeat_at: datetime = Field(sa_type=DateTime(timezone=True))
    released_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
