"""固定長レコード: one table-driven engine for every file of fixed-length records.

A record layout is a table of fields; byte offsets follow from the lengths. Files are bytes of
CP932's single-byte part (JIS X 0201), so byte and character positions are the same once a block
has been checked; whatever is not single-byte is a fault of the file. Records end with CRLF, CR,
LF or nothing, the last one perhaps without its line end, and a 0x1A may close the file
(files.md 1.6). Reading goes block by block: one pass in C proves that a block is uniform, and
only a block that is not is looked at record by record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from reconcile.formats.wrapping import END_OF_FILE, Wrapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

SINGLE_BYTE = bytes([*range(0x20, 0x7F), *range(0xA1, 0xE0)])
_SOUND_MARKS = b"\xde\xdf"  # ﾞ and ﾟ are bytes of their own (files.md 1.8)
_BLOCK_RECORDS = 2048
_LINE_END = re.compile(rb"\r\n|\r|\n")
_WIDE = re.compile(rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]")

# Line number (1-based), byte offset, bytes, text; the text of an ill-formed record is empty.
Record = tuple[int, int, bytes, str]


class Field(NamedTuple):
    """項目: one field of a record; ``kind`` N = digits, C = characters (全銀)."""

    name: str
    label: str  # the official Japanese name
    length: int  # bytes
    kind: str = "N"
    optional: bool = False


@dataclass(frozen=True)
class Layout:
    """レコード様式: the fields of one kind of record, in order."""

    label: str
    fields: tuple[Field, ...]

    @cached_property
    def length(self) -> int:
        """Bytes of the whole record, without the line end."""
        return sum(entry.length for entry in self.fields)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where each field stands in the record, by its English name."""
        table: dict[str, slice] = {}
        start = 0
        for entry in self.fields:
            table[entry.name] = slice(start, start + entry.length)
            start += entry.length
        return table

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by their English names."""
        return {entry.name: entry for entry in self.fields}

    def values(self, text: str) -> dict[str, str]:
        """Every field of a record as it stands there, padding included."""
        return {name: text[place] for name, place in self.slices.items()}

    def field_at(self, position: int) -> Field:
        """The field that covers this 0-based byte of the record (the last one beyond its end)."""
        return next(
            (e for e in self.fields if position < self.slices[e.name].stop), self.fields[-1]
        )

    def write(self, values: Mapping[str, str | int]) -> bytes:
        """One record from values; what is not named is filler: zeros for N, spaces for C.

        Raises:
            InvalidValueError: an unknown name, a number too long or negative, or a character
                outside the single-byte part of CP932.

        """
        unknown = values.keys() - self.slices.keys()
        if unknown:
            raise InvalidValueError("record_field", found=", ".join(sorted(unknown)))
        return b"".join(fill(entry, values.get(entry.name, "")) for entry in self.fields)


def fill(entry: Field, value: str | int) -> bytes:
    """One field at its full length; names that are too long are cut, numbers never."""
    if entry.kind == "C":
        return cut(single_bytes(str(value)), entry.length).ljust(entry.length)
    if isinstance(value, int) and value < 0:
        raise InvalidValueError("record_number", field=entry.name, found=value)
    raw = single_bytes(str(value))
    if len(raw) > entry.length:
        raise InvalidValueError("record_number", field=entry.name, found=value)
    return raw.rjust(entry.length, b"0")


def single_bytes(text: str) -> bytes:
    """Text as the single-byte part of CP932; anything else is an :class:`InvalidValueError`."""
    try:
        raw = text.encode("cp932")
    except UnicodeEncodeError as error:
        raise InvalidValueError("record_character", found=text) from error
    if raw.translate(None, SINGLE_BYTE):
        raise InvalidValueError("record_character", found=text)
    return raw


def cut(raw: bytes, length: int) -> bytes:
    """The first bytes of a kana text, never parting a kana from its ﾞ or ﾟ (files.md 1.8)."""
    if len(raw) <= length:
        return raw
    while length and raw[length] in _SOUND_MARKS:
        length -= 1
    return raw[:length]


def wrapping_of(data: bytes, length: int) -> Wrapping:
    """How this file is wrapped, judged by what follows its first record."""
    end_of_file = data.endswith(END_OF_FILE)
    body = data[:-1] if end_of_file else data
    newline = newline_of(body, length)
    return Wrapping(newline, body.endswith(newline), end_of_file)


def newline_of(data: bytes, length: int) -> bytes:
    """The line end after the first record: CRLF, CR, LF or nothing.

    A first record of the wrong length is recognised by the first line end near it.
    """
    found = _LINE_END.match(data, length) or _LINE_END.search(data, 0, 2 * length)
    return found.group() if found else b""


def split(data: bytes, length: int) -> Iterator[Record]:
    """Every record of a file; ill-formed ones come with an empty text and never stop the walk."""
    end = len(data) - data.endswith(END_OF_FILE)
    newline = newline_of(data, length)
    stride = length + len(newline)
    size = stride * _BLOCK_RECORDS
    line_no, offset = 1, 0
    while offset < end:
        block = data[offset : min(offset + size, end)]
        if not _is_uniform(block, length, newline):
            yield from _split_carefully(data[:end], line_no, offset, length, newline)
            return
        text = block.decode("ascii" if block.isascii() else "cp932")
        for at in range(0, len(block), stride):
            stop = at + length
            yield line_no, offset + at, block[at:stop], text[at:stop]
            line_no += 1
        offset += len(block)


def _is_uniform(block: bytes, length: int, newline: bytes) -> bool:
    """Whether a block is nothing but whole single-byte records with this line end."""
    stride = length + len(newline)
    count, rest = divmod(len(block), stride)
    if rest == length and newline:
        count, block = count + 1, block + newline
    elif rest:
        return False
    if block.translate(None, SINGLE_BYTE) != newline * count:
        return False
    return all(
        block[length + at :: stride] == newline[at : at + 1] * count for at in range(len(newline))
    )


def _split_carefully(
    data: bytes, line_no: int, offset: int, length: int, newline: bytes
) -> Iterator[Record]:
    """The same walk where something is wrong: line by line, as far as line ends guide it."""
    while offset < len(data):
        found = _LINE_END.search(data, offset) if newline else None
        stop = found.start() if found else len(data) if newline else offset + length
        raw = data[offset:stop]
        whole = len(raw) == length and (found is None or found.group() == newline)
        good = whole and not raw.translate(None, SINGLE_BYTE)
        yield line_no, offset, raw, raw.decode("cp932") if good else ""
        line_no += 1
        offset = found.end() if found else stop


class Row(NamedTuple):
    """記録: one record in its parts, padding included; what no layout knows is one field."""

    layout: Layout
    values: dict[str, str]


def take_apart(
    data: bytes, length: int, layout_of: Callable[[str], Layout | None]
) -> tuple[Wrapping, Iterator[Row]]:
    """ファイルの分解: the wrapping and the records, so that nothing of an accepted file is lost."""
    rows = (
        Row(layout, layout.values(text))
        for _, _, _, text in split(data, length)
        for layout in (layout_of(text) or _unknown(len(text)),)
    )
    return wrapping_of(data, length), rows


def put_together(rows: Iterable[Row], wrapping: Wrapping) -> bytes:
    """ファイルの組立: the inverse of :func:`take_apart`, by the same tables."""
    return wrapping.join(row.layout.write(row.values) for row in rows)


def _unknown(length: int) -> Layout:
    return Layout("不明", (Field("record", "レコード", length, "C"),))


class BadBytes(NamedTuple):
    """不正なバイト: the first byte of a record that JIS X 0201 does not have."""

    position: int  # 0-based within the record
    found: str
    wide: bool  # a two-byte character rather than a stray byte


def bad_bytes(raw: bytes) -> BadBytes | None:
    """What in this record is not a single-byte character, or None."""
    rest = raw.translate(None, SINGLE_BYTE)
    if not rest:
        return None
    position = raw.index(rest[:1])
    wide = _WIDE.match(raw, position)
    if wide:
        return BadBytes(position, wide.group().decode("cp932", "replace"), wide=True)
    return BadBytes(position, f"0x{raw[position]:02X}", wide=False)


def describe(data: bytes, length: int, layout_of: Callable[[str], Layout | None]) -> Iterator[str]:
    """ファイルの一覧: one line per record with its number, byte offset, kind and fields."""
    for line_no, offset, raw, text in split(data, length):
        layout = layout_of(text)
        if layout is None:
            yield f"{line_no}\t{offset}\t?\t{raw.decode('cp932', 'replace')}"
            continue
        parts = (
            f"{entry.label}={text[layout.slices[entry.name]].rstrip()}" for entry in layout.fields
        )
        yield "\t".join([str(line_no), str(offset), layout.label, *parts])
