"""宛名 (`obligors-1`): names and addresses as the register of residents and companies gives them.

A layout of this project's own, beside the assessments (files.md 3.1): levy systems keep names in a
file of their own. The latest line about a person counts, and every file stays as evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats.delimited import Layout, digits, text
from reconcile.formats.delimited_reader import RegisterReading, Sheet, place, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.model import ReadContext

LABEL_JA = "宛名（obligors-1）"

LAYOUT = Layout(
    code="obligors",
    columns=(
        digits("municipality_code", 5, "municipality_code"),
        text("obligor_no", 1, 15, "obligor_no"),
        text("obligor_name", 1, 100, "obligor_name"),
        text("obligor_kana", 0, 100, "obligor_kana"),
        digits("postal_code", 7, "postal_code", optional=True),
        text("address", 0, 200, "address"),
    ),
    money=None,
    strict=True,
)


class ObligorRow(NamedTuple):
    """宛名の1行: the columns of the file."""

    municipality_code: str
    obligor_no: str
    obligor_name: str
    obligor_kana: str
    postal_code: str
    address: str


class ObligorLine(NamedTuple):
    """宛名の1行 as read: its place in the file, then the columns of :class:`ObligorRow`."""

    line_no: int  # 1-based record number in the file, the column header counted
    byte_offset: int
    municipality_code: str
    obligor_no: str
    obligor_name: str
    obligor_kana: str
    postal_code: str
    address: str


def identify(data: bytes) -> bool:
    """By the first three names of the column header."""
    return LAYOUT.starts(data, 3)


def read(data: bytes, context: ReadContext) -> RegisterReading[ObligorLine]:
    """宛名: lines lazily; look at ``failed`` after the last one."""
    sheet = Sheet()
    ours = context.profile.municipality_code
    return RegisterReading(LAYOUT.code, _lines(data, ours, sheet), sheet)


def write(rows: Iterable[ObligorRow]) -> bytes:
    """A whole file with column header and trailer."""
    return LAYOUT.write(rows)


def _lines(data: bytes, ours: str, sheet: Sheet) -> Iterator[ObligorLine]:
    """Every line in which nothing is wrong."""
    for line_no, offset, length, _, values, _, bad in records(data, LAYOUT, sheet):
        if bad:
            continue
        if values[0] != ours:
            where = place(data, LAYOUT, offset, length, 0)
            name = LAYOUT.names[0]
            sheet.fatal("other_municipality", line_no, where, name, values[0], ours)
            continue
        yield ObligorLine(line_no, offset, *values)
