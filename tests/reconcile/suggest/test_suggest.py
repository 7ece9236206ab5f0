"""候補: what is suggested, how sure it is, and what is never called sure."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from credit_town import TRANSFER_DAY, CreditTown, day, short
from hypothesis import given
from hypothesis import strategies as st
from reference_lines import konbini_line
from reference_rows import barcode, sample_profile
from sqlalchemy import text

from payments.domain.errors import NotFoundError
from payments.store.bulk import insert_rows
from payments.store.unit_of_work import unit_of_work
from reconcile.model import Channel
from reconcile.suggest.keys import near_keys, near_names, written_numbers
from reconcile.suggest.rules import AGREEMENTS, Fact, Level, level_of

FIRST, SECOND = "901/2026/0000000001/01", "901/2026/0000000001/02"


@pytest.fixture
def town(database_url):
    town = CreditTown(database_url)
    yield town
    town.city.close()


def reasons(suggestions):
    return {str(fact) for one in suggestions for fact in one.reasons}


# ---- receipts ----


def wrongly_typed(town, own_key, yen, **other):
    """A konbini payment whose free area was typed by hand."""
    line = konbini_line(
        kind="02", paid_on="2026-06-10", code=barcode(own_key, "0", yen), amount_yen=yen,
        remitted_on="2026-06-25", **other,
    )  # fmt: skip
    assert town.take(Channel.KONBINI, line) == ["unknown_slip"]
    return town.last_line()


@pytest.mark.parametrize(
    ("own_key", "fact"), [("000000000191", "key_one_digit"), ("000000001001", "key_exchanged")]
)
def test_a_number_one_slip_of_the_pen_away_with_the_amount_is_sure(town, own_key, fact):
    found = town.suggested(wrongly_typed(town, own_key, 10_000))
    assert short(found) == [("sure", [(FIRST, 10_000)])]
    assert {fact, "amount_one", "in_time"} <= reasons(found)


def test_a_number_further_away_is_no_suggestion(town):
    assert town.suggested(wrongly_typed(town, "000000000911", 10_000)) == []


def test_the_amount_of_another_slip_is_no_suggestion(town):
    assert town.suggested(wrongly_typed(town, "000000000191", 8_000)) == []


def test_two_slips_that_fit_are_shown_and_neither_is_sure(town):
    town.also_owes(2, 10_000, person=5, kana="ベツノ ヒト")
    row = town.slips["01"]
    other = replace(row, notice_no="0000000002", slip_no="X", konbini_barcode=barcode(
        "000000000201", "0", 10_000), case_key="9".rjust(20, "0"))  # fmt: skip
    assert town.city.register_slips([other])
    found = town.suggested(wrongly_typed(town, "000000000301", 10_000))
    assert [one[0] for one in short(found)] == ["probable", "probable"]
    assert "several_readings" in reasons(found)


def test_a_late_payment_is_probable_at_most(town):
    line = konbini_line(
        kind="02", paid_on="2026-08-10", code=barcode("000000000191", "0", 10_000),
        amount_yen=10_000, remitted_on="2026-08-25",
    )  # fmt: skip
    assert town.take(Channel.KONBINI, line, received="2026-08-12") == ["unknown_slip"]
    assert [level for level, _ in short(town.suggested(town.last_line()))] == ["probable"]


def test_what_a_second_payment_may_be_for_is_the_next_bill_of_the_same_person(town):
    town.also_owes(7, 10_000)
    town.pay("01", "02")
    assert town.pay("01", "02", paid_at="2000") == "duplicate"
    found = town.suggested(town.last_line())
    assert short(found) == [("probable", [("901/2026/0000000007/01", 10_000)])]
    assert "same_obligor" in reasons(found)


def test_two_payments_for_one_bill_are_seen_together(town):
    town.pay_el("01", "2", 4_000, transaction_id="A")
    first = town.last_line()
    assert town.pay_el("01", "2", 6_000, transaction_id="B") == "amount_mismatch"
    second = town.last_line()
    found = town.suggested(second)
    assert short(found) == [("probable", [(FIRST, 6_000)])] * 2
    assert [one.beside for one in found] == [(f"{first[0]}:{first[1]}",), ()]
    assert {"number_reported", "amount_with_others"} <= reasons(found)


def test_another_amount_may_still_be_for_the_slip_that_was_named(town):
    assert town.pay_el("01", "2", 12_000) == "amount_mismatch"
    found = town.suggested(town.last_line())
    assert short(found) == [("probable", [(FIRST, 10_000)])]


def test_a_line_that_is_malformed_elsewhere_still_names_its_slip(town):
    line = konbini_line(
        kind="02", paid_on="2026-06-10", code=town.slips["01"].konbini_barcode, amount_yen=10_000,
        remitted_on="2026-06-25", fault="cvs",
    )  # fmt: skip
    assert town.take(Channel.KONBINI, line) == ["malformed"]
    found = town.suggested(town.last_line())
    assert short(found) == [("sure", [(FIRST, 10_000)])]
    assert reasons(found) == {"number_reported", "amount_one", "in_time"}


def test_a_receipt_that_has_its_place_has_no_suggestions(town):
    town.pay("01", "02")
    assert town.suggested(town.last_line()) == []


def test_a_line_that_is_not_there_is_named(town):
    with pytest.raises(NotFoundError):
        town.suggested((999, 1))


# ---- credits ----


def test_the_name_and_the_amount_of_one_bill_are_sure(town):
    line = town.credited(10_000)
    assert town.outcome(line) == ("direct_transfer", "B6")
    found = town.suggested(line)
    assert short(found) == [("sure", [(FIRST, 10_000)])]
    assert found[0].parts[0].obligor_name == "税目 太郎"
    assert reasons(found) == {"name_equal", "amount_one"}


def test_one_transfer_for_several_bills_names_them_all(town):
    found = town.suggested(town.credited(18_000))
    assert short(found) == [("sure", [(FIRST, 10_000), (SECOND, 8_000)])]


def test_several_ways_to_make_up_the_amount_are_all_shown_and_none_is_sure(town):
    town.also_owes(7, 2_000)
    found = town.suggested(town.credited(10_000))
    assert [level for level, _ in short(found)] == ["probable", "probable"]
    assert short(found)[0][1] == [(FIRST, 10_000)]


@pytest.mark.parametrize(
    "name",
    ["ｾﾞｲﾓｸﾀﾛｳ", "ゼイモク　タロウ", "ぜいもく たろう", "ｾﾞｲﾓｸ-ﾀﾛｳ", "0000000001 ｾﾞｲﾓｸ ﾀﾛｳ"],
)
def test_full_and_half_width_and_written_numbers_are_the_same_name(town, name):
    found = town.suggested(town.credited(10_000, name))
    assert found[0].parts[0].place == FIRST


def test_legal_forms_are_no_part_of_a_name(town):
    town.also_owes(9, 33_000, kana="カブシキガイシャ ミホンショウジ", person=9)
    found = town.suggested(town.credited(33_000, "ｶ)ﾐﾎﾝｼﾖｳｼﾞ"))
    assert short(found) == [("sure", [("901/2026/0000000009/01", 33_000)])]


def test_the_same_name_of_two_people_is_never_sure(town):
    town.also_owes(9, 33_000, person=9)
    line = town.credited(33_000)
    found = town.suggested(line)
    assert short(found) == [("probable", [("901/2026/0000000009/01", 33_000)])]
    assert "name_shared" in reasons(found)


def test_a_name_with_one_sign_wrong_is_probable_and_no_direct_transfer(town):
    line = town.credited(10_000, "ｾﾞｲﾓｸ ﾀﾞﾛｳ")
    assert town.outcome(line) == ("unidentified_deposit", "B7")
    found = town.suggested(line)
    assert short(found) == [("probable", [(FIRST, 10_000)])]
    assert "name_near" in reasons(found)


def test_a_slip_number_written_on_a_transfer_of_a_stranger_is_sure_with_the_amount(town):
    row = town.slips["01"]
    line = town.credited(10_000, "ｼﾗﾇ ﾋﾄ", edi=row.el_key[:20] + " " + row.el_key[20:])
    assert short(town.suggested(line)) == [("sure", [(FIRST, 10_000)])]
    short_of_it = town.credited(9_000, "ｼﾗﾇ ﾋﾄ", remarks=row.slip_no)
    assert town.suggested(short_of_it) == []


def test_a_notice_number_written_on_a_transfer_is_probable(town):
    line = town.credited(8_000, "ｼﾗﾇ ﾋﾄ", remarks="ﾂｳﾁｼﾖ 0000000001")
    found = town.suggested(line)
    assert short(found) == [("probable", [(SECOND, 8_000)])]
    assert reasons(found) >= {"notice_written"}


def test_two_transfers_for_one_bill_are_seen_together(town):
    first = town.credited(4_000)
    second = town.credited(6_000)
    assert town.outcome(first) == ("unidentified_deposit", "B7")
    found = town.suggested(second)
    assert short(found) == [("probable", [(FIRST, 6_000)])]
    assert found[0].beside == (f"{first[0]}:{first[1]}",)


def test_a_transfer_that_fits_nothing_has_no_suggestion(town):
    assert town.suggested(town.credited(777)) == []
    assert town.suggested(town.credited(10_000, "ｼﾗﾇ ﾋﾄ")) == []


def test_an_agents_combinations_are_suggested_when_several_fit(town):
    town.pay("01", "02", remitted_on="2026-06-24")
    town.pay("02", "02", yen=8_000, remitted_on="2026-06-25")
    town.also_owes(7, 2_000)
    for number, (term, yen) in enumerate([("01", 10_000), ("01", 8_000)]):
        town.pay(term, "02", yen=yen, remitted_on=f"2026-06-{26 + number}", paid_at=f"09{number}0")
    line = town.credited(18_000, "", payer_code="9000000001")
    assert town.outcome(line) == ("settlement_difference", "B4")
    found = town.suggested(line)
    assert len(found) == 4
    assert {one.level for one in found} == {Level.PROBABLE}
    assert {sum(group.amount_yen for group in one.groups) for one in found} == {18_000}


MANY = 30_000
FIRST_NUMBER = 1_000_000


def many_equal_bills(town):
    """30,000 people of one name, each with a bill of 10,800 yen and a slip, numbered in a row."""
    people = [f"{number:012d}" for number in range(1_000, 1_000 + MANY)]
    bills = range(FIRST_NUMBER, FIRST_NUMBER + MANY)
    client = town.profile.konbini_client_code
    rows = {
        "obligor": (
            ("obligor_no", "name", "kana", "kana_folded", "postal_code", "address"),
            ((p, "税目 太郎", "ゼイモク タロウ", "ゼイモクタロウ", "", "") for p in people),
        ),
        "notice": (
            ("notice_id", "item_code", "levy_year", "notice_no", "whole_year_group", "obligor_no"),
            ((n, "901", 2026, f"{n:010d}", "G", p) for n, p in zip(bills, people, strict=True)),
        ),
        "instalment": (
            ("notice_id", "term", "fiscal_year", "due_on_statutory", "due_on", "collection_hold",
             "dunning_hold", "direct_debit", "debit_no"),
            ((n, "01", 2026, "2026-06-30", "2026-06-30", False, False, False, "") for n in bills),
        ),
        "instalment_account": (
            ("notice_id", "term", "in_group", "amount_yen", "term_yen", "whole_yen",
             "surplus_yen"),
            ((n, "01", False, 10_800, 0, 0, 0) for n in bills),
        ),
        "pay_key": (
            ("pay_key", "slip_id", "notice_id", "term", "slip_yen", "valid_until", "superseded"),
            ((f"K{client}{n:016d}", n, n, "01", 10_800, "2026-09-30", False) for n in bills),
        ),
    }  # fmt: skip
    with unit_of_work(town.engine, town.code) as connection:
        for table, (columns, values) in rows.items():
            insert_rows(
                connection, table, ("municipality_code", *columns), values, constants=(town.code,)
            )
        if connection.dialect.name == "postgresql":
            connection.execute(text("ANALYZE"))


def test_among_thirty_thousand_equal_bills_nothing_is_sure_and_nothing_takes_long(town):
    many_equal_bills(town)
    started = time.process_time()  # what else the machine does has no say
    line = town.credited(10_800)
    assert town.outcome(line) == ("direct_transfer", "B6")
    found = town.suggested(line)
    assert [(one.level, one.parts) for one in found] == [(Level.NONE, ())]
    assert reasons(found) == {"name_of_many", "not_all_shown"}
    # 1,031,005 is nobody's: 1,001,005, 1,011,005, 1,021,005 or (exchanged) 1,013,005 was meant.
    mistyped = town.suggested(wrongly_typed(town, f"{FIRST_NUMBER + 31_005:016d}", 10_800))
    assert len(mistyped) == 4
    assert {one.level for one in mistyped} == {Level.PROBABLE}
    assert time.process_time() - started < 60


# ---- pure ----

DIGITS = st.text("0123456789", min_size=21, max_size=21)


@given(DIGITS, st.integers(0, 20), st.integers(1, 9))
def test_every_single_wrong_digit_is_found(key, place, shift):
    wrong = key[:place] + str((int(key[place]) + shift) % 10) + key[place + 1 :]
    assert near_keys(wrong, 21)[key] in {Fact.KEY_ONE_DIGIT, Fact.KEY_EXCHANGED}
    assert near_keys(wrong[:place] + "?" + wrong[place + 1 :], 21)[key] is Fact.KEY_ONE_DIGIT


@given(DIGITS, st.integers(0, 19))
def test_every_exchange_of_neighbours_is_found(key, place):
    wrong = key[:place] + key[place + 1] + key[place] + key[place + 2 :]
    assert (key == wrong) or key in near_keys(wrong, 21)


@given(DIGITS, st.integers(0, 20))
def test_a_digit_missing_or_too_many_is_found(key, place):
    assert near_keys(key[:place] + key[place + 1 :], 21)[key] is Fact.KEY_LENGTH
    assert near_keys(key[:place] + "5" + key[place:], 21)[key] is Fact.KEY_LENGTH


def test_what_is_no_number_has_no_neighbours():
    assert near_keys("12", 21) == {}
    assert near_keys("?" * 21, 21) == {}
    assert len(near_keys("0" * 34, 34)) <= 9 * 34 + 33


def test_a_name_of_two_signs_has_no_neighbours():
    assert near_names("オカ") == []
    assert "オカダ" in near_names("オカタ")


def test_numbers_are_read_with_and_without_their_gaps():
    assert written_numbers(["ﾉｳﾌｼﾖ S2026-0000001 / 1234-567"]) == [
        "S2026-0000001", "1234-567", "20260000001", "0000001", "1234567",
    ]  # fmt: skip
    assert written_numbers(["06-25", "ﾔﾏﾀﾞ"]) == []


@given(st.sets(st.sampled_from(list(Fact))))
def test_no_forbidden_fact_is_ever_sure(facts):
    if facts & {Fact.SEVERAL_READINGS, Fact.NOT_ALL_SHOWN}:
        assert level_of(frozenset(facts)) is not Level.SURE
    if not facts & {Fact.AMOUNT_ONE, Fact.AMOUNT_SUM}:
        assert level_of(frozenset(facts)) is not Level.SURE


def test_every_level_has_its_agreement():
    assert {row.level for row in AGREEMENTS} == {Level.SURE, Level.PROBABLE}


def test_an_alias_is_kept_for_two_years_unless_the_profile_says_otherwise():
    assert timedelta(days=sample_profile().alias_days) == day("2028-07-05") - day(TRANSFER_DAY)
