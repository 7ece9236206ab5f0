"""縦棒・積上げ棒: figures by day or by name, one series or several on top of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.charts.axis import axis
from web.charts.model import Bar, Chart, Text, Tick
from web.charts.told import said, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from web.charts.axis import Axis
    from web.charts.model import Point, Words

WIDTH, HEIGHT = 640, 280
LEFT, TOP, RIGHT, BOTTOM = 64, 28, 632, 244
_GAP = 5  # of how many parts of a place one is left free
_LETTER = 13  # as wide as the widest letter of a name


def columns(words: Words, series: Sequence[str], points: Sequence[Point]) -> Chart:
    """縦棒: the values of a point stand on each other; those below zero hang from it."""
    ups = [sum(v for v in point.values if v and v > 0) for point in points]
    downs = [sum(v for v in point.values if v and v < 0) for point in points]
    scale = axis(min(downs, default=0), max(ups, default=0), words.unit)
    span = BOTTOM - TOP
    ticks = tuple(Tick(BOTTOM - scale.place(t, span), scale.text(t)) for t in scale.ticks)
    bars: list[Bar] = []
    texts: list[Text] = []
    for number, point in enumerate(points):
        left = LEFT + number * (RIGHT - LEFT) // len(points)
        right = LEFT + (number + 1) * (RIGHT - LEFT) // len(points)
        bars += _stack(words, series, point, scale, (left, right))
        if point.short:
            texts.append(_named((left + right) // 2, point.short))
    return Chart(
        "columns", words, WIDTH, HEIGHT, scale.unit,
        frame=(LEFT, TOP, RIGHT, BOTTOM), zero=BOTTOM - scale.place(0, span),
        ticks=ticks, texts=tuple(texts), bars=tuple(bars), series=tuple(series),
        **table(words, series, points),
    )  # fmt: skip


def _named(middle: int, short: str) -> Text:
    """The name under a bar; one of the last bar ends with the drawing, it would be cut off."""
    half = len(short) * _LETTER // 2
    if middle + half > WIDTH:
        return Text(WIDTH, BOTTOM + 20, short, "end")
    return Text(middle, BOTTOM + 20, short)


def _stack(
    words: Words, series: Sequence[str], point: Point, scale: Axis, between: tuple[int, int]
) -> list[Bar]:
    """The bars of one point, from zero outwards; what is there is at least one unit high."""
    left, right = between
    gap = max((right - left) // _GAP, 1)
    span = BOTTOM - TOP
    ends = {True: 0, False: 0}  # how far the stack goes above and below zero
    found = []
    for number, value in enumerate(point.values):
        if not value:
            continue
        begin = ends[value > 0]
        ends[value > 0] = begin + value
        low, high = sorted((begin, begin + value))
        top = BOTTOM - scale.place(high, span)
        height = max(BOTTOM - scale.place(low, span) - top, 1)
        title = said(words, point.label, series[number] if len(series) > 1 else "", value)
        found.append(
            Bar(left + gap // 2, top, max(right - left - gap, 1), height, number, title, point.href)
        )
    return found
