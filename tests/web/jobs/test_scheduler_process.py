"""The scheduler as processes: two at once, one killed over a job, nights that nobody ran."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from ending import PATIENCE, ending
from kokin_process import ROOT

from payments.store.unit_of_work import reading
from web import clock
from web.jobs import history, plans
from web.jobs.locks import leases_of, noting
from web.jobs.table import BOOKS, JOBS
from web.jobs.timing import Days

M = "99999"
NIGHTS = 2
# Every night, whatever day of the week it is when the test runs.
NIGHTLY = {e.code for e in JOBS if e.waits is None and e.days is Days.EVERY_DAY} - {"arrivals"}
SLOTS = [entry.code for entry in JOBS if entry.waits is None]
# ``kokin schedule``, in which whoever is the first to be at a report stops there.
FIRST_STOPS = """
import importlib, os, signal, sys, threading
from web.cli import main
_, flag, *words = sys.argv
job = importlib.import_module("web.jobs.day_report")
load_profile = job.load_profile
def stop_once(*anything):
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return load_profile(*anything)
    os.kill(os.getpid(), signal.SIGSTOP)
    threading.Event().wait()  # The signal reaches the main thread first, this one a moment later.
job.load_profile = stop_once
main(words)
"""


@contextlib.contextmanager
def _schedulers(settings, number, flag, start):
    """Processes of ``kokin schedule``, none of which outlives the test."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("KOKIN_")}
    own = {
        "KOKIN_HOME": str(settings.home),
        "KOKIN_DATABASE_URL": settings.database_url,
        "KOKIN_SECRET_KEY": settings.secret_key,
        "KOKIN_SCHEDULE_TICK_SECONDS": "1",
        "KOKIN_SCHEDULE_HEARTBEAT_SECONDS": "1",
        "KOKIN_INBOX_SECONDS": "1",
    }
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                ending(
                    [sys.executable, "-c", FIRST_STOPS, str(flag), "schedule"],
                    start=start,
                    cwd=ROOT,
                    env=inherited | own,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for _number in range(number)
        ]


def _runs(books):
    with reading(books.engine, M) as connection:
        return history.history(connection, M, limit=200)[::-1]


def _state(books, run_id):
    with reading(books.engine, M) as connection:
        return history.run_of(connection, M, run_id).state


def _waited(look, told=lambda: ""):
    """What ``look`` finds, as soon as it finds something; ``told`` says why it found nothing."""
    end = time.monotonic() + PATIENCE - 20  # before those that are waited for are killed
    while not (found := look()):
        assert time.monotonic() < end, f"it never happened: {told()}"
        time.sleep(0.05)
    return found


def _ended(processes):
    """What those that should still run said when they ended."""
    return [process.stderr.read() for process in processes if process.poll() is not None]


def _is_stopped(process):
    """Whether the system has stopped it (SIGSTOP): the third field, behind the name."""
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "T"


def _caught(books, processes, flag):
    """The process that has stopped at a report, and the run of the report."""
    _waited(flag.exists, lambda: (_ended(processes), _runs(books)))
    stopped = _waited(lambda: [process for process in processes if _is_stopped(process)])
    (process,) = stopped
    runs = _runs(books)
    own = [run for run in runs if run.job == "day_report" and _pid(run) == process.pid]
    assert own, runs
    assert own[-1].state == "RUNNING", runs
    return process, own[-1]


def _pid(run):
    """The process that a run names as its holder; 0 before anybody has begun it."""
    return int(run.holder.split("/")[1]) if run.holder else 0


def _all_slots_ended(books):
    runs = _runs(books)
    done = {run.job for run in runs if run.state == "OK"}
    nights = {run.slot for run in runs if run.job == "day_report" and run.state == "OK"}
    return done >= NIGHTLY and len(nights) == NIGHTS and runs


def test_two_schedulers_one_killed_and_nights_missed(books, monkeypatch, tmp_path, kokin_loaded):
    # The clock steps over the nights: the jobs have been watched since before them.
    now = clock.now()
    with monkeypatch.context() as past, noting(books.engine, M) as connection:
        past.setattr(clock, "now", lambda: now - timedelta(days=NIGHTS))
        plans.watch(connection, M, SLOTS)
        plans.set_plan(connection, M, books.settings, "arrivals", {"enabled": False}, actor="cli")
        # The processes have the real clock: no further night begins while the test runs.
        far = clock.in_japan(now + timedelta(hours=12))
        daily = {"timing": f"{far.minute} {far.hour} * * *"}
        for job in sorted(NIGHTLY):
            plans.set_plan(connection, M, books.settings, job, daily, actor="cli")
    flag = tmp_path / "at-a-report"
    with _schedulers(books.settings, 2, flag, kokin_loaded.start) as processes:
        killed, cut = _caught(books, processes, flag)
        killed.kill()
        killed.wait(PATIENCE)
        (other,) = [process for process in processes if process is not killed]
        runs = _waited(lambda: _all_slots_ended(books), lambda: (_ended(processes), _runs(books)))
        # It is told to end in the middle of a job, and finishes it first.
        with noting(books.engine, M) as connection:
            asked = history.ask(connection, M, "day_report", actor="kanri")
        _waited(lambda: _state(books, asked) != "ASKED")
        other.send_signal(signal.SIGTERM)
        said = other.stderr.read()
        assert other.wait(PATIENCE) == 0, said
    assert _state(books, asked) == "OK"
    assert "Traceback" not in said
    ended = [(run.job, run.slot) for run in runs if run.state == "OK"]
    assert len(ended) == len(set(ended))
    unfinished = [run for run in runs if run.state != "OK"]
    assert cut.run_id in {run.run_id for run in unfinished}
    assert {(run.state, run.holder, run.notes) for run in unfinished} == {
        ("INCOMPLETE", cut.holder, ("job_cut_off",))
    }
    assert {(run.job, run.slot) for run in unfinished} <= set(ended)
    (again,) = [run for run in runs if (run.job, run.slot, run.attempt) == (cut.job, cut.slot, 2)]
    assert _pid(again) == other.pid
    covers = {run.job: run.covers for run in runs if run.state == "OK"}
    assert covers | {"reconcile": NIGHTS, "verify": NIGHTS, "backup": NIGHTS} == covers
    assert covers["day_report"] == 1
    with reading(books.engine, M) as connection:
        lease = leases_of(connection, M)[BOOKS]
    assert lease.holder == again.holder
    assert lease.released_at is not None
