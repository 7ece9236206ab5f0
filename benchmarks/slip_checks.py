"""What it costs to prove a print run: drawing, the vector check of all pages, the raster read-back.

    python benchmarks/slip_checks.py [COUNT …]

Slips are drawn and checked in files of 1,000 pages, as a print run does, by one process and by
two. Making up the slips themselves is not counted. ``raster`` renders and decodes both symbols of
every page (only up to 2,000 slips, it is slow). ``%`` is what a check adds to drawing; memory is
the peak of the largest process.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from slips import pages

from qr.draw.slip_pdf import draw_slips
from qr.proof.read_back import read_back
from qr.proof.slip_check import check_file

COUNTS = (2_000, 10_000)
PAGES_PER_FILE = 1_000
RASTER_MAX = 2_000


class Share(NamedTuple):
    """One file: the process that made it, seconds of drawing and both checks, peak memory."""

    process: int
    draw: float
    vector: float
    raster: float
    peak_mb: float


def one_file(folder: str, first: int, *, raster: bool) -> Share:
    """Draw and check one file of slips."""
    slips = list(pages(PAGES_PER_FILE, first))
    path = Path(folder) / f"{first}.pdf"
    times = [time.perf_counter()]
    draw_slips(slips, path)
    times.append(time.perf_counter())
    differences = check_file(path, slips)
    times.append(time.perf_counter())
    if raster:
        differences += read_back(path, dict(enumerate(slips, start=1)))
    times.append(time.perf_counter())
    assert differences == []  # noqa: S101 - a figure for wrong work is no figure
    path.unlink()
    draw, vector, rendered = (after - before for before, after in pairwise(times))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Share(os.getpid(), draw, vector, rendered, peak_mb)


def measure(count: int, processes: int, folder: str) -> list[tuple[str, float, float]]:
    """A run: what was done, seconds of the busiest process, peak memory in MB."""
    work = partial(one_file, folder, raster=count <= RASTER_MAX)
    fresh = get_context("spawn")  # a process of its own each time: its peak is that of this run
    with ProcessPoolExecutor(processes, mp_context=fresh) as pool:
        shares = list(pool.map(work, range(0, count, PAGES_PER_FILE)))
    peak_mb = max(share.peak_mb for share in shares)
    lines = []
    done: defaultdict[int, float] = defaultdict(float)
    for what in ("draw", "vector", "raster"):
        for share in shares:
            done[share.process] += getattr(share, what)
        if what != "raster" or count <= RASTER_MAX:
            lines.append((what, max(done.values()), peak_mb))
    return lines


def main(counts: list[int]) -> None:
    """Print one line per measurement."""
    print(f"{'':22} {'slips':>7} {'cores':>5} {'s':>8} {'slips/s':>8} {'%':>6} {'peak MB':>8}")
    names = {"draw": "draw", "vector": "draw + vector", "raster": "draw + vector + raster"}
    with TemporaryDirectory() as folder:
        for count in counts:
            for processes in (1, 2):
                drawing = 0.0
                for what, seconds, peak_mb in measure(count, processes, folder):
                    drawing = drawing or seconds
                    added = (seconds / drawing - 1) * 100
                    print(
                        f"{names[what]:22} {count:7} {processes:5} {seconds:8.2f} "
                        f"{count / seconds:8.0f} {added:6.0f} {peak_mb:8.1f}"
                    )


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]] or list(COUNTS))
