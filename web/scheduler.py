"""定時処理: the process that runs the jobs of every municipality of the installation.

APScheduler in a process of its own, never inside the web server, with its jobs in memory only: a
job store in the database would run whatever somebody writes into it. All it does is wake up; what
is due stands in the books (:mod:`web.jobs.runner`, docs/adr/0010-own-slots.md).
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.interval import IntervalTrigger

from payments.store.municipalities import municipality_codes
from payments.store.unit_of_work import reading
from web import clock
from web.jobs.runner import Runner
from web.jobs.table import LANES

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from sqlalchemy import Engine

    from web.config import Settings

BODIES_SECONDS = 60  # how often it looks which municipalities there are
CLOCK_SECONDS = 1.0  # how often it looks whether the clock has gone back
BACK_SECONDS = 5.0  # a step that is smaller is waited out

log = logging.getLogger(__name__)


class _Lent(BasePoolExecutor):  # type: ignore[misc] # APScheduler has no types.
    """Threads that are lent to the scheduler: it hands out work, and does not wait for its end."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        super().__init__(threads)


def build(
    settings: Settings, runner: Runner, codes: Callable[[], list[str]], threads: ExitStack
) -> BlockingScheduler:
    """The scheduler: a look at every lane of every municipality that ``codes`` names.

    Its threads end with ``threads``, which waits for what they have in hand.
    """

    def lent(number: int) -> _Lent:
        return _Lent(threads.enter_context(ThreadPoolExecutor(max_workers=number)))

    scheduler = BlockingScheduler(
        timezone=clock.JST,
        # Signs of life and new municipalities do not wait behind jobs.
        executors={"default": lent(settings.schedule_workers), "own": lent(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )

    def add(look: Callable[..., Any], seconds: int, name: str, *args: str) -> None:
        scheduler.add_job(
            look,
            IntervalTrigger(seconds=seconds, timezone=clock.JST),
            args=args,
            id=name,
            executor="default" if args else "own",
            next_run_time=clock.now(),
        )

    def look_at_bodies() -> None:
        wanted = {f"{code}/{lane}": (code, lane) for code in codes() for lane in LANES}
        known = {job.id for job in scheduler.get_jobs() if "/" in job.id}
        for name in known - wanted.keys():
            scheduler.remove_job(name)
        seconds = min(settings.schedule_tick_seconds, settings.inbox_seconds)
        for name in wanted.keys() - known:
            add(runner.tick, seconds, name, *wanted[name])

    add(runner.lanes.beat, settings.schedule_heartbeat_seconds, "beat")
    add(look_at_bodies, BODIES_SECONDS, "bodies")
    return scheduler


def keep_time(scheduler: BlockingScheduler, stopping: threading.Event) -> None:
    """時計の見張り: wake up every second, and after the clock was put back as if nothing had been.

    APScheduler would sleep until the clock is again where it was wrongly: for hours, if somebody
    had set it hours ahead. What has run already stands in the books and is not run again.
    """
    ahead = _ahead()
    while not stopping.wait(CLOCK_SECONDS):
        # A signal that comes just before the main thread falls asleep does not wake it: its
        # handler would run at the next job, so the main thread is never left asleep for longer.
        scheduler.wakeup()
        # Each reading is held against the one before, so that no step falls between two of them:
        # one did, and the jobs slept until the clock was again where it had been wrongly.
        before, ahead = ahead, _ahead()
        if before - ahead > BACK_SECONDS:
            log.warning("the clock was put back by %d seconds", before - ahead)
            for job in scheduler.get_jobs():
                with contextlib.suppress(JobLookupError):  # its municipality has just gone
                    job.modify(next_run_time=clock.now())


def _ahead() -> float:
    """Seconds by which the clock of the machine is ahead of one that only goes on."""
    return clock.now().timestamp() - time.monotonic()


def codes_served(engine: Engine, settings: Settings) -> list[str]:
    """Every municipality of the installation, or the one that the settings name."""
    with reading(engine) as connection:
        found = municipality_codes(connection)
    return [code for code in found if settings.municipality in {"", code}]


def run_scheduler(settings: Settings, engine: Engine, console: Console) -> None:
    """Run until SIGTERM or Ctrl-C; the jobs in hand are finished first."""

    def say(line: str) -> None:
        console.print(line, markup=False)

    settings.inbox_folder.mkdir(parents=True, exist_ok=True)
    runner = Runner(settings, engine, say)
    ending: list[threading.Thread] = []

    def stop(*_: object) -> None:
        if not scheduler.running:
            sys.exit(0)  # It has not begun yet, so there is nothing to finish.
        runner.stopping.set()
        if not ending:
            # In a thread of its own it waits for the lock of a round that is handing out jobs; in
            # the handler it would take the workers away in the middle of that round. It does not
            # wait for jobs: it would hold the lock that the search for municipalities needs.
            ending.append(threading.Thread(target=scheduler.shutdown, kwargs={"wait": False}))
            ending[0].start()

    with ExitStack() as threads:
        scheduler = build(settings, runner, lambda: codes_served(engine, settings), threads)
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        say(
            f"受信フォルダ {settings.inbox_folder} を見ています"
            f"（再照合は {settings.reconcile_at}）。"
        )
        watching = partial(keep_time, scheduler, runner.stopping)
        threading.Thread(target=watching, name="clock", daemon=True).start()
        scheduler.start()
        for thread in ending:
            thread.join()
    runner.lanes.release()
    say("定時処理を終えました。")
