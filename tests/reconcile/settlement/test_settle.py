"""Which groups a credit pays: exact, deterministic, and silent when more than one answer fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import combinations
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_rows import sample_profile
from reference_settlement import Entry, Treasury

from reconcile.settlement.search import (
    CREDITS_MAX,
    GROUPS_MAX,
    SHOWN_MAX,
    Credit,
    CreditDecision,
    Group,
    OpenCredit,
    decide_credit,
    decide_payer,
    fitting_instalments,
    is_returned_refund,
    payer_of,
)
from reconcile.settlement.subset_sums import AMOUNTS_MAX, subsets_with_sum

if TYPE_CHECKING:
    import random

DAY = date(2026, 6, 24)


def credit(amount_yen: int, **other: str) -> Credit:
    """A credit on 2026-06-24."""
    texts = {"payer_code": "9000000001", "payer_name": "", "remarks": "", "edi": ""}
    return Credit(amount_yen=amount_yen, booked_on=DAY, **texts | other)


def group(number: int, yen: int, day: date = DAY) -> Group:
    """A group that still expects ``yen``."""
    return Group(number, f"R{number}", day, yen)


def test_the_one_group_with_the_amount_settles() -> None:
    decision = decide_credit(credit(700), "konbini_dsk", [group(1, 300), group(2, 700)])
    assert (decision.outcome, [g.ref for g in decision.groups]) == ("settled", ["R2"])


def test_a_single_group_goes_before_a_combination() -> None:
    groups = [group(1, 300), group(2, 400), group(3, 700)]
    assert [g.ref for g in decide_credit(credit(700), "konbini_dsk", groups).groups] == ["R3"]


def test_two_groups_with_the_amount_settle_nothing_and_are_shown() -> None:
    decision = decide_credit(credit(300), "konbini_dsk", [group(1, 300), group(2, 300)])
    assert decision.outcome == "settlement_difference"
    assert decision.candidates == (("R1",), ("R2",))


def test_the_only_combination_settles_all_its_groups() -> None:
    groups = [group(1, 300), group(2, 400), group(3, 900)]
    decision = decide_credit(credit(1_200), "konbini_dsk", groups)
    assert [g.ref for g in decision.groups] == ["R1", "R3"]


def test_two_combinations_settle_nothing() -> None:
    groups = [group(1, 100), group(2, 400), group(3, 200), group(4, 300)]
    decision = decide_credit(credit(500), "konbini_dsk", groups)
    assert decision.outcome == "settlement_difference"
    assert len(decision.candidates) == 2


@pytest.mark.parametrize("yen", [699, 701])
def test_one_yen_more_or_less_is_a_difference(yen: int) -> None:
    decision = decide_credit(credit(yen), "konbini_dsk", [group(1, 700)])
    assert decision.outcome == "settlement_difference"


def test_a_group_dated_after_the_credit_is_no_candidate() -> None:
    late = group(1, 700, date(2026, 6, 25))
    assert decide_credit(credit(700), "konbini_dsk", [late]).outcome == "settlement_difference"


def test_a_remittance_number_names_its_group_even_beside_an_equal_one() -> None:
    groups = [group(1, 700), group(2, 700)]
    decision = decide_credit(credit(700, edi="R2"), "eltax", groups)
    assert [g.ref for g in decision.groups] == ["R2"]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), st.data())
def test_whatever_settles_has_exactly_the_amount(sums: list[int], data: st.DataObject) -> None:
    groups = [group(number, yen) for number, yen in enumerate(sums)]
    chosen = data.draw(st.lists(st.sampled_from(groups), unique=True, min_size=1))
    amount = sum(g.expected_yen for g in chosen)
    decision = decide_credit(credit(amount), "konbini_dsk", groups)
    if decision.outcome == "settled":
        assert sum(g.expected_yen for g in decision.groups) == amount


def test_too_many_open_groups_are_a_matter_for_a_person() -> None:
    groups = [group(number, 2**number) for number in range(GROUPS_MAX + 1)]
    decision = decide_credit(credit(3 * 2**GROUPS_MAX), "konbini_dsk", groups)
    assert (decision.outcome, decision.unsearched_groups) == (
        "settlement_difference",
        GROUPS_MAX + 1,
    )


@pytest.mark.parametrize(
    ("texts", "payer"),
    [
        ({}, "konbini_dsk"),
        ({"payer_code": "1111111111", "payer_name": "ﾐﾎﾝｼﾕｳﾉｳA"}, ""),
        ({"payer_code": "", "payer_name": "ﾐﾎﾝｼﾕｳﾉｳA"}, "konbini_dsk"),
        ({"payer_code": "", "remarks": "ﾐﾎﾝﾌﾘｶｴ"}, "debit"),
        ({"payer_code": "", "payer_name": "ﾐﾎﾝｼﾕｳﾉｳ"}, ""),
    ],
)
def test_the_payer_is_known_by_code_and_only_without_one_by_the_exact_name(
    texts: dict[str, str], payer: str
) -> None:
    assert payer_of(credit(1, **texts), sample_profile()) == payer


def test_a_refund_that_came_back_is_known_by_the_words_of_the_bank() -> None:
    assert is_returned_refund(credit(1, remarks="ｸﾐﾓﾄﾞｼ 0612"), sample_profile())
    assert not is_returned_refund(credit(1, remarks="ﾌﾘｺﾐ"), sample_profile())


def test_the_smallest_fitting_set_of_instalments_is_suggested() -> None:
    owed = [("901/1/01", 300), ("901/1/02", 400), ("901/1/03", 700)]
    assert fitting_instalments(700, owed) == ("901/1/03",)
    assert fitting_instalments(1_100, owed) == ("901/1/02", "901/1/03")
    assert fitting_instalments(5, owed) == ()


# ---- all credits of one payer ----

KONBINI = "konbini_dsk"


def waiting(number: int, yen: int, day: date = DAY, *, blocked: tuple[int, ...] = ()) -> OpenCredit:
    """Line ``number`` of file 1, still open."""
    return OpenCredit((1, number), replace(credit(yen), booked_on=day), frozenset(blocked))


def settled(decisions: dict[tuple[int, int], CreditDecision]) -> dict[int, tuple[str, list[str]]]:
    """What settled: line → rule and groups."""
    return {
        key[1]: (decision.rule, [g.ref for g in decision.groups])
        for key, decision in decisions.items()
        if decision.outcome == "settled"
    }


def test_one_group_in_two_credits_settles_both() -> None:
    decisions = decide_payer([waiting(1, 400), waiting(2, 600)], KONBINI, [group(1, 1_000)])
    assert settled(decisions) == {1: ("B3S", ["R1"]), 2: ("B3S", ["R1"])}
    assert decisions[1, 1].partners == ((1, 1), (1, 2))


def test_one_group_in_four_credits_settles_and_in_five_does_not() -> None:
    four = [waiting(number, 100 * number) for number in (1, 2, 4, 8)]
    assert len(settled(decide_payer(four, KONBINI, [group(1, 1_500)]))) == 4
    five = [*four, waiting(16, 1_600)]
    assert settled(decide_payer(five, KONBINI, [group(1, 3_100)])) == {}


def test_two_ways_of_making_up_one_group_settle_nothing_and_are_shown() -> None:
    credits_ = [waiting(1, 400), waiting(2, 600), waiting(3, 600)]
    decisions = decide_payer(credits_, KONBINI, [group(1, 1_000)])
    assert settled(decisions) == {}
    assert decisions[1, 1].splits == (("R1", ((1, 1), (1, 2))), ("R1", ((1, 1), (1, 3))))


def test_two_groups_that_the_same_credits_would_make_up_settle_nothing() -> None:
    groups = [group(1, 1_000), group(2, 1_000)]
    assert settled(decide_payer([waiting(1, 400), waiting(2, 600)], KONBINI, groups)) == {}


def test_a_credit_that_may_be_groups_by_itself_is_no_part_of_a_split() -> None:
    groups = [group(1, 1_000), group(2, 100), group(3, 300), group(4, 150), group(5, 250)]
    decisions = decide_payer([waiting(1, 400), waiting(2, 600)], KONBINI, groups)
    assert settled(decisions) == {}
    assert decisions[1, 1].candidates == (("R2", "R3"), ("R4", "R5"))


def test_credits_before_the_remittance_day_are_no_part_of_it() -> None:
    late = group(1, 1_000, date(2026, 6, 25))
    assert settled(decide_payer([waiting(1, 400), waiting(2, 600)], KONBINI, [late])) == {}


def test_what_people_took_apart_is_not_put_together_again() -> None:
    one = waiting(1, 400, blocked=(1,))
    assert settled(decide_payer([one, waiting(2, 600)], KONBINI, [group(1, 1_000)])) == {}
    assert settled(decide_payer([waiting(1, 700, blocked=(1,))], KONBINI, [group(1, 700)])) == {}


def test_too_many_open_credits_are_a_matter_for_a_person() -> None:
    many = [waiting(number, 2**number) for number in range(CREDITS_MAX + 1)]
    decisions = decide_payer(many, KONBINI, [group(1, 3)])
    assert settled(decisions) == {}
    assert decisions[1, 0].unsearched_credits == CREDITS_MAX + 1


def test_credits_of_one_day_that_want_the_same_group_settle_neither() -> None:
    groups = [group(1, 100), group(2, 250), group(3, 200)]
    both = [waiting(1, 350), waiting(2, 450)]
    for order in (both, both[::-1]):
        decisions = decide_payer(order, KONBINI, groups)
        assert settled(decisions) == {}
        assert decisions[1, 1].candidates == (("R1", "R2"),)


def test_the_same_money_once_more_waits() -> None:
    decisions = decide_payer([waiting(1, 700), waiting(2, 700)], KONBINI, [group(1, 700)])
    assert settled(decisions) == {1: ("B2", ["R1"])}


def test_thousands_of_ways_are_not_all_written_down() -> None:
    groups = [group(number, 10_800) for number in range(GROUPS_MAX)]
    decision = decide_credit(credit(10_800 * 12), KONBINI, groups)
    assert (decision.rule, len(decision.candidates), decision.more) == ("B4", SHOWN_MAX, True)
    halves = [waiting(number, 5_400) for number in range(CREDITS_MAX)]
    assert settled(decide_payer(halves, KONBINI, groups)) == {}


YEN = st.integers(1, 12)
DAYS = st.sampled_from([DAY, date(2026, 6, 25)])


@given(
    st.lists(st.tuples(YEN, DAYS, st.sets(st.integers(0, 4), max_size=1)), max_size=5),
    st.lists(st.tuples(YEN, DAYS), max_size=5),
    st.randoms(use_true_random=False),
)
def test_nothing_settles_but_what_every_subset_tried_says(
    credits_: list[tuple[int, date, set[int]]],
    groups: list[tuple[int, date]],
    shuffle: random.Random,
) -> None:
    money = [
        waiting(number, yen, day, blocked=tuple(blocked))
        for number, (yen, day, blocked) in enumerate(credits_)
    ]
    owed = [group(number, yen, day) for number, (yen, day) in enumerate(groups)]
    decided = decide_payer(money, KONBINI, owed)
    assert decided.keys() == {one.key for one in money}
    _settles_exactly(money, decided)
    # The order in which credits and groups are handed over is no fact.
    shuffle.shuffle(money)
    shuffle.shuffle(owed)
    assert decide_payer(money, KONBINI, owed) == decided


def _settles_exactly(
    money: list[OpenCredit], decided: dict[tuple[int, int], CreditDecision]
) -> None:
    """Every group that settled is paid once, to the yen, by credits that may pay it."""
    yen_of = {one.key: one.credit.amount_yen for one in money}
    blocked = {one.key: one.blocked for one in money}
    paid: dict[int, set[tuple[int, int]]] = {}
    for key, decision in decided.items():
        if decision.outcome != "settled":
            continue
        keys = decision.partners or (key,)
        assert sum(yen_of[k] for k in keys) == sum(g.expected_yen for g in decision.groups)
        for paid_group in decision.groups:
            assert paid_group.group_id not in blocked[key]
            assert paid.setdefault(paid_group.group_id, set(keys)) == set(keys)


def slow_reading(
    credits_: list[tuple[int, date]], groups: list[tuple[int, date]]
) -> list[tuple[str, list[tuple[int, int]]]]:
    """The reference model's answer: per credit its outcome, and which group got how much."""
    treasury = Treasury(sample_profile(), SimpleNamespace())  # type: ignore[arg-type]
    for number, (yen, day) in enumerate(groups):
        line = SimpleNamespace(amount_yen=yen)
        made = treasury.group((KONBINI, str(number)), day.isoformat())
        made.receipts.append(SimpleNamespace(live=True, line=line))  # type: ignore[arg-type]
    for number, (yen, day) in enumerate(credits_):
        bank = SimpleNamespace(
            booked_on=day.isoformat(), payer_code="9000000001", payer_name="", remarks="", edi=""
        )
        treasury.entries.append(
            Entry(("f", number), (1, number), bank, yen, is_money=True)  # type: ignore[arg-type]
        )
    treasury.settle()
    return [
        (entry.outcome, sorted((int(group.key[1]), yen) for group, yen in entry.settles))
        for entry in treasury.entries
    ]


@settings(max_examples=400)
@given(
    st.lists(st.tuples(YEN, DAYS), max_size=6),
    st.lists(st.tuples(YEN, DAYS), max_size=5),
)
def test_the_quick_and_the_slow_reading_agree(
    credits_: list[tuple[int, date]], groups: list[tuple[int, date]]
) -> None:
    money = [waiting(number, yen, day) for number, (yen, day) in enumerate(credits_)]
    owed = [group(number, yen, day) for number, (yen, day) in enumerate(groups)]
    decided = decide_payer(money, KONBINI, owed)
    quick = []
    for one in money:
        decision = decided[one.key]
        whole = decision.rule != "B3S"
        shares = [
            (g.group_id, g.expected_yen if whole else one.credit.amount_yen)
            for g in decision.groups
        ]
        quick.append((decision.outcome, sorted(shares)))
    assert quick == slow_reading(credits_, groups)


@given(st.lists(st.integers(1, 40), max_size=10), st.integers(1, 120), st.integers(1, 60))
def test_subsets_are_those_that_trying_all_of_them_finds(
    amounts: list[int], total: int, most: int
) -> None:
    every = [
        places
        for size in range(1, len(amounts) + 1)
        for places in combinations(range(len(amounts)), size)
        if sum(amounts[place] for place in places) == total
    ]
    found = subsets_with_sum(amounts, total, most=most)
    assert len(found) == min(most, len(every))
    assert set(found) <= set(every)
    if len(every) <= most:
        assert found == every


def test_more_amounts_than_the_search_is_made_for_are_refused() -> None:
    with pytest.raises(ValueError, match="25 amounts"):
        subsets_with_sum([1] * (AMOUNTS_MAX + 1), 3, most=1)
