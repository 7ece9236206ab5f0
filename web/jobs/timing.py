"""予定の計算: when a job is due, on which days, and what becomes of slots that were missed (pure).

A timing is a cron expression of five fields (分 時 日 月 曜日) in Japanese time, or ``@every 20``
(seconds) for a round that looks whether there is something to do. Days of the week are numbered as
everywhere (0 and 7 are Sunday); both day fields must hold, unlike in classic cron.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from apscheduler.triggers.cron import CronTrigger

from payments.domain.calendars import is_bank_business_day
from payments.domain.errors import InvalidValueError
from web import clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

EVERY = "@every "
EVERY_SECONDS_MAX = 3_600
MADE_UP_FOR = timedelta(days=40)  # what was missed longer ago is not made up for
_WEEK = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIELDS = 5
_A_YEAR = timedelta(days=366)
_INSTANT = timedelta(microseconds=1)


class Days(StrEnum):
    """対象日: on which days a slot counts; business days are those of banks (銀行法15条)."""

    EVERY_DAY = "every_day"
    BUSINESS = "business"
    FIRST_BUSINESS = "first_business"  # of the month
    LAST_BUSINESS = "last_business"  # of the month


class CatchUp(StrEnum):
    """追いつき方: what becomes of slots that nobody ran in time."""

    ONCE = "once"  # one run stands for all of them
    EACH = "each"  # every one in order, as of its own time
    SKIP = "skip"  # they are left out


@dataclass(frozen=True, slots=True)
class Timing:
    """予定: when, and on which days."""

    text: str
    days: Days

    @property
    def seconds(self) -> int | None:
        """The length of a round, None for a cron expression."""
        return int(self.text.removeprefix(EVERY)) if self.text.startswith(EVERY) else None

    def fires(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Slots in (after, until], oldest first; of a cron expression."""
        trigger, fire = _trigger(self.text), after.astimezone(clock.JST)
        while True:
            found = trigger.get_next_fire_time(fire, fire + _INSTANT)
            if found is None or found > until:
                return
            fire = found
            if counts(found.date(), self.days):
                yield found

    def next_after(self, moment: datetime) -> datetime | None:
        """次回: the first slot behind ``moment``, None when there is none within a year."""
        return next(self.fires(moment, moment + _A_YEAR), None)


@dataclass(frozen=True, slots=True)
class Slot:
    """実行枠: a moment at which a job is due; ``covers`` counts the slots it stands for."""

    due_at: datetime
    covers: int = 1
    skipped: bool = False
    late: bool = False  # it is run as of its own moment, not of now


def timing_of(text: str, days: str) -> Timing:
    """The timing that somebody wrote.

    Raises :class:`InvalidValueError` ``job_timing``, ``job_days`` or ``job_round_days``.
    """
    text = " ".join(text.split())
    if days not in set(Days):
        raise InvalidValueError("job_days", found=days, expected=" / ".join(Days))
    timing = Timing(text, Days(days))
    if text.startswith(EVERY):
        seconds = text.removeprefix(EVERY)
        if not (seconds.isdecimal() and 1 <= int(seconds) <= EVERY_SECONDS_MAX):
            raise InvalidValueError("job_timing", found=text)
        if timing.days is not Days.EVERY_DAY:
            raise InvalidValueError("job_round_days", found=days)
    else:
        _trigger(text)
    return timing


def counts(day: date, days: Days) -> bool:
    """Whether a slot on ``day`` counts; a year whose holidays nobody knows has no days off."""
    if days is Days.EVERY_DAY:
        return True
    if not _is_business(day):
        return False
    if days is Days.BUSINESS:
        return True
    step = timedelta(days=-1 if days is Days.FIRST_BUSINESS else 1)
    other = day + step
    while other.month == day.month:
        if _is_business(other):
            return False
        other += step
    return True


def due_slot(
    timing: Timing, catch_up: CatchUp, after: datetime, now: datetime, grace: timedelta
) -> Slot | None:
    """次の実行枠: what is to be run, or noted as left out, behind the slot ``after``.

    ``grace``: a slot that is older has been missed.
    """
    found = list(timing.fires(max(after, now - MADE_UP_FOR), now))
    if not found:
        return None
    if catch_up is CatchUp.ONCE:
        return Slot(found[-1], len(found))
    missed = [fire for fire in found if fire < now - grace]
    if catch_up is CatchUp.EACH:
        return Slot(found[0], late=bool(missed))
    return Slot(missed[-1], len(missed), skipped=True) if missed else Slot(found[0])


def _is_business(day: date) -> bool:
    try:
        return is_bank_business_day(day)
    except InvalidValueError:
        return True


@lru_cache(maxsize=1_024)
def _trigger(text: str) -> CronTrigger:
    """APScheduler's trigger; it counts the week from Monday, so days go to it by name.

    Raises :class:`InvalidValueError` ``job_timing``.
    """
    fields = text.split()
    if len(fields) != _FIELDS:
        raise InvalidValueError("job_timing", found=text)
    try:
        fields[4] = ",".join(_by_name(part) for part in fields[4].split(","))
        return CronTrigger.from_crontab(" ".join(fields), timezone=clock.JST)
    except (ValueError, IndexError) as error:
        raise InvalidValueError("job_timing", found=text) from error


def _by_name(part: str) -> str:
    """``1-5`` → ``mon,tue,wed,thu,fri``; names and ``*`` as they are."""
    first, dash, last = part.partition("-")
    if "/" in part:
        raise ValueError(part)  # Every second day of a week that begins on which day?
    if not first.isdecimal():
        return part
    if not dash:
        return _WEEK[int(first)]
    if int(first) > int(last):
        raise ValueError(part)
    return ",".join(_WEEK[int(first) : int(last) + 1])
