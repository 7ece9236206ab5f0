"""GS1-128: the published codewords and widths, and agreement with two independent encoders."""

from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path

import barcode
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from qr.encode.code128 import STOP, WIDTHS, bars, check_sum, codewords, widths

VECTORS = Path(__file__).parents[2] / "vectors" / "konbini_barcode.csv"
ROWS = list(csv.DictReader(VECTORS.read_text("utf-8").splitlines()))
V13 = next(row for row in ROWS if row["id"] == "V13")["digits"]
V13_WORDS = "105 102 91 91 23 45 0 0 1 0 0 1 23 45 0 0 11 26 5 31 0 12 30 5 63 106"


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_check_of_the_vectors(row: dict[str, str]) -> None:
    words = codewords(row["digits"])
    assert check_sum(words[:-2]) == int(row["mod103_sum"])
    assert words[-2:] == (int(row["mod103_check"]), STOP)
    assert sum(map(int, widths(row["digits"]))) == 288


def test_published_symbol() -> None:
    assert codewords(V13) == tuple(map(int, V13_WORDS.split()))
    assert widths(V13).startswith("211232411131")  # start C, FNC1
    assert widths(V13).endswith("2331112")
    assert len(widths(V13)) == 157


def test_the_table_has_the_shape_of_the_standard() -> None:
    assert len(set(WIDTHS)) == len(WIDTHS) == 107
    for pattern in WIDTHS[:-1]:
        assert len(pattern) == 6
        assert sum(map(int, pattern)) == 11
        assert sum(map(int, pattern[::2])) % 2 == 0  # an even number of dark modules
    assert sum(map(int, WIDTHS[STOP])) == 13


def run_lengths(modules: str) -> str:
    return "".join(str(len(list(run))) for _, run in groupby(modules.strip("0")))


@given(st.text("0123456789", min_size=42, max_size=42))
def test_equals_independent_encoders(tail: str) -> None:
    digits = "91" + tail
    assert widths(digits) == run_lengths(barcode.get("gs1_128", digits).build()[0])
    made = zxingcpp.create_barcode(f"(91){tail}", zxingcpp.BarcodeFormat.Code128, gs1=True)
    image = made.to_image(scale=1, add_quiet_zones=False)
    top_row = bytes(memoryview(image)[0, column] for column in range(288))  # type: ignore[arg-type]
    row = "".join("1" if level < 128 else "0" for level in top_row)
    assert widths(digits) == run_lengths(row)


def test_bars_cover_the_dark_modules() -> None:
    drawn = ["0"] * 288
    for start, width in bars(V13):
        drawn[start : start + width] = "1" * width
    assert run_lengths("".join(drawn)) == widths(V13)


@pytest.mark.parametrize("digits", ["911", "91a1", "９１", ""])
def test_refuses_what_set_c_cannot_hold(digits: str) -> None:
    with pytest.raises(InvalidValueError, match="code128_digits"):
        codewords(digits)
