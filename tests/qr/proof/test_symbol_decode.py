"""The strict decoder: it reads what the standard says, and finds every module that is wrong."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import segno

from qr.digits.el_qr import PUBLIC_LAYOUT
from qr.encode.symbol_table import symbol_table
from qr.proof.symbol_decode import decode_symbols


def modules(digits: str, **how: Any):
    code = segno.make(digits, mode="numeric", boost_error=False, micro=False, **how)
    return np.array([[module & 1 for module in row] for row in code.matrix], bool)


def random_digits(seed: int, length: int) -> str:
    return "".join(random.Random(seed).choices("0123456789", k=length))


def fills_a_codeword(version: int, digits: str) -> bool:
    """Whether the terminator ends with a codeword: segno then adds eight zero bits too many."""
    bits = 4 + (10 if version <= 9 else 12) + (10 * len(digits) + 2) // 3 + 4
    return bits % 8 == 0


@pytest.mark.parametrize("level", "LMQH")
@pytest.mark.parametrize("version", range(1, 11))
def test_reads_every_version_level_and_mask(version: int, level: str) -> None:
    for mask in range(8):
        for length in (1, 2, 3, 12, 17):
            digits = random_digits(version * 100 + mask, length)
            symbol = modules(digits, version=version, error=level, mask=mask)
            (read,) = decode_symbols(symbol[None])
            if fills_a_codeword(version, digits):
                assert read.fault == "qr_padding"
            else:
                assert (read.digits, read.kind) == (digits, f"{version}-{level}/{mask}")


# Numeric capacity of version and level (ISO/IEC 18004, table 7).
@pytest.mark.parametrize(
    ("version", "level", "length"),
    [(1, "L", 41), (3, "Q", 77), (5, "L", 255), (6, "M", 255), (8, "Q", 259), (10, "H", 288)],
)
def test_reads_full_symbols(version: int, level: str, length: int) -> None:
    for shorter in range(3):
        digits = random_digits(shorter, length - shorter)
        (read,) = decode_symbols(modules(digits, version=version, error=level)[None])
        assert read.digits == digits


def test_reads_thousands_of_printed_symbols_at_once() -> None:
    table = symbol_table(PUBLIC_LAYOUT)
    texts = [random_digits(seed, 255) for seed in range(2_000)]
    printed = [b"".join(table.matrix(text, seed % 8)) for seed, text in enumerate(texts)]
    symbols = np.frombuffer(b"".join(printed), np.uint8).reshape(-1, 41, 41).astype(bool)
    assert [read.digits for read in decode_symbols(symbols)] == texts


@pytest.mark.parametrize(("version", "level"), [(6, "M"), (5, "L"), (7, "Q"), (1, "H")])
def test_every_single_wrong_module_is_found(version: int, level: str) -> None:
    symbol = modules("12345", version=version, error=level, mask=2)
    size = len(symbol)
    flipped = np.repeat(symbol.reshape(1, -1), size * size, axis=0)
    flipped[np.diag_indices(size * size)] ^= True
    found = decode_symbols(flipped.reshape(-1, size, size))
    assert all(read.fault and not read.digits for read in found)
    kinds = {read.fault for read in found} - {"qr_remainder", "qr_version"}
    assert kinds == {"qr_pattern", "qr_format", "qr_block"}


def test_the_place_of_a_wrong_module() -> None:
    symbol = modules("1" * 255, version=6, error="M")
    symbol[3, 2] ^= True
    (read,) = decode_symbols(symbol[None])
    assert (read.fault, read.place) == ("qr_pattern", "row 3 column 2")


def test_a_wrong_symbol_does_not_disturb_its_neighbours() -> None:
    texts = [random_digits(seed, 255) for seed in range(4)]
    symbols = np.array([modules(text, version=6, error="M") for text in texts])
    symbols[2, 20, 20] ^= True
    found = decode_symbols(symbols)
    assert [read.digits for read in found] == [texts[0], texts[1], "", texts[3]]
    assert (found[2].fault, found[2].place[:5]) == ("qr_block", "block")


def test_other_modes_and_sizes_are_refused() -> None:
    code = segno.make("AB12", version=2, error="M", mode="alphanumeric", micro=False)
    symbol = np.array([[module & 1 for module in row] for row in code.matrix], bool)
    assert decode_symbols(symbol[None])[0].fault == "qr_mode"
    for size in (20, 17, 61):
        assert decode_symbols(np.zeros((1, size, size), bool))[0].fault == "qr_size"


def test_numbers_that_no_digits_give_are_refused() -> None:
    """1,021 in ten bits is no group of three digits, however whole the symbol is.

    The code is linear: the sum of three whole symbols of one mask is a whole symbol.
    """
    same = {"version": 6, "error": "M", "mask": 0}
    five, eight, zero = (modules(f"{value:03d}" * 85, **same) for value in (512, 509, 0))
    assert 512 ^ 509 == 1021
    assert decode_symbols((five ^ eight ^ zero)[None])[0].fault == "qr_digits"


@pytest.mark.parametrize("lengths", [(1, 2, 3), (32, 31, 1)])
def test_a_count_of_no_digits_or_too_many_is_refused(lengths: tuple[int, int, int]) -> None:
    """The sum of three symbols again: their counts give 0, or 62 where 41 have room."""
    one, two, three = (modules("0" * length, version=1, error="L", mask=0) for length in lengths)
    assert decode_symbols((one ^ two ^ three)[None])[0].fault == "qr_count"
