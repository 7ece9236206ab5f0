"""QRコードの一括生成: the same as :mod:`qr.encode.symbol`, a hundred times faster in a print run.

For a fixed version, level, mask and number of digits a QR symbol is an affine function over GF(2)
of its payload bits: the Reed-Solomon code is linear, the placement a permutation, the mask a
constant. A table turns encoding into exclusive-ors of whole lines of modules, each line held as
one 64-bit number, for many slips at once; :mod:`qr.encode.symbol_penalty` judges the masks the same
way. The tests hold every symbol against segno's own, module for module.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from segno import consts

from qr.digits.fields import is_digits
from qr.encode.symbol import qr_matrix
from qr.encode.symbol_penalty import Penalty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from qr.digits.el_qr import ElQrLayout
    from qr.encode.symbol import Matrix

    Bits = NDArray[np.uint8]
    Lines = NDArray[np.uint64]

MASKS = 8
_BITS_OF_DIGITS = {1: 4, 2: 7, 3: 10}  # ISO/IEC 18004, 7.4.3: digits in groups of three
_HEADER_BITS = 14  # mode and character count of versions 1 to 9
_HALF = 5  # bits looked up at once
_LAST_VERSION = 6  # from 7 on the symbol carries version bits, which the table does not know
_PROBES = 48  # random symbols that tell the places of some 1,400 bits apart


class SymbolPress:
    """一括生成器: digits → modules, many symbols at once."""

    def __init__(self, layout: ElQrLayout, mask: int | None = None) -> None:
        """Take the layout and the mask (None: chosen per symbol by the standard's rules)."""
        self._layout = layout
        self._mask = mask
        self.size = 17 + 4 * layout.symbol_version

    def modules(self, digits: Sequence[str]) -> Bits:
        """Digits of each symbol → modules (symbols, size, size), 1 for dark, from the top."""
        known = self._layout.symbol_version <= _LAST_VERSION
        length = self._layout.payload.length
        if known and all(len(text) == length and is_digits(text) for text in digits):
            return symbol_table(self._layout).modules(digits, self._mask)
        made = [qr_matrix(text, self._layout, self._mask) for text in digits]
        return np.array([[list(row) for row in matrix] for matrix in made], np.uint8)


@cache
def symbol_table(layout: ElQrLayout) -> SymbolTable:
    """The table of a layout, made once per process."""
    return SymbolTable(layout)


class SymbolTable:
    """生成表: what every payload bit changes in the symbol, for one layout of version 1 to 6.

    A symbol is (2, size) numbers: its rows and its columns, the first module in the highest bit.
    """

    def __init__(self, layout: ElQrLayout) -> None:
        """Make the table from some fifty segno symbols, which say where each bit is placed."""
        length = layout.payload.length
        zeros = [_array(qr_matrix("0" * length, layout, mask)) for mask in range(MASKS)]
        self.size = len(zeros[0])
        self._bases = _lines(np.stack(zeros))
        self._starts = range(0, length, 3)
        changes = _lines(_changes(layout, zeros[0]))
        self._low, self._high = self._halves(changes, length)
        self._penalty = Penalty(self.size)

    def _halves(self, changes: Lines, length: int) -> tuple[Lines, Lines]:
        """The joint change of every value of the low and of the high bits of each group."""
        low = np.zeros((len(self._starts), 1 << _HALF, 2, self.size), np.uint64)
        high = np.zeros_like(low)
        first = 0
        for group, start in enumerate(self._starts):
            bits = _BITS_OF_DIGITS[min(3, length - start)]
            lowest_first = changes[first : first + bits][::-1]
            for table, part in ((low, lowest_first[:_HALF]), (high, lowest_first[_HALF:])):
                for bit, change in enumerate(part):
                    table[group, 1 << bit : 2 << bit] = table[group, : 1 << bit] ^ change
            first += bits
        return low, high

    def modules(self, digits: Sequence[str], mask: int | None = None) -> Bits:
        """Digits of each symbol → modules; the best mask is the first of the lowest penalty."""
        values = self._values(digits)
        payload = np.zeros((len(values), 2, self.size), np.uint64)
        for group in range(len(self._starts)):
            value = values[:, group]
            payload ^= self._low[group][value & (1 << _HALF) - 1]
            payload ^= self._high[group][value >> _HALF]
        if mask is None:
            candidates = payload[:, None] ^ self._bases
            rows = candidates[np.arange(len(values)), self._penalty.best(candidates), 0]
        else:
            rows = payload[:, 0] ^ self._bases[mask, 0]
        places = np.arange(self.size - 1, -1, -1, dtype=np.uint64)
        modules: Bits = (rows[:, :, None] >> places & np.uint64(1)).astype(np.uint8)
        return modules

    def matrix(self, digits: str, mask: int | None = None) -> Matrix:
        """One symbol, as :func:`qr.encode.symbol.qr_matrix` gives it."""
        return tuple(row.tobytes() for row in self.modules([digits], mask)[0])

    def _values(self, digits: Sequence[str]) -> NDArray[np.int64]:
        """The number that each group of up to three digits stands for."""
        text = np.frombuffer("".join(digits).encode("ascii"), np.uint8)
        figures = (text.reshape(len(digits), -1) - ord("0")).astype(np.int64)
        groups = [figures[:, start : start + 3] for start in self._starts]
        return np.stack([g @ 10 ** np.arange(g.shape[1] - 1, -1, -1) for g in groups], axis=1)


def _array(matrix: Matrix) -> Bits:
    """A matrix of bytes as an array."""
    return np.array([list(row) for row in matrix], np.uint8)


def _lines(modules: Bits) -> Lines:
    """Modules (n, size, size) → rows and columns as numbers (n, 2, size)."""
    weights = np.uint64(1) << np.arange(modules.shape[-1] - 1, -1, -1, dtype=np.uint64)
    both = np.stack([modules, modules.swapaxes(1, 2)], axis=1).astype(np.uint64)
    lines: Lines = (both * weights).sum(axis=-1, dtype=np.uint64)
    return lines


def _changes(layout: ElQrLayout, zeros: Bits) -> Bits:
    """For every payload bit the modules that it changes: (bits, size, size).

    The codewords follow from the standard's code; where each of their bits is placed is learned
    from segno, by symbols of random digits in which no two bits behave alike.
    """
    length = layout.payload.length
    probes = np.random.default_rng(18004).integers(0, 10, (_PROBES, length))
    texts = ["".join(map(str, probe)) for probe in probes.tolist()]
    seen = np.stack([_array(qr_matrix(text, layout, 0)) ^ zeros for text in texts])
    payload = np.array([_payload_bits(text) for text in texts], np.uint8)
    code = _code(layout, payload.shape[1])
    behaviour = payload @ code & 1
    bit_of = {tuple(column): bit for bit, column in enumerate(behaviour.T.tolist())}
    changes = np.zeros((payload.shape[1], *zeros.shape), np.uint8)
    for row, column in np.argwhere(seen.any(axis=0)).tolist():
        changes[:, row, column] = code[:, bit_of[tuple(seen[:, row, column].tolist())]]
    return changes


def _payload_bits(digits: str) -> list[int]:
    """ISO/IEC 18004, 7.4.3: the bits of the digits, without mode and count."""
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    return [int(b) for g in groups for b in f"{int(g):0{_BITS_OF_DIGITS[len(g)]}b}"]


def _code(layout: ElQrLayout, payload_bits: int) -> Bits:
    """For every payload bit the bits of data and correction codewords that it changes."""
    table: Any = consts.ECC
    level = {"L": consts.ERROR_LEVEL_L, "M": consts.ERROR_LEVEL_M,
             "Q": consts.ERROR_LEVEL_Q, "H": consts.ERROR_LEVEL_H}[layout.symbol_error]  # fmt: skip
    blocks = [
        (block.num_data, block.num_total - block.num_data)
        for block in table[layout.symbol_version][level]
        for _ in range(block.num_blocks)
    ]
    data = sum(words for words, _ in blocks)
    code = np.zeros((data * 8, (data + sum(words for _, words in blocks)) * 8), np.uint8)
    code[:, : data * 8] = np.eye(data * 8, dtype=np.uint8)
    first, check = 0, data
    for words, correction in blocks:
        for place, remainder in enumerate(_remainders(words, correction)):
            for bit in range(8):
                scaled = [_times(1 << 7 - bit, value) for value in remainder]
                bits = np.unpackbits(np.array(scaled, np.uint8))
                code[(first + place) * 8 + bit, check * 8 : (check + correction) * 8] = bits
        first, check = first + words, check + correction
    return code[_HEADER_BITS : _HEADER_BITS + payload_bits]


def _times(a: int, b: int) -> int:
    """Product in GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1 (ISO/IEC 18004, 7.5.2)."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return product


@cache
def _remainders(words: int, correction: int) -> list[list[int]]:
    """Correction codewords of a block whose only codeword not 0 is a 1, by its place."""
    generator, root = [1], 1
    for _ in range(correction):
        shifted = [*generator, 0]
        scaled = [0, *(_times(root, value) for value in generator)]
        generator = [a ^ b for a, b in zip(shifted, scaled, strict=True)]
        root = _times(2, root)
    remainder = generator[1:]
    found = [remainder]
    for _ in range(words - 1):
        lead = remainder[0]
        pairs = zip([*remainder[1:], 0], generator[1:], strict=True)
        remainder = [a ^ _times(lead, b) for a, b in pairs]
        found.append(remainder)
    return found[::-1]
