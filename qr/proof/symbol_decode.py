"""QRコードの復号（印刷検査用）: modules → digits, for many symbols at once.

A reader of photographs forgives: it samples, guesses and corrects. This one forgives nothing,
because it judges the file that will be printed: every fixed pattern must stand, both copies of
the format information must be whole, every Reed-Solomon syndrome must be zero, and what follows
the digits must be the padding of the standard. It shares nothing with the side that encodes
(ISO/IEC 18004; what is where: :mod:`qr.proof.symbol_areas`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from qr.proof.symbol_areas import VERSION_MAX, SymbolAreas, symbol_areas

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = ("M", "L", "H", "Q")  # table 12: 00, 01, 10, 11
_FORMAT_MASK = 0b101010000010010
_FORMAT_GENERATOR = 0b10100110111  # annex C
_VERSION_GENERATOR = 0b1111100100101  # annex D
_FIELD = 0b100011101  # 7.5.2: the polynomial of GF(256)
_NUMERIC = 0b0001
_PADDING = (0b11101100, 0b00010001)  # 7.4.10, in turn


@dataclass(frozen=True, slots=True)
class DecodedSymbol:
    """復号結果: the digits of a symbol, or why it is not perfect (then without digits)."""

    digits: str
    fault: str = ""  # stable code, empty when the symbol is perfect
    place: str = ""  # where the fault is
    kind: str = ""  # version, level and mask, as "6-M/3"


def decode_symbols(modules: NDArray[np.bool_]) -> list[DecodedSymbol]:
    """Symbols of one size (n, size, size; True is dark, no quiet zone) → one result each.

    Faults: ``qr_size``, ``qr_pattern``, ``qr_version``, ``qr_format``, ``qr_remainder``,
    ``qr_block``, ``qr_mode``, ``qr_count``, ``qr_digits`` and ``qr_padding``.
    """
    count, size = modules.shape[0], modules.shape[1]
    version, rest = divmod(size - 17, 4)
    if rest or not 1 <= version <= VERSION_MAX or modules.shape[2] != size:
        return [DecodedSymbol("", "qr_size", f"{modules.shape[2]} x {size}")] * count
    areas = symbol_areas(version)
    flat = modules.reshape(count, size * size)
    results = _pattern_faults(flat, areas)
    formats = _formats(flat, areas)
    for index in np.flatnonzero(formats < 0).tolist():
        results.setdefault(index, DecodedSymbol("", "qr_format"))
    bits = flat[:, areas.data]
    for key in np.unique(formats[formats >= 0]).tolist():
        chosen = np.flatnonzero(formats == key)
        level, mask = LEVELS[key >> 3], key & 7
        decoded = _decode(bits[chosen] ^ areas.masks[mask], areas, level, mask)
        for index, result in zip(chosen.tolist(), decoded, strict=True):
            results.setdefault(index, result)
    return [results[index] for index in range(count)]


def _pattern_faults(flat: NDArray[np.bool_], areas: SymbolAreas) -> dict[int, DecodedSymbol]:
    """Symbols whose fixed patterns or version information are not what they must be."""
    faults: dict[int, DecodedSymbol] = {}
    wrong = flat[:, areas.fixed] != areas.fixed_dark
    for index in np.flatnonzero(wrong.any(axis=1)).tolist():
        row, column = divmod(int(areas.fixed[wrong[index].argmax()]), areas.size)
        faults[index] = DecodedSymbol("", "qr_pattern", f"row {row} column {column}")
    if areas.version_copies.size:
        expected = np.array([bit == "1" for bit in f"{_version_word(areas.version):018b}"])
        whole = (flat[:, areas.version_copies] == expected).all(axis=(1, 2))
        for index in np.flatnonzero(~whole).tolist():
            faults.setdefault(index, DecodedSymbol("", "qr_version"))
    return faults


def _formats(flat: NDArray[np.bool_], areas: SymbolAreas) -> NDArray[np.int64]:
    """Level and mask as five bits; -1 where a copy is no code word or the copies differ."""
    words = flat[:, areas.format_copies] @ (1 << np.arange(14, -1, -1))
    read = _format_table()[words]
    return np.where(read[:, 0] == read[:, 1], read[:, 0], -1)


@cache
def _format_table() -> NDArray[np.int64]:
    """What every 15-bit word says; -1 for one that is no code word."""
    table = np.full(1 << 15, -1)
    for value in range(32):
        table[(value << 10 | _remainder(value << 10, _FORMAT_GENERATOR)) ^ _FORMAT_MASK] = value
    return table


def _version_word(version: int) -> int:
    """Six bits of version with their twelve check bits."""
    return version << 12 | _remainder(version << 12, _VERSION_GENERATOR)


def _remainder(value: int, generator: int) -> int:
    """Remainder of a polynomial division over GF(2)."""
    degree = generator.bit_length() - 1
    while value.bit_length() > degree:
        value ^= generator << value.bit_length() - 1 - degree
    return value


def _decode(
    bits: NDArray[np.bool_], areas: SymbolAreas, level: str, mask: int
) -> list[DecodedSymbol]:
    """Unmasked bits in the order of placement → digits; one level and mask."""
    kind = f"{areas.version}-{level}/{mask}"
    words = np.packbits(bits[:, : areas.codewords * 8], axis=1)
    results: dict[int, DecodedSymbol] = {}
    for index in np.flatnonzero(bits[:, areas.codewords * 8 :].any(axis=1)).tolist():
        results[index] = DecodedSymbol("", "qr_remainder", kind=kind)
    data = []
    check = areas.check_codewords(areas.version, level)
    for number, places in enumerate(areas.blocks(level), start=1):
        block = words[:, places]
        for index in np.flatnonzero(_syndromes(block, check).any(axis=1)).tolist():
            place = f"block {number}"
            results.setdefault(index, DecodedSymbol("", "qr_block", place, kind))
        data.append(block[:, :-check])
    decoded = _numeric(np.concatenate(data, axis=1), areas.version, kind)
    return [results.get(index, result) for index, result in enumerate(decoded)]


def _syndromes(block: NDArray[np.uint8], check: int) -> NDArray[np.uint8]:
    """Values of the code polynomials (n, codewords) at 1, α, α², …: all zero when whole."""
    table, offsets = _syndrome_table(block.shape[1], check)
    parts = table[block + offsets]
    result: NDArray[np.uint8] = np.bitwise_xor.reduce(parts, axis=1)
    return result


@cache
def _syndrome_table(length: int, check: int) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """What every value at every place of a block adds to all syndromes, and where a place starts.

    A codeword c at place k of ``length`` adds c·α^(i·(length-1-k)) to syndrome i.
    """
    power = [1]
    for _ in range(254):
        double = power[-1] << 1
        power.append(double ^ _FIELD if double > 255 else double)
    logarithm = {value: exponent for exponent, value in enumerate(power)}
    logs = np.array([0, *(logarithm[value] for value in range(1, 256))])
    powers = np.array(power, np.uint8)
    exponents = np.arange(length - 1, -1, -1)[:, None, None] * np.arange(check)
    table = powers[(logs[None, :, None] + exponents) % 255]
    table[:, 0] = 0
    return table.reshape(length * 256, check), np.arange(length) * 256


def _numeric(data: NDArray[np.uint8], version: int, kind: str) -> list[DecodedSymbol]:
    """Data codewords → the digits of the one numeric segment (7.4.3), padding checked."""
    bits = np.unpackbits(data, axis=1)
    count_bits = 10 if version <= 9 else 12
    results: dict[int, DecodedSymbol] = {}
    mode = _numbers(bits[:, :4])
    for index in np.flatnonzero(mode != _NUMERIC).tolist():
        results[index] = DecodedSymbol("", "qr_mode", f"{mode[index]:04b}", kind)
    counts = _numbers(bits[:, 4 : 4 + count_bits])
    for count in np.unique(counts).tolist():
        chosen = np.flatnonzero(counts == count)
        read = _digits(bits[chosen], 4 + count_bits, count, kind)
        for index, result in zip(chosen.tolist(), read, strict=True):
            results.setdefault(index, result)
    return [results[index] for index in range(len(data))]


def _digits(bits: NDArray[np.uint8], start: int, count: int, kind: str) -> list[DecodedSymbol]:
    """``count`` digits from bit ``start`` on: ten bits for three, seven for two, four for one."""
    threes, rest = divmod(count, 3)
    end = start + 10 * threes + (0, 4, 7)[rest]
    if not count or end > bits.shape[1]:
        return [DecodedSymbol("", "qr_count", str(count), kind)] * len(bits)
    groups = _numbers(bits[:, start : start + 10 * threes].reshape(len(bits), threes, 10))
    last = _numbers(bits[:, start + 10 * threes : end])
    too_large = (groups > 999).any(axis=1) | (last >= 10**rest) & (rest > 0)
    decimals = groups[:, :, None] // (100, 10, 1) % 10
    text = decimals.reshape(len(bits), 3 * threes).astype(np.uint8) + ord("0")
    lines = np.ascontiguousarray(text).tobytes().decode("ascii")
    padded = _padding_whole(bits[:, end:], end)
    results = []
    for index in range(len(bits)):
        if too_large[index]:
            results.append(DecodedSymbol("", "qr_digits", kind=kind))
        elif not padded[index]:
            results.append(DecodedSymbol("", "qr_padding", kind=kind))
        else:
            digits = lines[3 * threes * index : 3 * threes * (index + 1)]
            tail = f"{last[index]:0{rest}d}" if rest else ""
            results.append(DecodedSymbol(digits + tail, kind=kind))
    return results


def _padding_whole(bits: NDArray[np.uint8], end: int) -> NDArray[np.bool_]:
    """Whether terminator, fill bits and padding codewords after bit ``end`` are the standard's."""
    length = bits.shape[1]
    zeros = min(4, length)
    zeros += -(end + zeros) % 8
    words = (length - zeros) // 8
    pads = np.resize(np.array(_PADDING, np.uint8), words)
    expected = np.concatenate([np.zeros(zeros, np.uint8), np.unpackbits(pads)])
    result: NDArray[np.bool_] = (bits == expected).all(axis=1)
    return result


def _numbers(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The last axis read as a binary number, most significant bit first."""
    return bits.astype(np.int64) @ (1 << np.arange(bits.shape[-1] - 1, -1, -1))
