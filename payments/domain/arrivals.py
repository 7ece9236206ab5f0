"""受領予定: on which days a source's files are due, until when, and what a wait looks like.

A rule is one line of the arrival calendar of a municipality (design, 「Expected arrivals」). It is
in force from its day on, until a later one of the same source. Everything here is pure: which day,
which moment, which colour.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from payments.domain.calendars import add_business_days, bank_business_day, is_bank_business_day
from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

JAPAN = timezone(timedelta(hours=9), "JST")
ONE_DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY, BUSINESS_DAYS, ON_DEMAND = "every_day", "business_days", "on_demand"
PLAIN_DAYS = (EVERY_DAY, BUSINESS_DAYS, ON_DEMAND)
LISTED_DAYS = ("weekdays", "monthly", "dates")
GRACE_MAX, FILES_MAX, DATED_MAX = 24 * 60, 99, 10
_MONTH_MAX = 23  # bank business days a month can have
# How far a due day may be moved by closed banks, and a file be dated before it.
_REACH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class ArrivalRule:
    """受領予定の定め of one source, from ``effective_on`` on.

    ``days``: ``every_day``, ``business_days`` (銀行営業日), ``weekdays:mon,thu`` (moved to the next
    bank business day), ``monthly:3,-1`` (n-th bank business day of the month, negative from its
    end), ``dates:2026-06-05,…`` (as they are) or ``on_demand`` (随時: never awaited).
    ``cut_off``: HH:MM in Japan. ``dated_days_before``: by how many bank business days the
    データ作成日 in a file precedes the day it is due; -1 where that date says nothing.
    """

    source: str
    days: str = BUSINESS_DAYS
    cut_off: str = "12:00"
    grace_minutes: int = 60
    files: int = 1
    nil_allowed: bool = True
    dated_days_before: int = 0
    effective_on: str = "2000-01-01"

    def __post_init__(self) -> None:
        """Refuse what cannot be a rule: :class:`InvalidValueError` ``arrival_rule``."""
        kind, _, listed = self.days.partition(":")
        if kind in PLAIN_DAYS and not listed:
            pass
        elif kind in LISTED_DAYS and listed:
            _require_list(kind, listed)
        else:
            self._refuse("days", self.days, " / ".join((*PLAIN_DAYS, *LISTED_DAYS)))
        try:
            _minutes(self.cut_off)
            date.fromisoformat(self.effective_on)
        except ValueError:
            self._refuse("cut_off / effective_on", self.cut_off, "HH:MM, YYYY-MM-DD")
        for name, least, most in (
            ("grace_minutes", 0, GRACE_MAX),
            ("files", 1, FILES_MAX),
            ("dated_days_before", -1, DATED_MAX),
        ):
            if not least <= getattr(self, name) <= most:
                self._refuse(name, getattr(self, name), f"{least}..{most}")

    def _refuse(self, field: str, found: object, expected: str) -> None:
        raise InvalidValueError(
            "arrival_rule", field=f"{self.source}.{field}", found=found, expected=expected
        )

    def cut_off_at(self, due_on: date) -> datetime:
        """締切時刻 of a due day, aware."""
        midnight = datetime(due_on.year, due_on.month, due_on.day, tzinfo=JAPAN)
        return (midnight + timedelta(minutes=_minutes(self.cut_off))).astimezone(UTC)

    def red_at(self, due_on: date) -> datetime:
        """猶予の終わり: from this moment on the source is red."""
        return self.cut_off_at(due_on) + timedelta(minutes=self.grace_minutes)

    def is_due(self, day: date) -> bool:
        """受領予定日か: whether a file is awaited on ``day``."""
        kind, _, listed = self.days.partition(":")
        if kind == EVERY_DAY:
            return True
        if kind == BUSINESS_DAYS:
            return is_business_day(day)
        if kind == "dates":
            return day.isoformat() in listed.split(",")
        if kind == "weekdays":
            return is_business_day(day) and any(
                _moved(other) == day
                for other in days_between(day - _REACH, day)
                if WEEKDAYS[other.weekday()] in listed.split(",")
            )
        if kind == "monthly":
            return is_business_day(day) and day in _monthly(day, listed)
        return False

    def due_for(self, created_on: date) -> date:
        """何日分か: the day a file dated ``created_on`` is due, if that is a due day at all."""
        if not self.dated_days_before:
            return created_on
        try:
            return add_business_days(created_on, self.dated_days_before)
        except InvalidValueError:  # a year whose holidays nobody knows
            return created_on + self.dated_days_before * ONE_DAY


def minutes_late(rule: ArrivalRule, due_on: date, arrived_at: datetime) -> int:
    """遅れ: minutes since the cut-off; 0 when it came in time, the grace included."""
    if arrived_at < rule.red_at(due_on):
        return 0
    return int((arrived_at - rule.cut_off_at(due_on)).total_seconds() // 60)


def wait_state(rule: ArrivalRule, due_on: date, at: datetime) -> str:
    """待ち方: ``awaited`` before the cut-off, ``overdue`` in the grace, ``missing`` after it."""
    if at < rule.cut_off_at(due_on):
        return "awaited"
    return "overdue" if at < rule.red_at(due_on) else "missing"


def is_business_day(day: date) -> bool:
    """銀行営業日; a year whose holidays nobody knows expects files every day."""
    try:
        return is_bank_business_day(day)
    except InvalidValueError:
        return True


def days_between(first: date, last: date) -> Iterator[date]:
    """``first`` to ``last``, both included."""
    for number in range((last - first).days + 1):
        yield first + number * ONE_DAY


def _moved(day: date) -> date:
    try:
        return bank_business_day(day)
    except InvalidValueError:
        return day


def _monthly(day: date, listed: str) -> set[date]:
    """The n-th bank business days of the month of ``day``."""
    first = day.replace(day=1)
    last = day.replace(day=monthrange(day.year, day.month)[1])
    opened = [each for each in days_between(first, last) if is_business_day(each)]
    numbers = [int(number) for number in listed.split(",")]
    return {opened[n - 1 if n > 0 else n] for n in numbers if abs(n) <= len(opened)}


def _minutes(clock: str) -> int:
    """HH:MM as minutes; :class:`ValueError` when it is none."""
    hours, colon, minutes = clock.partition(":")
    if not (colon and len(hours) == len(minutes) == 2 and (hours + minutes).isdecimal()):
        raise ValueError(clock)
    if int(hours) > 23 or int(minutes) > 59:
        raise ValueError(clock)
    return int(hours) * 60 + int(minutes)


def _require_list(kind: str, listed: str) -> None:
    """The days that a rule names must be days."""
    for each in listed.split(","):
        try:
            good = {
                "weekdays": lambda text: text in WEEKDAYS,
                "monthly": lambda text: 1 <= abs(int(text)) <= _MONTH_MAX,
                "dates": lambda text: bool(date.fromisoformat(text)),
            }[kind](each)
        except ValueError:
            good = False
        if not good:
            raise InvalidValueError(
                "arrival_rule", field=f"days ({kind})", found=each, expected=_EXPECTED[kind]
            )


_EXPECTED = {
    "weekdays": ",".join(WEEKDAYS),
    "monthly": f"1..{_MONTH_MAX}, -1..-{_MONTH_MAX}",
    "dates": "YYYY-MM-DD",
}
