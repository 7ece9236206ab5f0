"""図の部品: what a chart is made of, ready to be drawn by ``templates/charts/draw.html``.

Coordinates are whole units of the drawing; nothing here knows a colour. A series is told apart by
its pattern and by its name, never by its colour alone. Every figure stands in the table of the
chart, with the link that its bar has.
"""

from __future__ import annotations

from dataclasses import dataclass

PATTERNS = 6  # as many as the style sheet and the template know
LINKS_TABBED = 12  # more bars than these are reached by the keyboard through the table


@dataclass(frozen=True, slots=True)
class Point:
    """項目: one place on the axis of a chart: a day, an age, a channel."""

    label: str  # in full, for the table and for who points at it
    values: tuple[int | None, ...]  # one for each series; None: nothing is known
    href: str = ""  # the rows that the figures are made of
    short: str = ""  # on the axis; "": not written
    note: str = ""  # a further figure beside it, as people read it: 12件


@dataclass(frozen=True, slots=True)
class Words:
    """図の言葉: what is said about a chart."""

    key: str  # unique on a page, for the ids
    title: str
    summary: str  # what there is to see, in a sentence, for who does not see it
    head: str  # over the labels in the table
    unit: str = "円"
    total: str = ""  # over a column with the sum of each row; "": there is none
    note: str = ""  # over a column with the notes of the points


@dataclass(frozen=True, slots=True)
class Tick:
    """目盛線 of the axis of figures."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """図中の文字."""

    x: int
    y: int
    text: str
    anchor: str = "middle"  # start, middle or end
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """棒: one rectangle, its series and what it says when pointed at."""

    x: int
    y: int
    width: int
    height: int
    series: int
    title: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """折れ線 of one series; ``pieces`` are its unbroken parts as points of an SVG polyline."""

    series: int
    pieces: tuple[str, ...]
    dots: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """表の一行."""

    label: str
    cells: tuple[str, ...]
    href: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """図: everything that is drawn, and the same as a table."""

    kind: str
    words: Words
    width: int
    height: int
    unit: str = ""  # 円・千円・百万円, of the axis
    upright: bool = True  # figures go up; False: to the right
    frame: tuple[int, int, int, int] = (0, 0, 0, 0)  # left, top, right, bottom of the plot
    zero: int = 0  # where the figure 0 lies
    ticks: tuple[Tick, ...] = ()
    texts: tuple[Text, ...] = ()
    bars: tuple[Bar, ...] = ()
    paths: tuple[Path, ...] = ()
    links: tuple[tuple[int, int, int, int], ...] = ()  # dashed, between steps
    series: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def tabbed(self) -> bool:
        """Whether its bars are few enough to be walked through with the keyboard."""
        return len({bar.href for bar in self.bars if bar.href}) <= LINKS_TABBED

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not (self.bars or self.paths)
