"""バーコードの探索: bars near an eL-QR, straightened and averaged until an engine can read them.

A konbini barcode is far finer than the eL-QR beside it (symbols.md 3.5 against 1.5), so engines
that look at a whole photograph miss it. The eL-QR says how the slip lies and how large it is; the
bars are then cut out, straightened, and each strip of rows averaged into one, which removes noise
without touching the widths that carry the digits.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

from qr.scan.images import Frame, changes, upright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qr.scan.images import Corners

_REACH = 5  # bars are looked for this many sides of the eL-QR around it
_SIDE_PX = 120  # one side of the eL-QR in the upright surroundings
_CELL_PX = 6
_SIDE_CELLS = _SIDE_PX // _CELL_PX
_CELLS = 2 * _REACH * _SIDE_CELLS
_TRIES = 3
_WIDTHS = (1.2, 5.0)  # of a barcode, in sides of the eL-QR
_HEIGHT = 0.25
_GAP = 3  # cells between bars that are still one barcode
_MARGIN = 1.2  # the quiet zones, and some room for a place found not quite right
ROW_PX = 4
_STRIP_PX = 1600  # some five for each module
_SLOPES = tuple(step / 100 for step in range(-7, 8))


def bars_near(image: Image.Image, corners: Corners) -> list[Frame]:
    """Frames near an eL-QR in which bars stand side by side, the most striking first."""
    side = Frame.of(corners)
    whole = side.part(0, 0, 2 * _REACH, 2 * _REACH)
    shrink = max(1, int(min(side.size) / _SIDE_PX))
    around = upright(
        image.reduce(shrink) if shrink > 1 else image,
        whole.scaled(1 / shrink),
        (_CELLS * _CELL_PX, _CELLS * _CELL_PX),
    )
    across, down = (
        part.reduce(_CELL_PX).filter(ImageFilter.BoxBlur(1))
        for part in changes(ImageOps.autocontrast(around, cutoff=1))
    )
    found = []
    for frame, bars in (
        (whole, ImageChops.subtract(across, down, scale=0.5)),
        (
            whole.turned(),
            ImageChops.subtract(down, across, scale=0.5).transpose(Image.Transpose.ROTATE_90),
        ),
    ):
        found += [(strength, frame.part(*place)) for strength, place in _blocks(bars)]
    return [frame for _, frame in sorted(found, key=lambda item: -item[0])]


def _blocks(striking: Image.Image) -> Iterator[tuple[int, tuple[float, float, float, float]]]:
    """Blocks of upright bars: strength, and middle and size as parts of the whole.

    Lines of digits are striking too, but no block of them has the shape of a barcode.
    """
    reach, rise = round(_SIDE_CELLS * 0.8), round(_SIDE_CELLS * 0.15)
    mean = striking.filter(ImageFilter.BoxBlur((reach, rise)))
    for _ in range(_TRIES):
        pixels = mean.tobytes()
        strength = max(pixels)
        row, column = divmod(pixels.index(strength), _CELLS)
        band = max(1, _SIDE_CELLS // 8)
        rows = (0, max(0, row - band), _CELLS, min(_CELLS, row + band + 1))
        left, right = _run(striking.crop(rows).resize((_CELLS, 1), Image.Resampling.BOX), column)
        middle = (left + right) // 2
        columns = (max(0, middle - 2 * band), 0, min(_CELLS, middle + 2 * band), _CELLS)
        profile = striking.crop(columns).resize((1, _CELLS), Image.Resampling.BOX)
        top, bottom = _run(profile, row)
        width, height = right - left, bottom - top
        if _WIDTHS[0] < width / _SIDE_CELLS < _WIDTHS[1] and height > _HEIGHT * _SIDE_CELLS:
            place = (left + right) / 2 / _CELLS - 0.5, (top + bottom) / 2 / _CELLS - 0.5
            yield strength, (*place, width / _CELLS, height / _CELLS)
        box = (
            max(0, min(left, column) - reach),
            max(0, min(top, row) - rise),
            max(right, column + 1) + reach,
            max(bottom, row + 1) + rise,
        )
        mean.paste(0, box)


def _run(profile: Image.Image, start: int) -> tuple[int, int]:
    """From where to where a profile stays high around its cell ``start``; a longer gap ends it."""
    values = profile.tobytes()
    near = values[max(0, start - 3) : start + 4]
    low = sum(near) / len(near) * 0.25
    ends = []
    for step in (-1, 1):
        place = end = start
        while 0 <= place < len(values) and abs(place - end) <= _GAP:
            if values[place] > low:
                end = place
            place += step
        ends.append(end)
    return ends[0], ends[1] + 1


def strips(image: Image.Image, bars: Frame) -> Iterator[Image.Image]:
    """The bars as upright pictures of a few averaged rows, the likeliest to be read first."""
    frame = bars.leaning(_slope(image, bars)).part(0, 0, _MARGIN, 0.8)
    for rows, radius, percent in ((8, 0, 0), (8, 4, 200), (3, 6, 300), (24, 4, 300), (8, 6, 300)):
        height = max(rows, round(frame.size[1]))
        flat = upright(image, frame, (_STRIP_PX, height), Image.Resampling.BICUBIC)
        flat = ImageOps.autocontrast(flat.resize((_STRIP_PX, rows), Image.Resampling.BOX))
        if percent:
            flat = flat.filter(ImageFilter.UnsharpMask(radius, percent, 0))
        yield flat.resize((_STRIP_PX, rows * ROW_PX), Image.Resampling.NEAREST)


def thirds(strip: Image.Image) -> list[Image.Image]:
    """Upper, middle and lower rows of a strip: three looks that share no row of the paper."""
    rows = strip.height // ROW_PX
    edges = [round(rows * third / 3) * ROW_PX for third in range(4)]
    return [strip.crop((0, top, strip.width, bottom)) for top, bottom in pairwise(edges)]


def _slope(image: Image.Image, bars: Frame) -> float:
    """How far the bars lean: the slope at which their rows agree best."""

    def contrast(slope: float) -> float:
        size = (800, max(8, round(bars.size[1] / 2)))
        flat = upright(image, bars.leaning(slope).part(0, 0, 1, 0.7), size)
        return ImageStat.Stat(flat.resize((800, 1), Image.Resampling.BOX)).stddev[0]

    return max(_SLOPES, key=contrast)
