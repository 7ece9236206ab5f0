"""OCR lines: the published check digits, and strict reading."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qr.digits.fields import SymbolError
from qr.digits.ocr_line import LOWER, UPPER, build_line, check_digits, check_sums, parse_line

VECTORS = Path(__file__).parents[2] / "vectors" / "ocr_check_digits.csv"
ROWS = list(csv.DictReader(VECTORS.read_text("utf-8").splitlines()))


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_vectors(row: dict[str, str]) -> None:
    assert check_sums(row["body"]) == (int(row["cd1_sum"]), int(row["cd2_sum"]))
    assert check_digits(row["body"]) == row["cd1"] + row["cd2"]
    assert check_digits(row["body"]) + row["body"] == row["printed_line"]


def test_lengths() -> None:
    assert (UPPER.length, LOWER.length) == (39, 44)


@given(digits(44))
def test_lower_line_round_trip(text: str) -> None:
    line = check_digits(text[2:]) + text[2:]
    assert build_line(LOWER, parse_line(LOWER, line)) == line


@given(account=digits(11), amount=digits(11), item=digits(3), extension=digits(5))
def test_upper_line_round_trip(account: str, amount: str, item: str, extension: str) -> None:
    values = {
        "account_no": account,
        "amount_yen": amount,
        "fee_bearer": "2",
        "agency_id": "13800",
        "stamp_duty": "0",
        "item_code": item,
        "upper_extension": extension,
    }
    assert parse_line(UPPER, build_line(UPPER, values)) == values


def test_check_digits_are_replaceable() -> None:
    line = build_line(LOWER, parse_line(LOWER, ROWS[3]["printed_line"]), lambda _body: "42")
    assert line == "42" + ROWS[3]["body"]
    with pytest.raises(SymbolError) as caught:
        parse_line(LOWER, line)
    assert (caught.value.error_code, caught.value.position) == ("ocr_lower_check_digit", 0)
    assert (caught.value.found, caught.value.expected) == ("42", "62")


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("", "ocr_upper_length", 0),
        ("9" * 38, "ocr_upper_length", 38),
        ("9" * 40, "ocr_upper_length", 39),
        ("92" + "0" * 10 + "\uff11" + "0" * 26, "ocr_upper_digit", 12),
        ("920000000000000000012300213801099900000", "ocr_upper_fixed", 25),
    ],
)
def test_refusals_name_the_place(text: str, code: str, position: int) -> None:
    with pytest.raises(SymbolError) as caught:
        parse_line(UPPER, text)
    assert (caught.value.error_code, caught.value.position) == (code, position)
