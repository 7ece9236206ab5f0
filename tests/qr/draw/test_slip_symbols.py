"""Symbols as drawn: the rectangles are the modules of independent encoders, on the printer grid."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import barcode
import pytest
import segno

from qr.digits.el_qr import PUBLIC_LAYOUT
from qr.draw.slip_symbols import SymbolDrawing
from qr.layout.shapes import GRID_PT
from qr.layout.shipped import SHIPPED, slip_layout

VECTORS = Path(__file__).parents[2] / "vectors"
BARCODES = [
    row["digits"]
    for row in csv.DictReader((VECTORS / "konbini_barcode.csv").read_text("utf-8").splitlines())
]
PAYLOADS = [
    row["payload"]
    for row in csv.DictReader((VECTORS / "el_qr.csv").read_text("utf-8").splitlines())
    if len(row["payload"]) == 255
]
FRAME = re.compile(r"q (\S+) 0 0 (\S+) (\S+) (\S+) cm\n((?:\d+ \d+ \d+ 1 re\n)+)f Q\n")


def drawn(operators: str, rows: int, columns: int) -> tuple[list[float], list[list[int]]]:
    """Frame and modules of a symbol; fails for anything else on the way or drawn twice."""
    match = FRAME.fullmatch(operators)
    assert match is not None
    modules = [[0] * columns for _ in range(rows)]
    for line in match[5].splitlines():
        column, row, length = map(int, line.split()[:3])
        for place in range(column, column + length):
            modules[rows - 1 - row][place] += 1
    return [float(match[n]) for n in range(1, 5)], modules


@pytest.mark.parametrize("digits", BARCODES)
@pytest.mark.parametrize("layout", SHIPPED)
def test_bars_equal_an_independent_encoder(layout: str, digits: str) -> None:
    symbols = SymbolDrawing(slip_layout(layout), PUBLIC_LAYOUT, None)
    (width, height, x, y), (modules,) = drawn(symbols.barcode(digits), 1, 288)
    expected = barcode.get("gs1_128", digits).build()[0].strip("0")
    assert "".join(map(str, modules)) == expected
    assert width == GRID_PT
    assert height >= 10 * 72 / 25.4
    for place in (x, y):
        assert place / GRID_PT == pytest.approx(round(place / GRID_PT), abs=1e-6)


@pytest.mark.parametrize("layout", SHIPPED)
def test_modules_equal_an_independent_encoder(layout: str) -> None:
    symbols = SymbolDrawing(slip_layout(layout), PUBLIC_LAYOUT, None)
    assert PAYLOADS
    for digits, operators in zip(PAYLOADS, symbols.qr(PAYLOADS), strict=True):
        (width, height, x, y), modules = drawn(operators, 41, 41)
        code = segno.make(digits, version=6, error="m", mode="numeric", boost_error=False)
        assert modules == [[*row] for row in code.matrix]
        assert width == height == 3 * GRID_PT
        for place in (x, y):
            assert place / GRID_PT == pytest.approx(round(place / GRID_PT), abs=1e-6)


def test_a_smaller_symbol_stays_in_its_area_and_on_the_grid() -> None:
    layout = replace(PUBLIC_LAYOUT, symbol_version=5, symbol_error="L")
    symbols = SymbolDrawing(slip_layout(), layout, None)
    (operators,) = symbols.qr(PAYLOADS[:1])
    (_, _, x, _), modules = drawn(operators, 37, 37)
    code = segno.make(PAYLOADS[0], version=5, error="l", mode="numeric", boost_error=False)
    assert modules == [[*row] for row in code.matrix]
    assert x / GRID_PT == pytest.approx(round(x / GRID_PT), abs=1e-6)


def test_no_symbol_for_no_digits() -> None:
    assert SymbolDrawing(slip_layout(), PUBLIC_LAYOUT, None).qr([]) == []
