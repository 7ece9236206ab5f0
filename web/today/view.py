"""今日の中身: everything that the page shows, read in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments import approve
from reconcile import day_close
from reconcile.report import open_items
from reconcile.report.arrivals import as_date
from web import clock
from web.arrivals.view import DayView, day_view
from web.jobs.locks import leases_of
from web.jobs.shown import JobView, job_views
from web.jobs.table import LANES
from web.today.desks import (
    Desks,
    DueSoFar,
    Prescribing,
    desks_of,
    due_so_far,
    prescribing_of,
)
from web.today.state import Light, decides, failed, lights

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.closures import Closure
    from reconcile.report.arrivals import Expectation
    from reconcile.report.open_items import Age, Credits
    from reconcile.report.period import DayReport
    from web.accounts.staff import StaffUser
    from web.config import Settings
    from web.notifications.spool import Waiting
    from web.today.figures import Figures, Kept

_APPROVALS_MAX = 500


@dataclass(frozen=True, slots=True)
class TodayView:
    """今日: the day that is looked at, and the last day of which there is anything to say."""

    day: date
    board: DayView
    report: DayReport | None  # of the last day up to ``day`` on which anything came
    closure: Closure | None
    figures: Figures | None
    lights: tuple[Light, ...]
    ages: tuple[Age, ...]
    credits: Credits
    mine: tuple[Approval, ...] | None  # None: this person decides nothing
    jobs: tuple[JobView, ...]
    heartbeat_at: datetime | None  # of the scheduler; None: it has never run
    unbooked: Waiting  # 記帳待ちの納付通知
    desks: Desks
    prescribing: Prescribing | None  # None: not counted yet, or not for this person
    due: DueSoFar | None

    @property
    def red(self) -> int:
        """資料未着, on the day and before."""
        return self._number("red")

    @property
    def amber(self) -> int:
        """要確認の資料, on the day and before."""
        return self._number("amber")

    @property
    def failed_jobs(self) -> tuple[JobView, ...]:
        """終わらなかった定時処理."""
        return failed(self.jobs)

    @property
    def open_before(self) -> tuple[Expectation, ...]:
        """前の日から: what is open of the days before, red before amber, the latest day first."""
        latest = sorted(self.board.open_before, key=lambda each: each.due_on, reverse=True)
        return tuple(sorted(latest, key=lambda each: each.colour != "red"))

    def _number(self, colour: str) -> int:
        expected = (*self.board.expected, *self.board.open_before)
        return sum(each.colour == colour for each in expected)


def today_view(
    connection: Connection,
    profile: Profile,
    settings: Settings,
    person: StaffUser,
    day: date,
    unbooked: Waiting,
    kept: Kept,
) -> TodayView:
    """今日 as one person sees it; ``unbooked`` notifications wait outside these books."""
    code = profile.municipality_code
    shown = last_day(connection, code, day)
    report, closure = None, None
    if shown is not None:
        report, closure = day_close.shown_day(connection, profile, shown)
    leases = leases_of(connection, code)
    beats = [leases[lane].heartbeat_at for lane in LANES if lane in leases]
    waiting = approve.approvals(connection, code, state=approve.WAITING, limit=_APPROVALS_MAX)
    return TodayView(
        day=day,
        board=day_view(connection, profile, day, clock.now()),
        report=report,
        closure=closure,
        figures=kept.figures(connection, code, shown) if shown else None,
        lights=lights(report.checks) if report else (),
        ages=_ages(connection, code, day),
        credits=open_items.credits_open(connection, code),
        mine=decides(person, waiting),
        jobs=tuple(job_views(connection, code, settings)),
        heartbeat_at=max(beats, default=None),
        unbooked=unbooked,
        desks=desks_of(connection, code, day, person),
        prescribing=prescribing_of(connection, code, person),
        due=due_so_far(connection, code) if day == clock.today() else None,
    )


def _ages(connection: Connection, municipality_code: str, day: date) -> tuple[Age, ...]:
    """経過日数別の確認事項, as they are now or as they were at the end of the day."""
    found = open_items.ages_then if day < clock.today() else open_items.ages
    return found(connection, municipality_code, day)


def last_day(connection: Connection, municipality_code: str, day: date) -> date | None:
    """The last day up to ``day`` on which a file came, or None before the first one."""
    found = connection.execute(
        text(
            "SELECT MAX(received_on) FROM source_file "
            "WHERE municipality_code = :m AND received_on <= :day"
        ),
        {"m": municipality_code, "day": day.isoformat()},
    ).scalar_one()
    return as_date(found)
