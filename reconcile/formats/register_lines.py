"""台帳の行: what the registers of this project have in common, line by line (files.md 3.1).

Every register begins with the municipality and the item, and one bad value rejects the whole file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats.delimited_reader import place, records

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from payments.domain.profile import Profile
    from reconcile.formats.delimited import Layout
    from reconcile.formats.delimited_reader import Sheet

_MUNICIPALITY, _ITEM = 0, 1


class LineFault(NamedTuple):
    """行の誤り: what is wrong with one value of a line."""

    code: str
    column: int  # index
    expected: str


class SoundLine(NamedTuple):
    """誤りのない行: the values as text, the amount as a number, and where the line stands."""

    line_no: int  # 1-based record number in the file, the column header counted
    offset: int  # byte
    length: int  # bytes
    values: tuple[str, ...]
    amount_yen: int


def whose(values: tuple[str, ...], ours: str, items: Collection[str]) -> Iterator[LineFault]:
    """The municipality and the item that a line is about must be ours."""
    if values[_MUNICIPALITY] != ours:
        yield LineFault("other_municipality", _MUNICIPALITY, ours)
    if values[_ITEM] not in items:
        yield LineFault("unknown_item", _ITEM, "団体設定の科目")


def sound_lines(
    data: bytes,
    layout: Layout,
    profile: Profile,
    sheet: Sheet,
    faults_of: Callable[[tuple[str, ...], int], Iterable[LineFault]],
) -> Iterator[SoundLine]:
    """Every line in which nothing is wrong; what is wrong with the others is in the sheet.

    ``faults_of`` takes the values and the amount, and says what a register of this kind checks
    beyond municipality and item.
    """
    ours = profile.municipality_code
    items = {item.item_code for item in profile.items}
    for line_no, offset, length, _, values, amount, bad in records(data, layout, sheet):
        if bad:
            continue
        faults = [*whose(values, ours, items), *faults_of(values, amount)]
        for code, index, expected in faults:
            where = place(data, layout, offset, length, index)
            sheet.fatal(code, line_no, where, layout.names[index], values[index], expected)
        if not faults:
            yield SoundLine(line_no, offset, length, values, amount)
