"""A clock that stands still until a test moves it, and jobs that only note that they ran."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from web import clock
from web.jobs import table
from web.jobs.contract import JobResult
from web.jobs.runner import Runner


@dataclass
class Clock:
    """時計 of a test."""

    now: datetime = datetime(2026, 6, 3, 5, 0, tzinfo=clock.JST)

    def step(self, **time):
        self.now += timedelta(**time)


@dataclass
class Noted:
    """What ran: (job, as of), and what it shall answer next."""

    runs: list = field(default_factory=list)
    answers: dict = field(default_factory=dict)
    waiting: set = field(default_factory=set)  # rounds that have something to do

    def waits(self, code):
        return lambda _context: code in self.waiting

    def run(self, code):
        def job(context):
            self.runs.append((code, context.as_of.isoformat()))
            answer = self.answers.get(code, JobResult())
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return job


@pytest.fixture
def standing(monkeypatch):
    """The clock of this test."""
    found = Clock()
    monkeypatch.setattr(clock, "now", lambda: found.now.astimezone(UTC))
    return found


@pytest.fixture
def noted(monkeypatch):
    """Every job of the table replaced by one that notes that it ran."""
    found = Noted()
    entries = tuple(
        replace(
            entry,
            run=found.run(entry.code),
            waits=found.waits(entry.code) if entry.waits else None,
        )
        for entry in table.JOBS
    )
    monkeypatch.setattr(table, "JOBS", entries)
    monkeypatch.setattr("web.jobs.plans.JOBS", entries)
    monkeypatch.setattr(table, "_BY_CODE", {entry.code: entry for entry in entries})
    return found


@pytest.fixture
def process(books, request):
    """One more process that runs jobs, gone at the end of the test."""

    def start(say=lambda _line: None):
        runner = Runner(books.settings, books.engine, say)
        request.addfinalizer(runner.lanes.release)
        return runner

    return start
