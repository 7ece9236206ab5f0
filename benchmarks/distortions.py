"""What happens to a slip between the printer and the camera, as seeded functions on pictures.

Every distortion takes the page as drawn (grey, 600 dpi), the centres that must stay in the frame,
and two random generators of the same seed; it gives the bytes of a file as a scanner or a
telephone would write it. Lengths in pixels are those of the picture after scaling.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    import random

Spots = list[tuple[float, float]]
"""Middles of symbols in pixels: the eL-QR first."""

DRAWN_DPI = 600
TELEPHONE = (3024, 4032)  # 12 megapixels
OLD_TELEPHONE = (1536, 2048)  # 3 megapixels
_TABLE = 120  # grey of what lies under the paper


@dataclass(frozen=True)
class Dice:
    """The two generators of one picture, both from its seed."""

    one: random.Random
    many: np.random.Generator


def scaled(page: Image.Image, dpi: float) -> Image.Image:
    """The page as a scanner of this resolution sees it."""
    size = (round(page.width * dpi / DRAWN_DPI), round(page.height * dpi / DRAWN_DPI))
    return page.resize(size, Image.Resampling.BOX if dpi >= 200 else Image.Resampling.LANCZOS)


def noisy(image: Image.Image, sigma: float, dice: Dice) -> Image.Image:
    """Sensor noise: normal, the same in dark and bright."""
    noise = dice.many.standard_normal((image.height, image.width), np.float32) * np.float32(sigma)
    return _picture(np.asarray(image, np.float32) + noise)


def soft(image: Image.Image, sigma: float) -> Image.Image:
    """Out of focus."""
    return image.filter(ImageFilter.GaussianBlur(sigma))


def moved(image: Image.Image, length: float, angle: float) -> Image.Image:
    """The hand moved while the shutter was open: mean along a line of ``length`` pixels."""
    pixels = np.asarray(image, np.float32)
    steps = max(2, math.ceil(length))
    total = np.zeros_like(pixels)
    for step in range(steps):
        along = (step / (steps - 1) - 0.5) * length
        shift = (round(along * math.sin(angle)), round(along * math.cos(angle)))
        total += np.roll(pixels, shift, (0, 1))
    return _picture(total / steps)


def lit(image: Image.Image, darkest: float, dice: Dice) -> Image.Image:
    """Light from one side: full at one edge, ``darkest`` of it at the other."""
    angle = dice.one.uniform(0, math.tau)
    x = np.linspace(0, 1, image.width, dtype=np.float32)[None, :]
    y = np.linspace(0, 1, image.height, dtype=np.float32)[:, None]
    slope = math.cos(angle) * x + math.sin(angle) * y
    slope = (slope - slope.min()) / (slope.max() - slope.min())
    return _picture(np.asarray(image, np.float32) * (darkest + (1 - darkest) * slope))


def shadowed(image: Image.Image, spot: tuple[float, float], dice: Dice) -> Image.Image:
    """A hand or the telephone itself throws a shadow whose edge runs across the symbols."""
    angle = dice.one.uniform(0, math.tau)
    x = np.arange(image.width, dtype=np.float32)[None, :] - spot[0]
    y = np.arange(image.height, dtype=np.float32)[:, None] - spot[1]
    edge = math.cos(angle) * x + math.sin(angle) * y + dice.one.uniform(-40, 40)
    width = dice.one.uniform(4, 40)
    depth = dice.one.uniform(0.35, 0.6)
    dark = 1 - depth / (1 + np.exp(np.clip(-edge / width, -30, 30)))
    return _picture(np.asarray(image, np.float32) * dark)


def creased(image: Image.Image, spot: tuple[float, float], dice: Dice) -> Image.Image:
    """Folded through the symbols: a bright and a dark ridge, and the print shifted beyond it."""
    pixels = np.array(image)
    row = round(spot[1] + dice.one.uniform(-60, 60))
    shift = dice.one.choice((-2, -1, 1, 2))
    pixels[row:] = np.roll(pixels[row:], shift, 1)
    creased_image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(creased_image)
    slope = dice.one.uniform(-8, 8)
    for offset, grey in ((-2, 235), (1, 130), (4, 200)):
        ends = (0, row + offset - slope, image.width, row + offset + slope)
        draw.line(ends, fill=grey, width=3)
    return creased_image


def stained(image: Image.Image, spot: tuple[float, float], dice: Dice) -> Image.Image:
    """A drop of coffee, ink or correction fluid over about a tenth of the eL-QR."""
    image = image.copy()
    x, y = spot[0] + dice.one.uniform(-55, 55), spot[1] + dice.one.uniform(-55, 55)
    radius = dice.one.uniform(20, 34)
    grey = dice.one.choice((0, 90, 255))
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill=grey)
    return image


def curled(image: Image.Image, dice: Dice) -> Image.Image:
    """Paper that does not lie flat: rows wander sideways along a wave."""
    pixels = np.asarray(image)
    wave = dice.one.uniform(4, 12)
    phase = dice.one.uniform(0, math.tau)
    rows = np.arange(image.height)
    shift = np.round(wave * np.sin(rows / image.height * math.tau * 1.5 + phase)).astype(int)
    columns = (np.arange(image.width)[None, :] + shift[:, None]) % image.width
    return Image.fromarray(np.take_along_axis(pixels, columns, axis=1))


@dataclass(frozen=True)
class View:
    """Where the camera stands: corners of the paper in the photograph, and the way back."""

    coefficients: tuple[float, ...]  # photograph → paper, as Pillow wants them
    forward: np.ndarray  # paper → photograph, 3 × 3

    def place(self, spot: tuple[float, float]) -> tuple[float, float]:
        """A point of the paper in the photograph."""
        x, y, w = self.forward @ np.array([*spot, 1.0])
        return float(x / w), float(y / w)


def view(
    paper: tuple[int, int],
    out: tuple[int, int],
    spots: Spots,
    tilt: float,
    turn: float,
    fill: float,
    dice: Dice,
) -> View:
    """A camera position with corners up to ``tilt`` of the frame away, every spot in the frame."""
    width, height = paper
    middle = (out[0] / 2, out[1] / 2)
    for _ in range(200):
        angle = dice.one.uniform(-turn, turn)
        cos, sin = math.cos(angle), math.sin(angle)
        scale = min(out[0] / width, out[1] / height) * fill
        corners = [(0, 0), (width, 0), (width, height), (0, height)]
        there = []
        for x, y in corners:
            dx, dy = (x - width / 2) * scale, (y - height / 2) * scale
            there.append(
                (
                    middle[0] + cos * dx - sin * dy + dice.one.uniform(-tilt, tilt) * out[0],
                    middle[1] + sin * dx + cos * dy + dice.one.uniform(-tilt, tilt) * out[1],
                )
            )
        back = _homography(there, corners)
        candidate = View(tuple((back / back[2, 2]).ravel()[:8]), np.linalg.inv(back))
        if all(_inside(candidate.place(spot), out) for spot in spots):
            return candidate
    raise ValueError(spots)


def _inside(spot: tuple[float, float], out: tuple[int, int]) -> bool:
    """Whether a whole symbol around this centre is in the frame."""
    margin = 0.05 * out[0]
    return all(margin < value < size - margin for value, size in zip(spot, out, strict=True))


def _homography(source: list[tuple[float, float]], target: list[tuple[int, int]]) -> np.ndarray:
    """The 3 × 3 matrix that takes four points to four others."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1).reshape(3, 3)


def photographed(page: Image.Image, seen: View, out: tuple[int, int]) -> Image.Image:
    """The paper on a table, seen from there."""
    return page.transform(
        out,
        Image.Transform.PERSPECTIVE,
        seen.coefficients,
        Image.Resampling.BICUBIC,
        fillcolor=_TABLE,
    )


def jpeg(image: Image.Image, quality: int, *, colour: bool = False) -> bytes:
    """As a JPEG file; a telephone writes colour, here with a warm cast."""
    if colour:
        blue = image.point([round(value * 0.85) for value in range(256)])
        image = Image.merge("RGB", (image, image, blue))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def png(image: Image.Image) -> bytes:
    """As a PNG file."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _picture(pixels: np.ndarray) -> Image.Image:
    """Floats back to a grey picture."""
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
