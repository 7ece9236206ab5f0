"""項目の枠: the boxes of a layout in points, to tell which field a printed text belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qr.proof.printed_values import squeezed
from qr.proof.slip_expected import READERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from qr.layout.shapes import SlipLayout
    from qr.proof.slip_expected import Value

_POINTS_PER_MM = 72 / 25.4
_PAGE_HEIGHT_MM = 297
_BASELINE_OFF = 0.1  # points; two decimals are written
_BELOW = 0.15  # share of its height by which a text in several small lines may reach below


@dataclass(frozen=True, slots=True)
class FieldBox:
    """項目の枠: where one value is printed, in points from the bottom left, and how it reads."""

    field: str
    left: float
    bottom: float
    right: float
    top: float
    before: str  # words of the layout around the value, without spaces
    after: str
    reader: Callable[[str], Value]

    @property
    def simplest(self) -> Callable[[str], Value] | None:
        """The quickest way to read this box; None where what is printed is the value itself."""
        if self.before or self.after:
            return self.read
        return None if self.reader is str else self.reader

    def holds(self, x: float, y: float) -> bool:
        """Whether a text that begins here belongs to this box."""
        across = self.left - _BASELINE_OFF <= x <= self.right + _BASELINE_OFF
        return across and self.bottom - _BASELINE_OFF <= y <= self.top

    def read(self, text: str) -> Value:
        """The value that a printed text (without spaces) stands for."""
        if text.startswith(self.before) and text.endswith(self.after):
            return self.reader(text[len(self.before) : len(text) - len(self.after)])
        return self.reader(text)


def field_boxes(layout: SlipLayout) -> list[FieldBox]:
    """The boxes of a layout, in its order."""
    boxes = []
    for text in layout.texts:
        before, _, after = squeezed(text.text).partition("{}")
        top = _PAGE_HEIGHT_MM - text.box.y
        boxes.append(
            FieldBox(
                field=text.field,
                left=text.box.x * _POINTS_PER_MM,
                bottom=(top - text.box.height * (1 + _BELOW)) * _POINTS_PER_MM,
                right=(text.box.x + text.box.width) * _POINTS_PER_MM,
                top=top * _POINTS_PER_MM,
                before=before,
                after=after,
                reader=READERS.get(text.field, str),
            )
        )
    return boxes
