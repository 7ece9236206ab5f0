"""折れ線: the same figure in several years, one over the other, each with its name at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.charts.axis import axis
from web.charts.model import Bar, Chart, Path, Text, Tick
from web.charts.told import said, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from web.charts.axis import Axis
    from web.charts.model import Point, Words

WIDTH, HEIGHT = 640, 280
LEFT, TOP, RIGHT, BOTTOM = 64, 28, 548, 244
_APART = 16  # between the names at the ends of lines
_BESIDE = 8
SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE = 120, 32, 3


def lines(words: Words, series: Sequence[str], points: Sequence[Point]) -> Chart:
    """折れ線: a line for each series over the points; it is broken where nothing is known.

    Points with a link have a place to click that is as high as the plot.
    """
    known = [value for point in points for value in point.values if value is not None]
    scale = axis(min(known, default=0), max(known, default=0), words.unit)
    span = BOTTOM - TOP
    paths = tuple(
        _path(number, [point.values[number] for point in points], scale)
        for number in range(len(series))
        if any(point.values[number] is not None for point in points)
    )
    names = _names([(path.dots[-1], series[path.series]) for path in paths])
    below = [
        Text(_across(number, len(points)), BOTTOM + 20, point.short)
        for number, point in enumerate(points)
        if point.short
    ]
    return Chart(
        "lines", words, WIDTH, HEIGHT, scale.unit,
        frame=(LEFT, TOP, RIGHT, BOTTOM), zero=BOTTOM - scale.place(0, span),
        ticks=tuple(Tick(BOTTOM - scale.place(t, span), scale.text(t)) for t in scale.ticks),
        texts=(*below, *names), bars=tuple(_places(words, series, points)), paths=paths,
        series=tuple(series), **table(words, series, points),
    )  # fmt: skip


def spark(words: Words, values: Sequence[int | None], *more: Sequence[int | None]) -> Chart:
    """小さな折れ線 for a line of text or one of many beside each other; without axis or table.

    ``more`` lines share its scale; a shorter line ends earlier.
    """
    every = (values, *more)
    known = [value for line in every for value in line if value is not None]
    scale = axis(min(known, default=0), max(known, default=0), words.unit)
    steps = max(max(map(len, every)) - 1, 1)
    high, wide = SPARK_HEIGHT - 2 * SPARK_EDGE, SPARK_WIDTH - 2 * SPARK_EDGE
    paths = []
    for number, line in enumerate(every):
        places = [
            None
            if value is None
            else (
                SPARK_EDGE + at * wide // steps,
                SPARK_HEIGHT - SPARK_EDGE - scale.place(value, high),
            )
            for at, value in enumerate(line)
        ]
        if dots := tuple(place for place in places if place):
            paths.append(Path(number, _pieces(places), dots[-1:]))
    return Chart("spark", words, SPARK_WIDTH, SPARK_HEIGHT, paths=tuple(paths))


def _path(number: int, values: Sequence[int | None], scale: Axis) -> Path:
    span = BOTTOM - TOP
    places = [
        None if value is None else (_across(place, len(values)), BOTTOM - scale.place(value, span))
        for place, value in enumerate(values)
    ]
    return Path(number, _pieces(places), tuple(place for place in places if place))


def _pieces(places: Iterable[tuple[int, int] | None]) -> tuple[str, ...]:
    """The unbroken parts, each as ``x,y x,y``."""
    pieces: list[list[str]] = [[]]
    for place in places:
        if place is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{place[0]},{place[1]}")
    return tuple(" ".join(piece) for piece in pieces if piece)


def _across(number: int, many: int) -> int:
    return LEFT + number * (RIGHT - LEFT) // max(many - 1, 1)


def _names(ends: list[tuple[tuple[int, int], str]]) -> list[Text]:
    """The name of each line at its end, moved down where two would lie on each other."""
    found: list[Text] = []
    lowest = -_APART
    for (x, y), name in sorted(ends, key=lambda end: end[0][1]):
        lowest = max(y + 5, lowest + _APART)
        found.append(Text(x + _BESIDE, lowest, name, "start", strong=True))
    return found


def _places(words: Words, series: Sequence[str], points: Sequence[Point]) -> list[Bar]:
    """A place to point at for each point that leads somewhere; nothing of it is seen."""
    half = (RIGHT - LEFT) // max(len(points) - 1, 1) // 2
    found = []
    for number, point in enumerate(points):
        if point.href:
            told = "、".join(
                said(words, "", name, value)
                for name, value in zip(series, point.values, strict=True)
                if value is not None
            )
            across = _across(number, len(points))
            title = f"{point.label}　{told}"
            found.append(
                Bar(across - half, TOP, max(2 * half, 1), BOTTOM - TOP, 0, title, point.href)
            )
    return found
