"""受領予定の提案: the days and times at which each source came, learned from what came.

A proposal says what it rests on and is never applied by itself: two people accept it
(:mod:`reconcile.arrivals.rules`). The simplest kind of days that explains the past well is taken;
where none does, nothing is proposed, and that a source need not be awaited is never learned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from payments.domain.arrivals import (
    BUSINESS_DAYS,
    EVERY_DAY,
    JAPAN,
    ON_DEMAND,
    WEEKDAYS,
    ArrivalRule,
    days_between,
    is_business_day,
)
from payments.domain.calendars import add_business_days
from payments.domain.errors import InvalidValueError
from reconcile.arrivals.files import files_between
from reconcile.arrivals.rules import calendar_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.arrivals.files import Came
    from reconcile.arrivals.sources import Source

MONTHS_MAX = 24
_EXPLAINED_PERCENT = 80  # hits of hits, misses and other days
# Days on which it must have come as the kind says, before the past says anything.
_HITS_MIN = {BUSINESS_DAYS: 10, EVERY_DAY: 10, "weekdays": 4, "monthly": 3}
_OFTEN_PERCENT = 60  # a weekday or n-th day must have come so often to be tried
# More would only describe what happened: nearly every day with a hole, or one month.
_WEEKDAYS_MAX, _NTH_MAX, _MONTHS_MIN = 4, 6, 3
_IN_TIME_PERCENT = 95  # of the arrivals are before the proposed cut-off
_STEP_MINUTES = 15
_DATED_MAX = 10


@dataclass(frozen=True, slots=True)
class Evidence:
    """提案の根拠: counts of days and files; times are HH:MM in Japan, "" where none is known."""

    first_on: date
    last_on: date
    files: int
    days_came: int  # days on which something came
    hits: int  # due days of the proposal on which it came
    misses: int  # … on which nothing came
    others: int  # days on which it came without being due
    timed: int  # days of which the time is known
    earliest: str
    latest: str
    dated: int  # files whose date agrees with the proposal


@dataclass(frozen=True, slots=True)
class Proposal:
    """受領予定の提案 of one source, beside the rule in force; ``proposed`` only with a pattern."""

    source: Source
    now: ArrivalRule
    proposed: ArrivalRule | None
    evidence: Evidence | None

    @property
    def changes(self) -> bool:
        """Whether it proposes anything else than what holds."""
        if self.proposed is None:
            return False
        return replace(self.proposed, effective_on=self.now.effective_on) != self.now


def propose(
    connection: Connection, profile: Profile, *, months: int, today: date, effective_on: date
) -> tuple[Proposal, ...]:
    """受領予定の提案 from the last ``months`` before ``today``, to hold from ``effective_on``.

    Raises :class:`InvalidValueError` ``arrival_months``.
    """
    if not 1 <= months <= MONTHS_MAX:
        raise InvalidValueError("arrival_months", found=months, expected=f"1..{MONTHS_MAX}")
    first, last = today - timedelta(days=months * 365 // 12), today - timedelta(days=1)
    calendar = calendar_of(connection, profile)
    came: defaultdict[str, list[Came]] = defaultdict(list)
    for file in files_between(connection, profile.municipality_code, first, last):
        source = calendar.source_of(file.format_code, file.agent)
        if source and file.accepted and first <= file.received_on <= last:
            came[source.code].append(file)
    return tuple(
        _proposal(
            source, calendar.rule(source, effective_on), came[source.code], last, effective_on
        )
        for source in calendar.sources
    )


def _proposal(
    source: Source, now: ArrivalRule, files: list[Came], last: date, effective_on: date
) -> Proposal:
    if not files:
        return Proposal(source, now, None, None)
    by_day: defaultdict[date, list[Came]] = defaultdict(list)
    for file in files:
        by_day[file.received_on].append(file)
    days = set(by_day)
    window = (min(days), last)
    kind, due = _best(source.code, days, window)
    hits = due & days
    regular = [by_day[day] for day in sorted(hits or days)]
    times = sorted(time for group in regular if (time := _time_of(group)) is not None)
    before, agreeing = _dated([file for group in regular for file in group])
    proposed = replace(
        now,
        days=kind,
        cut_off=_cut_off(times) if times else now.cut_off,
        files=_at_least([len(group) for group in regular]),
        dated_days_before=now.dated_days_before if before is None else before,
        effective_on=effective_on.isoformat(),
    )
    evidence = Evidence(
        first_on=window[0],
        last_on=max(days),
        files=len(files),
        days_came=len(days),
        hits=len(hits),
        misses=len(due - days),
        others=len(days - due),
        timed=len(times),
        earliest=_clock(times[0]) if times else "",
        latest=_clock(times[-1]) if times else "",
        dated=agreeing,
    )
    return Proposal(source, now, proposed if hits else None, evidence)


def _best(code: str, days: set[date], window: tuple[date, date]) -> tuple[str, set[date]]:
    """The simplest kind of days that explains the past well, and its due days."""
    for kind in _candidates(days, window):
        rule = ArrivalRule(code, kind)
        due = {day for day in days_between(*window) if rule.is_due(day)}
        hits = len(due & days)
        explained = 100 * hits >= _EXPLAINED_PERCENT * len(due | days)
        if explained and hits >= _HITS_MIN[kind.partition(":")[0]]:
            return kind, due
    return ON_DEMAND, set()


def _candidates(days: set[date], window: tuple[date, date]) -> Iterator[str]:
    yield BUSINESS_DAYS
    yield EVERY_DAY
    weeks = max(((window[1] - window[0]).days + 1) // 7, 1)
    by_weekday = Counter(day.weekday() for day in days)
    often = [WEEKDAYS[n] for n in range(7) if by_weekday[n] * 100 >= weeks * _OFTEN_PERCENT]
    if 0 < len(often) <= _WEEKDAYS_MAX:
        yield f"weekdays:{','.join(often)}"
    for numbers in _months(days, window):
        yield f"monthly:{','.join(map(str, numbers))}"


def _months(days: set[date], window: tuple[date, date]) -> Iterator[list[int]]:
    """The n-th bank business days that came often, counted from the start and from the end."""
    opened: defaultdict[tuple[int, int], list[date]] = defaultdict(list)
    first = window[0].replace(day=1)
    for day in days_between(first, window[1] + timedelta(days=31)):
        if is_business_day(day):
            opened[day.year, day.month].append(day)
    last = (window[1].year, window[1].month)
    months = {key: list_ for key, list_ in opened.items() if key <= last}
    for from_end in (False, True):
        counted: Counter[int] = Counter()
        for list_ in months.values():
            for number, day in enumerate(list_, start=1):
                if day in days:
                    counted[number - len(list_) - 1 if from_end else number] += 1
        often = [n for n in sorted(counted) if counted[n] * 100 >= len(months) * _OFTEN_PERCENT]
        if 0 < len(often) <= _NTH_MAX and len(months) >= _MONTHS_MIN:
            yield often


def _time_of(group: list[Came]) -> int | None:
    """When the last file of a day came, in minutes; None where only the day is known."""
    moments = [file.arrived_at.astimezone(JAPAN) for file in group]
    minutes = [moment.hour * 60 + moment.minute for moment in moments]
    return max(minutes) or None


def _cut_off(times: list[int]) -> str:
    """Before it came what comes in time, rounded up to the next step."""
    place = -(-len(times) * _IN_TIME_PERCENT // 100) - 1
    minutes = -(-(times[place] + 1) // _STEP_MINUTES) * _STEP_MINUTES
    return _clock(min(minutes, 24 * 60 - 1))


def _at_least(numbers: list[int]) -> int:
    """How many files came on nearly every day."""
    ordered = sorted(numbers, reverse=True)
    return ordered[-(-len(ordered) * _IN_TIME_PERCENT // 100) - 1]


def _dated(files: list[Came]) -> tuple[int | None, int]:
    """By how many bank business days the date in the files precedes them, and how many agree.

    -1: the dates say nothing; None: there are none.
    """
    if not any(file.created_on for file in files):
        return None, 0
    steps = Counter(_steps(file) for file in files)
    before, agreeing = steps.most_common(1)[0]
    if before < 0 or agreeing * 100 < len(files) * _EXPLAINED_PERCENT:
        return -1, 0
    return before, agreeing


def _steps(file: Came) -> int:
    if file.created_on is None:
        return -1
    for number in range(_DATED_MAX + 1):
        try:
            reached = add_business_days(file.created_on, number)
        except InvalidValueError:
            return -1
        if reached == file.received_on:
            return number
    return -1


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
