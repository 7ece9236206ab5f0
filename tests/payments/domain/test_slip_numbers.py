"""納付書の番号: check digits, limits, and what a version may carry."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from payments.domain.identifiers import ElNumber, FreeArea, own_key_check_digit
from payments.domain.profile import Item, profile_from_mapping
from payments.domain.slip import (
    NUMBER_MAX,
    case_key,
    slip_dates,
    slip_keys,
    slip_number,
)
from qr.digits import konbini_barcode
from web.commands.setup import sample_profile

PROFILE = sample_profile()
TAX = PROFILE.item("901")
DUE, ISSUED = date(2026, 6, 1), date(2026, 5, 1)
NUMBERS = st.integers(1, NUMBER_MAX)
YEARS = st.integers(1990, 2099)


def _keys(item=TAX, **changes):
    facts = {
        "levy_year": 2026, "number": 123, "confirmation_no": "012345", "version": 1,
        "amount_yen": 12_300, "konbini_until": date(2027, 4, 30),
    }  # fmt: skip
    return slip_keys(PROFILE, item, **{**facts, **changes})


def test_the_numbers_of_a_slip_are_built_from_one_number():
    keys = _keys()
    check = own_key_check_digit("202600000000123")
    assert keys.slip_no == f"2026-000000123-{check}"
    assert keys.el_number == f"99999000020260000000012 3{check}012345901".replace(" ", "")
    assert keys.konbini_barcode[8:29] == FreeArea.issue("00001", 123).digits


@given(number=NUMBERS, other=NUMBERS, year=YEARS, other_year=YEARS)
def test_numbers_are_as_different_as_what_they_are_built_from(number, other, year, other_year):
    same = (number, year) == (other, other_year)
    assert (slip_number(year, number) == slip_number(other_year, other)) == same
    assert (case_key("0000", year, number) == case_key("0000", other_year, other)) == same
    assert len(case_key("0000", year, number)) == 20


@given(number=NUMBERS, year=YEARS, place=st.integers(0, 14), digit=st.integers(0, 9))
def test_one_wrong_digit_is_seen(number, year, place, digit):
    key = case_key("0000", year, number)[4:]
    body, check = list(key[:-1]), int(key[-1])
    if body[place] != str(digit):
        body[place] = str(digit)
        assert own_key_check_digit("".join(body)) != check


@pytest.mark.parametrize("number", [0, -1, NUMBER_MAX + 1])
def test_a_number_that_does_not_fit_is_refused(number):
    with pytest.raises(InvalidValueError) as caught:
        case_key("0000", 2026, number)
    assert caught.value.error_code == "number_out_of_range"


@pytest.mark.parametrize(
    ("version", "reissue"), [(1, 0), (2, 1), (9, 8), (10, 9), (11, 9), (200, 9)]
)
def test_reissues_are_counted_up_to_nine(version, reissue):
    """The digits are read by the symbol's own module: two implementations hold each other."""
    barcode = konbini_barcode.parse(_keys(version=version).konbini_barcode)
    assert barcode.reissue == reissue
    assert barcode.amount_yen == 12_300
    assert barcode.valid_until == date(2027, 4, 30)
    assert barcode.stamp_flag == 0


@pytest.mark.parametrize(
    ("item", "amount_yen", "has_el", "has_barcode"),
    [
        (TAX, 300_000, True, True),
        (TAX, 300_001, True, False),
        (PROFILE.item("953"), 500, True, False),
        (Item("901", "x", "tax", el_qr=False), 500, False, True),
        (Item("901", "x", "tax", el_qr=False, konbini=False), 500, False, False),
    ],
)
def test_a_version_carries_what_may_be_printed_on_it(item, amount_yen, has_el, has_barcode):
    keys = _keys(item, amount_yen=amount_yen)
    assert (keys.el_number is not None, keys.konbini_barcode is not None) == (has_el, has_barcode)
    if keys.el_number:
        assert ElNumber.parse(keys.el_number).collecting_body_code == "99999"


def test_a_slip_over_nothing_has_no_numbers():
    with pytest.raises(InvalidValueError) as caught:
        _keys(amount_yen=0)
    assert caught.value.error_code == "slip_zero"


@pytest.mark.parametrize(
    ("profile", "item", "issued_on", "dates"),
    [
        ({}, {}, ISSUED, (date(2027, 4, 30), date(2027, 4, 30))),
        ({"valid_until": "same_day"}, {}, ISSUED, (DUE, DUE)),
        ({}, {"valid_until": "days_after:7"}, ISSUED, (date(2026, 6, 8), date(2026, 6, 8))),
        ({"konbini_valid_until": "same_day"}, {}, ISSUED, (date(2027, 4, 30), DUE)),
        ({}, {"konbini_valid_until": "days_after:1"}, ISSUED,
         (date(2027, 4, 30), date(2026, 6, 2))),
        # The barcode never outlives the slip.
        ({"valid_until": "same_day"}, {"konbini_valid_until": "days_after:9"}, ISSUED, (DUE, DUE)),
        # Issued when 支払期限 would have passed: the policy for late slips, from the day of issue.
        ({"valid_until": "same_day"}, {}, date(2026, 6, 2), (date(2026, 7, 2), date(2026, 7, 2))),
        ({"valid_until": "same_day", "late_valid_until": "same_day"}, {}, date(2026, 6, 2),
         (date(2026, 6, 2), date(2026, 6, 2))),
    ],
)  # fmt: skip
def test_until_when_a_slip_may_be_paid(profile, item, issued_on, dates):
    found = slip_dates(replace(PROFILE, **profile), replace(TAX, **item), DUE, issued_on)
    assert tuple(found) == dates


def _mapping(**changes):
    return {
        "municipality_code": "99999", "name": "みほん市", "collecting_body_code": "99999",
        "konbini_company_code": "912345", "konbini_client_code": "00001",
        "debit_consignor_code": "1234567890", "debit_prefix": "2026", "agents": [], "accounts": [],
        "items": [{"item_code": "901", "name": "x", "law": "tax"}], **changes,
    }  # fmt: skip


def test_a_profile_without_the_settings_of_slips_has_safe_ones():
    profile = profile_from_mapping(_mapping())
    assert profile.valid_until == "next_fiscal_year:04-30"
    assert profile.case_key_prefix == "0000"
    assert not profile.upload_registered_slips


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"valid_until": "never"}, "valid_until_policy"),
        ({"late_valid_until": "days_after"}, "valid_until_policy"),
        ({"items": [{"item_code": "901", "name": "x", "law": "tax", "valid_until": "x"}]},
         "valid_until_policy"),
        ({"case_key_prefix": "12"}, "profile_digits"),
    ],
)  # fmt: skip
def test_a_profile_with_a_setting_that_is_none_is_refused(changes, code):
    with pytest.raises(InvalidValueError) as caught:
        profile_from_mapping(_mapping(**changes))
    assert caught.value.error_code == code
