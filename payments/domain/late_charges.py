"""延滞金の一括計算: the late charges of many claims for one day (``law.md 1``).

The same result as :func:`payments.domain.late_charge.late_charge`, many at a time: what one yen
bears from a due date to the day is worked out once per due date, by that very function. Claims
with partial payments are worked out one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.accrual import YEN, FloorAt
from payments.domain.late_charge import TAX, LateChargeRules, PartPayment, late_charge
from payments.domain.money import AMOUNT_YEN_MAX
from payments.domain.rates import RateTable, Tier, known_rates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date


class OverdueClaim(NamedTuple):
    """一つの期別: its tax, its shifted due date, what was paid of it in parts."""

    tax_yen: int
    due_on: date
    payments: tuple[PartPayment, ...] = ()


def late_charges(
    claims: Iterable[OverdueClaim],
    paid_on: date,
    *,
    rules: LateChargeRules = TAX,
    rates: RateTable | None = None,
) -> Iterator[int]:
    """延滞金の額 of every claim, in order, when it is paid on ``paid_on``.

    Streams: claims are taken one after another. Raises what
    :func:`payments.domain.late_charge.late_charge` raises.
    """
    table = rates or known_rates()
    weights: dict[date, tuple[int, ...]] = {}
    lowest = rules.minimums
    for tax_yen, due_on, payments in claims:
        if payments or type(tax_yen) is not int or not lowest.base_yen <= tax_yen <= AMOUNT_YEN_MAX:
            yield late_charge(
                tax_yen, due_on, paid_on, rules=rules, rates=table, payments=payments
            ).charge_yen
            continue
        of_one_yen = weights.get(due_on)
        if of_one_yen is None:
            of_one_yen = weights[due_on] = _weights(due_on, paid_on, rules, table)
        base_yen = tax_yen - tax_yen % lowest.base_unit_yen
        sum_yen = 0
        for weight in of_one_yen:
            sum_yen += base_yen * weight // YEN
        yield sum_yen - sum_yen % lowest.result_unit_yen if sum_yen >= lowest.result_yen else 0


def _weights(
    due_on: date, paid_on: date, rules: LateChargeRules, table: RateTable
) -> tuple[int, ...]:
    """What one yen of base bears, in parts of a yen, for each amount that is floored by itself."""
    base_yen = (rules.minimums.base_yen // rules.minimums.base_unit_yen + 1) * (
        rules.minimums.base_unit_yen
    )
    found = late_charge(base_yen, due_on, paid_on, rules=rules, rates=table).segments
    each = [(segment.terms.tier, segment.parts // base_yen) for segment in found]
    if rules.floor_at is FloorAt.SEGMENT:
        return tuple(parts for _tier, parts in each)
    tiers = [sum(parts for tier, parts in each if tier is wanted) for wanted in Tier]
    return tuple(parts for parts in tiers if parts)
