"""R11: what runs by itself for one body, against the books of another; every job is enumerated."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from two_bodies import OTHER, OWN

from web.inbox.folders import inbox_of
from web.jobs.contract import JobContext, JobState
from web.jobs.table import JOBS

NOW = datetime(2026, 6, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("entry", [job for job in JOBS if not job.whole], ids=lambda job: job.code)
def test_a_job_shows_and_changes_nothing_of_another_body(bodies, entry):
    inbox = inbox_of(bodies.settings, OWN)
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "strange.csv").write_bytes(b"no file of any kind")
    theirs = inbox_of(bodies.settings, OTHER)
    theirs.mkdir(parents=True, exist_ok=True)
    (theirs / "theirs.csv").write_bytes(b"a file of the other body")
    said: list[str] = []
    context = JobContext(bodies.settings, bodies.engine, OWN, NOW, "schedule", said.append)
    result = entry.run(context)
    assert result.state in JobState
    assert bodies.seen_in("\n".join(said)) == []
    written = [
        path.read_bytes().decode(errors="replace")
        for path in bodies.settings.home.rglob("*")
        if path.is_file() and OWN in path.parts
    ]
    assert bodies.seen_in("\n".join(written)) == []
    assert (theirs / "theirs.csv").exists()  # nobody but the other body's own job takes it
