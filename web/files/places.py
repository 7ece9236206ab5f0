"""指摘の箇所: the bytes around a finding, those that it is about marked (pure).

Of a large file only a window is looked at: some bytes of it, from ``base`` on, which is the offset
of a row.
"""

from __future__ import annotations

from typing import NamedTuple

ROW = 16
ROWS_AROUND = 8
_FIELD_MAX = 64  # bytes of the longest field of figures
_ENCODINGS = ("cp932", "utf-8")


class Cell(NamedTuple):
    """一バイト: two hexadecimal digits, the letter where it is one, and whether it is meant."""

    hex: str
    letter: str
    marked: bool


class Row(NamedTuple):
    """一行: 16 bytes, and the offset of the first."""

    offset: int
    cells: tuple[Cell, ...]


class Stretch(NamedTuple):
    """区間: rows of bytes from one offset on, and where the ones before and behind begin."""

    rows: tuple[Row, ...]
    before: int | None
    behind: int | None


STRETCH = ROW * 32


def stretch_of(
    data: bytes, offset: int, first: int = 0, length: int = 0, *, base: int = 0, size: int = 0
) -> Stretch:
    """区間 of 512 bytes that begins at or before ``offset``; some of them may be marked.

    ``size``: the bytes of all of the file, where ``data`` is a window of it.
    """
    size = size or len(data)
    begin = min(max(offset, 0), max(size - 1, 0)) // ROW * ROW
    end = min(begin + STRETCH, size)
    return Stretch(
        _rows(data, begin, end, first, length, base),
        max(begin - STRETCH, 0) if begin else None,
        begin + STRETCH if begin + STRETCH < size else None,
    )


class Place(NamedTuple):
    """箇所: rows of bytes, the bytes of the mark, and the record around it as text."""

    first: int
    length: int
    rows: tuple[Row, ...]
    text: str


def place_of(data: bytes, offset: int, found: str, *, base: int = 0) -> Place:
    """The rows around a finding at ``offset``; ``found`` is the value that it quotes.

    The mark is as long as the value stands there in the bytes, and one byte otherwise.
    """
    first = min(max(offset - base, 0), max(len(data) - 1, 0))
    length = max(_length(data, first, found, name) for name in _ENCODINGS)
    length = length or min(1, len(data))
    begin = max(first // ROW - ROWS_AROUND, 0) * ROW
    end = min((first + length) // ROW + ROWS_AROUND + 1, -(-len(data) // ROW)) * ROW
    rows = _rows(data, base + begin, base + end, base + first, length, base)
    return Place(base + first, length, rows, _record(data, first))


def _rows(data: bytes, begin: int, end: int, first: int, length: int, base: int) -> tuple[Row, ...]:
    """Bytes from ``begin`` on in rows; ``length`` of them from ``first`` on are marked."""
    return tuple(
        Row(
            at,
            tuple(
                Cell(f"{byte:02X}", _letter(byte), first <= at + number < first + length)
                for number, byte in enumerate(data[at - base : at - base + ROW])
            ),
        )
        for at in range(begin, end, ROW)
    )


def _length(data: bytes, first: int, found: str, encoding: str) -> int:
    """How many bytes the value takes at its place; 0 when it does not stand there.

    A number may stand there behind the zeros or spaces that fill its field.
    """
    try:
        value = found.encode(encoding)
    except UnicodeEncodeError:
        return 0
    filling = 0
    if value.isdigit():
        rest = data[first : first + _FIELD_MAX]
        filling = len(rest) - len(rest.lstrip(b"0 "))
        filling -= len(value) - len(value.lstrip(b"0"))
    for skipped in (0, filling):
        if value and skipped >= 0 and data.startswith(value, first + skipped):
            return skipped + len(value)
    return 0


def _letter(byte: int) -> str:
    """The letter of one byte: ASCII, half-width kana, or a dot."""
    if 0x20 <= byte < 0x7F:
        return chr(byte)
    return bytes((byte,)).decode("cp932") if 0xA1 <= byte <= 0xDF else "."


def _record(data: bytes, first: int) -> str:
    """The line around a place as a person reads it; without line ends some bytes around it."""
    begin = max(data.rfind(b"\n", 0, first) + 1, first - 400)
    end = data.find(b"\n", first)
    line = data[begin : min(end if end >= 0 else len(data), first + 400)].rstrip(b"\r")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp932", "replace")
