"""還付加算金: what an overpayment bears until it is decided to pay it back (``law.md 6``).

地方税法17条の4. The day on which it begins depends on why money must go back, and is a recurring
fault of practice; so the reason is part of the calculation, and the start follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from payments.domain.accrual import (
    LAW,
    FloorAt,
    LeftOut,
    NothingDue,
    Segment,
    Terms,
    cuts_of,
    left_out_on,
    segments,
    total,
    why_nothing,
)
from payments.domain.errors import InvalidValueError
from payments.domain.labels import LabelledCode
from payments.domain.money import require_yen
from payments.domain.periods import ONE_DAY, period_end
from payments.domain.rates import RateTable, Tier, known_rates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

CLAIM_DAYS = 30  # 請求がされるまで計算に入れない期間は、通知から30日を経過した日の翌日に始まる


class RefundReason(LabelledCode):
    """還付の理由: why money must go back, which decides where interest begins (``law.md 6.1``)."""

    REASSESSED = "reassessed", "更正・賦課決定による減額"
    CLAIMED = "claimed", "更正の請求による減額"
    INCOME_TAX = "income_tax", "所得税の更正・申告による減額"
    MISPAID = "mispaid", "誤納（二重納付・過大な納付・納める人の誤りなど）"

    @property
    def is_overpaid(self) -> bool:
        """過納か: the payment was right when it was made; otherwise it is 誤納."""
        return self is not RefundReason.MISPAID


@dataclass(frozen=True, slots=True)
class RefundInterest:
    """還付加算金の計算: the result with everything that led to it."""

    amount_yen: int
    starts_on: date
    ends_on: date
    base_yen: int
    segments: tuple[Segment, ...]
    sum_yen: int
    interest_yen: int
    nothing_due: NothingDue | None  # why the interest is 0


def refund_interest(
    amount_yen: int,
    starts_on: date,
    ends_on: date,
    *,
    rates: RateTable | None = None,
    left_out: Sequence[LeftOut] = (),
) -> RefundInterest:
    """還付加算金の額 from ``starts_on`` to ``ends_on``, both inclusive (``law.md 6.3``).

    ``ends_on`` is the day of the payment decision (支出決定), of the appropriation, or of 充当適状
    where that is earlier. Fractions of a yen are dropped per segment.

    Raises :class:`InvalidValueError` ``rate_unknown`` for a year whose rate nobody has confirmed,
    ``left_out``, and the errors of :func:`payments.domain.money.require_yen`.
    """
    require_yen(amount_yen, "amount_yen")
    base_yen = LAW.base(amount_yen)
    cuts = cuts_of(left_out)
    found: tuple[Segment, ...] = ()
    if base_yen == 0:
        nothing_due = NothingDue.SMALL_BASE
    elif ends_on < starts_on:
        nothing_due = NothingDue.NO_DAYS
    else:
        table = rates or known_rates()

        def terms_on(day: date) -> Terms:
            rate_ppm = table.ppm(day.year, Tier.REFUND)
            return Terms(Tier.REFUND, rate_ppm, base_yen, left_out_on(day, left_out))

        found = segments(starts_on, ends_on, terms_on, cuts)
        nothing_due = why_nothing(found)
    sum_yen = total(found, FloorAt.SEGMENT)
    interest_yen = LAW.result(sum_yen)
    return RefundInterest(
        amount_yen=amount_yen,
        starts_on=starts_on,
        ends_on=ends_on,
        base_yen=base_yen,
        segments=found,
        sum_yen=sum_yen,
        interest_yen=interest_yen,
        nothing_due=None if interest_yen else nothing_due,
    )


def interest_starts_on(
    reason: RefundReason,
    paid_on: date,
    *,
    event_on: date | None = None,
    corrected_on: date | None = None,
) -> date:
    """加算の始まり (17条の4①, 施行令6条の15; ``law.md 6.1``): the first day that bears interest.

    * 更正・賦課決定: the day after payment;
    * 更正の請求: the day after the earlier of ``event_on`` (the request) + 3 months and
      ``corrected_on`` + 1 month;
    * 所得税: the day after ``event_on`` (notice or filing) + 1 month;
    * 誤納: the day after payment + 1 month.

    Months run by calendar from the day after the event. It never begins before the day after
    payment. Raises :class:`InvalidValueError` ``refund_event`` when a day is missing.
    """
    if reason is RefundReason.REASSESSED:
        return paid_on + ONE_DAY
    if reason is RefundReason.MISPAID:
        return _after_months(paid_on, 1)
    begins = []
    if reason is RefundReason.CLAIMED:
        begins.append(_after_months(_required(event_on, "event_on"), 3))
        begins.append(_after_months(_required(corrected_on, "corrected_on"), 1))
    else:
        begins.append(_after_months(_required(event_on, "event_on"), 1))
    return max(min(begins), paid_on + ONE_DAY)


def unclaimed(notified_on: date, claimed_on: date) -> LeftOut | None:
    """除算期間 (17条の4②一): the days that do not count because nobody claimed the refund.

    When no claim came within 30 days after the notice: from the 31st day to the day of the claim,
    both inclusive. None when it came in time.
    """
    first_on = notified_on + timedelta(days=CLAIM_DAYS + 1)
    return LeftOut(first_on, claimed_on) if claimed_on >= first_on else None


def _after_months(event_on: date, months: int) -> date:
    """The day after the months that begin on the day after an event."""
    return period_end(event_on + ONE_DAY, months) + ONE_DAY


def _required(day: date | None, field: str) -> date:
    """A day that the reason needs."""
    if day is None:
        raise InvalidValueError("refund_event", field=field, found="", expected="YYYY-MM-DD")
    return day
