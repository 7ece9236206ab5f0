"""定時処理: the process that watches the inbox, books what waits and reconciles every day.

APScheduler in a process of its own, never inside the web server, with its jobs in memory only: a
job store in the database would run whatever somebody writes into it. Leases make sure that two
such processes never run one slot twice.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from reconcile.audit.seal import seal_pending
from reconcile.day_totals import summarise
from reconcile.waiting import reconcile_waiting
from web import clock, leases, messages
from web.inbox import take_in_waiting
from web.notifications.outlook import book_rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from sqlalchemy import Engine

    from reconcile.model import WaitingReport
    from web.config import Settings

RECONCILE = "reconcile"

log = logging.getLogger(__name__)


class Jobs:
    """定時処理の中身: what the scheduler runs, callable by hand in tests."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        municipality_code: str,
        say: Callable[[str], None],
    ) -> None:
        """``say`` gets one line per thing that happened."""
        self.settings = settings
        self.engine = engine
        self.municipality_code = municipality_code
        self.say = say
        self.holder = leases.holder_name()

    def watch_inbox(self) -> int:
        """Take in the files that have appeared, then reconcile; returns how many there were."""
        number = 0
        for report in take_in_waiting(
            self.engine,
            self.municipality_code,
            self.settings.inbox_folder,
            holder=self.holder,
            received_on=clock.today(),
        ):
            status = messages.label("file_status", report.status.value)
            self.say(f"[{status}] {report.name} {report.count:,}件 {report.amount_yen:,}円")
            number += 1
        if number:
            self.reconcile_now()
        # What people decided and operators notified meanwhile is sealed with it.
        seal_pending(self.engine, self.municipality_code)
        return number

    def book_notifications(self) -> int:
        """Book what the server has not booked itself; returns how many there were."""
        number = book_rest(self.engine, self.municipality_code)
        if number:
            self.say(f"納付通知 {number:,}件を記帳しました。")
        return number

    def reconcile_daily(self) -> bool:
        """The reconciliation of the day, by one process only; whether it was this one."""
        slot = f"{clock.today().isoformat()}T{self.settings.reconcile_at}"
        key = (self.engine, self.municipality_code, RECONCILE, slot, self.holder)
        if not leases.take(*key, clock.now()):
            return False
        result = "failed"
        try:
            self.reconcile_now()
            result = "done"
        finally:
            leases.finish(*key, result=result, at=clock.now())
        return True

    def reconcile_now(self) -> WaitingReport:
        """Everything that is waiting, as of today."""
        report = reconcile_waiting(
            self.engine, self.municipality_code, as_of=clock.today(), actor="schedule"
        )
        summarise(self.engine, self.municipality_code)  # so that the day's page opens at once
        seal_pending(self.engine, self.municipality_code)
        opened = sum(report.cases_opened.values())
        self.say(f"再照合: 入金の充当 {report.credits_settled:,}件 確認事項 {opened:,}件")
        return report


def build(settings: Settings, jobs: Jobs) -> BlockingScheduler:
    """The scheduler with its jobs; one at a time, late runs made up for once."""
    scheduler = BlockingScheduler(
        timezone=clock.JST, executors={"default": ThreadPoolExecutor(max_workers=1)}
    )
    common: dict[str, Any] = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    for job in (jobs.book_notifications, jobs.watch_inbox):
        scheduler.add_job(
            job,
            IntervalTrigger(seconds=settings.inbox_seconds, timezone=clock.JST),
            id=job.__name__,
            next_run_time=clock.now(),
            **common,
        )
    hour, minute = settings.reconcile_at.split(":")
    scheduler.add_job(
        jobs.reconcile_daily,
        CronTrigger(hour=int(hour), minute=int(minute), timezone=clock.JST),
        id="reconcile_daily",
        **common,
    )
    return scheduler


def run_scheduler(
    settings: Settings, engine: Engine, municipality_code: str, console: Console
) -> None:
    """Run until SIGTERM or Ctrl-C; the job in hand is finished first."""

    def say(line: str) -> None:
        console.print(line, markup=False)

    settings.inbox_folder.mkdir(parents=True, exist_ok=True)
    scheduler = build(settings, Jobs(settings, engine, municipality_code, say))

    def stop(*_: object) -> None:
        if not scheduler.running:
            sys.exit(0)  # It has not begun yet, so there is nothing to finish.
        # In a thread of its own it waits for the lock of a round that is handing out jobs; in the
        # handler it would take the workers away in the middle of that round.
        threading.Thread(target=scheduler.shutdown, kwargs={"wait": False}).start()

    signal.signal(signal.SIGTERM, stop)
    say(f"受信フォルダ {settings.inbox_folder} を見ています（再照合は {settings.reconcile_at}）。")
    try:
        scheduler.start()
    except KeyboardInterrupt:
        scheduler.shutdown(wait=True)
    say("定時処理を終えました。")
