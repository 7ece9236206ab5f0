"""日割計算: what an amount bears for a period of days at rates that change on the way.

Late charges and refund interest share this: a base, days over 365 (also in leap years), a cut
wherever the rate or the base changes and nowhere else, and fractions of a yen that are dropped per
segment or per tier (``law.md 1.1``, ``law.md 1.2``). Everything is whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from payments.domain.labels import LabelledCode
from payments.domain.periods import ONE_DAY
from payments.domain.rates import PPM, Tier, percent_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

YEAR_DAYS = 365  # always, also across 29 February
WHOLE = 100  # per cent of a day's charge that may be left out
YEN = YEAR_DAYS * PPM * WHOLE  # parts of one yen in which everything is counted


class FloorAt(LabelledCode):
    """円未満の切捨て: where fractions of a yen are dropped (``law.md 1.2``)."""

    SEGMENT = "segment", "区間ごと"
    TIER = "tier", "割合の区分ごと"


@dataclass(frozen=True, slots=True)
class Minimums:
    """端数の定め (地方税法20条の4の2②⑤): below which amounts nothing is due, what is cut off.

    Raises :class:`InvalidValueError` ``minimums`` for a unit below one or a negative minimum.
    """

    base_yen: int = 2_000  # a smaller base bears nothing
    base_unit_yen: int = 1_000
    result_yen: int = 1_000  # a smaller result is not levied
    result_unit_yen: int = 100

    def __post_init__(self) -> None:
        """Refuse what would divide by nothing."""
        if (
            min(self.base_unit_yen, self.result_unit_yen) < 1
            or min(self.base_yen, self.result_yen) < 0
        ):
            raise InvalidValueError("minimums", field="unit_yen", found=str(self), expected="1..")

    def base(self, amount_yen: int) -> int:
        """計算の基礎: 1,999 → 0; 152,500 → 152,000 (②)."""
        return 0 if amount_yen < self.base_yen else self.cut(amount_yen)

    def cut(self, amount_yen: int) -> int:
        """基礎の端数切捨て: without what is below the unit, and without the minimum."""
        return amount_yen - amount_yen % self.base_unit_yen

    def result(self, sum_yen: int) -> int:
        """確定額: 999 → 0; 4,723 → 4,700 (⑤)."""
        return 0 if sum_yen < self.result_yen else sum_yen - sum_yen % self.result_unit_yen


LAW = Minimums()


class Terms(NamedTuple):
    """その日の条件: what a day's charge is worked out from."""

    tier: Tier
    rate_ppm: int
    base_yen: int
    left_out_percent: int = 0  # 減免・除算: how much of the day's charge is not counted


class LeftOut(NamedTuple):
    """減免・除算の期間: days, both inclusive, that do not count, or only in part."""

    from_on: date
    until_on: date
    percent: int = WHOLE


@dataclass(frozen=True, slots=True)
class Segment:
    """区間: days one after another that have the same terms."""

    from_on: date
    until_on: date
    terms: Terms

    @property
    def days(self) -> int:
        """日数, both ends inclusive."""
        return (self.until_on - self.from_on).days + 1

    @property
    def parts(self) -> int:
        """The exact amount in parts of a yen (``YEN`` of them are one)."""
        terms = self.terms
        counted = WHOLE - terms.left_out_percent
        return terms.base_yen * terms.rate_ppm * self.days * counted

    @property
    def yen(self) -> int:
        """The amount without fractions of a yen."""
        return self.parts // YEN

    @property
    def rate_percent(self) -> str:
        """The rate as people write it: ``2.4``."""
        return percent_text(self.terms.rate_ppm)


def segments(
    first_on: date, last_on: date, terms_on: Callable[[date], Terms], cuts: Iterable[date] = ()
) -> tuple[Segment, ...]:
    """区間割り: the days from ``first_on`` to ``last_on``, cut wherever their terms change.

    ``cuts`` are the days on which terms may change; every 1 January is one. A day on which they
    do not change is no cut, so rates that are equal in neighbouring years form one run.
    """
    new_years = (date(year, 1, 1) for year in range(first_on.year + 1, last_on.year + 1))
    inside = {day for day in (*cuts, *new_years) if first_on < day <= last_on}
    runs = [
        (terms, next(days)) for terms, days in groupby(sorted({first_on, *inside}), key=terms_on)
    ]
    ends = [*(first - ONE_DAY for _terms, first in runs[1:]), last_on]
    return tuple(Segment(first, end, terms) for (terms, first), end in zip(runs, ends, strict=True))


def total(found: Sequence[Segment], floor_at: FloorAt) -> int:
    """合計: fractions of a yen dropped per segment, or once per tier (``law.md 1.2``)."""
    if floor_at is FloorAt.SEGMENT:
        return sum(segment.yen for segment in found)
    return sum(
        sum(segment.parts for segment in found if segment.terms.tier is tier) // YEN
        for tier in Tier
    )


class NothingDue(LabelledCode):
    """0円の理由: why nothing is due."""

    IN_TIME = "in_time", "期限までに納付されている"
    NO_DAYS = "no_days", "計算する日がない"
    SMALL_BASE = "small_base", "計算の基礎となる額が下限に満たない"
    SMALL_RESULT = "small_result", "計算した額が下限に満たない"
    LEFT_OUT = "left_out", "すべての日が計算から除かれている"


def why_nothing(found: Sequence[Segment]) -> NothingDue:
    """Why days that were counted came to nothing."""
    if found and all(segment.terms.left_out_percent == WHOLE for segment in found):
        return NothingDue.LEFT_OUT
    return NothingDue.SMALL_RESULT


def left_out_on(day: date, periods: Sequence[LeftOut]) -> int:
    """減免の割合 on ``day``, per cent; where periods overlap the greater one holds."""
    return max((p.percent for p in periods if p.from_on <= day <= p.until_on), default=0)


def cuts_of(periods: Sequence[LeftOut]) -> tuple[date, ...]:
    """The days on which a period begins, and those after its end.

    Raises :class:`InvalidValueError` ``left_out`` for a period that ends before it begins or leaves
    out something other than 1 to 100 per cent.
    """
    for period in periods:
        if period.until_on < period.from_on:
            raise InvalidValueError(
                "left_out", field="until_on", found=period.until_on, expected=f"{period.from_on}.."
            )
        if not 1 <= period.percent <= WHOLE:
            raise InvalidValueError(
                "left_out", field="percent", found=period.percent, expected=f"1..{WHOLE}"
            )
    ends = (period.until_on for period in periods if period.until_on < date.max)
    return (*(period.from_on for period in periods), *(end + ONE_DAY for end in ends))
