"""滝グラフ: how much of a sum is left from one step to the next, and what was lost on the way."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from web.charts.axis import axis
from web.charts.columns import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from web.charts.model import Bar, Chart, Text, Tick
from web.charts.told import said, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from web.charts.model import Point, Words

STANDS, FALLS = 0, 1  # the two series: what is left, and what lies between two steps
_GAP = 6
_UNDER = 16  # from the lower end of a bar to the figure below it
_LINE = 18  # what lies between two steps is named on a line of its own: names may be long


def waterfall(
    words: Words, names: tuple[str, str], points: Sequence[Point], lost: Sequence[Point]
) -> Chart:
    """滝グラフ: ``points`` are the steps, ``lost`` what lies between each and the next.

    ``lost[n]`` equals ``points[n] − points[n + 1]``; :class:`ValueError` where it does not, for
    then the drawing would say something that is not so.
    """
    steps = [point.values[0] or 0 for point in points]
    between = [point.values[0] or 0 for point in lost]
    if between != [a - b for a, b in pairwise(steps)]:
        raise ValueError(words.key)
    scale = axis(min(steps, default=0), max(steps, default=0), words.unit)
    span = BOTTOM - TOP
    order = [p for pair in zip(points, [*lost, None], strict=True) for p in pair if p is not None]
    bars: list[Bar] = []
    texts: list[Text] = []
    links: list[tuple[int, int, int, int]] = []
    for number, point in enumerate(order):
        left = LEFT + number * (RIGHT - LEFT) // len(order) + _GAP
        right = LEFT + (number + 1) * (RIGHT - LEFT) // len(order) - _GAP
        falls = number % 2
        step = number // 2
        low, high = sorted((steps[step + 1], steps[step]) if falls else (0, steps[step]))
        top, bottom = (BOTTOM - scale.place(value, span) for value in (high, low))
        value = point.values[0] or 0
        title = said(words, point.label, "", value)
        if value:
            height = max(bottom - top, 1)
            bars.append(Bar(left, top, right - left, height, falls, title, point.href))
        middle = (left + right) // 2
        # Long figures of neighbours would touch: what falls is told under its bar, given room.
        under = falls and bottom + _UNDER < BOTTOM
        texts += [
            Text(
                middle,
                bottom + _UNDER if under else top - 7,
                scale.short(-value if falls else value),
                strong=not falls,
            ),
            Text(
                middle,
                BOTTOM + 20 + falls * _LINE,
                point.short or point.label,
                strong=not falls,
            ),
        ]
        if number + 1 < len(order):
            level = BOTTOM - scale.place(steps[step + 1] if falls else steps[step], span)
            links.append((right, level, right + 2 * _GAP, level))
    return Chart(
        "waterfall", words, WIDTH, HEIGHT + _LINE, scale.unit,
        frame=(LEFT, TOP, RIGHT, BOTTOM), zero=BOTTOM - scale.place(0, span),
        ticks=tuple(Tick(BOTTOM - scale.place(t, span), scale.text(t)) for t in scale.ticks),
        texts=tuple(texts), bars=tuple(bars), links=tuple(links), series=names,
        **table(words, (words.head,), order),
    )  # fmt: skip
