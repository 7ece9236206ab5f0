"""延滞金の見込み: what each instalment of an account bears if the rest is paid on a day (pure)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from payments.domain.late_charge import PartPayment, late_charge
from payments.domain.late_charge_levies import shipped_levies
from payments.domain.late_charges import OverdueClaim, late_charges
from web.calc.questions import LateChargeAnswer
from web.calc.working import Working, tell_late_charge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from payments.domain.late_charge import LateChargeRules
    from payments.domain.rates import RateTable
    from reconcile.person_account import Instalment, Part, PersonAccount, Receipt

LEVY = "tax"  # the rules that are taken unless somebody chooses others


def require_levy(levy: str) -> str:
    """定めの名称; :class:`InvalidValueError` ``late_charge_levy`` for one that is not shipped."""
    if levy not in shipped_levies().names:
        expected = " ".join(shipped_levies().names)
        raise InvalidValueError("late_charge_levy", field="levy", found=levy, expected=expected)
    return levy


def charges_on(
    account: PersonAccount,
    instalments: Iterable[Instalment],
    on: date,
    levy: str,
    rates: RateTable,
) -> dict[tuple[int, str], int]:
    """延滞金 of each instalment in yen, by notice and term.

    Raises :class:`InvalidValueError` ``rate_unknown`` for a day in a year without a rate, and
    ``late_charge_levy`` for a due date that the levy has no rules for.
    """
    by_rules: dict[LateChargeRules, list[Instalment]] = defaultdict(list)
    for each in instalments:
        by_rules[shipped_levies().rules(levy, each.due_on)].append(each)
    paid = account.parts_of
    found: dict[tuple[int, str], int] = {}
    for rules, group in by_rules.items():
        claims = [
            OverdueClaim(
                each.amount_yen, each.due_on, payments_of(each, paid.get(_place(each), ()), on)
            )
            for each in group
        ]
        yens = late_charges(claims, on, rules=rules, rates=rates)
        found |= {_place(each): yen for each, yen in zip(group, yens, strict=True)}
    return found


def working_of(
    account: PersonAccount, instalment: Instalment, on: date, levy: str, rates: RateTable
) -> Working:
    """計算の過程 of one instalment; raises as :func:`charges_on` does."""
    parts = payments_of(instalment, account.parts_of.get(_place(instalment), ()), on)
    found = late_charge(
        instalment.amount_yen,
        instalment.due_on,
        on,
        rules=shipped_levies().rules(levy, instalment.due_on),
        rates=rates,
        payments=parts,
    )
    answer = LateChargeAnswer(found, levy, instalment.due_on_statutory, parts, ())
    return tell_late_charge(answer, rates)


def payments_of(
    instalment: Instalment, paid: Sequence[tuple[Receipt, Part]], on: date
) -> tuple[PartPayment, ...]:
    """一部納付 up to a day: what of each payment went to the claim as it stands now."""
    left_yen = instalment.amount_yen
    found = []
    for receipt, part in paid:
        paid_on = receipt.paid_on or receipt.received_on
        yen = min(part.amount_yen, left_yen)
        if yen > 0 and paid_on <= on:
            found.append(PartPayment(paid_on, yen))
            left_yen -= yen
    return tuple(found)


def _place(instalment: Instalment) -> tuple[int, str]:
    return instalment.notice_id, instalment.term
