"""画像の下ごしらえ: where symbols probably are in a picture, and pictures that read better.

Pure functions on grey pictures, Pillow alone. Nothing here decides what a symbol says: a wrong
guess costs time and nothing else. Points are (x, y) in pixels of the whole picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

Point = tuple[float, float]
Corners = tuple[Point, Point, Point, Point]
"""The corners of a symbol in their order round it."""

_OUTSIDE = 128
_SEARCH_PX = 2000  # long side of the picture in which dense spots are looked for
_MAP_CELLS = 130  # long side of the map of their density


@dataclass(frozen=True, slots=True)
class Frame:
    """座標枠: a parallelogram in the picture: its middle and its two sides as vectors."""

    middle: Point
    right: Point
    down: Point

    @classmethod
    def of(cls, corners: Corners) -> Frame:
        """The frame of a symbol: opposite edges averaged, so that perspective is halved."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
        return cls(
            ((ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4),
            ((bx - ax + cx - dx) / 2, (by - ay + cy - dy) / 2),
            ((dx - ax + cx - bx) / 2, (dy - ay + cy - by) / 2),
        )

    def at(self, u: float, v: float) -> Point:
        """The point ``u`` sides to the right of the middle and ``v`` sides below it."""
        (x, y), (rx, ry), (dx, dy) = self.middle, self.right, self.down
        return x + u * rx + v * dx, y + u * ry + v * dy

    def part(self, u: float, v: float, width: float, height: float) -> Frame:
        """Another frame within this one, around (u, v), its size in sides of this one."""
        (rx, ry), (dx, dy) = self.right, self.down
        return Frame(self.at(u, v), (rx * width, ry * width), (dx * height, dy * height))

    def turned(self) -> Frame:
        """The same parallelogram seen from its side."""
        (rx, ry), down = self.right, self.down
        return Frame(self.middle, down, (-rx, -ry))

    def scaled(self, factor: float) -> Frame:
        """The same frame in a picture that is ``factor`` times as large."""
        points = [(x * factor, y * factor) for x, y in (self.middle, self.right, self.down)]
        return Frame(*points)

    def leaning(self, slope: float) -> Frame:
        """The upper and lower edges moved apart by ``slope`` times the height."""
        (rx, ry), (dx, dy) = self.right, self.down
        along = slope * math.hypot(dx, dy) / math.hypot(rx, ry)
        return Frame(self.middle, self.right, (dx + rx * along, dy + ry * along))

    @property
    def corners(self) -> Corners:
        """Its four corners."""
        return self.at(-0.5, -0.5), self.at(0.5, -0.5), self.at(0.5, 0.5), self.at(-0.5, 0.5)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels."""
        return math.hypot(*self.right), math.hypot(*self.down)


def upright(
    image: Image.Image,
    frame: Frame,
    size: tuple[int, int],
    resample: Image.Resampling = Image.Resampling.BILINEAR,
) -> Image.Image:
    """What is in the frame, as an upright picture of this size."""
    (x, y), (rx, ry), (dx, dy) = frame.at(-0.5, -0.5), frame.right, frame.down
    width, height = size
    back = (rx / width, dx / height, x, ry / width, dy / height, y)
    return image.transform(size, Image.Transform.AFFINE, back, resample, fillcolor=_OUTSIDE)


def dense_spots(image: Image.Image, count: int) -> Iterator[tuple[Point, float]]:
    """Where light and dark change most in both directions: eL-QRs first, then text.

    Gives the middle of each spot and its density; the darker the surroundings, the more a change
    counts, so that a shadow hides nothing.
    """
    shrink = max(1, round(max(image.size) / _SEARCH_PX))
    small = image.reduce(shrink) if shrink > 1 else image
    cell = max(1, round(max(small.size) / _MAP_CELLS))
    across, down = (part.reduce(cell) for part in changes(small))
    light = small.reduce(cell)
    both = ImageChops.darker(across, down)
    width, height = both.size
    relative = bytes(
        min(255, change * 255 // (level + 16))
        for change, level in zip(both.tobytes(), light.tobytes(), strict=True)
    )
    spread = Image.frombytes("L", both.size, relative).filter(ImageFilter.BoxBlur(2))
    for _ in range(count):
        pixels = spread.tobytes()
        density = max(pixels)
        row, column = divmod(pixels.index(density), width)
        scale = cell * shrink
        yield ((column + 0.5) * scale, (row + 0.5) * scale), density
        seen = (column - 5, row - 5, min(column + 6, width), min(row + 6, height))
        spread.paste(0, (max(0, seen[0]), max(0, seen[1]), seen[2], seen[3]))


def changes(image: Image.Image) -> tuple[Image.Image, Image.Image]:
    """How much each pixel differs from its neighbour to the left and from the one above."""
    return (
        ImageChops.difference(image, ImageChops.offset(image, 1, 0)),
        ImageChops.difference(image, ImageChops.offset(image, 0, 1)),
    )


def cut(image: Image.Image, middle: Point, reach: float) -> tuple[Image.Image, Point]:
    """A square around a point, and its upper left corner."""
    left, top = max(0, round(middle[0] - reach)), max(0, round(middle[1] - reach))
    right, bottom = round(middle[0] + reach), round(middle[1] + reach)
    box = (left, top, min(right, image.width), min(bottom, image.height))
    return image.crop(box), (left, top)


def flattened(image: Image.Image, corners: Corners, size: int) -> Image.Image:
    """A square symbol straightened by its corners, with a quiet zone of a tenth around it."""
    frame = Frame.of(corners)
    grown = []
    for x, y in corners:
        mx, my = frame.middle
        grown.append((mx + (x - mx) * 1.2, my + (y - my) * 1.2))
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = grown
    large = round(size * 1.2)
    return image.transform(
        (large, large),
        Image.Transform.QUAD,
        (ax, ay, dx, dy, cx, cy, bx, by),
        Image.Resampling.BICUBIC,
        fillcolor=_OUTSIDE,
    )
