"""検査数字の検算（印刷検査用）: CRC and check digits of many eL-QR texts at once.

A second calculation beside :mod:`qr.digits.el_qr` and :mod:`qr.digits.ocr_line`, over columns of
digits instead of text (symbols.md 1.3 and 1.4); the tests hold both against each other and the
vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LENGTH = 255
_UPPER, _LOWER = slice(29, 68), slice(68, 112)  # CD1, CD2 and body, of 39 and 44 digits


def wrong_sums(texts: Sequence[str]) -> list[str]:
    """eL-QR texts of 255 digits → for each the first wrong sum: ``ocr_upper``, ``ocr_lower``,
    ``crc``, or empty when all are right.
    """  # noqa: D205 - the names belong into the first sentence
    digits = np.frombuffer("".join(texts).encode("ascii"), np.uint8).reshape(len(texts), LENGTH)
    values = digits.astype(np.int64) - ord("0")
    result = np.full(len(texts), "", dtype="<U9")
    result[_crc(digits[:, :-5]) != values[:, -5:] @ (10_000, 1_000, 100, 10, 1)] = "crc"
    for name, place in (("ocr_lower", _LOWER), ("ocr_upper", _UPPER)):
        result[~_line_whole(values[:, place])] = name
    return [str(name) for name in result]


def _line_whole(line: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether CD1 and CD2 at the start of each line are those of what follows."""
    second, body = line[:, 1], line[:, 2:]
    down = np.ones(body.shape[1], np.int64)
    down[::2] = np.resize(range(9, 1, -1), down[::2].shape)
    up = np.ones(body.shape[1] + 1, np.int64)
    up[::2] = np.resize(range(2, 10), up[::2].shape)
    second_right = body @ down % 10 == second
    first_right = line[:, 1:] @ up % 11 % 10 == line[:, 0]
    result: NDArray[np.bool_] = second_right & first_right
    return result


def _crc(characters: NDArray[np.uint8]) -> NDArray[np.int64]:
    """CRC-16 (0x1021, start 0xFFFF, not reflected), one column of characters after the other."""
    crc = np.full(len(characters), 0xFFFF, np.int64)
    for column in characters.T:
        crc ^= column.astype(np.int64) << 8
        crc = (crc << 8 & 0xFFFF) ^ _CRC_OF_BYTE[crc >> 8]
    return crc


def _crc_of_bytes() -> NDArray[np.int64]:
    """What each high byte leaves behind after eight steps."""
    crc = np.arange(256, dtype=np.int64) << 8
    for _ in range(8):
        crc = np.where(crc & 0x8000, crc << 1 ^ 0x11021, crc << 1)
    return crc


_CRC_OF_BYTE = _crc_of_bytes()
