"""The strict decoder of bar codes: only what may be printed is read."""

from __future__ import annotations

import random
from csv import DictReader
from pathlib import Path

import numpy as np
import pytest
from barcode.charsets import code128 as oracle

from qr.encode import code128
from qr.proof import bar_decode
from qr.proof.bar_decode import decode_bars

VECTORS = Path(__file__).parents[2] / "vectors/konbini_barcode.csv"
V13 = "9191234500000100000123450000112605310012300" + "5"


def modules(codewords: tuple[int, ...]):
    """Codewords → modules, by the table of another encoder."""
    words = [(*oracle.CODES, oracle.STOP + "11")[word] for word in codewords]
    return np.array([bit == "1" for bit in "".join(words)], bool)


def test_the_table_is_that_of_another_encoder() -> None:
    assert [int(pattern, 2) for pattern in oracle.CODES] == [
        int(pattern, 16) for pattern in bar_decode._PATTERNS.split()
    ]


def test_reads_the_vectors_and_thousands_more() -> None:
    with VECTORS.open(encoding="utf-8") as file:
        texts = [row["digits"] for row in DictReader(file)]
    rng = random.Random(44)
    texts += ["91" + "".join(rng.choices("0123456789", k=42)) for _ in range(2_000)]
    bars = np.array([modules(code128.codewords(text)) for text in texts])
    assert bars.shape[1] == 288
    assert [read.digits for read in decode_bars(bars)] == texts


def test_every_single_wrong_module_is_found() -> None:
    flipped = np.repeat(modules(code128.codewords(V13))[None], 288, axis=0)
    flipped[np.diag_indices(288)] ^= True
    assert all(read.fault and not read.digits for read in decode_bars(flipped))


START, FNC1, *PAIRS, CHECK, STOP = code128.codewords(V13)


@pytest.mark.parametrize(
    ("codewords", "fault", "place"),
    [
        ((104, FNC1, *PAIRS, CHECK, STOP), "bars_start", "codeword 1"),
        ((START, 91, *PAIRS, CHECK, STOP), "bars_fnc1", "codeword 2"),
        ((START, FNC1, *PAIRS[:4], 100, *PAIRS[5:], CHECK, STOP), "bars_pair", "codeword 7"),
        ((START, FNC1, *PAIRS[1:], PAIRS[0], CHECK, STOP), "bars_check", "codeword 25"),
        ((START, FNC1, *PAIRS, CHECK + 1, STOP), "bars_check", "codeword 25"),
    ],
)
def test_other_codewords_are_refused(codewords, fault: str, place: str) -> None:
    (read,) = decode_bars(modules(codewords)[None])
    assert (read.digits, read.fault, read.place) == ("", fault, place)


def test_the_stop_pattern_and_the_width_are_looked_at() -> None:
    bars = modules(code128.codewords(V13))
    last_bar_thin = bars.copy()
    last_bar_thin[-1] = False
    assert decode_bars(last_bar_thin[None])[0].fault == "bars_stop"
    assert decode_bars(bars[None, :-1])[0].fault == "bars_width"
