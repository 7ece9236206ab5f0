"""Batch encoding: every symbol equals the one that segno makes, mask included."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from qr.digits.el_qr import PUBLIC_LAYOUT
from qr.encode.symbol import qr_matrix
from qr.encode.symbol_penalty import Penalty
from qr.encode.symbol_table import SymbolPress, symbol_table


@settings(max_examples=60)
@given(st.text("0123456789", min_size=255, max_size=255))
def test_equals_segno(digits: str) -> None:
    assert symbol_table(PUBLIC_LAYOUT).matrix(digits) == qr_matrix(digits)


@pytest.mark.parametrize("mask", range(8))
def test_a_given_mask(mask: int) -> None:
    digits = "".join(random.Random(mask).choices("0123456789", k=255))
    expected = qr_matrix(digits, mask=mask)
    assert symbol_table(PUBLIC_LAYOUT).matrix(digits, mask) == expected


def test_many_at_once_are_the_same_as_one_at_a_time() -> None:
    random_digits = random.Random(4)
    digits = ["".join(random_digits.choices("0123456789", k=255)) for _ in range(200)]
    made = SymbolPress(PUBLIC_LAYOUT).modules(digits)
    assert [tuple(row.tobytes() for row in symbol) for symbol in made] == [
        qr_matrix(text) for text in digits
    ]


def test_overlapping_finder_patterns_count_once() -> None:
    # 1011101 twice within eleven modules, light on both sides: the second overlaps the first.
    line = int("00000" + "10111011101" + "0" * 25, 2)
    assert Penalty(41)._apart(1 << 35 | 1 << 31) == 1
    symbol = np.zeros((1, 1, 2, 41), np.uint64)
    symbol[0, 0, 0, 20] = line
    assert Penalty(41)._finders(symbol).tolist() == [[1]]


@pytest.mark.parametrize(("version", "error"), [(5, "L"), (6, "L"), (6, "M")])
def test_other_sizes_and_levels(version: int, error: str) -> None:
    layout = replace(PUBLIC_LAYOUT, symbol_version=version, symbol_error=error)
    digits = "".join(random.Random(version).choices("0123456789", k=255))
    assert symbol_table(layout).matrix(digits) == qr_matrix(digits, layout)


def test_what_the_table_does_not_know_is_left_to_segno() -> None:
    for layout, digits in (
        (replace(PUBLIC_LAYOUT, symbol_version=7), "1" * 255),  # carries version bits
        (PUBLIC_LAYOUT, "7" * 254),
    ):
        (made,) = SymbolPress(layout, mask=3).modules([digits])
        assert tuple(row.tobytes() for row in made) == qr_matrix(digits, layout, mask=3)
    with pytest.raises(InvalidValueError, match="qr_digits"):
        SymbolPress(PUBLIC_LAYOUT).modules(["x" * 255])
