"""QR symbol: fixed version and level, and an independent reading of what was drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyzbar.pyzbar import ZBarSymbol, decode

from payments.domain.errors import InvalidValueError
from qr.digits.el_qr import PUBLIC_LAYOUT
from qr.encode.symbol import QUIET_ZONE, Matrix, dark_runs, qr_matrix


def picture(matrix: Matrix, scale: int = 4) -> Image.Image:
    size = len(matrix) + 2 * QUIET_ZONE
    image = Image.new("L", (size, size), 255)
    for column, row, length in dark_runs(matrix):
        left, top = column + QUIET_ZONE, row + QUIET_ZONE
        image.paste(0, (left, top, left + length, top + 1))
    return image.resize((size * scale, size * scale), Image.Resampling.NEAREST)


@settings(max_examples=15, deadline=None)
@given(st.text("0123456789", min_size=255, max_size=255), st.none() | st.integers(0, 7))
def test_decoded_symbol_equals_the_text(digits: str, mask: int | None) -> None:
    matrix = qr_matrix(digits, mask=mask)
    assert [len(row) for row in matrix] == [41] * 41
    (found,) = decode(picture(matrix), symbols=[ZBarSymbol.QRCODE])
    assert found.data.decode("ascii") == digits


def test_version_and_level_are_those_of_the_layout() -> None:
    layout = replace(PUBLIC_LAYOUT, symbol_version=5, symbol_error="L")
    assert len(qr_matrix("0" * 255, layout)) == 37


def test_the_symbol_never_grows() -> None:
    with pytest.raises(InvalidValueError, match="qr_capacity"):
        qr_matrix("0" * 256)


def test_digits_only() -> None:
    with pytest.raises(InvalidValueError, match="qr_digits"):
        qr_matrix("A" * 100)
