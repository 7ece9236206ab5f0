"""GS1-128 の復号（印刷検査用）: modules → digits, for many bar codes at once.

Only what may be printed is read: start C, FNC1, digit pairs, the right check and stop; nothing is
guessed (ISO/IEC 15417, symbols.md 3.3). The patterns are written as an eleven-bit number per
codeword, dark is 1; the side that draws has element widths of its own in :mod:`qr.encode.code128`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qr.proof.symbol_decode import DecodedSymbol

if TYPE_CHECKING:
    from numpy.typing import NDArray

# ISO/IEC 15417 table 1, codewords 0 to 105, as hexadecimal numbers.
_PATTERNS = """
6cc 66c 666 498 48c 44c 4c8 4c4 464 648 644 624 59c 4dc 4ce 5cc 4ec 4e6 672 65c 64e 6e4
674 76e 74c 72c 726 764 734 732 6d8 6c6 636 518 458 446 588 468 462 688 628 622 5b8 58e
46e 5d8 5c6 476 776 68e 62e 6e8 6e2 6ee 758 746 716 768 762 71a 77a 642 78a 530 50c 4b0
486 42c 426 590 584 4d0 4c2 434 432 612 650 7ba 614 47a 53c 4bc 49e 5e4 4f4 4f2 7a4 794
792 6de 6f6 7b6 578 51e 45e 5e8 5e2 7a8 7a2 5de 5ee 75e 7ae 684 690 69c
"""
_START_C, _FNC1 = 0x69C, 0x7AE
_STOP = 0b1100011101011  # with its final bar
_WORD, _STOP_WIDTH = 11, 13

_VALUES = np.full(1 << _WORD, -1)
_VALUES[[int(pattern, 16) for pattern in _PATTERNS.split()]] = np.arange(106)


def decode_bars(modules: NDArray[np.bool_]) -> list[DecodedSymbol]:
    """Bar codes of one width (n, modules; True is dark, no quiet zone) → one result each.

    Faults: ``bars_width``, ``bars_start``, ``bars_fnc1``, ``bars_codeword``, ``bars_pair``,
    ``bars_check`` and ``bars_stop``.
    """
    count, width = modules.shape
    words, rest = divmod(width - _STOP_WIDTH, _WORD)
    if rest or words < 4:
        return [DecodedSymbol("", "bars_width", str(width))] * count
    powers = 1 << np.arange(_STOP_WIDTH - 1, -1, -1)
    patterns = modules[:, : words * _WORD].reshape(count, words, _WORD) @ powers[-_WORD:]
    values = _VALUES[patterns]
    check = (values[:, :-1] @ np.array([1, *range(1, words - 1)])) % 103
    pairs = values[:, 2:-1]
    text = np.stack([pairs // 10, pairs % 10], axis=2).astype(np.uint8) + ord("0")
    digits = np.ascontiguousarray(text).tobytes().decode("latin-1")
    # What is wrong with which of the codewords, and the number of the first one looked at.
    faults = (
        ("bars_start", patterns[:, :1] != _START_C, 1),
        ("bars_fnc1", patterns[:, 1:2] != _FNC1, 2),
        ("bars_codeword", values < 0, 1),
        ("bars_pair", pairs > 99, 3),
        ("bars_check", (check != values[:, -1])[:, None], words),
        ("bars_stop", (modules[:, -_STOP_WIDTH:] @ powers != _STOP)[:, None], words + 1),
    )
    length = 2 * (words - 3)
    results = [
        DecodedSymbol(digits[length * index : length * (index + 1)]) for index in range(count)
    ]
    for fault, wrong, first in reversed(faults):
        for index in np.flatnonzero(wrong.any(axis=1)).tolist():
            place = f"codeword {first + int(wrong[index].argmax())}"
            results[index] = DecodedSymbol("", fault, place)
    return results
