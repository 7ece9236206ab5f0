"""One readable example for every row of outcomes.md 6 and the payment rows of 9.

Each is told to the reference model and to the engine, and must end alike.
"""

from __future__ import annotations

from datetime import date

import pytest
from engine_city import EngineCity
from reference_lines import file_of
from reference_rows import sample_profile
from reference_town import FIRST, SECOND, Town, assessment, slip

from reconcile.model import Channel

KONBINI, ELTAX, DEBIT = Channel.KONBINI, Channel.ELTAX, Channel.DEBIT


@pytest.fixture(params=["model", "engine"])
def town(request):
    if request.param == "model":
        yield Town()
        return
    engine = EngineCity(request.getfixturevalue("sqlite_url"), sample_profile())
    yield Town(city=engine)
    engine.close()


def owed(town, place):
    return town.city.balances[place][2]


# -- section 6: debit ---------------------------------------------------------------------------


def test_a_debit_that_went_through_is_decided_by_the_table(town):
    town.take(DEBIT, town.debit())
    assert town.line == ("matched", 10_000, 0, 13)


@pytest.mark.parametrize("code", "123489")
def test_a_debit_that_failed_brings_no_money(town, code):
    town.take(DEBIT, town.debit(code=code))
    assert town.line == ("debit_failed", 0, 0, 0)
    assert town.city.cases == set()


def test_a_debit_for_an_unknown_customer_number(town):
    assert town.take(DEBIT, town.debit(term="09")) == ["unknown_slip"]


def test_a_debit_compares_with_the_current_amount(town):
    town.correct("01", 12_000)
    assert town.take(DEBIT, town.debit(yen=12_000)) == ["matched"]


# -- section 9: finer points about payments -----------------------------------------------------


def test_a_correction_below_what_was_paid_moves_the_surplus_to_suspense(town):
    town.pay()
    town.correct("01", 7_000)
    assert town.line == ("matched", 10_000, 0, 13)
    assert town.city.suspense_yen == 3_000
    assert town.case("overpaid_by_correction")


def test_a_raise_makes_the_rest_outstanding_again(town):
    town.pay()
    town.correct("01", 7_000)
    town.correct("01", 9_000)
    assert (town.city.suspense_yen, owed(town, FIRST)) == (3_000, 2_000)


def test_a_withdrawal_takes_the_surplus_with_it(town):
    town.pay()
    town.correct("01", 7_000)
    town.pay(kind="03")
    assert (town.city.suspense_yen, owed(town, FIRST)) == (0, 7_000)
    assert not town.case("overpaid_by_correction")


def test_a_cancellation_moves_all_of_it(town):
    town.pay()
    town.correct("01", 0)
    assert (town.city.suspense_yen, owed(town, FIRST)) == (10_000, 0)


def test_a_malformed_withdrawal_holds_nothing(town):
    town.pay(kind="03", fault="date")
    assert town.line == ("malformed", 0, 0, 1)


def test_a_malformed_debit_code_holds_nothing(town):
    town.take(DEBIT, town.debit(code="5", fault="kind"))
    assert town.line == ("malformed", 0, 0, 1)


def test_a_malformed_confirmation_holds_its_amount_and_confirms_nothing(town):
    town.pay()
    town.pay(kind="02", fault="remittance", remitted_on="")
    assert town.line == ("malformed", 0, 10_000, 1)
    assert town.city.groups == {}


@pytest.mark.parametrize("channel", [KONBINI, ELTAX])
def test_a_first_report_after_its_confirmation_is_a_repeat(town, channel):
    make = town.shop if channel == KONBINI else town.hub
    assert town.take(channel, make(kind="02" if channel == KONBINI else "2")) == ["matched"]
    assert town.take(channel, make()) == ["repeat"]


def test_a_confirmation_after_a_withdrawal_is_a_new_receipt(town):
    town.take(KONBINI, town.shop(), town.shop(kind="03"))
    assert town.pay(kind="02") == "matched"
    assert town.case("confirmed_after_withdrawal")


@pytest.mark.parametrize("other", [{"yen": 9_000}, {"term": "02", "yen": 10_000}])
def test_a_confirmation_that_differs_from_its_first_report_is_a_conflict(town, other):
    town.pay_el()
    assert town.pay_el(kind="2", **other) == "conflict"
    assert owed(town, FIRST) == 0
    assert not any(map(any, town.city.groups.values()))


def test_a_second_withdrawal_is_unmatched(town):
    town.pay()
    assert town.take(KONBINI, town.shop(kind="03"), town.shop(kind="03")) == [
        "withdraws",
        "withdrawal_unmatched",
    ]


def test_a_withdrawal_takes_the_first_unconfirmed_of_equal_payments(town):
    both = file_of(KONBINI, [town.shop(), town.shop()], date(2026, 6, 20))
    town.take_file(both)
    town.pay(kind="02")
    assert town.pay(kind="03") == "withdraws"
    assert [town.city.outcomes[ref][0] for ref in town.refs(both)] == ["matched", "withdrawn"]


def test_a_whole_year_slip_covers_what_is_not_cancelled(town):
    town.correct("01", 0)
    town.pay("00", yen=8_000)
    assert town.line == ("matched", 8_000, 0, 13)


def test_a_whole_year_slip_is_cancelled_when_all_of_it_is(town):
    town.correct("01", 0)
    town.correct("02", 0)
    assert town.pay("00") == "cancelled_assessment"


def test_a_debit_for_an_instalment_paid_by_slip_is_a_duplicate(town):
    town.pay()
    assert town.take(DEBIT, town.debit()) == ["duplicate"]


def test_a_slip_for_an_instalment_paid_by_debit_is_a_duplicate(town):
    town.take(DEBIT, town.debit())
    assert town.pay() == "duplicate"


def test_the_own_amount_of_a_unified_code_goes_before_the_alternative_and_the_old_version(town):
    town.pay("01")
    assert town.pay_el("00", yen=17_000) == "amount_mismatch"
    town.reissue("02", 8_000)
    assert town.pay_el("02", yen=7_000, slip=slip("02", 8_000), transaction_id="TX-2") == (
        "amount_mismatch"
    )


def test_a_settled_instalment_is_a_duplicate_whatever_the_unified_amount(town):
    town.pay()
    assert town.pay_el(yen=9_000) == "duplicate"


def test_the_state_of_a_slip_is_that_of_its_intake(town):
    town.pay()
    waiting = file_of(KONBINI, [town.shop(paid_at="1500")], date(2026, 6, 20))
    town.take_file(waiting)
    first = slip("01", 10_000)
    town.reissue("01", 10_000)
    town.pay(kind="03", slip=first)
    assert town.city.outcomes[town.refs(waiting)[0]][0] == "matched"


def test_an_immediate_notice_and_the_first_report_are_one_payment(town):
    assert [town.pay(kind="81"), town.pay(kind="01")] == ["matched", "repeat"]


def test_a_postal_correction_takes_the_place_of_what_it_corrects(town):
    first = file_of(KONBINI, [town.shop(kind="12")], date(2026, 6, 20))
    town.take_file(first)
    assert town.pay(kind="22", yen=9_000) == "short"
    assert town.decided(first) == ("withdrawn", 0, 0, 0)
    assert town.city.groups[("konbini_dsk", "2026-06-25")] == (9_000, 0, 0)


def test_a_postal_correction_goes_before_receipts_that_wait(town):
    town.pay(kind="12")
    waiting = file_of(KONBINI, [town.shop()], date(2026, 6, 20))
    assert town.take_file(waiting) == ["duplicate"]
    assert town.pay(kind="22", yen=9_000) == "short"
    assert town.decided(waiting) == ("over", 1_000, 9_000, 11)


def test_a_revoked_newer_version_leaves_the_older_one_current(town):
    town.city.register_slips([slip("01", 10_000, 2, state="revoked")])
    assert town.pay() == "matched"


def test_a_later_payment_in_a_closed_year_opens_a_case(town):
    town.take(KONBINI, town.shop(paid_on="2026-03-31"), received="2026-05-31")
    assert not town.case("closed_year")
    town.take(KONBINI, town.shop("02", paid_on="2026-03-31"), received="2026-06-01")
    assert town.case("closed_year")


def test_an_assessment_comes_once_and_a_correction_only_after_it(town):
    town.city.assess([assessment("01", 1), assessment("02", 5_000, "correction")])
    assert (owed(town, FIRST), owed(town, SECOND)) == (10_000, 5_000)


def test_a_register_with_a_slip_of_nobody_is_rejected_whole(town):
    stranger = slip("01", 1, 2, notice_no="0000000009", slip_no="S9")
    assert not town.city.register_slips([slip("01", 9_000, 3), stranger])
    assert town.pay() == "matched"  # no third version stands above the first
