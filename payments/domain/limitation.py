"""時効: on which day the right to collect an instalment ends (``law.md 3``), pure.

The period runs from the day after 納期限 (地方税法18条①): five years, for 保険料 two. It begins
anew with a dunning letter, when the ten days after it are over, and with an acknowledgement such as
a plan or a part payment (18条の2①, 民法152条); while collection is put off it stands still (④).
What happens after the last day changes nothing any more: it needs no invoking and cannot be waived
(18条②).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from payments.domain.labels import LabelledCode
from payments.domain.periods import ONE_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LATEST = date(9900, 1, 1)  # of a standstill without an end
DUNNING_DAYS = 10  # 督促状を発した日から起算して10日を経過した日 (18条の2①二)


class Cause(LabelledCode):
    """時効の更新・停止の事由."""

    DUNNING = "dunning", "督促"
    SEIZURE = "seizure", "差押え"
    DEMAND = "demand", "交付要求"
    ACKNOWLEDGEMENT = "acknowledgement", "納付義務の承認"
    PLAN = "plan", "分納の誓約"
    PART_PAYMENT = "part_payment", "一部納付"
    PUT_OFF = "put_off", "徴収猶予・換価の猶予"


@dataclass(frozen=True, slots=True)
class Renewal:
    """時効の更新: the period begins anew on the day after ``on`` (督促: after its ten days)."""

    on: date
    cause: Cause

    @property
    def takes_effect_on(self) -> date:
        """The last day before the new period."""
        if self.cause is Cause.DUNNING:
            return self.on + timedelta(days=DUNNING_DAYS)
        return self.on


@dataclass(frozen=True, slots=True)
class Standstill:
    """時効の停止: days, both inclusive, on which the period does not run."""

    from_on: date
    until_on: date


@dataclass(frozen=True, slots=True)
class Limitation:
    """時効: the last day of the period, and what it was counted from."""

    last_on: date
    began_on: date  # the day after this one is the first of the period
    renewals: tuple[Renewal, ...]  # those that counted
    stood_still_days: int

    @property
    def extinguished_on(self) -> date:
        """消滅の日: from this day on nothing may be collected or kept."""
        return self.last_on + ONE_DAY


def limitation(
    due_on: date,
    years: int,
    renewals: Iterable[Renewal] = (),
    standstills: Sequence[Standstill] = (),
) -> Limitation:
    """時効の完成 of what was due on ``due_on`` (the 納期限 after the holiday shift)."""
    began_on, counted = due_on, []
    last_on, stood = _runs_until(began_on, years, standstills)
    for renewal in sorted(renewals, key=lambda each: (each.on, each.cause)):
        # A letter sent in time counts: until its ten days are over the period does not end.
        if renewal.on <= last_on and renewal.takes_effect_on >= began_on:
            began_on = renewal.takes_effect_on
            counted.append(renewal)
            last_on, stood = _runs_until(began_on, years, standstills)
    return Limitation(last_on, began_on, tuple(counted), stood)


def _runs_until(began_on: date, years: int, standstills: Sequence[Standstill]) -> tuple[date, int]:
    """The last day of a period, and for how many days it stood still."""
    last_on, stood, behind = anniversary(began_on, years), 0, began_on
    for each in sorted(standstills, key=lambda one: one.from_on):
        first_on = max(each.from_on, behind + ONE_DAY)
        if first_on <= last_on and first_on <= each.until_on:
            days = (min(each.until_on, _LATEST) - first_on).days + 1
            last_on, stood, behind = last_on + timedelta(days=days), stood + days, each.until_on
    return last_on, stood


def anniversary(day: date, years: int) -> date:
    """応当日: the same day so many years later, the last of February where it has none."""
    year = day.year + years
    return date(year, day.month, min(day.day, calendar.monthrange(year, day.month)[1]))
