"""横棒: few names with a figure each, written behind its bar: ageing, shares, delays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.charts.axis import axis
from web.charts.model import Bar, Chart, Text
from web.charts.told import figure, said, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from web.charts.model import Point, Words

WIDTH = 640
LEFT, RIGHT = 168, 400  # the figures stand behind the longest bar
EACH, THICK, TOP = 36, 22, 8


def rows(words: Words, name: str, points: Sequence[Point]) -> Chart:
    """横棒 of one figure, ``name``, for each point, its note beside it; none is below zero."""
    height = TOP + EACH * len(points) + TOP
    scale = axis(0, max((point.values[0] or 0 for point in points), default=0), words.unit)
    bars: list[Bar] = []
    texts: list[Text] = []
    for number, point in enumerate(points):
        top = TOP + number * EACH
        middle = top + THICK // 2 + 5
        value = point.values[0]
        width = max(scale.place(value, RIGHT - LEFT), 1) if value else 0
        if value:
            title = said(words, point.label, "", value)
            bars.append(Bar(LEFT, top, width, THICK, 0, title, point.href))
        told = "　".join(part for part in (figure(words, value), point.note) if part)
        texts.append(Text(LEFT - 10, middle, point.short or point.label, "end"))
        texts.append(Text(LEFT + width + 8, middle, told, "start", strong=True))
    return Chart(
        "rows", words, WIDTH, height,
        upright=False, frame=(LEFT, 0, RIGHT, height), zero=LEFT,
        texts=tuple(texts), bars=tuple(bars), series=(name,),
        **table(words, (name,), points),
    )  # fmt: skip
