"""One readable example for every row of outcomes.md 7 and the bank rows of 9.

Each is told to the reference model and to the engine, and must end alike.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from engine_city import EngineCity
from reference_lines import advice_line, bank_line, debit_line, file_of
from reference_rows import sample_profile
from reference_town import MONEY_DAY, Town

from reconcile.model import Channel

KONBINI, ELTAX, BANK, ADVICE = Channel.KONBINI, Channel.ELTAX, Channel.BANK, Channel.ADVICE
DSK, HUB = "9000000001", "9000000009"


@pytest.fixture(params=["model", "engine"])
def town(request):
    if request.param == "model":
        yield Town()
        return
    engine = EngineCity(request.getfixturevalue("sqlite_url"), sample_profile())
    yield Town(city=engine)
    engine.close()


def credit(yen, no="1", *, payer_code=DSK, booked_on=MONEY_DAY, **other):
    return bank_line(
        amount_yen=yen, booked_on=booked_on, inquiry_no=no, payer_code=payer_code, **other
    )


def advice(**other):
    values: dict[str, Any] = {
        "remittance_no": "R1",
        "remitted_on": MONEY_DAY,
        "count": 1,
        "gross_yen": 10_000,
    }
    return advice_line(**values | other)


def statement(*records):
    return file_of(BANK, records, date(2026, 6, 26))


def now(town, file):
    return [town.city.outcomes[ref][0] for ref in town.refs(file)]


def test_money_out_is_outgoing(town):
    assert town.take(BANK, credit(1, direction="debit")) == ["outgoing"]


def test_a_credit_equal_to_its_group_settles_it(town):
    town.pay(kind="02")
    assert town.take(BANK, credit(10_000)) == ["settled"]
    assert town.city.groups == {("konbini_dsk", MONEY_DAY): (10_000, 0, 10_000)}


def test_confirmed_money_in_suspense_belongs_to_its_group(town):
    town.take(KONBINI, town.shop(kind="02"), town.shop(kind="02"))
    assert town.take(BANK, credit(20_000)) == ["settled"]


def test_first_reports_are_not_expected_in_the_bank(town):
    town.pay(kind="01")
    assert town.take(BANK, credit(10_000)) == ["settlement_difference"]


def test_a_credit_without_payer_code_is_known_by_the_name_it_always_has(town):
    town.pay(kind="02")
    named = credit(10_000, payer_code="", remarks="ﾐﾎﾝｼﾕｳﾉｳA")
    assert town.take(BANK, named) == ["settled"]


def test_an_advised_fee_is_taken_off(town):
    town.pay_el(kind="2")
    early = statement(credit(9_989, payer_code=HUB, edi="R1"))
    assert town.take_file(early) == ["settlement_difference"]
    town.take(ADVICE, advice(fee_yen=11))
    assert now(town, early) == ["settled"]


def test_a_remittance_number_names_its_group_alone(town):
    town.pay_el(kind="2")
    town.pay_el("02", kind="2", transaction_id="TX-2", remittance_no="R2")
    assert town.take(BANK, credit(18_000, payer_code=HUB, edi="R1")) == ["settlement_difference"]
    assert town.take(BANK, credit(8_000, "2", payer_code="", edi="R2")) == ["settled"]


def test_a_debit_credit_settles_bank_and_batch(town):
    town.take(Channel.DEBIT, town.debit())
    paid = credit(10_000, payer_code="9000000005", booked_on="2026-06-30")
    assert town.take(BANK, paid) == ["settled"]
    assert list(town.city.groups) == [("debit", "2026-06-30|9999")]


def test_one_combination_of_groups_settles_all_of_them(town):
    town.take(KONBINI, town.shop(kind="02"), town.shop("02", "02", remitted_on="2026-06-24"))
    assert town.take(BANK, credit(18_000)) == ["settled"]
    assert [credited for *_, credited in town.city.groups.values()] == [10_000, 8_000]


def confirmed(town, *amounts):
    """One group per amount, on days one after the other up to the 24th."""
    days = [f"2026-06-{24 - len(amounts) + n}" for n in range(1, len(amounts) + 1)]
    lines = [
        town.shop("02", "02", yen=yen, paid_at=f"12{n:02d}", remitted_on=day)
        for n, (yen, day) in enumerate(zip(amounts, days, strict=True))
    ]
    town.take(KONBINI, *lines)
    assert [group[0] for group in town.city.groups.values()] == list(amounts)


def test_two_combinations_are_a_question(town):
    confirmed(town, 5_000, 5_000, 3_000)
    assert town.take(BANK, credit(8_000)) == ["settlement_difference"]
    assert town.take(BANK, credit(13_000, "2")) == ["settled"]


def test_two_groups_that_fit_alone_are_a_question(town):
    confirmed(town, 8_000, 8_000)
    assert town.take(BANK, credit(8_000)) == ["settlement_difference"]


def test_one_group_that_fits_goes_before_combinations(town):
    town.take(
        KONBINI,
        town.shop("00", "02"),
        town.shop("01", "02", remitted_on="2026-06-23"),
        town.shop("02", "02", remitted_on="2026-06-24"),
    )
    assert town.take(BANK, credit(18_000)) == ["settled"]
    assert town.city.groups[("konbini_dsk", MONEY_DAY)] == (18_000, 0, 18_000)


def test_another_amount_is_a_difference(town):
    town.pay(kind="02")
    assert town.take(BANK, credit(9_000)) == ["settlement_difference"]
    assert town.case("settlement_difference")


def test_a_known_payer_without_an_open_group_is_a_difference(town):
    assert town.take(BANK, credit(9_000)) == ["settlement_difference"]


def test_groups_of_a_later_day_are_no_candidates(town):
    town.pay(kind="02")
    assert town.take(BANK, credit(10_000, booked_on="2026-06-24")) == ["settlement_difference"]


def test_a_credit_is_decided_again_when_its_group_changes(town):
    file = statement(credit(10_000))
    assert town.take_file(file) == ["settlement_difference"]
    town.pay(kind="02")
    assert now(town, file) == ["settled"]


def test_a_settled_credit_narrows_the_choice_of_the_others(town):
    confirmed(town, 1_000, 4_000, 2_000, 3_000)
    # 5,000 is 1,000 + 4,000 or 2,000 + 3,000, until another credit has taken the 1,000.
    assert town.take(BANK, credit(5_000, "1"), credit(1_000, "2"), credit(5_000, "3")) == [
        "settled",
        "settled",
        "settlement_difference",  # the first in intake order had the better claim
    ]
    assert [group[2] for group in town.city.groups.values()] == [1_000, 0, 2_000, 3_000]


def test_a_refund_of_ours_that_comes_back(town):
    returned = credit(3_000, payer_code="", remarks="ｸﾐﾓﾄﾞｼ")
    assert town.take(BANK, returned) == ["refund_returned"]
    named = credit(3_000, "2", payer_code="", payer_name="ｸﾐﾓﾄﾞｼ ﾃｽﾄ")
    assert town.take(BANK, named) == ["refund_returned"]


@pytest.mark.parametrize("yen", [10_000, 8_000, 18_000])
def test_name_and_outstanding_amount_together_suggest_a_direct_transfer(town, yen):
    direct = credit(yen, payer_code="", payer_name="ｾﾞｲﾓｸ ﾀﾛｳ")
    assert town.take(BANK, direct) == ["direct_transfer"]


@pytest.mark.parametrize(("yen", "name"), [(9_000, "ｾﾞｲﾓｸ ﾀﾛｳ"), (10_000, "ｾﾞｲﾓｸ ﾊﾅｺ"), (1, "")])
def test_name_or_amount_alone_identify_nobody(town, yen, name):
    assert town.take(BANK, credit(yen, payer_code="", payer_name=name)) == ["unidentified_deposit"]


def test_a_direct_transfer_is_looked_at_again_by_reconcile(town):
    file = statement(credit(10_000, payer_code="", payer_name="ｾﾞｲﾓｸ ﾀﾛｳ"))
    town.take_file(file)
    town.pay()
    assert now(town, file) == ["direct_transfer"]
    town.city.reconcile(date(2026, 6, 26))
    assert now(town, file) == ["unidentified_deposit"]


def test_a_notice_beside_the_statement_is_information(town):
    town.pay(kind="02")
    assert town.take(BANK, credit(10_000, source="01")) == ["information"]
    assert town.take(BANK, credit(10_000)) == ["settled"]


def test_the_statement_is_information_where_the_notices_are_the_money():
    profile = sample_profile()
    account = replace(profile.accounts[0], money_kind="01")
    town = Town(replace(profile, accounts=(account,)))
    town.pay(kind="02")
    assert town.take(BANK, credit(10_000)) == ["information"]
    notice = statement(credit(10_000, source="01"))
    assert town.take_file(notice) == ["settled"]
    # The bank takes its notice back: the group is open again.
    assert town.take(BANK, credit(10_000, source="01", direction="cancel")) == ["withdraws"]
    assert now(town, notice) == ["withdrawn"]
    assert town.city.groups == {("konbini_dsk", MONEY_DAY): (10_000, 0, 0)}


def test_a_cancelled_notice_is_withdrawn(town):
    notice = statement(credit(10_000, source="01"))
    town.take_file(notice)
    assert town.take(BANK, credit(10_000, source="01", direction="cancel")) == ["withdraws"]
    assert now(town, notice) == ["withdrawn"]


def test_a_cancellation_of_another_amount_finds_no_notice(town):
    town.take(BANK, credit(10_000, source="01"))
    cancel = credit(9_999, source="01", direction="cancel")
    assert town.take(BANK, cancel) == ["withdrawal_unmatched"]


def test_advice_that_agrees_with_the_confirmed_payments(town):
    early = file_of(ADVICE, [advice()], date(2026, 6, 20))
    assert town.take_file(early) == ["advice_difference"]
    town.pay_el(kind="2")
    assert now(town, early) == ["advised"]


@pytest.mark.parametrize(
    "other", [{"count": 2}, {"gross_yen": 9_000}, {"channel": "counter"}, {"item_code": "902"}]
)
def test_advice_that_differs(town, other):
    town.pay_el(kind="2")
    assert town.take(ADVICE, advice(**other)) == ["advice_difference"]
    assert town.case("advice_difference")


def test_an_account_that_nobody_named_refuses_the_file():
    town = Town()  # for the service the format refuses it (test_zengin_statement.py)
    file = statement(credit(1, account_key="9999-999-1-7654321"))
    assert town.city.intake(**file.arguments) == "refused"
    assert town.city.outcomes == {}


def test_a_confirmation_after_the_money_reopens_the_group_with_the_difference(town):
    town.pay(kind="02")
    town.take(BANK, credit(10_000))
    assert town.pay("02", "02") == "matched"
    assert town.case("late_confirmation")
    assert town.take(BANK, credit(8_000, "2")) == ["settled"]
    assert town.city.groups == {("konbini_dsk", MONEY_DAY): (18_000, 0, 18_000)}


def test_equal_statement_lines_are_two_credits(town):
    town.pay(kind="02")
    assert town.take(BANK, credit(10_000), credit(10_000)) == ["settled", "settlement_difference"]


# -- what the calendar brings up ------------------------------------------------------------------


def test_a_first_report_waits_fifteen_bank_days_for_its_confirmation(town):
    town.pay(paid_on="2026-06-10")
    town.city.reconcile(date(2026, 7, 1))
    assert not town.case("confirmation_overdue")
    town.city.reconcile(date(2026, 7, 2))
    assert town.case("confirmation_overdue")
    town.pay(kind="02")
    town.city.reconcile(date(2026, 7, 2))
    assert not town.case("confirmation_overdue")


def test_a_group_waits_three_bank_days_for_its_money(town):
    town.pay(kind="02")  # Thursday 25 June
    town.city.reconcile(date(2026, 6, 30))
    assert not town.case("remittance_overdue")
    town.city.reconcile(date(2026, 7, 1))
    assert town.case("remittance_overdue")


def test_the_second_instalment_in_time_while_the_first_is_due_and_unpaid(town):
    town.pay("02")
    town.city.reconcile(date(2026, 6, 30))
    assert not town.case("wrong_instalment_suspected")
    town.city.reconcile(date(2026, 7, 1))
    assert town.case("wrong_instalment_suspected")


def test_a_first_instalment_in_part_paid_is_no_wrong_instalment(town):
    town.pay("01", yen=1_000)
    town.pay("02")
    town.city.reconcile(date(2026, 7, 1))
    assert not town.case("wrong_instalment_suspected")


def test_a_debit_of_another_bank_is_another_group(town):
    town.take(Channel.DEBIT, town.debit())
    other = town.debit("02", 8_000).fields["顧客番号"]
    town.take(
        Channel.DEBIT,
        debit_line(customer_no=other, amount_yen=8_000, debit_on="2026-06-30", bank="9998"),
    )
    assert len(town.city.groups) == 2


def test_one_group_in_two_credits_settles_both(town):
    town.pay(kind="02")
    first = statement(credit(4_000))
    assert town.take_file(first) == ["settlement_difference"]
    assert town.take(BANK, credit(6_000, "2")) == ["settled"]
    assert now(town, first) == ["settled"]
    assert town.city.groups == {("konbini_dsk", MONEY_DAY): (10_000, 0, 10_000)}


def test_two_ways_of_making_up_one_group_settle_nothing(town):
    town.pay(kind="02")
    three = [credit(4_000), credit(6_000, "2"), credit(6_000, "3")]
    assert town.take(BANK, *three) == ["settlement_difference"] * 3
