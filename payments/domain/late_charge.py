"""延滞金: what a claim that was paid late bears (``law.md 1``), pure and line by line.

Worked out per levy and per instalment (期別), never on a sum of instalments. The due date is the
shifted one (:func:`payments.domain.calendars.tax_due_on`); who has only the statutory date shifts
it first. Waivers (減免) and partial payments cut the period; so does a rate that changes, and
nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.accrual import (
    LAW,
    FloorAt,
    LeftOut,
    Minimums,
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
from payments.domain.money import require_yen
from payments.domain.periods import ONE_DAY, period_end
from payments.domain.rates import RateTable, Tier, known_rates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

LOW_TIER_MONTHS_MAX = 12


@dataclass(frozen=True, slots=True)
class LateChargeRules:
    """延滞金の定め: what levies and municipalities differ in (``law.md 1.2``, ``law.md 1.4``).

    ``low_tier_months`` None means the low rate throughout. ``small_remainder_exempt`` says whether
    what is left after a partial payment bears nothing when it is below the minimum (``law.md 1``
    does not decide it; the tax itself always is).

    Raises :class:`InvalidValueError` ``low_tier_months``.
    """

    low_tier_months: int | None = 1
    floor_at: FloorAt = FloorAt.SEGMENT
    minimums: Minimums = LAW
    small_remainder_exempt: bool = False

    def __post_init__(self) -> None:
        """Refuse a low tier of no month, or of more than a year."""
        months = self.low_tier_months
        if months is not None and not 1 <= months <= LOW_TIER_MONTHS_MAX:
            raise InvalidValueError(
                "low_tier_months",
                field="low_tier_months",
                found=months,
                expected=f"1..{LOW_TIER_MONTHS_MAX}",
            )


TAX = LateChargeRules()


class PartPayment(NamedTuple):
    """一部納付: what of a payment went to the tax itself (principal), and when it was paid."""

    paid_on: date
    amount_yen: int


@dataclass(frozen=True, slots=True)
class LateCharge:
    """延滞金の計算: the result with everything that led to it."""

    tax_yen: int
    due_on: date
    paid_on: date
    rules: LateChargeRules
    base_yen: int
    low_until: date | None  # the last day of the low tier; None: throughout, or nothing runs
    segments: tuple[Segment, ...]
    sum_yen: int
    charge_yen: int
    nothing_due: NothingDue | None  # why the charge is 0


def late_charge(
    tax_yen: int,
    due_on: date,
    paid_on: date,
    *,
    rules: LateChargeRules = TAX,
    rates: RateTable | None = None,
    payments: Sequence[PartPayment] = (),
    left_out: Sequence[LeftOut] = (),
) -> LateCharge:
    """延滞金の額 when everything is paid on ``paid_on`` (``law.md 1.1``, ``law.md 1.2``).

    Days count from the day after ``due_on`` (shifted) to ``paid_on`` inclusive. After a partial
    payment the base is what is left, from the next day on (国税通則法62条①; ``law.md 1.1``).

    Raises :class:`InvalidValueError` ``rate_unknown`` for a year without a rate, ``part_payment``
    for payments after ``paid_on`` or of more than the tax, ``left_out``, and the errors of
    :func:`payments.domain.money.require_yen`.
    """
    _check(tax_yen, paid_on, payments)
    last_on = _paid_up_on(tax_yen, paid_on, payments)
    early_yen = sum(p.amount_yen for p in payments if p.paid_on <= due_on)
    base_yen = rules.minimums.base(tax_yen - early_yen)
    low_until: date | None = None
    found: tuple[Segment, ...] = ()
    if last_on <= due_on:
        nothing_due = NothingDue.IN_TIME
    elif base_yen == 0:
        nothing_due = NothingDue.SMALL_BASE
    else:
        table = rates or known_rates()
        low_until = _low_until(due_on + ONE_DAY, rules, table)
        cuts = {*cuts_of(left_out), *(p.paid_on + ONE_DAY for p in payments if p.paid_on < last_on)}

        def terms_on(day: date) -> Terms:
            tier = Tier.LOW if low_until is None or day <= low_until else Tier.HIGH
            base_yen = _base_on(day, tax_yen, payments, rules)
            return Terms(tier, table.ppm(day.year, tier), base_yen, left_out_on(day, left_out))

        if low_until is not None:
            cuts.add(low_until + ONE_DAY)
        found = segments(due_on + ONE_DAY, last_on, terms_on, cuts)
        nothing_due = why_nothing(found)
    sum_yen = total(found, rules.floor_at)
    charge_yen = rules.minimums.result(sum_yen)
    return LateCharge(
        tax_yen=tax_yen,
        due_on=due_on,
        paid_on=paid_on,
        rules=rules,
        base_yen=base_yen,
        low_until=low_until,
        segments=found,
        sum_yen=sum_yen,
        charge_yen=charge_yen,
        nothing_due=None if charge_yen else nothing_due,
    )


def _check(tax_yen: int, paid_on: date, payments: Sequence[PartPayment]) -> None:
    """Refuse amounts that cannot be, and payments that do not belong to this calculation."""
    require_yen(tax_yen, "tax_yen")
    for payment in payments:
        require_yen(payment.amount_yen, "part_payment", minimum=1)
        if payment.paid_on > paid_on:
            raise InvalidValueError(
                "part_payment", field="paid_on", found=payment.paid_on, expected=f"..{paid_on}"
            )
    paid_yen = sum(payment.amount_yen for payment in payments)
    if paid_yen > tax_yen:
        raise InvalidValueError(
            "part_payment", field="amount_yen", found=paid_yen, expected=f"..{tax_yen}"
        )


def _paid_up_on(tax_yen: int, paid_on: date, payments: Sequence[PartPayment]) -> date:
    """完納の日: the day on which nothing is left, at the latest ``paid_on``."""
    if sum(payment.amount_yen for payment in payments) < tax_yen:
        return paid_on
    return max((payment.paid_on for payment in payments), default=paid_on)


def _low_until(first_on: date, rules: LateChargeRules, table: RateTable) -> date | None:
    """低い割合の最後の日; None where it is the low rate throughout."""
    table.ppm(first_on.year, Tier.LOW)  # a year that is not known is refused, not counted from
    if rules.low_tier_months is None:
        return None
    return period_end(first_on, rules.low_tier_months)


def _base_on(
    day: date, tax_yen: int, payments: Sequence[PartPayment], rules: LateChargeRules
) -> int:
    """計算の基礎 of a day: a payment counts from the day after it."""
    unpaid_yen = tax_yen - sum(p.amount_yen for p in payments if p.paid_on < day)
    if rules.small_remainder_exempt:
        return rules.minimums.base(unpaid_yen)
    return rules.minimums.cut(unpaid_yen)
