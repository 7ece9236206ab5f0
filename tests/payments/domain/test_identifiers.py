"""番号: check digits find what they promise, and values refuse what they cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from payments.domain.identifiers import (
    DebitCustomerNo,
    ElNumber,
    FreeArea,
    konbini_check_digit,
    own_key_check_digit,
    require_municipality_code,
)

EL_NUMBER = "9999900002026000000123451123456999"  # E1 of the symbol vectors, invented


def digits(length: int) -> st.SearchStrategy[str]:
    """Texts of exactly ``length`` ASCII digits."""
    return st.text("0123456789", min_size=length, max_size=length)


@pytest.mark.parametrize(
    "barcode",
    [
        "91912345012345678901234567890101033101230003",  # V1, public test value
        "91942386178953917853935692730103073110312903",  # V2, public test value
        "91912345000001000001234500001126053100123005",  # V13, invented
        "91912345123456789012345678901999999913000002",  # V14, invented
        "91912345000000000000123450001026063000456000",  # V15, invented
    ],
)
def test_konbini_check_digit_of_the_vectors(barcode: str) -> None:
    assert konbini_check_digit(barcode[:43]) == int(barcode[43])


@given(body=digits(43), place=st.integers(0, 42), step=st.integers(1, 9))
def test_konbini_check_digit_finds_every_single_error(body: str, place: int, step: int) -> None:
    wrong = body[:place] + str((int(body[place]) + step) % 10) + body[place + 1 :]
    assert konbini_check_digit(wrong) != konbini_check_digit(body)


def test_damm_check_digit_of_the_published_example() -> None:
    assert own_key_check_digit("572".zfill(15)) == 4


@given(body=digits(15), place=st.integers(0, 15), step=st.integers(1, 9))
def test_own_key_finds_every_single_error(body: str, place: int, step: int) -> None:
    key = f"{body}{own_key_check_digit(body)}"
    wrong = key[:place] + str((int(key[place]) + step) % 10) + key[place + 1 :]
    assert FreeArea("00001" + key).own_key_holds
    assert not FreeArea("00001" + wrong).own_key_holds


@given(body=digits(15), place=st.integers(0, 14))
def test_own_key_finds_every_adjacent_transposition(body: str, place: int) -> None:
    key = f"{body}{own_key_check_digit(body)}"
    swapped = key[:place] + key[place + 1] + key[place] + key[place + 2 :]
    assert FreeArea("00001" + swapped).own_key_holds == (swapped == key)


@pytest.mark.parametrize("first", range(10))
@pytest.mark.parametrize("second", range(10))
def test_the_quasigroup_is_totally_antisymmetric(first: int, second: int) -> None:
    # The two conditions of Damm 2004 after every interim digit; a digit d reaches interim via 0…d.
    for lead in range(10):
        ahead = f"{lead:013d}"
        one = own_key_check_digit(f"{ahead}{first}{second}")
        other = own_key_check_digit(f"{ahead}{second}{first}")
        assert (one == other) == (first == second)


def test_el_number_has_four_labelled_parts() -> None:
    number = ElNumber.parse(EL_NUMBER)
    assert number.labelled() == (
        ("収納機関番号", "99999"),
        ("納付番号", "00002026000000123451"),
        ("確認番号", "123456"),
        ("納付区分", "999"),
    )
    assert str(number) == "99999 00002026000000123451 123456 999"


@given(text=digits(34))
def test_el_number_round_trip(text: str) -> None:
    number = ElNumber.parse(text)
    assert number.digits == text
    assert ElNumber.parse_lenient(str(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "99999 00002026000000123451 123456 999",
        "９９９９９　００００２０２６００００００１２３４５１　１２３４５６　９９９",
        " 99999-00002026000000123451-123456-999\n",
        "99999ー0000 2026 0000 0012 3451−123456－999",
    ],
)
def test_el_number_as_people_type_it(text: str) -> None:
    assert ElNumber.parse_lenient(text).digits == EL_NUMBER


@pytest.mark.parametrize(
    "text", ["", EL_NUMBER[:-1], EL_NUMBER + "0", "①" + EL_NUMBER[1:], "O" + EL_NUMBER[1:]]
)
def test_el_number_refuses_what_is_not_34_digits(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        ElNumber.parse_lenient(text)
    assert caught.value.error_code == "not_digits"
    assert caught.value.details == {"field": "el_number", "found": text, "expected": "34 digits"}


@pytest.mark.parametrize(
    "field", ["collecting_body_code", "case_key", "confirmation_no", "item_code"]
)
def test_el_number_names_the_part_that_is_wrong(field: str) -> None:
    parts = dict(zip(ElNumber.LENGTHS, ("99999", "0" * 20, "123456", "999"), strict=True))
    with pytest.raises(InvalidValueError) as caught:
        ElNumber(**{**parts, field: parts[field] + "1"})
    assert caught.value.details["field"] == field
    assert caught.value.details["expected"] == f"{ElNumber.LENGTHS[field]} digits"


@given(number=st.integers(1, 10**15 - 1))
def test_an_issued_free_area_holds_and_keeps_its_number(number: int) -> None:
    area = FreeArea.issue("00001", number)
    assert area.client_code == "00001"
    assert int(area.own_key[:15]) == number
    assert FreeArea.parse_own(area.digits) == area


def test_a_mistyped_free_area_names_the_check_digit() -> None:
    area = FreeArea.issue("00001", 572)
    with pytest.raises(InvalidValueError) as caught:
        FreeArea.parse_own(area.digits[:-1] + "5")
    assert caught.value.error_code == "check_digit"
    assert caught.value.details == {"field": "own_key", "found": "5", "expected": "4"}


@pytest.mark.parametrize("number", [0, -1, 10**15])
def test_a_slip_number_outside_15_digits_is_refused(number: int) -> None:
    with pytest.raises(InvalidValueError, match="number_out_of_range"):
        FreeArea.issue("00001", number)


@pytest.mark.parametrize(
    ("notice_no", "expected"),
    [
        ("0000012345", "20269990000001234501"),
        ("1", "20269990000000000101"),
        ("98765432109876543210", "20269990987654321001"),
    ],
)
def test_customer_number_of_an_instalment(notice_no: str, expected: str) -> None:
    number = DebitCustomerNo.build(prefix="2026", item_code="999", notice_no=notice_no, term="01")
    assert str(number) == expected


@pytest.mark.parametrize("notice_no", ["", "A0000012345", "１２３"])
def test_customer_number_refuses_a_notice_number_that_is_not_digits(notice_no: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        DebitCustomerNo.build(prefix="2026", item_code="999", notice_no=notice_no, term="01")
    assert caught.value.details["field"] == "notice_no"


@given(text=digits(20))
def test_customer_number_round_trip(text: str) -> None:
    number = DebitCustomerNo.parse(text)
    assert number.digits == text
    assert number.term == text[-2:]


def test_municipality_code_has_five_digits() -> None:
    assert require_municipality_code("99999") == "99999"
    with pytest.raises(InvalidValueError, match="municipality_code"):
        require_municipality_code("999999")
