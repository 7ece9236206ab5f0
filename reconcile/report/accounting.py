"""財務会計への収入データ: revenue by 款項目節, day and channel, as the accounting system takes it.

Which columns its file has and which 款項目節 a 科目 belongs to, a municipality describes in a
table of its own (docs/formats.md): 款・項 follow from the law, 目・節 from 地方自治法施行規則15条,
the codes from the system. Money whose 科目 or channel has no code is never left out: such a file is
refused.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from payments.domain.profile import PAYMENT_CHANNELS
from reconcile.day_totals import collected_by_day, ledger
from reconcile.formats.own_table import Table
from reconcile.report.revenue import revenue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

ENCODINGS = ("cp932", "utf-8", "utf-8-sig")
NEWLINES = {"crlf": "\r\n", "lf": "\n"}
DAYS = {"yyyymmdd": "%Y%m%d", "yyyy-mm-dd": "%Y-%m-%d", "yyyy/mm/dd": "%Y/%m/%d"}
# What every row has; what else a column names is a code of [[items]].
FIGURES = ("booked_on", "fiscal_year", "item_code", "channel", "count", "amount_yen")
_KEYS = ("encoding", "newline", "column_header", "day", "columns", "items", "channels")
OTHER = "other"  # what a person placed, without any file behind it


class Column(NamedTuple):
    """列: what stands in it, or always the same text."""

    name: str
    value: str  # one of FIGURES or a code of the items; "" where it is always ``text``
    text: str


@dataclass(frozen=True)
class AccountingLayout:
    """収入データの様式: columns, codes by 科目 and 現年・滞繰, codes by channel."""

    file: str
    encoding: str
    newline: str
    column_header: bool
    day: str
    columns: tuple[Column, ...]
    items: Mapping[tuple[str, bool], Mapping[str, str]]
    channels: Mapping[str, str]


class Entry(NamedTuple):
    """収入データの一行: what settled claims on one 会計日, reversals deducted."""

    booked_on: date
    fiscal_year: int  # 歳入の属する年度
    item_code: str
    carried: bool  # 滞納繰越分
    channel: str
    count: int  # type: ignore[assignment]  # instalments settled; below zero where more were reversed
    amount_yen: int


def accounting_layout(description: Mapping[str, Any], file: str) -> AccountingLayout:
    """The layout from its parsed TOML.

    Raises :class:`InvalidValueError` ``layout_missing``, ``layout_value`` or ``layout_unknown``
    with file, key, value and what was expected.
    """
    table = Table(description, file, "")
    encoding = table.choose("encoding", ENCODINGS, "cp932")
    newline = NEWLINES[table.choose("newline", NEWLINES, "crlf")]
    header = table.take("column_header", bool, default=True)
    day = DAYS[table.choose("day", DAYS, "yyyymmdd")]
    items: dict[tuple[str, bool], dict[str, str]] = {}
    for entry in table.tables("items"):
        code, carried = entry.take("item_code", str), entry.take("carried", bool, default=False)
        if (code, carried) in items:
            entry.fail("layout_value", "item_code", code, "一度だけ")
        items[code, carried] = {name: entry.take(name, str) for name in entry.names()}
    named = set.intersection(*(set(codes) for codes in items.values())) if items else set()
    columns = tuple(_column(entry, encoding, named) for entry in table.tables("columns"))
    if not columns:
        table.fail("layout_missing", "columns", "", "[{…}]")
    codes = table.table("channels")
    known = (*sorted(PAYMENT_CHANNELS), OTHER)
    channels = {name: codes.take(name, str) for name in codes.names() if name in known}
    codes.finish(known)
    table.finish(_KEYS)
    return AccountingLayout(file, encoding, newline, header, day, columns, items, channels)


def _column(entry: Table, encoding: str, named: set[str]) -> Column:
    """One column; what it names is a figure or a code that every item has."""
    name = entry.take("name", str)
    column = Column(name, entry.take("value", str, ""), entry.take("text", str, ""))
    if column.value and column.value not in named | set(FIGURES):
        entry.fail("layout_value", "value", column.value, " / ".join((*FIGURES, *sorted(named))))
    for key, text in (("name", name), ("text", column.text)):
        if text.encode(encoding, "replace").decode(encoding) != text:
            entry.fail("layout_value", key, text, encoding)
    entry.finish(("name", "value", "text"))
    return column


def entries(connection: Connection, profile: Profile, first: date, last: date) -> list[Entry]:
    """収入 of each 会計日 from ``first`` to ``last``, line by line as the day report has it."""
    code = profile.municipality_code
    return [
        Entry(day, line.fiscal_year, line.item_code, line.carried, line.channel, line.count, yen)
        for day in collected_by_day(connection, code, first, last)
        for line in revenue(ledger(connection, code, day, day), profile, day)
        if (yen := line.amount_yen) or line.count
    ]


def written(layout: AccountingLayout, rows: Iterable[Entry]) -> bytes:
    """The file.

    Raises :class:`InvalidValueError` ``layout_missing`` for money whose 科目, 現年・滞繰 or channel
    the layout has no code for, and ``layout_value`` for a code that the encoding cannot write.
    """
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator=layout.newline)
    if layout.column_header:
        lines.writerow([column.name for column in layout.columns])
    for row in rows:
        values = _values(layout, row)
        lines.writerow([values.get(column.value, column.text) for column in layout.columns])
    try:
        return text.getvalue().encode(layout.encoding)
    except UnicodeEncodeError as error:
        table = Table({}, layout.file, "items")
        table.fail("layout_value", "…", text.getvalue()[error.start : error.end], layout.encoding)


def _values(layout: AccountingLayout, row: Entry) -> dict[str, str]:
    """What the columns of one row may name."""
    table = Table({}, layout.file, "")
    codes = layout.items.get((row.item_code, row.carried))
    if codes is None:
        wanted = f'item_code = "{row.item_code}", carried = {str(row.carried).lower()}'
        table.fail("layout_missing", "items", row.item_code, wanted)
    channel = row.channel or OTHER
    if channel not in layout.channels:
        table.fail("layout_missing", f"channels.{channel}", "", '"…"')
    return {
        "booked_on": row.booked_on.strftime(layout.day),
        "fiscal_year": str(row.fiscal_year),
        "item_code": row.item_code,
        "channel": layout.channels[channel],
        "count": str(row.count),
        "amount_yen": str(row.amount_yen),
        **codes,
    }
