"""What is typed, pasted or scanned becomes numbers, and what is wrong is said of its field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.identifiers import ElNumber
from web.commands.setup import sample_profile
from web.enquiries.typed import doubts, lines_of, number_in, number_of, typed

NUMBER = "9999900002026000000123451123456999"
EL_QR = (
    "000201010212279600051380001839200000000000000000123002138000999000006200002026000000123451"
    "123456099999000000000054110000001230062262026202601202606012026070180850000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000630504760"
)
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
NAMES = list(ElNumber.LENGTHS)


def _form(**values):
    number = ElNumber.parse(NUMBER)
    return {name: getattr(number, name) for name in NAMES} | values


@pytest.mark.parametrize(
    "pasted",
    [
        NUMBER,
        "99999 0000 2026 0000 0012 3451 123456 999",
        "９９９９９－００００２０２６００００００１２３４５１－１２３４５６－９９９",
        "収納機関番号 99999\n納付番号 00002026000000123451\n確認番号 123456 納付区分 999",
        EL_QR,
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_whole_number_in_any_field_is_spread_over_all(name, pasted):
    parts = typed({name: pasted})
    assert [part.value for part in parts] == list(_form().values())
    assert number_of(parts) == ElNumber.parse(NUMBER)


@pytest.mark.parametrize(
    ("value", "wrong", "found"),
    [
        ("", "empty", 0),
        ("　 ", "empty", 0),
        ("12345", "short", 5),
        ("1234567", "long", 7),
        ("12345a", "letters", 0),
        ("１２３４５", "short", 5),
    ],
)
def test_each_field_says_what_is_wrong_with_it(value, wrong, found):
    parts = typed(_form(confirmation_no=value))
    assert [(part.wrong, part.found) for part in parts if part.wrong] == [(wrong, found)]
    assert number_of(parts) is None


@given(st.text(max_size=500))
def test_no_text_breaks_the_form(text):
    parts = typed({"case_key": text, "item_code": "999"})
    assert len(parts) == 4
    assert len(parts[1].value) <= 60
    numbers, wrong = lines_of(text, 3)
    assert len(numbers) <= 4
    assert all(number > 0 for number in wrong)


def test_a_changed_symbol_is_no_number():
    changed = EL_QR[:-1] + "1"
    assert number_in(EL_QR) == ElNumber.parse(NUMBER)
    assert number_in(changed) is None


def test_lines_hold_a_number_each():
    other = NUMBER[:30] + "9999"
    text = f"{NUMBER}\n\n12345\n{other[:5]} {other[5:]}\r\n{NUMBER.translate(WIDE)}\n"
    numbers, wrong = lines_of(text, 10)
    assert [number.digits for number in numbers] == [NUMBER, other]
    assert wrong == [3]
    many = "\n".join(f"{NUMBER[:28]}{n:06}" for n in range(9))
    assert len(lines_of(many, 3)[0]) == 4  # one more than may be asked


def test_doubts_name_the_field():
    profile = sample_profile()
    prefix = f"{profile.case_key_prefix}2026"
    right = [f"{prefix}00000000123{n}" for n in range(10)]
    good = [key for key in right if "case_key" not in doubts(_number(case_key=key), profile)]
    assert len(good) == 1
    assert doubts(_number(case_key=good[0]), profile) == ()
    assert doubts(_number(case_key=good[0], item_code="000"), profile) == ("item_code",)
    assert doubts(_number(case_key="9" * 20), profile) == ()  # not numbered here
    found = doubts(_number(collecting_body_code="11111", case_key=good[0]), profile)
    assert found == ("collecting_body_code",)


def _number(**values):
    return ElNumber(**_form(**values))
