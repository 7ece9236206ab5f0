"""QRコードの描画: digits → a matrix of modules, one numeric segment at a fixed version and level.

The version and error level come from the layout (6-M unless set otherwise) and are never raised
or lowered silently: 255 digits fill the symbol exactly (symbols.md 1.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import segno
from segno.encoder import DataOverflowError

from payments.domain.errors import InvalidValueError
from qr.digits.el_qr import PUBLIC_LAYOUT
from qr.digits.fields import is_digits

if TYPE_CHECKING:
    from qr.digits.el_qr import ElQrLayout

Matrix = tuple[bytes, ...]
"""Rows from the top; each byte is one module, 1 for dark. The quiet zone is not part of it."""

QUIET_ZONE = 4
"""Light modules on every side (ISO/IEC 18004, 6.3.8)."""


def qr_matrix(digits: str, layout: ElQrLayout = PUBLIC_LAYOUT, mask: int | None = None) -> Matrix:
    """Digits → modules; the mask is chosen by the rules of ISO/IEC 18004, 7.8 unless given."""
    if not is_digits(digits):
        raise InvalidValueError("qr_digits", found=digits, expected="digits only")
    try:
        code = segno.make(
            digits,
            version=layout.symbol_version,
            error=layout.symbol_error,
            mode="numeric",
            mask=mask,
            boost_error=False,
            micro=False,
        )
    except DataOverflowError as error:
        raise InvalidValueError(
            "qr_capacity",
            found=len(digits),
            expected=f"{layout.symbol_version}-{layout.symbol_error}",
        ) from error
    # segno keeps one byte per module, whose lowest bit says dark or light.
    return tuple(bytes(module & 1 for module in row) for row in code.matrix)


def dark_runs(matrix: Matrix) -> list[tuple[int, int, int]]:
    """Dark modules as horizontal runs (column, row from the top, length)."""
    runs: list[tuple[int, int, int]] = []
    for row_no, row in enumerate(matrix):
        start = row.find(1)
        while start >= 0:
            end = row.find(0, start)
            end = len(row) if end < 0 else end
            runs.append((start, row_no, end - start))
            start = row.find(1, end)
    return runs
