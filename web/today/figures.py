"""今日の数字: what the ledger says of a day, beside what was to be expected of it."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from payments.domain.fiscal import fiscal_year
from reconcile.day_totals import last_journal
from reconcile.journal import closed_books
from reconcile.report import trend
from reconcile.report.trend import Figure

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reconcile.report.trend import Moved, Wait, Way

STEPS = ("received", "confirmed", "settled", "collected")
DAYS = 30  # of the chart by day and channel
WEEKS = 4  # so many of the same weekday before make what is usual
KEPT = 32  # figures of so many days and bodies
YEAR_AGO = timedelta(weeks=52)  # the same weekday of the year before
_LOOK_BACK = timedelta(days=90)  # for how long a 速報 may wait; older ones are counted nowhere
_WEEK = timedelta(weeks=1)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Compared:
    """一つの段階: what a day had, what is usual on its weekday, and what the year before had."""

    step: str
    today: Figure
    usual: Figure | None  # 同じ曜日の平均; None: no such day has anything
    year_ago: Figure | None  # 前年の同じ曜日


@dataclass(frozen=True, slots=True)
class Levy:
    """税目の進み: 現年度分 of one 科目 so far, beside the year before at the same day."""

    item_code: str
    assessed_yen: int
    collected_yen: int
    assessed_before_yen: int
    collected_before_yen: int
    series: tuple[int, ...]  # 累計 by week, this year
    series_before: tuple[int, ...]  # … the year before, to its end


@dataclass(frozen=True, slots=True)
class Progress:
    """年度の進み: weeks of the fiscal year such that one of them ends on the day."""

    year: int
    days: tuple[date, ...]  # all weeks of the year
    known: int  # how many of them are over
    levies: tuple[Levy, ...]

    @property
    def has_year_before(self) -> bool:
        """Whether anything is known of the year before."""
        return any(levy.series_before[-1] for levy in self.levies)

    def collected(self, week: int) -> tuple[int | None, int]:
        """累計 of all levies up to a week, this year (None: not over yet) and the year before."""
        now = sum(levy.series[week] for levy in self.levies) if week < self.known else None
        return now, sum(levy.series_before[week] for levy in self.levies)


@dataclass(frozen=True, slots=True)
class Figures:
    """今日の数字, all of one moment of the books."""

    day: date
    compared: tuple[Compared, ...]
    channels: tuple[str, ...]
    by_channel: dict[tuple[str, str], Figure]  # of the day, by step and channel
    by_day: tuple[tuple[date, dict[str, int]], ...]  # 収入 of DAYS days by channel
    way: Way  # since the fiscal year began
    waits: dict[str, tuple[Wait, ...]]  # 確報までの日数 by channel
    progress: Progress


def figures(connection: Connection, municipality_code: str, day: date) -> Figures:
    """今日の数字 of one 会計日."""
    begun = day - _LOOK_BACK
    recent = trend.moved(connection, municipality_code, begun, day, ("booked_on", "channel"))
    older = trend.moved(connection, municipality_code, date.min, begun - _ONE_DAY, ("channel",))
    then = day - YEAR_AGO
    year_ago = trend.moved(connection, municipality_code, then, then)
    rows: dict[str, list[Moved]] = {}
    for row in recent:
        rows.setdefault(row.booked_on, []).append(row)
    of_day = rows.get(day.isoformat(), [])
    first = day - timedelta(days=DAYS - 1)
    waited = trend.waits(older, recent, first)
    by_day = [
        (each, _collected(rows.get(each.isoformat(), [])))
        for each in (first + timedelta(days=number) for number in range(DAYS))
    ]
    found = {channel for _day, sums in by_day for channel in sums}
    found |= {row.channel for row in of_day if any(_moves(row, step) for step in STEPS)}
    return Figures(
        day=day,
        compared=tuple(_compared(step, day, rows, year_ago) for step in STEPS),
        channels=tuple(sorted(found)),
        by_channel={
            (step, channel): trend.total([r for r in of_day if r.channel == channel], step)
            for step in STEPS
            for channel in sorted(found)
        },
        by_day=tuple(by_day),
        way=_way(connection, municipality_code, day),
        waits={
            channel: tuple(wait for wait in waited if wait.channel == channel)
            for channel in sorted({wait.channel for wait in waited})
        },
        progress=_progress(connection, municipality_code, day),
    )


class Kept:
    """控え: the figures of the days looked at last, as long as nothing was booked since.

    The ledger is only ever added to and the summary says the same as the postings, so figures
    change with the number of the last journal and with a close of a year, and with nothing else.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Figures] = OrderedDict()

    def figures(self, connection: Connection, municipality_code: str, day: date) -> Figures:
        """今日の数字 of one 会計日, never older than the books."""
        closed = closed_books(connection, municipality_code)
        key = (municipality_code, day, last_journal(connection, municipality_code), closed)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = figures(connection, municipality_code, day)
            while len(self._kept) > KEPT:
                with contextlib.suppress(KeyError):  # another thread was quicker
                    self._kept.popitem(last=False)
        return found


def _moves(row: Moved, step: str) -> int:
    return trend.sign(step, row.debit, row.credit)


def _collected(rows: list[Moved]) -> dict[str, int]:
    """収入 by channel, where there is any."""
    channels = sorted({row.channel for row in rows if _moves(row, "collected")})
    return {
        channel: trend.total([r for r in rows if r.channel == channel], "collected").amount_yen
        for channel in channels
    }


def _compared(
    step: str, day: date, rows: dict[str, list[Moved]], year_ago: tuple[Moved, ...]
) -> Compared:
    """A step on the day, on the same weekdays before it, and in the year before."""
    weeks = [
        [row for row in rows.get((day - week * _WEEK).isoformat(), []) if _moves(row, step)]
        for week in range(1, WEEKS + 1)
    ]
    with_any = [trend.total(week, step) for week in weeks if week]
    usual = None
    if with_any:
        sums = sum(with_any, Figure())
        usual = Figure(sums.count // len(with_any), sums.amount_yen // len(with_any))
    then = [row for row in year_ago if _moves(row, step)]
    return Compared(
        step,
        trend.total(rows.get(day.isoformat(), []), step),
        usual,
        trend.total(then, step) if then else None,
    )


def _way(connection: Connection, municipality_code: str, day: date) -> Way:
    """調定から入金まで since the first day of the fiscal year."""
    year = fiscal_year(day)
    first = date(year, 4, 1)
    before = trend.moved(connection, municipality_code, date.min, first - _ONE_DAY)
    by = ("claim_year", "open_year")
    return trend.way(before, trend.moved(connection, municipality_code, first, day, by), year)


def _progress(connection: Connection, municipality_code: str, day: date) -> Progress:
    """年度の進み of the fiscal year of the day, by 科目."""
    year = fiscal_year(day)
    first, last = date(year, 4, 1), date(year + 1, 3, 31)
    begin = first + (day - first) % _WEEK
    days = tuple(each for week in range(54) if (each := begin + week * _WEEK) <= last)
    # The same number of days after the first of April, a year before.
    shift = first - date(year - 1, 4, 1)
    by = ("booked_on", "item_code", "claim_year", "open_year")
    # What belongs to a year may be booked before it begins.
    rows = trend.moved(connection, municipality_code, date(year - 2, 4, 1), day, by)
    now, before = trend.own_year(rows, year), trend.own_year(rows, year - 1)
    known = sum(each <= day for each in days)
    levies = []
    for item in sorted({row.item_code for row in (*now, *before)}):
        mine = [row for row in now if row.item_code == item]
        then = [row for row in before if row.item_code == item]
        until = (day - shift).isoformat()
        so_far = [row for row in then if row.booked_on <= until]
        levies.append(
            Levy(
                item,
                trend.total(mine, "assessed").amount_yen,
                trend.total(mine, "collected").amount_yen,
                trend.total(so_far, "assessed").amount_yen,
                trend.total(so_far, "collected").amount_yen,
                tuple(trend.cumulated(mine, "collected", days[:known])),
                tuple(trend.cumulated(then, "collected", [each - shift for each in days])),
            )
        )
    return Progress(year, days, known, tuple(levies))
