"""入金照合: which remittance groups a bank credit pays (outcomes.md 7). Pure decisions.

Exact, deterministic, bounded: a credit settles when exactly one group, or else exactly one
combination of groups of its payer, has its amount. When more than one fits, nothing is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from payments.domain.profile import Profile

# More open groups of one payer than this is itself a matter for a person; 2**18 sums stay quick.
GROUPS_MAX = 18


@dataclass(frozen=True, slots=True)
class Group:
    """払込単位 as a candidate: what is still expected of it, net of fees and earlier credits."""

    group_id: int
    ref: str
    remitted_on: date
    expected_yen: int


@dataclass(frozen=True, slots=True)
class Credit:
    """入金: what a statement line says about itself."""

    amount_yen: int
    booked_on: date
    payer_code: str
    payer_name: str
    remarks: str
    edi: str


@dataclass(frozen=True, slots=True)
class CreditDecision:
    """入金照合の結果: the outcome, the groups it settles, and what else would have fitted."""

    outcome: str
    rule: str
    groups: tuple[Group, ...] = ()
    candidates: tuple[tuple[str, ...], ...] = ()


def payer_of(credit: Credit, profile: Profile) -> str:
    """The code of the agent that paid, "" when it is none of ours.

    The payer code decides; only where the bank gives none (振替) does the exact name of the
    profile do (files.md 1.1: the payer then often appears in 摘要 alone).
    """
    for agent in profile.agents:
        if credit.payer_code and credit.payer_code == agent.payer_code:
            return agent.code
    if credit.payer_code:
        return ""
    for agent in profile.agents:
        if agent.payer_name in {credit.payer_name.strip(), credit.remarks.strip()}:
            return agent.code
    return ""


def decide_credit(credit: Credit, agent: str, groups: Sequence[Group]) -> CreditDecision:
    """Settle a credit of a known payer, or say why it does not."""
    candidates = sorted(
        (g for g in groups if g.remitted_on <= credit.booked_on and g.expected_yen > 0),
        key=lambda group: (group.remitted_on, group.ref),
    )
    if agent == "eltax" and credit.edi:
        candidates = [group for group in candidates if group.ref == credit.edi]
    single = [group for group in candidates if group.expected_yen == credit.amount_yen]
    if len(single) == 1:
        return CreditDecision("settled", "B2", (single[0],))
    if len(single) > 1:
        return CreditDecision(
            "settlement_difference", "B4", candidates=tuple((group.ref,) for group in single)
        )
    fitting = list(_combinations_of(candidates, credit.amount_yen))
    if len(fitting) == 1:
        return CreditDecision("settled", "B3", fitting[0])
    refs = fitting or [tuple(candidates)]
    return CreditDecision(
        "settlement_difference",
        "B4",
        candidates=tuple(tuple(group.ref for group in some) for some in refs),
    )


def _combinations_of(groups: Sequence[Group], amount_yen: int) -> Iterator[tuple[Group, ...]]:
    """The first two combinations of two or more groups with this sum (two already say: unclear)."""
    if len(groups) > GROUPS_MAX:
        return
    found = 0
    for size in range(2, len(groups) + 1):
        for some in combinations(groups, size):
            if sum(group.expected_yen for group in some) == amount_yen:
                yield some
                found += 1
                if found > 1:
                    return


def is_returned_refund(credit: Credit, profile: Profile) -> bool:
    """還付の組戻: the bank's words for a transfer of ours that came back (files.md 1.4)."""
    texts = (credit.remarks, credit.payer_name)
    return any(pattern in text for pattern in profile.refund_return_patterns for text in texts)


def fitting_instalments(
    amount_yen: int, outstanding: Sequence[tuple[str, int]], limit: int = 14
) -> tuple[str, ...]:
    """The instalments of one obligor that a direct transfer may mean: one, or a sum of several.

    Only a suggestion: two people make the link (R6, R10). The smallest fitting set is named.
    """
    some = outstanding[:limit]
    for size in range(1, len(some) + 1):
        for chosen in combinations(some, size):
            if sum(yen for _, yen in chosen) == amount_yen:
                return tuple(name for name, _ in chosen)
    return ()
