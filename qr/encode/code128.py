"""GS1-128 のバー列: Code 128 set C with FNC1, as codewords and element widths.

Only what the konbini barcode needs (symbols.md 3.3): start C, FNC1, digit pairs, the modulus-103
check and the stop pattern; no change of code set exists here. The table is that of ISO/IEC 15417
table 1, six alternating bar and space widths per codeword.
"""

from __future__ import annotations

from payments.domain.errors import InvalidValueError
from qr.digits.fields import is_digits

START_C = 105
FNC1 = 102
STOP = 106

# ISO/IEC 15417 table 1: codewords 0 to 105, then the stop pattern with its final bar.
_TABLE = """
212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212
112232 122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131
311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321
112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121
313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111
314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114
122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212
124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113
114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112
"""
WIDTHS = tuple(_TABLE.split())


def check_sum(codewords: tuple[int, ...]) -> int:
    """Σ of the modulus-103 check over start and data: the start weighs 1, then 1, 2, 3, …."""
    return codewords[0] + sum(place * word for place, word in enumerate(codewords[1:], start=1))


def codewords(digits: str) -> tuple[int, ...]:
    """Digits (an even number) → start, FNC1, pairs, check and stop codewords."""
    if not is_digits(digits) or len(digits) % 2:
        raise InvalidValueError("code128_digits", found=digits, expected="an even number of digits")
    pairs = (int(digits[place : place + 2]) for place in range(0, len(digits), 2))
    words = (START_C, FNC1, *pairs)
    return (*words, check_sum(words) % 103, STOP)


def widths(digits: str) -> str:
    """Digits → element widths in modules, bar first (44 digits: 157 elements, 288 modules)."""
    return "".join([WIDTHS[word] for word in codewords(digits)])


def bars(digits: str) -> list[tuple[int, int]]:
    """Digits → the bars as (start, width) in modules from the left edge of the symbol."""
    found: list[tuple[int, int]] = []
    start = 0
    for place, width in enumerate(map(int, widths(digits))):
        if place % 2 == 0:
            found.append((start, width))
        start += width
    return found
