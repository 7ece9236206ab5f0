"""段階的な読取: from the cheapest look at a picture to the dearest, until nothing is missing.

1. zbar where the picture is dense, for there the eL-QRs are; ZXing over the whole.
2. Where a QR stands that nobody could read: cut out, enlarged, sharpened, again by both.
3. Beside every eL-QR that was read: the bars, straightened and averaged.
4. Only when nothing at all was found: the whole picture, prepared in several ways.

An eL-QR carries error correction, a CRC and check digits, so one sighting is enough. Bars have
two weak check digits: they count when several rows say the same and none says otherwise.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageFilter, ImageOps

from qr.digits.symbol_reading import interpret
from qr.scan.bars import ROW_PX, bars_near, strips, thirds
from qr.scan.engines import EL_QR, KONBINI, Sighting, bars_by_zxing, by_zbar, by_zxing
from qr.scan.images import Frame, cut, dense_spots, flattened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qr.scan.images import Corners, Point
    from qr.scan.limits import Deadline

_SPOTS, _SPOTS_MIN = 8, 2
_SPOT_DENSITY = 0.8  # of the densest: text has about half of an eL-QR's
_SPOT_SHARE = 16  # a spot reaches this part of the long side in every direction
_SPOT_PX = 600  # a spot cut out of a larger picture shows more pixels than are needed
_PLACES = 6  # unread places that are tried harder
_FRAMES = 3  # places near one eL-QR that are tried as bars
_BARS_PX = 4  # engines also report bars that only a line or two went through
_ROWS_SURE = 3  # rows of bars that must agree
_LINES_PER_ROW = 2  # neighbouring lines of a picture are hardly independent
_LARGE_PX = 2600
_WHOLE_PIXELS = 16_000_000  # zbar over more than this takes a second and longer


class Found(NamedTuple):
    """読み取れた記号: its text, its place, and whether it was seen clearly enough."""

    symbol: str
    text: str
    corners: Corners
    sure: bool


def find(image: Image.Image, deadline: Deadline) -> list[Found]:
    """All symbols of a grey picture, each once; the dearer steps end with the time."""
    search = _Search(image, deadline)
    search.look_at_spots()
    search.look_at_whole()
    if search.unread or not search.good(EL_QR):
        search.look_harder()
    search.look_for_bars()
    if not search.sightings:
        search.look_everywhere()
        search.look_for_bars()
    return search.result()


class _Search:
    """What has been seen so far in one picture."""

    def __init__(self, image: Image.Image, deadline: Deadline) -> None:
        self.image = image
        self.deadline = deadline
        self.sightings: list[Sighting] = []
        self.unread: list[Corners] = []
        self.spots: list[Point] = []
        self.tried: list[Frame] = []

    # --- the steps, cheapest first

    def look_at_spots(self) -> None:
        """Zbar at the densest spots: a few hundredths of the pixels, nearly all eL-QRs."""
        reach = max(self.image.size) / _SPOT_SHARE
        densest = 0.0
        for spot, density in dense_spots(self.image, _SPOTS):
            densest = max(densest, density)
            if len(self.spots) >= _SPOTS_MIN and density < _SPOT_DENSITY * densest:
                break
            self.spots.append(spot)
            part, corner = cut(self.image, spot, reach)
            self._add(by_zbar(part), corner)

    def look_at_whole(self) -> None:
        """ZXing over everything; it also says where a QR stands that it could not read.

        When one eL-QR is known already, half the size is enough to see that it is the only one.
        """
        large = max(self.image.size) > _LARGE_PX
        shrink = 2 if large and len(self.good(EL_QR)) == 1 else 1
        read, unread = by_zxing(self.image.reduce(shrink) if shrink > 1 else self.image)
        self._add(read, factor=1 / shrink)
        self._note_unread([_moved(corners, (0, 0), 1 / shrink) for corners in unread])

    def look_harder(self) -> None:
        """Places where a QR stands or should stand, prepared until it can be read."""
        for corners in self.unread[:_PLACES]:
            for flat in _flat_variants(self.image, corners):
                if self.deadline.passed or self._try(flat, corners):
                    break
        if self.good(EL_QR):
            return
        reach = max(self.image.size) / _SPOT_SHARE
        for spot in self.spots:
            part, corner = cut(self.image, spot, reach)
            shrink = max(1, round(max(part.size) / _SPOT_PX))
            for factor, variant in _spot_variants(part.reduce(shrink)):
                if self.deadline.passed or self._try(variant, None, corner, factor / shrink):
                    break

    def look_for_bars(self) -> None:
        """The bars near each eL-QR, unless clear ones are known there."""
        for code in self.good(EL_QR):
            if any(near(code.corners, bars.corners) for bars in self.good(KONBINI)):
                continue
            for frame in bars_near(self.image, code.corners)[:_FRAMES]:
                if self.deadline.passed or self._read_bars(frame):
                    break
        for bars in [seen for seen in self.sightings if seen.symbol == KONBINI]:
            if not self._is_sure(bars) and not self.deadline.passed:
                frame = Frame.of(bars.corners)
                width, height = frame.size
                if min(width, height) >= _BARS_PX:
                    self._read_bars(frame if width > height else frame.turned())

    def look_everywhere(self) -> None:
        """The whole picture, as it is and prepared, by both."""
        for factor, variant in _whole_variants(self.image):
            if self.deadline.passed or self._try(variant, None, (0, 0), factor):
                break

    # --- what the steps share

    def _add(self, seen: list[Sighting], corner: Point = (0, 0), factor: float = 1) -> None:
        """Keep sightings in a part of the picture as places in the whole."""
        for sighting in seen:
            rows = sighting.rows
            if sighting.symbol == KONBINI and rows > 1:
                rows = rows // _LINES_PER_ROW
            corners = _moved(sighting.corners, corner, factor)
            self.sightings.append(Sighting(sighting.symbol, sighting.text, corners, rows))

    def _note_unread(self, unread: list[Corners]) -> None:
        """Keep the places of QRs that nobody has read yet, each once."""
        known = [seen.corners for seen in self.sightings if seen.symbol == EL_QR]
        for corners in unread:
            if not any(same_place(corners, other) for other in [*known, *self.unread]):
                self.unread.append(corners)

    def _try(
        self,
        variant: Image.Image,
        corners: Corners | None,
        corner: Point = (0, 0),
        factor: float = 1,
    ) -> bool:
        """Both engines on a prepared picture; whether a good eL-QR was there."""
        seen = by_zbar(variant)
        if not any(_holds(sighting) for sighting in seen):
            seen += by_zxing(variant)[0]
        if corners is not None:
            seen = [Sighting(s.symbol, s.text, corners, s.rows) for s in seen if s.symbol == EL_QR]
        self._add(seen, corner, factor)
        return any(s.symbol == EL_QR and _holds(s) for s in seen)

    def _read_bars(self, frame: Frame) -> bool:
        """Both engines on strips of what may be bars; whether they are clear."""
        # A second look at the same rows would agree with the first, right or wrong.
        if any(_same_rows(frame, other) for other in self.tried):
            return False
        self.tried.append(frame)
        corners = frame.corners
        seen: list[Sighting] = []
        for strip in strips(self.image, frame):
            for sighting in by_zbar(strip):
                rows = sighting.rows // ROW_PX
                if rows:
                    seen.append(Sighting(KONBINI, sighting.text, corners, rows))
            seen += [
                Sighting(KONBINI, sighting.text, corners)
                for part in thirds(strip)
                for sighting in bars_by_zxing(part)
            ]
            if any(_sum_rows(seen, s.text) >= _ROWS_SURE and _holds(s) for s in seen):
                break
        self.sightings += seen
        return any(self._is_sure(s) and _holds(s) for s in seen)

    def _is_sure(self, seen: Sighting) -> bool:
        """Whether a sighting may be believed, all sightings at its place considered."""
        if seen.symbol == EL_QR:
            return True
        here = [
            s for s in self.sightings if s.symbol == KONBINI and same_place(s.corners, seen.corners)
        ]
        rows = _sum_rows(here, seen.text)
        others = max(
            (_sum_rows(here, s.text) for s in here if s.text != seen.text and _holds(s)), default=0
        )
        return rows >= _ROWS_SURE and rows >= 3 * others

    def good(self, symbol: str) -> list[Sighting]:
        """Believable sightings whose text holds, one for each text."""
        found: dict[str, Sighting] = {}
        for seen in self.sightings:
            if seen.symbol == symbol and _holds(seen) and self._is_sure(seen):
                found.setdefault(seen.text, seen)
        return list(found.values())

    def result(self) -> list[Found]:
        """Each text once; what does not hold only where nothing that holds stands."""
        good = [*self.good(EL_QR), *self.good(KONBINI)]
        found = [Found(s.symbol, s.text, s.corners, sure=True) for s in good]
        said = {seen.text for seen in good}
        rest: dict[str, Sighting] = {}
        for seen in self.sightings:
            here = any(same_place(seen.corners, other.corners) for other in good)
            if here or seen.text in said:
                continue
            if seen.symbol == EL_QR or _sum_rows(self.sightings, seen.text) >= _ROWS_SURE:
                rest.setdefault(seen.text, seen)
        found += [Found(s.symbol, s.text, s.corners, self._is_sure(s)) for s in rest.values()]
        return found


def _holds(seen: Sighting) -> bool:
    """Whether the codec accepts the text."""
    return interpret("", 0, seen.symbol, seen.text).valid


def _sum_rows(seen: list[Sighting], text: str) -> int:
    """How many rows said this."""
    return sum(sighting.rows for sighting in seen if sighting.text == text)


def _moved(corners: Corners, corner: Point, factor: float) -> Corners:
    """Corners in an enlarged part as corners in the whole."""
    a, b, c, d = [(corner[0] + x / factor, corner[1] + y / factor) for x, y in corners]
    return a, b, c, d


def _spread(corners: Corners) -> float:
    """The longer side of what these corners enclose."""
    return max(Frame.of(corners).size)


def same_place(one: Corners, other: Corners) -> bool:
    """Whether two symbols stand at the same place, that is, are one."""
    distance = math.dist(Frame.of(one).middle, Frame.of(other).middle)
    return distance < 0.5 * max(_spread(one), _spread(other))


def _same_rows(one: Frame, other: Frame) -> bool:
    """Whether two frames are around the same bars."""
    return math.dist(one.middle, other.middle) < 0.5 * max(min(one.size), min(other.size))


def near(code: Corners, bars: Corners) -> bool:
    """Whether bars may belong to the slip of this eL-QR."""
    return math.dist(Frame.of(code).middle, Frame.of(bars).middle) < 6 * _spread(code)


def _sharper(image: Image.Image, radius: float, percent: int) -> Image.Image:
    """Edges sharpened."""
    return image.filter(ImageFilter.UnsharpMask(radius, percent, 0))


def _flat_variants(image: Image.Image, corners: Corners) -> Iterator[Image.Image]:
    """A QR straightened by its corners, softened against noise and sharpened against blur."""
    for size in (41 * 6, 41 * 9):
        flat = flattened(image, corners, size)
        yield flat
        for blur, radius, percent in ((0, 3, 300), (0, 6, 400), (1.5, 6, 500), (2.5, 8, 600)):
            yield _sharper(flat.filter(ImageFilter.GaussianBlur(blur)), radius, percent)


def _spot_variants(part: Image.Image) -> Iterator[tuple[float, Image.Image]]:
    """A dense spot, enlarged and sharpened."""
    for factor, blur, radius, percent in (
        (2, 2, 2, 300),
        (2, 2, 4, 300),
        (2, 2, 6, 500),
        (1, 0, 2, 300),
        (2, 0, 0, 0),
        (3, 0, 8, 500),
    ):
        size = (part.width * factor, part.height * factor)
        large = part.resize(size, Image.Resampling.BICUBIC)
        if blur:
            large = large.filter(ImageFilter.GaussianBlur(blur))
        yield factor, _sharper(large, radius, percent) if percent else large


def _whole_variants(image: Image.Image) -> Iterator[tuple[float, Image.Image]]:
    """The whole picture as it is, with more contrast, sharper, smaller or larger."""
    shrink = math.ceil(math.sqrt(image.width * image.height / _WHOLE_PIXELS))
    whole = image.reduce(shrink) if shrink > 1 else image
    yield 1 / shrink, whole
    yield 1 / shrink, _sharper(ImageOps.autocontrast(whole, cutoff=2), 4, 250)
    factor = 0.5 if max(whole.size) > _LARGE_PX else 2
    size = (round(whole.width * factor), round(whole.height * factor))
    resized = whole.resize(size, Image.Resampling.BICUBIC)
    yield factor / shrink, resized
    yield factor / shrink, _sharper(resized, 3, 250)
