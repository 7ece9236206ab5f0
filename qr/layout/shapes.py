"""納付書の様式: where everything stands on the sheet, as plain values read from a layout file.

Lengths are millimetres from the top left corner of the sheet, text stands on its baseline, sizes
are points. A layout is data (``qr/layout/*.toml`` or a municipality's own file): this module only
says what a layout can hold; :mod:`qr.layout.file` reads one and :mod:`qr.layout.check`
holds it against the sheet and the rules of the symbols. The millimetres of the official guidelines
are not public; the arrangements that ship are our own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

MM = 72 / 25.4
PAGE_WIDTH_MM, PAGE_HEIGHT_MM = 210.0, 297.0

# 0.48 pt is exactly 4 dots at 600 dpi and 2 at 300; both symbols stand on this grid, unscaled
# (symbols.md 3.5). A QR module of 3 grid steps (0.508 mm) is 12, 8 and 6 dots at 600, 400, 300.
GRID_PT = 0.48
QR_MODULE_PT = 3 * GRID_PT
QR_QUIET_MODULES = 4
BARCODE_MODULES = 288
BARCODE_QUIET_MM = 2.54
BARCODE_WIDTH_MAX_MM = 60.0  # quiet zones included
BARCODE_HEIGHT_MIN_MM = 10.0

LEADING = 1.25
"""Distance of two baselines, in sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """枠: a rectangle, top left corner and size in mm."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Box) -> bool:
        """Whether the two share any area."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def contains(self, other: Box) -> bool:
        """Whether the other lies within this one."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """片: a part of the sheet between two perforations, e.g. 納入済通知書; framed when asked."""

    name: str
    title: str
    x: float
    y: float
    width: float
    height: float

    @property
    def box(self) -> Box:
        """Its place."""
        return Box(x=self.x, y=self.y, width=self.width, height=self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """囲み: a drawn rectangle; ``line`` in points (0: none), greys 0 (black) to 1 (white).

    ``when`` is ``el_qr`` for what belongs to the eL番号 and stands on slips that have one only.
    """

    x: float
    y: float
    width: float
    height: float
    line: float = 0.5
    gray: float = 0.0
    fill: float = 1.0
    when: str = ""

    @property
    def box(self) -> Box:
        """Its place."""
        return Box(x=self.x, y=self.y, width=self.width, height=self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """罫線: a line from (x, y); ``width`` to the right or ``height`` down, one of them 0.

    ``when`` as for a :class:`Frame`.
    """

    x: float
    y: float
    width: float = 0.0
    height: float = 0.0
    line: float = 0.4
    gray: float = 0.55
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """切り取り線: a perforation across the sheet, with words on it."""

    y: float
    text: str = ""
    size: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """見出し: words that stand on every slip, or only ``when`` it has an eL番号."""

    x: float
    y: float  # baseline
    size: float
    text: str
    face: str = "regular"
    align: Literal["left", "center", "right"] = "left"
    group: str = ""  # read aloud before the fields of this group
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """項目: the place of one value in a box of ``width`` mm that is ``lines`` lines high.

    ``text`` may put words around the value ("{}"). ``label`` is what is read aloud before it, and
    fields of the same ``group`` are read as one.
    """

    field: str
    part: str
    x: float
    y: float  # first baseline
    size: float
    width: float
    text: str = "{}"
    face: str = "regular"
    lines: int = 1
    align: Literal["left", "center", "right"] = "left"
    pitch: float = 0.0  # fixed advance per character in points, 0 for the font's own
    label: str = ""
    group: str = ""
    tag: str = "P"

    @property
    def left(self) -> float:
        """Left edge in mm."""
        return self.x - self.width * {"left": 0.0, "center": 0.5, "right": 1.0}[self.align]

    @property
    def box(self) -> Box:
        """The room that it may take: from above the first line to below the last."""
        size = self.size / MM
        height = size * (1 + LEADING * (self.lines - 1))
        return Box(x=self.left, y=self.y - 0.88 * size, width=self.width, height=height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """記号の場所: its area with quiet zones; the symbol stands in the middle, on the grid."""

    x: float
    y: float
    width: float
    height: float
    module_pt: float  # width of a module
    text_height: float = 0.0  # mm below the bars kept for the lines of text
    bar_height: float = 0.0

    @property
    def box(self) -> Box:
        """Its area, quiet zones included."""
        return Box(x=self.x, y=self.y, width=self.width, height=self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """図版: a PNG beside the layout file, e.g. the municipality's emblem."""

    file: str
    x: float
    y: float
    width: float
    height: float
    alt: str = ""
    data: bytes = b""

    @property
    def box(self) -> Box:
        """Its place."""
        return Box(x=self.x, y=self.y, width=self.width, height=self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipLayout:
    """様式: one form of the slip. ``digest`` (SHA-256) says which text it was read from."""

    name: str
    version: str
    title: str
    faces: dict[str, str]  # name in this layout → font file
    fallback: str  # font file for characters that a face lacks
    el_qr: Symbol
    konbini: Symbol
    parts: tuple[Part, ...]
    texts: tuple[Text, ...]
    labels: tuple[Label, ...] = ()
    frames: tuple[Frame, ...] = ()
    rules: tuple[Rule, ...] = ()
    cuts: tuple[Cut, ...] = ()
    reserved: tuple[Frame, ...] = ()  # left blank, e.g. the place of the eLマーク
    pictures: tuple[Picture, ...] = ()
    sample_note: Label | None = None  # beside each part's title on a 見本
    source: str = field(default="", repr=False)
    digest: str = ""

    def __hash__(self) -> int:
        """Layouts of the same text are the same."""
        return hash(self.digest)

    @property
    def reference(self) -> str:
        """名称・版・ハッシュ: what a print run records, e.g. ``standard-1-0123456789ab``."""
        return f"{self.name}-{self.version}-{self.digest[:12]}"

    def qr_origin(self, modules: int) -> tuple[float, float]:
        """Lower left corner of the QR symbol in points: centred in its area, on the grid."""
        side = modules * self.el_qr.module_pt / MM
        return (
            on_grid(self.el_qr.x + (self.el_qr.width - side) / 2),
            on_grid(bottom(self.el_qr.box) + (self.el_qr.height - side) / 2),
        )

    def barcode_origin(self) -> tuple[float, float]:
        """Lower left corner of the bars in points: centred, with room for the text below."""
        area = self.konbini
        free = (area.width - BARCODE_MODULES * area.module_pt / MM) / 2
        return on_grid(area.x + free), on_grid(bottom(area.box) + area.text_height)

    def qr_quiet(self, modules: int) -> Box:
        """The QR symbol as drawn with its quiet zone."""
        x, y = self.qr_origin(modules)
        quiet = QR_QUIET_MODULES * self.el_qr.module_pt
        side = (modules * self.el_qr.module_pt + 2 * quiet) / MM
        top = PAGE_HEIGHT_MM - (y - quiet) / MM - side
        return Box(x=(x - quiet) / MM, y=top, width=side, height=side)

    def barcode_quiet(self) -> Box:
        """The bars as drawn with their quiet zones, without the lines of text below."""
        x, y = self.barcode_origin()
        width = BARCODE_MODULES * self.konbini.module_pt / MM + 2 * BARCODE_QUIET_MM
        height = self.konbini.bar_height
        return Box(
            x=x / MM - BARCODE_QUIET_MM,
            y=PAGE_HEIGHT_MM - y / MM - height,
            width=width,
            height=height,
        )


def on_grid(mm: float) -> float:
    """Millimetres → points, at the nearest grid step."""
    return round(mm * MM / GRID_PT) * GRID_PT


def bottom(box: Box) -> float:
    """Lower edge of a box in mm from the bottom of the sheet."""
    return PAGE_HEIGHT_MM - box.y - box.height
