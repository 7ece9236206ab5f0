"""証拠の見せ方: the bytes of one record, and each of its fields with the place where it stands.

Only the record is read, however large its file; that the file as a whole is what came says the
page of the explanation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reconcile.explain.evidence import BYTES_MAX, line_row
from reconcile.formats import FORMATS
from reconcile.formats.delimited import split_line
from reconcile.formats.delimited_reader import DelimitedFormat
from reconcile.formats.fixed_reader import FixedFormat
from reconcile.store.evidence import evidence_part
from web import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

ROW = 16
_LINE_ENDS = b"\r\n\x1a"


class Field(NamedTuple):
    """項目: its official name, what stands there, its first and last byte (from 1)."""

    label: str
    value: str
    first: int
    last: int


class HexRow(NamedTuple):
    """一行の16進: where it begins in the file, the bytes, and the same as letters."""

    offset: int
    digits: str
    letters: str


@dataclass(frozen=True, slots=True)
class Record:
    """明細の証拠; ``fields`` is empty where the format has no table of them."""

    offset: int
    length: int
    text: str
    fields: tuple[Field, ...]
    rows: tuple[HexRow, ...]


def record_of(
    connection: Connection, municipality_code: str, file_id: int, line_no: int
) -> Record | None:
    """The record of a line as it lies in the evidence; None when it is not there."""
    line = line_row(connection, municipality_code, file_id, line_no)
    length = min(line.byte_length, BYTES_MAX)
    data = evidence_part(connection, municipality_code, line.sha256, line.byte_offset, length)
    if not data:
        return None
    return Record(
        line.byte_offset,
        length,
        _readable(data).rstrip(),
        tuple(_fields(line.format_code, data)),
        tuple(_rows(data, line.byte_offset)),
    )


def _fields(format_code: str, data: bytes) -> Iterator[Field]:
    """The fields by the very table that reading uses."""
    known: object = next((one for one in FORMATS if one.code == format_code), None)
    record = data.rstrip(_LINE_ENDS)
    if isinstance(known, FixedFormat):
        layout = known.reader.layout_of(record.decode("cp932", "replace"))
        for entry in layout.fields if layout else ():
            at = layout.slices[entry.name]  # type: ignore[union-attr]  # there is one
            value = record[at].decode("cp932", "replace")
            yield Field(entry.label, value.strip(), at.start + 1, at.stop)
    elif isinstance(known, DelimitedFormat):
        encoding = known.layout.encoding
        text = record.decode(encoding, "replace")
        values, starts = split_line(text) or ([], [])
        for column, value, start in zip(known.layout.columns, values, starts, strict=False):
            first = len(text[:start].encode(encoding, "replace"))
            last = first + len(value.encode(encoding, "replace"))
            yield Field(messages.label("column", column.name), value, first + 1, last)


def _rows(data: bytes, offset: int) -> Iterator[HexRow]:
    for start in range(0, len(data), ROW):
        part = data[start : start + ROW]
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        yield HexRow(offset + start, part.hex(" ").upper(), letters)


def _readable(data: bytes) -> str:
    """UTF-8 where it is, else the Shift_JIS of banks and agents."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp932", "replace")
