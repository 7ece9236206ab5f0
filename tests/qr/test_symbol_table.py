"""Batch encoding: every symbol equals the one that segno makes, mask included."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.domain.errors import InvalidValueError
from qr.el_qr import PUBLIC_LAYOUT
from qr.symbol import qr_matrix
from qr.symbol_table import SymbolPress, symbol_table


@settings(max_examples=60)
@given(st.text("0123456789", min_size=255, max_size=255))
def test_equals_segno(digits: str) -> None:
    assert symbol_table(PUBLIC_LAYOUT).matrix(digits) == qr_matrix(digits)


@pytest.mark.parametrize("mask", range(8))
def test_a_given_mask(mask: int) -> None:
    digits = "".join(random.Random(mask).choices("0123456789", k=255))
    expected = qr_matrix(digits, mask=mask)
    assert symbol_table(PUBLIC_LAYOUT).matrix(digits, mask) == expected


def test_a_press_gives_the_same_symbols_before_and_with_its_table() -> None:
    press = SymbolPress(PUBLIC_LAYOUT, mask=3)
    digits = "7" * 255
    assert {press.matrix(digits) for _ in range(202)} == {qr_matrix(digits, mask=3)}
    with pytest.raises(InvalidValueError, match="qr_digits"):
        press.matrix("x" * 255)
    assert press.matrix("7" * 254) == qr_matrix("7" * 254, mask=3)


def test_a_long_run_uses_the_table_at_once() -> None:
    press = SymbolPress(PUBLIC_LAYOUT, expected=1_000)
    assert press.matrix("123" * 85) == qr_matrix("123" * 85)
    assert press._table is symbol_table(PUBLIC_LAYOUT)


def test_versions_with_version_bits_are_left_to_segno() -> None:
    layout = replace(PUBLIC_LAYOUT, symbol_version=7)
    press = SymbolPress(layout, mask=0)
    assert len({press.matrix("1" * 255) for _ in range(202)}) == 1
