"""Which groups a credit pays: exact, deterministic, and silent when more than one answer fits."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_rows import sample_profile

from reconcile.settle import (
    GROUPS_MAX,
    Credit,
    Group,
    decide_credit,
    fitting_instalments,
    is_returned_refund,
    payer_of,
)

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
    assert decide_credit(credit(3), "konbini_dsk", groups).outcome == "settlement_difference"


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
