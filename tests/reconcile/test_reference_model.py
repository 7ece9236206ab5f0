"""One readable example for every row of outcomes.md 2 to 5.

Each is told to the reference model and to the engine, and must end alike.
"""

from __future__ import annotations

from datetime import date

import pytest
from engine_city import EngineCity
from reference_lines import file_of
from reference_rows import barcode, sample_profile
from reference_town import FIRST, SECOND, Town, slip

from reconcile.model import Channel

KONBINI, ELTAX = Channel.KONBINI, Channel.ELTAX


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


# -- section 2: order ---------------------------------------------------------------------------


def test_inside_a_file_withdrawals_come_after_first_reports_and_before_confirmations(town):
    lines = [town.shop(kind="02"), town.shop(kind="03"), town.shop(kind="01")]
    assert town.take(KONBINI, *lines) == ["matched", "withdraws", "withdrawn"]
    assert town.case("confirmed_after_withdrawal")


def test_money_of_a_whole_year_slip_fills_the_instalments_in_term_order(town):
    assert town.pay("00", yen=12_000) == "short"
    assert (owed(town, FIRST), owed(town, SECOND)) == (0, 6_000)


# -- section 3: repeats -------------------------------------------------------------------------


def test_the_same_bytes_again_change_nothing(town):
    file = file_of(KONBINI, [town.shop()], date(2026, 6, 20))
    assert town.status(file) == "accepted"
    before = town.city.outcomes, town.city.balances
    assert town.status(file) == "duplicate_file"
    assert (town.city.outcomes, town.city.balances) == before


def test_a_nil_report_may_come_every_day(town):
    nil = file_of(KONBINI, [], date(2026, 6, 20))
    assert [town.status(nil) for _ in range(2)] == ["accepted", "accepted"]


def test_the_same_record_in_a_later_file_is_a_repeat(town):
    assert town.pay() == "matched"
    assert town.take(KONBINI, town.shop(), town.shop("02")) == ["repeat", "matched"]


def test_another_creation_date_does_not_make_another_record(town):
    assert town.pay(created_on="2026-06-11") == "matched"
    assert town.take(KONBINI, town.shop(created_on="2026-06-12"), town.shop("02")) == [
        "repeat",
        "matched",
    ]


def test_equal_lines_of_one_file_are_two_payments(town):
    assert town.take(KONBINI, town.shop(), town.shop()) == ["matched", "duplicate"]


def test_occurrence_two_is_new_where_an_earlier_file_had_only_one(town):
    town.pay()
    assert town.take(KONBINI, town.shop(), town.shop()) == ["repeat", "duplicate"]


def test_a_line_repeated_in_a_second_file_counts_once(town):
    town.pay()
    town.take(KONBINI, town.shop(), town.shop("02"))
    assert town.take(KONBINI, town.shop(), town.shop()) == ["repeat", "duplicate"]


def test_the_same_record_key_with_other_content_is_a_conflict(town):
    town.pay()
    assert town.pay(yen=9_000) == "conflict"
    assert town.line[1:3] == (0, 0)
    assert town.case("conflict")


def test_of_two_contents_in_one_file_the_first_stands(town):
    assert town.take(KONBINI, town.shop(), town.shop(yen=9_000)) == ["matched", "conflict"]


def test_a_conflict_that_comes_again_is_a_repeat(town):
    town.take(KONBINI, town.shop(), town.shop(yen=9_000))
    assert town.take(KONBINI, town.shop(yen=9_000), town.shop("02")) == ["repeat", "matched"]


def test_two_equal_lines_of_one_transaction_are_one_payment(town):
    assert town.take(ELTAX, town.hub(), town.hub()) == ["matched", "repeat"]


# -- section 4: the table -----------------------------------------------------------------------


def test_row_1_malformed_holds_the_readable_amount(town):
    town.pay(fault="date")
    assert town.line == ("malformed", 0, 10_000, 1)


def test_row_1_malformed_without_a_readable_amount_holds_nothing(town):
    town.pay(fault="amount")
    assert town.line == ("malformed", 0, 0, 1)


def test_row_2_another_municipality(town):
    town.pay(code=barcode("77", "0", 10_000, client="00002"))
    assert town.line == ("other_municipality", 0, 10_000, 2)


def test_row_3_an_unknown_key_that_fails_its_check_digit(town):
    good = barcode("77", "0", 10_000)
    town.pay(code=good[:43] + str((int(good[43]) + 1) % 10))
    assert town.line == ("invalid_key", 0, 10_000, 3)


def test_row_4_an_unknown_key(town):
    town.pay(code=barcode("77", "0", 10_000))
    assert town.line == ("unknown_slip", 0, 10_000, 4)


def test_row_5_a_cancelled_assessment(town):
    town.correct("01", 0)
    town.pay()
    assert town.line == ("cancelled_assessment", 0, 10_000, 5)


def test_row_6_paid_before_by_the_same_slip(town):
    town.pay()
    town.pay(paid_at="1500")
    assert town.line == ("duplicate", 0, 10_000, 6)


def test_row_6_paid_before_by_another_version(town):
    town.pay()
    town.reissue("01", 10_000)
    assert town.pay() == "duplicate"


def test_row_7_paid_before_by_the_whole_year_slip(town):
    town.pay("00")
    town.pay("01")
    assert town.line == ("alternative_paid", 0, 10_000, 7)


def test_row_7_partly_paid_before_applies_what_is_still_outstanding(town):
    town.pay("01")
    town.pay("00")
    assert town.line == ("alternative_paid", 8_000, 10_000, 7)


def test_row_7_holds_as_soon_as_any_money_came_the_other_way(town):
    town.pay("01", yen=3_000)
    town.pay("00")
    assert town.line == ("alternative_paid", 15_000, 3_000, 7)


def test_row_8_an_old_version_after_a_correction(town):
    old = town.slips["01"]
    town.correct("01", 7_000)
    town.reissue("01", 7_000)
    town.pay(slip=old)
    assert town.line == ("superseded_slip", 7_000, 3_000, 8)


def test_row_8_a_revoked_slip(town):
    town.city.register_slips([slip("01", 10_000, state="revoked")])
    town.pay()
    assert town.line == ("superseded_slip", 10_000, 0, 8)


def test_row_9_another_amount_than_the_unified_code_says(town):
    town.pay_el(yen=9_000)
    assert town.line == ("amount_mismatch", 0, 9_000, 9)


def test_row_10_too_little(town):
    town.pay(yen=4_000)
    assert town.line == ("short", 4_000, 0, 10)


def test_row_11_too_much(town):
    town.pay(yen=10_500)
    assert town.line == ("over", 10_000, 500, 11)


def test_row_11_the_rest_of_a_slip_partly_paid_is_what_is_due(town):
    town.pay(yen=4_000)
    town.pay(paid_at="1500")
    assert town.line == ("over", 6_000, 4_000, 11)


def test_row_12_paid_after_the_last_day(town):
    town.pay(paid_on="2026-08-01")
    assert town.line == ("expired_slip", 10_000, 0, 12)


def test_row_13_matched_and_no_case(town):
    town.pay()
    assert town.line == ("matched", 10_000, 0, 13)
    assert town.city.cases == set()


def test_a_slip_printed_before_a_raise_is_matched_and_leaves_the_difference(town):
    town.correct("01", 12_000)
    assert town.pay() == "matched"
    assert owed(town, FIRST) == 2_000


def test_a_known_key_with_a_failing_check_digit_is_matched(town):
    good = town.slips["01"].konbini_barcode
    assert town.pay(code=good[:43] + str((int(good[43]) + 1) % 10)) == "matched"


def test_where_slips_share_a_free_area_the_reissue_digit_joins_the_key(town):
    town.reissue("01", 10_000)
    assert town.pay(slip=slip("01", 10_000, 1)) == "superseded_slip"
    assert town.pay("02", code=slip("02", 8_000, 5).konbini_barcode) == "matched"
    assert town.pay("01", code=slip("01", 10_000, 5).konbini_barcode) == "unknown_slip"


# -- section 5: stages --------------------------------------------------------------------------


def test_a_confirmation_brings_no_further_money(town):
    town.pay()
    town.pay(kind="02")
    assert town.line == ("confirms", 0, 0, 0)
    assert owed(town, FIRST) == 0


def test_a_confirmation_alone_is_decided_by_the_table(town):
    assert town.pay(kind="02") == "matched"


def test_a_withdrawal_reverses_the_postings(town):
    file = file_of(KONBINI, [town.shop()], date(2026, 6, 20))
    town.take_file(file)
    assert town.pay(kind="03") == "withdraws"
    assert town.decided(file) == ("withdrawn", 0, 0, 0)
    assert owed(town, FIRST) == 10_000


def test_a_withdrawal_after_the_confirmation_undoes_nothing(town):
    town.take(KONBINI, town.shop(), town.shop(kind="02"))
    assert town.pay(kind="03") == "withdrawal_after_confirmation"
    assert owed(town, FIRST) == 0


def test_a_withdrawal_of_a_payment_that_only_a_confirmation_reported_undoes_nothing(town):
    town.pay(kind="02")
    assert town.pay(kind="03") == "withdrawal_after_confirmation"


def test_a_withdrawal_of_nothing_is_unmatched(town):
    assert town.pay(kind="03") == "withdrawal_unmatched"
    assert town.case("withdrawal_unmatched")


def test_a_withdrawal_finds_its_transaction_whatever_amount_it_names(town):
    town.pay_el()
    assert town.pay_el(kind="3", yen=1) == "withdraws"


def test_a_notification_and_a_file_line_are_one_payment(town):
    assert town.take(Channel.NOTIFICATION, town.hub()) == ["matched"]
    assert town.pay_el(paid_at="21:14") == "repeat"
    assert town.pay_el(kind="2") == "confirms"


def test_a_waiting_receipt_takes_the_place_of_the_withdrawn_one(town):
    town.pay()
    second = file_of(KONBINI, [town.shop(paid_at="1500")], date(2026, 6, 20))
    assert town.take_file(second) == ["duplicate"]
    town.pay(kind="03")
    assert town.decided(second) == ("matched", 10_000, 0, 13)
    assert not town.case("duplicate")


def test_waiting_receipts_are_decided_again_by_payment_day_then_intake(town):
    town.pay()
    late, early = town.shop(paid_on="2026-06-12"), town.shop(paid_on="2026-06-11")
    waiting = file_of(KONBINI, [late, early], date(2026, 6, 20))
    town.take_file(waiting)
    town.pay(kind="03")
    assert [town.city.outcomes[ref][0] for ref in town.refs(waiting)] == ["duplicate", "matched"]


def test_a_receipt_that_lets_go_of_another_instalment_lets_others_in(town):
    old = town.slips["00"]
    town.correct("01", 9_000)
    town.reissue("00", 17_000)
    town.pay("01", yen=9_000)
    whole = file_of(KONBINI, [town.shop("00", slip=old, yen=10_000)], date(2026, 6, 20))
    single = file_of(KONBINI, [town.shop("02")], date(2026, 6, 20))
    assert town.take_file(whole) + town.take_file(single) == ["alternative_paid"] * 2
    town.pay("01", kind="03", yen=9_000)
    # The whole-year money now fills term 01 first and leaves 7,000 of term 02 to the other.
    assert town.decided(whole) == ("superseded_slip", 10_000, 0, 8)
    assert town.decided(single) == ("alternative_paid", 7_000, 1_000, 7)
