"""入金照合: which remittance groups the bank credits of one payer pay (outcomes.md 7). Pure.

Exact, deterministic, bounded. A reading (読み方) says what a credit contains: one group (B2),
several groups (B3), or, together with other credits, one group (B3S). What settles must be the only
reading of its credits; where several fit, nothing is chosen and all are shown, up to a limit.

Credits are read in order of 勘定日. Among those of one day the order does not count: a credit that
is one group goes before one that is several, and two credits whose readings share a group settle
neither, unless they are of the same amount and read alike, so that it makes no difference which.
Credits that together make up one group are looked for when no credit settles by itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations, groupby
from typing import TYPE_CHECKING, NamedTuple

from reconcile.settlement.subset_sums import AMOUNTS_MAX, subsets_with_sum

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from payments.domain.profile import Profile

# More open groups or credits of one payer than this are themselves a matter for a person.
GROUPS_MAX = AMOUNTS_MAX
CREDITS_MAX = 16
SPLIT_MAX = 4  # credits that may make up one group
SHOWN_MAX = 20  # readings shown where several fit
ONE_GROUP, SEVERAL_GROUPS, SPLIT, DIFFERENCE = "B2", "B3", "B3S", "B4"

CreditKey = tuple[int, int]  # file, line


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


class OpenCredit(NamedTuple):
    """未照合の入金: a credit, and the groups that people took from it (link_block)."""

    key: CreditKey
    credit: Credit
    blocked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class CreditDecision:
    """入金照合の結果: the outcome, the groups it settles, and what else would have fitted.

    ``candidates`` are the sets of groups that would fit, when several do; ``splits`` the ways in
    which it would make up one group with other credits; ``open_refs`` what the payer still owes
    when nothing fits. ``more`` says that not all are listed. ``unsearched`` is the number of open
    groups (or credits) when there are too many of them to be added up.
    """

    outcome: str
    rule: str
    groups: tuple[Group, ...] = ()
    candidates: tuple[tuple[str, ...], ...] = ()
    partners: tuple[CreditKey, ...] = ()  # credits that settle the group together, this one too
    splits: tuple[tuple[str, tuple[CreditKey, ...]], ...] = ()
    open_refs: tuple[str, ...] = ()
    more: bool = False
    unsearched_groups: int = 0
    unsearched_credits: int = 0


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


def candidates_of(
    credit: Credit, agent: str, groups: Sequence[Group], blocked: frozenset[int] = frozenset()
) -> list[Group]:
    """The groups that a credit may contain, by day and name.

    Not those dated after it (outcomes.md 9), nor those that people took from it; a remittance
    number in the EDI field names its group.
    """
    return sorted(
        (
            group
            for group in groups
            if group.expected_yen > 0
            and group.remitted_on <= credit.booked_on
            and group.group_id not in blocked
            and (agent != "eltax" or not credit.edi or group.ref == credit.edi)
        ),
        key=lambda group: (group.remitted_on, group.ref),
    )


def decide_credit(
    credit: Credit, agent: str, groups: Sequence[Group], blocked: frozenset[int] = frozenset()
) -> CreditDecision:
    """What one credit of a known payer contains by itself, or why it settles nothing."""
    candidates = candidates_of(credit, agent, groups, blocked)
    single = [group for group in candidates if group.expected_yen == credit.amount_yen]
    if len(single) == 1:
        return CreditDecision("settled", ONE_GROUP, (single[0],))
    if single:
        return _several_fit([(group,) for group in single])
    smaller = [group for group in candidates if group.expected_yen < credit.amount_yen]
    if len(smaller) > GROUPS_MAX:
        return _nothing_fits(candidates, unsearched=len(smaller))
    fitting = [
        tuple(smaller[place] for place in places)
        for places in subsets_with_sum(
            [group.expected_yen for group in smaller],
            credit.amount_yen,
            most=SHOWN_MAX + 1,
            smallest=2,
        )
    ]
    if len(fitting) == 1:
        return CreditDecision("settled", SEVERAL_GROUPS, fitting[0])
    return _several_fit(fitting) if fitting else _nothing_fits(candidates)


def _several_fit(fitting: Sequence[tuple[Group, ...]]) -> CreditDecision:
    """金額の合う払込が一通りでない: all are shown, up to the limit."""
    refs = tuple(tuple(group.ref for group in some) for some in fitting[:SHOWN_MAX])
    return CreditDecision(
        "settlement_difference", DIFFERENCE, candidates=refs, more=len(fitting) > SHOWN_MAX
    )


def _nothing_fits(candidates: Sequence[Group], *, unsearched: int = 0) -> CreditDecision:
    """合う払込がない, or more open groups than are added up."""
    return CreditDecision(
        "settlement_difference",
        DIFFERENCE,
        open_refs=tuple(group.ref for group in candidates[:SHOWN_MAX]),
        more=len(candidates) > SHOWN_MAX,
        unsearched_groups=unsearched,
    )


# ---- all open credits of one payer ----


def decide_payer(
    waiting: Sequence[OpenCredit], agent: str, groups: Sequence[Group]
) -> dict[CreditKey, CreditDecision]:
    """入金照合: every open credit of one payer decided, in the order in which they settle.

    A credit that settles changes what is open for the others, so these are read again until
    nothing moves. What has not settled comes last.
    """
    rest = sorted(waiting, key=lambda one: (one.credit.booked_on, one.key))
    left = {group.group_id: group for group in groups}
    decided: dict[CreditKey, CreditDecision] = {}
    while True:
        alone = {
            one.key: decide_credit(one.credit, agent, list(left.values()), one.blocked)
            for one in rest
        }
        splits = _Splits(rest, agent, list(left.values()), alone)
        settled = _settling_alone(rest, alone) or splits.settling()
        if not settled:
            return decided | splits.shown()
        decided |= settled
        rest = [one for one in rest if one.key not in settled]
        for decision in settled.values():
            for group in decision.groups:
                left.pop(group.group_id, None)


def _settling_alone(
    rest: Sequence[OpenCredit], alone: dict[CreditKey, CreditDecision]
) -> dict[CreditKey, CreditDecision]:
    """Of the first day on which any credit settles by itself: those that do."""
    for _day, of_day in groupby(rest, key=lambda one: one.credit.booked_on):
        same_day = list(of_day)
        for rule in (ONE_GROUP, SEVERAL_GROUPS):
            reading = {
                one.key: (one.credit.amount_yen, alone[one.key])
                for one in same_day
                if alone[one.key].rule == rule
            }
            if settled := dict(_undisputed(reading)):
                return settled
    return {}


def _undisputed(
    reading: dict[CreditKey, tuple[int, CreditDecision]],
) -> Iterator[tuple[CreditKey, CreditDecision]]:
    """The credits whose groups no other one of the day reads differently.

    Of credits that are alike in amount and groups the first settles; the others are the same money
    once more.
    """
    taken: set[int] = set()
    for key, (yen, decision) in reading.items():
        groups = {group.group_id for group in decision.groups}
        disputed = any(
            groups & {group.group_id for group in other.groups}
            and (yen, groups) != (other_yen, {group.group_id for group in other.groups})
            for other_yen, other in reading.values()
        )
        if not disputed and not groups & taken:
            taken |= groups
            yield key, decision


class _Reading(NamedTuple):
    """One group that several credits would make up."""

    group: Group
    credits: tuple[CreditKey, ...]


class _Splits:
    """分割入金: one group that came in several credits."""

    def __init__(
        self,
        rest: Sequence[OpenCredit],
        agent: str,
        groups: Sequence[Group],
        alone: dict[CreditKey, CreditDecision],
    ) -> None:
        """Look for all sets of two to :data:`SPLIT_MAX` credits that are one group together."""
        self.rest = rest
        self.alone = alone
        self.too_many = len(rest) if len(rest) > CREDITS_MAX else 0
        self.readings: list[_Reading] = []
        if self.too_many:
            return
        expected: dict[int, list[Group]] = {}
        for group in sorted(groups, key=lambda group: (group.remitted_on, group.ref)):
            expected.setdefault(group.expected_yen, []).append(group)
        open_to = {
            one.key: {g.group_id for g in candidates_of(one.credit, agent, groups, one.blocked)}
            for one in rest
        }
        for size in range(2, SPLIT_MAX + 1):
            for some in combinations(rest, size):
                for group in expected.get(sum(one.credit.amount_yen for one in some), ()):
                    if all(group.group_id in open_to[one.key] for one in some):
                        self.readings.append(_Reading(group, tuple(one.key for one in some)))

    def settling(self) -> dict[CreditKey, CreditDecision]:
        """The readings that share neither a credit nor a group with any other reading."""
        if any(decision.unsearched_groups for decision in self.alone.values()):
            return {}
        disputed = {ref for d in self.alone.values() for some in _fits(d) for ref in some}
        uses = Counter(key for reading in self.readings for key in reading.credits)
        claims = Counter(reading.group.group_id for reading in self.readings)
        return {
            key: CreditDecision("settled", SPLIT, (group,), partners=keys)
            for group, keys in self.readings
            if claims[group.group_id] == 1 and group.ref not in disputed
            if all(uses[key] == 1 and not _fits(self.alone[key]) for key in keys)
            for key in keys
        }

    def shown(self) -> dict[CreditKey, CreditDecision]:
        """What did not settle, each with the readings that it is part of."""
        shown = {}
        for one in self.rest:
            decision = self.alone[one.key]
            if decision.outcome == "settled":  # disputed by another credit of the day
                decision = _several_fit([decision.groups])
            mine = [(r.group.ref, r.credits) for r in self.readings if one.key in r.credits]
            shown[one.key] = replace(
                decision,
                splits=tuple(mine[:SHOWN_MAX]),
                more=decision.more or len(mine) > SHOWN_MAX,
                unsearched_credits=self.too_many,
            )
        return shown


def _fits(decision: CreditDecision) -> tuple[tuple[str, ...], ...]:
    """The sets of groups that a credit could be by itself."""
    if decision.groups:
        return (tuple(group.ref for group in decision.groups),)
    return decision.candidates


def is_returned_refund(credit: Credit, profile: Profile) -> bool:
    """還付の組戻: the bank's words for a transfer of ours that came back (files.md 1.4)."""
    texts = (credit.remarks, credit.payer_name)
    return any(pattern in text for pattern in profile.refund_return_patterns for text in texts)


def fitting_instalments(amount_yen: int, outstanding: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """The instalments of one obligor that a direct transfer may mean: one, or a sum of several.

    Only a suggestion: two people make the link (R6, R10). The smallest fitting set is named.
    """
    some = [(name, yen) for name, yen in outstanding if yen <= amount_yen]
    alone = next((name for name, yen in some if yen == amount_yen), "")
    if alone:
        return (alone,)
    found = subsets_with_sum([yen for _, yen in some[:AMOUNTS_MAX]], amount_yen, most=SHOWN_MAX)
    return tuple(some[place][0] for place in found[0]) if found else ()
