"""Slots run once, in order, by one process; what was cut off, failed or missed is dealt with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payments.domain.errors import ConflictError, NotFoundError, RefusedError
from payments.store.unit_of_work import reading, unit_of_work
from web.commands.session import Session
from web.commands.setup import enter, sample_profile
from web.jobs import history, plans, table
from web.jobs.contract import JobResult, JobState
from web.jobs.locks import leases_of, noting
from web.jobs.table import BOOKS, CHECKS, LANES, entry_of

pytestmark = pytest.mark.usefixtures("standing", "noted")
M = "99999"
OK, INCOMPLETE, FAILED = "OK", "INCOMPLETE", "FAILED"
DAILY = ["reconcile", "overdue", "dunning_preview", "day_report"]


@pytest.fixture(autouse=True)
def _few(books):
    """The arrivals run every quarter of an hour: too often for stories of nights."""
    with unit_of_work(books.engine, M) as connection:
        for job in ("arrivals", "charges"):
            plans.set_plan(connection, M, books.settings, job, {"enabled": False}, actor="cli")


def _history(books, job=""):
    with reading(books.engine, M) as connection:
        found = history.history(connection, M, job=job)
    return [(run.job, run.slot, run.attempt, run.state, run.covers) for run in reversed(found)]


def _ask(books, job, **wish):
    with unit_of_work(books.engine, M) as connection:
        return history.ask(connection, M, job, actor="kanri", **wish)


def _die(runner):
    """As kill -9 leaves it: no word in the books, its locks gone."""
    runner.lanes._session and runner.lanes._drop_session()
    for handle in runner.lanes._files.values():
        handle.close()
    runner.lanes._files.clear()


def test_a_job_is_owed_from_the_first_look_on_and_runs_once(books, standing, noted, process):
    one, other = process(), process()
    assert one.tick(M, BOOKS) == 0
    standing.step(hours=2)
    assert [one.tick(M, BOOKS), other.tick(M, BOOKS), one.tick(M, BOOKS)] == [3, 0, 0]
    assert noted.runs == [(job, "2026-06-03") for job in DAILY[:3]]
    assert _history(books) == [
        ("reconcile", "2026-06-03T06:30", 1, OK, 1),
        ("overdue", "2026-06-03T06:45", 1, OK, 1),
        ("dunning_preview", "2026-06-03T07:00", 1, OK, 1),
    ]


def test_the_clock_steps_over_nights(books, standing, noted, process):
    with unit_of_work(books.engine, M) as connection:
        plans.set_plan(connection, M, books.settings, "overdue", {"catch_up": "skip"}, actor="a")
    runner = process()
    runner.tick(M, BOOKS)
    standing.step(days=3, hours=5)  # Saturday 10:00: three nights were missed
    runner.tick(M, BOOKS)
    assert _history(books) == [
        ("day_report", "2026-06-03T20:00", 1, OK, 1),
        ("day_report", "2026-06-04T20:00", 1, OK, 1),
        ("overdue", "2026-06-05T06:45", 1, "SKIPPED", 3),
        ("dunning_preview", "2026-06-05T07:00", 1, OK, 3),
        ("day_report", "2026-06-05T20:00", 1, OK, 1),
        ("parameters", "2026-06-06T00:05", 1, OK, 3),
        ("reconcile", "2026-06-06T06:30", 1, OK, 4),
    ]
    assert noted.runs == [
        ("day_report", "2026-06-03"),
        ("day_report", "2026-06-04"),
        ("dunning_preview", "2026-06-06"),
        ("day_report", "2026-06-05"),
        ("parameters", "2026-06-06"),
        ("reconcile", "2026-06-06"),
    ]
    assert runner.tick(M, BOOKS) == 0


def test_the_clock_is_put_back(standing, noted, process):
    """What came while it was ahead does not keep anything waiting until it is there again."""
    runner = process()
    runner.tick(M, BOOKS)
    noted.waiting.add("inbox")
    noted.answers["inbox"] = JobResult(JobState.FAILED)
    standing.step(hours=30)
    runner.tick(M, BOOKS)
    noted.runs.clear()
    standing.step(hours=-30)
    runner.tick(M, BOOKS)
    assert [job for job, _as_of in noted.runs] == ["inbox"]


def test_a_killed_process_is_followed_and_its_run_repeated(books, standing, noted, process):
    said = []
    first, second = process(), process(said.append)
    first.tick(M, BOOKS)
    standing.step(hours=2)
    noted.answers["reconcile"] = KeyboardInterrupt()  # as a kill: nothing is written behind it
    with pytest.raises(KeyboardInterrupt):
        first.tick(M, BOOKS)
    assert second.tick(M, BOOKS) == 0  # it is running, for all that anybody knows
    _die(first)
    noted.answers.pop("reconcile")
    assert second.tick(M, BOOKS) == 3
    assert _history(books)[:2] == [
        ("reconcile", "2026-06-03T06:30", 1, INCOMPLETE, 1),
        ("reconcile", "2026-06-03T06:30", 2, OK, 1),
    ]
    assert "99999 再照合（2026-06-03 06:30）は途中で止まっていました。やり直します。" in said
    with reading(books.engine, M) as connection:
        lease = leases_of(connection, M)[BOOKS]
        cut = history.history(connection, M, job="reconcile")[1]
    assert lease.holder == second.holder
    assert (cut.notes, cut.holder, cut.was_cut_off) == (("job_cut_off",), first.holder, True)


def test_a_job_that_kills_its_process_is_not_repeated_for_ever(books, standing, noted, process):
    noted.answers["reconcile"] = KeyboardInterrupt()
    runner = process()
    runner.tick(M, BOOKS)
    standing.step(hours=2)
    for _attempt in range(books.settings.schedule_attempts):
        with pytest.raises(KeyboardInterrupt):
            runner.tick(M, BOOKS)
    assert runner.tick(M, BOOKS) == 2  # the others go on
    assert [run[3] for run in _history(books, "reconcile")] == [INCOMPLETE] * 3


def test_two_processes_share_bodies_and_never_a_lane(books, standing, process, monkeypatch):
    enter(Session(books.settings), sample_profile("99998"))
    with unit_of_work(books.engine, "99998") as connection:
        for job in ("arrivals", "charges"):
            plans.set_plan(connection, "99998", books.settings, job, {"enabled": False}, actor="a")
    one, other = process(), process()
    for code in (M, "99998"):
        one.tick(code, BOOKS)
    standing.step(hours=2)
    ran, beside = [], []

    def look_around(context):
        ran.append((context.municipality_code, "reconcile"))
        if context.municipality_code == M:  # in the middle of it, the other process looks around
            beside.extend([other.tick(M, BOOKS), other.tick("99998", BOOKS)])
        return JobResult()

    entry = entry_of("reconcile")
    monkeypatch.setitem(table._BY_CODE, "reconcile", replace(entry, run=look_around))
    assert one.tick(M, BOOKS) == 3
    assert beside == [0, 3]
    assert ran == [(M, "reconcile"), ("99998", "reconcile")]
    assert [process.tick(code, BOOKS) for process in (one, other) for code in (M, "99998")] == [
        0, 0, 0, 0,
    ]  # fmt: skip
    holders = {}
    for code in (M, "99998"):
        with reading(books.engine, code) as connection:
            holders[code] = {run.holder for run in history.history(connection, code)}
            assert leases_of(connection, code)[BOOKS].holder in holders[code]
    assert holders == {M: {one.holder}, "99998": {other.holder}}


def test_what_has_lost_its_run_writes_no_end(books, standing, process):
    runner = process()
    runner.tick(M, BOOKS)
    standing.step(hours=2)
    run_id = _ask(books, "reconcile")
    with reading(books.engine, M) as connection:
        asked = history.run_of(connection, M, run_id)
    with noting(books.engine, M) as connection:
        run = history.begin_asked(connection, M, asked, "somebody")
        assert history.cut_off(connection, M, ["reconcile"])
        assert not history.end(connection, M, run, JobResult())


def test_a_failure_is_told_repeated_after_a_pause_and_given_up(books, standing, noted, process):
    noted.answers["reconcile"] = RefusedError("close_order", subject="x")
    noted.answers["overdue"] = ValueError("secret details")
    runner = process()
    runner.tick(M, BOOKS)
    standing.step(hours=1, minutes=50)
    assert runner.tick(M, BOOKS) == 2
    assert runner.tick(M, BOOKS) == 0
    for expected in (2, 3, 0):
        standing.step(minutes=6)
        assert runner.tick(M, BOOKS) == expected
    assert [run[2:4] for run in _history(books, "reconcile")] == [(n, FAILED) for n in (1, 2, 3)]
    with reading(books.engine, M) as connection:
        last = history.last_runs(connection, M, ["reconcile", "overdue"])
    assert last["reconcile"].notes == ("close_order",)
    assert last["overdue"].notes == ("job_raised",)
    told = sorted((books.settings.home / "notices").rglob("*.txt"))
    assert len(told) == 2
    assert "secret" not in "".join(path.read_text("utf-8") for path in told)


def test_a_round_leaves_a_trace_only_when_there_is_something_to_do(books, standing, noted, process):
    runner = process()
    assert runner.tick(M, BOOKS) == 0
    noted.waiting.add("inbox")
    assert runner.tick(M, BOOKS) == 0  # its time has not come
    standing.step(seconds=20)
    assert runner.tick(M, BOOKS) == 1
    assert noted.runs == [("inbox", "2026-06-03")]
    noted.answers["inbox"] = ValueError()
    standing.step(seconds=20)
    assert runner.tick(M, BOOKS) == 1
    standing.step(seconds=20)
    assert runner.tick(M, BOOKS) == 0  # behind a failure it pauses
    standing.step(minutes=5)
    noted.answers["inbox"] = JobResult(totals={"files": 3})
    assert runner.tick(M, BOOKS) == 1
    assert [run[3] for run in _history(books)] == [OK, FAILED, OK]


def test_people_ask_for_a_run_and_for_its_repetition(books, noted, process):
    runner = process()
    runner.tick(M, BOOKS)
    noted.answers["verify"] = JobResult(JobState.FAILED, {"differences": 1}, ("verify_differs",))
    run_id = _ask(books, "verify")
    with pytest.raises(ConflictError, match="job_asked"):
        _ask(books, "verify")
    with reading(books.engine, M) as connection:
        waiting = history.run_of(connection, M, run_id)
    runner.lanes.hold(M, CHECKS)
    done = runner.run_asked(M, run_id)
    assert (waiting.state, done.state, done.actor, done.cause) == ("ASKED", FAILED, "kanri", "hand")
    assert runner.tick(M, CHECKS) == 0  # a person's run is not repeated by itself
    noted.answers["verify"] = JobResult(totals={"differences": 0})
    again = _ask(books, "verify", again=done)
    with reading(books.engine, M) as connection:
        open_run = history.run_of(connection, M, again)
        with pytest.raises(NotFoundError, match="job_run"):
            history.run_of(connection, M, 99)
    assert runner.tick(M, CHECKS) == 1
    assert _history(books, "verify") == [
        ("verify", f"hand-{run_id}", 1, FAILED, 1),
        ("verify", f"hand-{run_id}", 2, OK, 1),
    ]
    with pytest.raises(RefusedError, match="job_run_open"):
        _ask(books, "verify", again=open_run)


def test_a_run_as_of_another_day_gets_that_day(books, standing, noted, process):
    _ask(books, "day_report", as_of_on=standing.now.date().replace(day=1))
    process().tick(M, BOOKS)
    assert noted.runs == [("day_report", "2026-06-01")]


def test_a_job_that_is_off_owes_nothing_when_it_is_on_again(books, standing, process):
    runner = process()
    runner.tick(M, BOOKS)
    for enabled, hours in ((False, 30), (True, 1)):
        with unit_of_work(books.engine, M) as connection:
            changes = {"enabled": enabled, "timing": "0 6 * * *"}
            plans.set_plan(connection, M, books.settings, "reconcile", changes, actor="kanri")
        standing.step(hours=hours)
        runner.tick(M, BOOKS)
    assert _history(books, "reconcile") == []
    standing.step(hours=18)
    runner.tick(M, BOOKS)
    assert _history(books, "reconcile") == [("reconcile", "2026-06-05T06:00", 1, OK, 1)]


def test_a_stop_comes_between_two_jobs(standing, process):
    runner = process()
    runner.tick(M, BOOKS)
    standing.step(hours=2)
    runner.stopping.set()
    assert runner.tick(M, BOOKS) == 0


def test_a_job_of_the_whole_installation_runs_under_its_first_body(books, standing, noted, process):
    enter(Session(books.settings), sample_profile("99998"))
    runner = process()
    for step in (0, 24):
        standing.step(hours=step)
        for code in ("99998", M):
            runner.tick(code, CHECKS)
    assert [job for job, _day in noted.runs].count("backup") == 1
    assert [job for job, _day in noted.runs].count("verify") == 2
    with reading(books.engine, "99998") as connection:
        assert history.last_runs(connection, "99998", ["backup"])["backup"].state == OK


def test_the_lease_tells_who_and_until_when(books, standing, process):
    runner = process()
    for lane in LANES:
        runner.tick(M, lane)
    standing.step(minutes=1)
    for lane in LANES:
        runner.tick(M, lane)
    with reading(books.engine, M) as connection:
        leases = leases_of(connection, M)
    assert {lease.holder for lease in leases.values()} == {runner.holder}
    assert {lease.heartbeat_at for lease in leases.values()} == {standing.now}
    runner.lanes.release()
    with reading(books.engine, M) as connection:
        assert leases_of(connection, M)[CHECKS].released_at == standing.now


def test_an_ended_run_cannot_be_changed(books, process):
    runner = process()
    runner.tick(M, BOOKS)
    _ask(books, "seal")
    runner.tick(M, BOOKS)
    with pytest.raises(Exception, match="append_only"), noting(books.engine, M) as connection:
        connection.execute(history.runs.update().values(state="OK"))


def test_what_is_not_in_the_table_is_no_job():
    with pytest.raises(NotFoundError, match="job"):
        entry_of("os.system")
