"""図の表: the figures of a chart in words, and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from web.charts.model import Row
from web.formatting import count, yen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from web.charts.model import Point, Words

NOTHING = "—"


class Table(TypedDict):
    """表: its heads after the first column, and its rows."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]


def figure(words: Words, value: int | None) -> str:
    """数字 in full with its unit: ``12,300円``."""
    if value is None:
        return NOTHING
    return yen(value) if words.unit == "円" else count(value, words.unit)


def said(words: Words, label: str, name: str, value: int) -> str:
    """What a bar says: its place, its series and its figure."""
    return "　".join(part for part in (label, name, figure(words, value)) if part)


def table(words: Words, series: Sequence[str], points: Sequence[Point]) -> Table:
    """表: a row for each point, with its sum and its note where the words head a column for it."""
    rows = []
    for point in points:
        cells = [figure(words, value) for value in point.values]
        if words.total:
            cells.append(figure(words, sum(value or 0 for value in point.values)))
        if words.note:
            cells.append(point.note or NOTHING)
        rows.append(Row(point.label, tuple(cells), point.href))
    heads = (*series, *(head for head in (words.total, words.note) if head))
    return {"heads": heads, "rows": tuple(rows)}
