"""定時処理の表示: jobs and runs as people see them, on the page and in a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from web import clock, formatting, messages
from web.jobs import history
from web.jobs.plans import Plan, plans
from web.language import translate as _

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from web.config import Settings
    from web.jobs.history import Run

YEN, DAY = "_yen", "_on"


@dataclass(frozen=True, slots=True)
class JobView:
    """定時処理の一行: its plan, its last run and when it is due next (None: never, or a round)."""

    plan: Plan
    last: Run | None
    open_run: Run | None  # asked for or running
    next_at: datetime | None


def job_views(connection: Connection, municipality_code: str, settings: Settings) -> list[JobView]:
    """一覧 of every job, in the order of the table."""
    found = plans(connection, municipality_code, settings)
    codes = [plan.code for plan in found]
    last = history.last_runs(connection, municipality_code, codes)
    waiting = {
        run.job: run
        for run in (
            *history.running(connection, municipality_code, codes),
            *history.asked(connection, municipality_code, codes),
        )
    }
    return [
        JobView(plan, last.get(plan.code), waiting.get(plan.code), next_at(plan)) for plan in found
    ]


def next_at(plan: Plan) -> datetime | None:
    """次回: of a job that is on; a round comes again after its seconds."""
    if not plan.enabled:
        return None
    now = clock.in_japan(clock.now())
    if plan.timing.seconds is not None:
        return now + timedelta(seconds=plan.timing.seconds)
    return plan.timing.next_after(now)


def timing_text(plan: Plan) -> str:
    """``銀行営業日 06:30`` or ``20秒ごと``; what is not that simple stays a cron expression."""
    if plan.timing.seconds is not None:
        return _("{seconds}秒ごと", seconds=plan.timing.seconds)
    days = messages.label("job_days", plan.timing.days)
    minute, hour, *rest = plan.timing.text.split()
    if [hour, *rest] == ["*"] * 4 and minute.removeprefix("*/").isdecimal():
        if minute.startswith("*/"):
            return _("{days} {minutes}分ごと", days=days, minutes=minute.removeprefix("*/"))
        return _("{days} 毎時{minute}分", days=days, minute=minute)
    if rest == ["*"] * 3 and minute.isdecimal() and hour.isdecimal():
        return f"{days} {int(hour):02}:{int(minute):02}"
    return f"{days} {plan.timing.text}"


def totals_text(run: Run) -> str:
    """``資料 3、金額 12,000円``: the totals of a run that are not zero."""
    return _("、").join(
        f"{messages.label('job_total', name)} {_figure(name, value)}"
        for name, value in run.totals.items()
        if value and ":" not in name  # parts of a total are for pages that show them in a table
    )


def _figure(name: str, value: int) -> str:
    """Yen, a day (20260601) or a number."""
    if name.endswith(DAY):
        return f"{value // 10_000}-{value // 100 % 100:02}-{value % 100:02}"
    return formatting.yen(value) if name.endswith(YEN) else f"{value:,}"


def notes_text(run: Run) -> str:
    """The sentences that say why it did not end well."""
    return " ".join(messages.job_note(note) for note in run.notes)
