"""A page is taken apart in one form only; rectangles become modules or are refused."""

from __future__ import annotations

import numpy as np
import pytest

from qr.encode.symbol import dark_runs, qr_matrix
from qr.proof.page_content import RectangleReader, split_content

CONTENT = b"""/Artifact BMC
/Fm Do
EMC
BT
1 0 0 1 10.00 20.00 Tm 0 Tc /F1 9 Tf <00010002> Tj
1 0 0 1 10.00 30.00 Tm 0 Tc /F2 9 Tf <0003> Tj
ET
q 1.44 0 0 1.44 96.00 48.00 cm
0 0 2 1 re
1 1 1 1 re
f Q
q 0.48 0 0 36.85 0.48 0.96 cm
0 0 2 1 re
f Q
"""


def test_texts_symbols_and_the_rest() -> None:
    page = split_content(CONTENT)
    assert page.styles == [b"10.00 20.00 Tm 0 Tc /F1 9 Tf ", b"10.00 30.00 Tm 0 Tc /F2 9 Tf "]
    assert page.glyphs == [b"00010002", b"0003"]
    assert [symbol.square for symbol in page.symbols] == [True, False]
    assert page.symbols[0].frame == (b"1.44", b"1.44", b"96.00", b"48.00")
    assert page.symbols[0].rectangles == b"0 0 2 1 re\n1 1 1 1 re\n"
    assert b"".join(page.rest) == b"/Artifact BMC\n/Fm Do\nEMC\nBT\nET\n"


@pytest.mark.parametrize(
    "other",
    [
        b"1 0 0 rg\n",
        b"0.97 0 0 0.97 0 0 cm\n",
        b"q 1.44 0 0 1.44 0 0 cm\n0 0 1 1 re\nS Q\n",  # outlined, not filled
        b"q 1.44 0.1 0 1.44 0 0 cm\n0 0 1 1 re\nf Q\n",  # skewed
        b"0.97 0 0 1 10 20 Tm 0 Tc /F1 9 Tf <0001> Tj\n",  # narrow letters
        b"[<0001> 500 <0002>] TJ\n",
    ],
)
def test_anything_else_is_left_over(other: bytes) -> None:
    assert other in b"".join(split_content(CONTENT + other).rest)


def test_rectangles_become_the_modules_they_were_made_of() -> None:
    matrices = [qr_matrix(str(number) * 255) for number in range(8)]
    drawings = [
        "".join(f"{x:02d} {40 - y:02d} {n:02d} 1 re\n" for x, y, n in dark_runs(matrix)).encode()
        for matrix in matrices
    ]
    modules, well = RectangleReader(41, 41).modules(drawings)
    assert well.all()
    expected = [np.frombuffer(b"".join(matrix), np.uint8).reshape(41, 41) for matrix in matrices]
    assert (modules == np.array(expected, bool)).all()


@pytest.mark.parametrize(
    "drawing",
    [
        b"0 0 2 1 re\n1 0 2 1 re\n",  # one over another
        b"3 0 2 1 re\n",  # beyond the right edge
        b"0 2 1 1 re\n",  # above the top
        b"0 0 0 1 re\n",
        b"0 0 1 2 re\n",
        b"0 0 1 1 re 1 1 1 1 re\n",
        b"0 0 1 1 rg\n",
        b"0 0 a 1 re\n",
        b"0 0 -1 1 re\n",
        b"00 0 1 1 re\n",
        b"0 0 1 1 re",
    ],
)
def test_wrong_rectangles_are_refused_alone(drawing: bytes) -> None:
    modules, well = RectangleReader(2, 4).modules([b"0 1 4 1 re\n", drawing, b"3 0 1 1 re\n"])
    assert well.tolist() == [True, False, True]
    assert modules[0].tolist() == [[True] * 4, [False] * 4]
    assert modules[2].tolist() == [[False] * 4, [False] * 3 + [True]]
