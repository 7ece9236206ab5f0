"""How much of what was printed is read again from scans, faxes and photographs of it.

Slips are drawn as the print run draws them, rendered at 600 dpi and distorted with fixed seeds.
A reading counts when every field of every slip in the picture is right (the eL-QR carries them
all); the barcode is counted beside it, and so is every symbol said to be valid that is not the
one printed. The time is that of one call with the bytes of the file, on one core.

    python benchmarks/recall.py [--per-category N] [--only WORDS] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import random
import resource
import statistics
import sys
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pypdfium2 as pdfium
from PIL import Image

from benchmarks.distortions import (
    DRAWN_DPI,
    OLD_TELEPHONE,
    TELEPHONE,
    Dice,
    Spots,
    View,
    creased,
    curled,
    jpeg,
    lit,
    moved,
    noisy,
    photographed,
    png,
    scaled,
    shadowed,
    soft,
    stained,
    view,
)
from benchmarks.slips import pages
from qr.draw.slip_pdf import draw_slips
from qr.scan.limits import UPLOAD_LIMITS
from qr.scan.read import decode, read_pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from qr.layout.slip_page import SlipPage

SLIPS = 12
PER_CATEGORY = 23


@dataclass(frozen=True)
class Drawn:
    """A page as printed, and where the middles of its symbols are, in pixels at 600 dpi."""

    image: Image.Image
    spots: Spots

    def at(self, dpi: float) -> Drawn:
        """The same, scanned at this resolution."""
        scale = dpi / DRAWN_DPI
        return Drawn(scaled(self.image, dpi), [(x * scale, y * scale) for x, y in self.spots])


@lru_cache
def slips() -> list[SlipPage]:
    """The slips that everything is made from."""
    return list(pages(SLIPS))


@lru_cache(maxsize=SLIPS)
def drawn(number: int) -> Drawn:
    """One of them, drawn and rendered; the places come from reading the clean page."""
    from pyzbar import pyzbar  # noqa: PLC0415 - only the makers of pictures need places

    out = io.BytesIO()
    draw_slips([slips()[number]], out)
    with pdfium.PdfDocument(out.getvalue()) as document:
        page = document[0]
        image = page.render(scale=DRAWN_DPI / 72, grayscale=True).to_pil()
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    wanted = [pyzbar.ZBarSymbol.QRCODE, pyzbar.ZBarSymbol.CODE128]
    found = sorted(pyzbar.decode(half, symbols=wanted), key=lambda symbol: symbol.type != "QRCODE")
    boxes = [symbol.rect for symbol in found]
    return Drawn(image, [(2 * b.left + b.width, 2 * b.top + b.height) for b in boxes])


# --- the categories ----------------------------------------------------------------------------


def clean_300(page: Drawn, _: Dice) -> bytes:
    """As printed."""
    return png(page.at(300).image)


def skewed_300(page: Drawn, dice: Dice) -> bytes:
    """Laid in not quite straight."""
    turned = page.at(300).image.rotate(dice.one.uniform(-5, 5), _BICUBIC, fillcolor=255)
    return png(noisy(turned, 12, dice))


def turned_300(page: Drawn, dice: Dice) -> bytes:
    """Laid in anyhow."""
    angle = dice.one.uniform(0, 360)
    return png(page.at(300).image.rotate(angle, _BICUBIC, expand=True, fillcolor=255))


def jpeg_200(page: Drawn, dice: Dice) -> bytes:
    """An office scanner that saves space."""
    return jpeg(noisy(page.at(200).image, 8, dice), 30)


def coarse_150(page: Drawn, dice: Dice) -> bytes:
    """Coarse and grainy."""
    return png(noisy(page.at(150).image, 8, dice))


def coarse_100(page: Drawn, dice: Dice) -> bytes:
    """Coarser: an eL-QR module is two pixels."""
    return png(noisy(page.at(100).image, 5, dice))


def fax_200(page: Drawn, dice: Dice) -> bytes:
    """By fax."""
    grey = noisy(soft(page.at(200).image, 0.6), 25, dice)
    return png(grey.point([255 if value > 140 else 0 for value in range(256)]).convert("1"))


def blurred_300(page: Drawn, dice: Dice) -> bytes:
    """The scanner out of focus."""
    return png(soft(page.at(300).image, dice.one.uniform(2, 4)))


def creased_300(page: Drawn, dice: Dice) -> bytes:
    """Folded through the eL-QR."""
    there = page.at(300)
    return png(noisy(creased(there.image, there.spots[0], dice), 6, dice))


def stained_300(page: Drawn, dice: Dice) -> bytes:
    """A drop over the eL-QR."""
    there = page.at(300)
    return png(noisy(stained(there.image, there.spots[0], dice), 6, dice))


def photo_mild(page: Drawn, dice: Dice) -> bytes:
    """A careful photograph."""
    image, _ = _photo(page, TELEPHONE, 0.03, 0.1, 0.92, dice)
    return jpeg(noisy(soft(lit(image, 0.45, dice), 1), 6, dice), 85, colour=True)


def photo_hard(page: Drawn, dice: Dice) -> bytes:
    """Slanting, any way up, soft, grainy, badly lit."""
    image, _ = _photo(page, TELEPHONE, 0.08, 3.2, 0.8, dice)
    blurred = soft(lit(image, 0.3, dice), dice.one.uniform(1, 2.2))
    return jpeg(noisy(blurred, 14, dice), 50, colour=True)


def photo_dark(page: Drawn, dice: Dice) -> bytes:
    """A fifth of the light."""
    image, _ = _photo(page, TELEPHONE, 0.04, 0.3, 0.88, dice)
    dim = lit(image, 0.5, dice).point([round(value * 0.22) for value in range(256)])
    return jpeg(noisy(soft(dim, 1.2), 7, dice), 70, colour=True)


def photo_shadow(page: Drawn, dice: Dice) -> bytes:
    """The edge of a shadow across the eL-QR."""
    image, seen = _photo(page, TELEPHONE, 0.05, 0.4, 0.9, dice)
    shady = shadowed(image, seen.place(page.at(300).spots[0]), dice)
    return jpeg(noisy(soft(shady, 1.2), 8, dice), 70, colour=True)


def photo_creased(page: Drawn, dice: Dice) -> bytes:
    """A photograph of a folded slip."""
    there = page.at(300)
    folded = Drawn(creased(there.image, there.spots[0], dice), there.spots)
    image, _ = _photo(folded, TELEPHONE, 0.05, 0.5, 0.88, dice, ready=True)
    return jpeg(noisy(soft(lit(image, 0.5, dice), 1.2), 8, dice), 70, colour=True)


def photo_curled(page: Drawn, dice: Dice) -> bytes:
    """A photograph of paper that does not lie flat."""
    there = page.at(300)
    image, _ = _photo(
        Drawn(curled(there.image, dice), there.spots), TELEPHONE, 0.05, 0.5, 0.88, dice, ready=True
    )
    return jpeg(noisy(soft(image, 1.2), 8, dice), 70, colour=True)


def photo_moved(page: Drawn, dice: Dice) -> bytes:
    """An old telephone, little light, an unsteady hand."""
    image, _ = _photo(page, OLD_TELEPHONE, 0.05, 0.3, 0.9, dice)
    shaken = moved(lit(image, 0.25, dice), dice.one.uniform(2, 5), dice.one.uniform(0, 3.14))
    return jpeg(noisy(shaken, 8, dice), 40, colour=True)


def photo_two(page: Drawn, dice: Dice, other: Drawn) -> bytes:
    """Two slips on one table."""
    first, second = page.at(300), other.at(300)
    width, height = first.image.size
    both = Image.new("L", (2 * width + 120, height), 120)
    both.paste(first.image, (0, 0))
    both.paste(second.image.rotate(dice.one.choice((0, 180))), (width + 120, 0))
    table = Drawn(both, [(0.1 * width, 0.1 * height), (1.9 * width, 0.9 * height)])
    image, _ = _photo(table, TELEPHONE[::-1], 0.02, 0.05, 0.93, dice, ready=True)
    return jpeg(noisy(soft(lit(image, 0.5, dice), 0.8), 6, dice), 85, colour=True)


_BICUBIC = Image.Resampling.BICUBIC


def _photo(
    page: Drawn,
    out: tuple[int, int],
    tilt: float,
    turn: float,
    fill: float,
    dice: Dice,
    *,
    ready: bool = False,
) -> tuple[Image.Image, View]:
    """The paper as the camera sees it, and from where."""
    there = page if ready else page.at(300)
    seen = view(there.image.size, out, there.spots, tilt, turn, fill, dice)
    return photographed(there.image, seen, out), seen


CATEGORIES: dict[str, Callable[..., bytes]] = {
    "scan 300 dpi": clean_300,
    "scan 300, skew 5°, noise": skewed_300,
    "scan 300, any rotation": turned_300,
    "scan 200, JPEG 30": jpeg_200,
    "scan 150": coarse_150,
    "scan 100": coarse_100,
    "fax 200, 1 bit": fax_200,
    "scan 300, blur 2-4 px": blurred_300,
    "scan 300, crease": creased_300,
    "scan 300, stain": stained_300,
    "photo 12 MP, mild": photo_mild,
    "photo 12 MP, hard": photo_hard,
    "photo 12 MP, low light": photo_dark,
    "photo 12 MP, shadow": photo_shadow,
    "photo 12 MP, crease": photo_creased,
    "photo 12 MP, curled": photo_curled,
    "photo 12 MP, two slips": photo_two,
    "photo 3 MP, dark, motion": photo_moved,
}


# --- making, reading, counting -----------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One picture on disk and the slips that are in it."""

    category: str
    path: Path
    numbers: tuple[int, ...]


def make(category: str, index: int, folder: Path) -> Case:
    """Draw and distort one picture; the same arguments give the same bytes."""
    seed = zlib.crc32(f"{category} {index}".encode())
    dice = Dice(random.Random(seed), np.random.default_rng(seed))  # noqa: S311 - no secret
    numbers: tuple[int, ...] = (index % SLIPS,)
    if CATEGORIES[category] is photo_two:
        numbers = (index % SLIPS, (index + 1) % SLIPS)
    data = CATEGORIES[category](drawn(numbers[0]), dice, *map(drawn, numbers[1:]))
    suffix = ".png" if data.startswith(b"\x89PNG") else ".jpg"
    name = "".join(letter if letter.isalnum() else "_" for letter in category)
    path = folder / f"{name}_{index:03d}{suffix}"
    path.write_bytes(data)
    return Case(category, path, numbers)


@dataclass(frozen=True)
class Score:
    """What one picture gave."""

    by_zbar_alone: bool
    exact: bool
    barcodes: float
    wrong: int
    invalid: int
    seconds: float


def read(case: Case) -> Score:
    """Read one picture twice: by zbar alone, and with every means; only the latter is timed.

    It is read in this process: `kokin slips read` adds the start of a process of its own per file.
    """
    with Image.open(case.path) as image:
        alone = {text for _, text in decode(image.convert("L"))}
    data = case.path.read_bytes()
    started = time.perf_counter()
    readings = [slip for page in read_pages(data, case.path.name, UPLOAD_LIMITS) for slip in page]
    seconds = time.perf_counter() - started
    symbols = [symbol for slip in readings for symbol in slip.symbols]
    said = {(symbol.symbol, symbol.text) for symbol in symbols if symbol.valid}
    wanted = [slips()[number] for number in case.numbers]
    codes = {("el_qr", slip.el_qr) for slip in wanted}
    bars = {("konbini", slip.konbini_barcode) for slip in wanted}
    return Score(
        all(text in alone for _, text in codes),
        codes <= said,
        len(bars & said) / len(bars),
        len(said - codes - bars),
        sum(not symbol.valid for symbol in symbols),
        seconds,
    )


def line(name: str, scores: list[Score]) -> str:
    """One row of the table."""
    times = sorted(score.seconds * 1000 for score in scores)
    n = len(scores)
    return (
        f"{name:26} {n:4} {sum(s.by_zbar_alone for s in scores) / n:7.1%}"
        f" {sum(s.exact for s in scores) / n:7.1%} {sum(s.barcodes for s in scores) / n:8.1%}"
        f" {sum(s.wrong for s in scores):5} {sum(s.invalid for s in scores):7}"
        f" {statistics.median(times):7.0f} {times[int(0.95 * (n - 1))]:7.0f}"
    )


def main() -> None:
    """Make every picture with two processes, then read them one after the other with one."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--per-category", type=int, default=PER_CATEGORY)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--keep", type=Path, help="keep the pictures here, and list misses")
    chosen = arguments.parse_args()
    names = [name for name in CATEGORIES if chosen.only in name]
    with TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        tasks = [(name, index, folder) for name in names for index in range(chosen.per_category)]
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            cases = pool.starmap(make, tasks, chunksize=max(1, chosen.per_category // 2))
        started_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"{'':26} {'n':>4} {'pyzbar':>7} {'cascade':>7} {'barcode':>8} {'wrong':>5}"
            f" {'invalid':>7} {'ms':>7} {'95% ms':>7}"
        )
        scores: dict[str, list[Score]] = defaultdict(list)
        for name in names:
            scores[name] = [read(case) for case in cases if case.category == name]
            print(line(name, scores[name]), flush=True)
    every = [score for some in scores.values() for score in some]
    print(line("all", every))
    large = [score for name in names if "12 MP" in name for score in scores[name]]
    if large:
        print(line("photographs of 12 MP", large))
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak_kb / 1024:.0f} MB, {(peak_kb - started_kb) / 1024:.0f} of it reading")
    if chosen.keep:
        misses = [
            case.path.name for case, score in zip(cases, every, strict=True) if not score.exact
        ]
        print(json.dumps(misses, indent=1))


if __name__ == "__main__":
    main()
