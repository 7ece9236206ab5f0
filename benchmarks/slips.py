"""How fast slips are printed, beside floors and peers measured in the same run.

    python benchmarks/slips.py [COUNT …]

draw       slips of our own, each with its own eL-QR, barcode, OCR lines, name and numbers
floor      the same pages by the same code with both symbols made beforehand
reportlab  the same texts, lines and (made beforehand) symbols on a plain reportlab canvas
qrbill     Swiss QR-bills by the qrbill library, each its own: SVG, and PDF by svglib

Slips go into files of 1,000 pages by two worker processes; making up the invented slips is not
counted. Each figure comes from a process of its own, so that peak memory is that of one run (the
largest worker). The last two need the dependency group ``bench``; where it is missing they are
left out.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from qr.digits import el_qr, konbini_barcode
from qr.draw import slip_pdf
from qr.draw.slip_symbols import SymbolDrawing
from qr.layout.slip_page import PrintProfile, SlipPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

COUNTS = (1_000, 10_000, 100_000)
WORKERS = 2
PAGES_PER_FILE = 1_000
PEER_COUNTS = {"reportlab": 2_000, "qrbill": 200, "svglib": 50}  # the slow ones on fewer
LIVE = PrintProfile(sample=False)
NAMES = "春夏秋冬東西南北山川田林森海空雲雨雪月星花鳥風光"

Drawn = tuple[float, float, int]
"""Seconds, seconds of processor and bytes of one file."""


def pages(count: int, first: int = 0) -> Iterator[SlipPage]:
    """Invented slips, each with its own symbols, name and numbers."""
    due_on, valid_until = date(2026, 6, 1), date(2026, 7, 1)
    for number in range(first, first + count):
        amount_yen = 1_000 + number * 37 % 290_000
        payload = el_qr.ElQr(
            amount_yen=amount_yen,
            levy_year=2026,
            tax_year=2026,
            term="01",
            due_on=due_on,
            valid_until=valid_until,
            collecting_body_code="99999",
            case_key=f"{number:020d}",
            confirmation_no=f"{number * 7919 % 1_000_000:06d}",
            item_code="901",
        )
        barcode = konbini_barcode.KonbiniBarcode(
            company_code="912345",
            free_area=konbini_barcode.free_area("00001", f"{number:016d}"),
            amount_yen=amount_yen,
            valid_until=valid_until,
        )
        name = "".join(NAMES[number // 24**place % 24] for place in range(4))
        yield SlipPage(
            slip_no=f"S2026-{number:07d}",
            notice_no=f"{number:010d}",
            item_name="市県民税（普通徴収）",
            levy_year=2026,
            term="01",
            amount_yen=amount_yen,
            due_on=due_on,
            valid_until=valid_until,
            obligor_name=f"{name[:2]} {name[2:]}",
            obligor_postal_code="9999999",
            obligor_address=f"みほん市{name}一丁目{number % 90 + 1}番地",
            issuer="みほん市",
            contact="みほん市 会計課 電話 000-000-0000",
            el_qr=el_qr.build(payload),
            konbini_barcode=konbini_barcode.build(barcode),
        )


def draw(first: int, count: int) -> Drawn:
    """One file of ours."""
    return _timed(slip_pdf.draw_slips, [*pages(count, first)])


def floor(first: int, count: int) -> Drawn:
    """One file whose symbols were made beforehand."""
    slips = [*pages(count, first)]
    made = SymbolDrawing(LIVE.slip_layout("standard"), LIVE.layout, None)
    digits = [slip.el_qr or "" for slip in slips]
    codes = dict(zip(digits, made.qr(digits), strict=True))
    bars = {s.konbini_barcode: made.barcode(s.konbini_barcode or "") for s in slips}

    class Ready:
        """Symbols that only have to be looked up."""

        def __init__(self, *_settings: object) -> None:
            pass

        qr = staticmethod(lambda digits: [codes[text] for text in digits])
        barcode = staticmethod(bars.__getitem__)

    vars(slip_pdf)["SymbolDrawing"] = Ready
    try:
        return _timed(slip_pdf.draw_slips, slips)
    finally:
        vars(slip_pdf)["SymbolDrawing"] = SymbolDrawing


def reportlab(first: int, count: int) -> Drawn:
    """One file on a plain canvas."""
    from benchmarks.slip_peers import canvas_of  # noqa: PLC0415 - only where the library is installed

    return _timed(canvas_of([*pages(count, first)], LIVE), [*pages(count, first)])


def qrbill_svg(first: int, count: int) -> Drawn:
    """Bills of a library for another country's code, as it draws them."""
    from benchmarks.slip_peers import draw_bills  # noqa: PLC0415 - only where the library is installed

    return draw_bills(first, count, pdf=False)


def qrbill_pdf(first: int, count: int) -> Drawn:
    """The same bills as finished PDF."""
    from benchmarks.slip_peers import draw_bills  # noqa: PLC0415 - only where the library is installed

    return draw_bills(first, count, pdf=True)


OURS = (draw, floor)
PEERS: dict[str, tuple[Callable[[int, int], Drawn], ...]] = {
    "reportlab": (reportlab,),
    "qrbill": (qrbill_svg,),
    "svglib": (qrbill_pdf,),
}


def _timed(draw_slips: Callable[..., object], slips: Sequence[SlipPage]) -> Drawn:
    """Draw the slips into memory."""
    out = BytesIO()
    started, processor = time.perf_counter(), time.process_time()
    draw_slips(slips, out, LIVE)
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    return seconds, processor, len(out.getvalue())


def one_file(task: tuple[str, int, int]) -> tuple[int, float, float, int]:
    """A worker's share: its process, then as of :data:`Drawn`."""
    what, first, count = task
    draw(0, 1)  # what is made once per process is not part of a slip's time
    return (os.getpid(), *globals()[what](first, count))


def measure(what: str, count: int) -> dict[str, float]:
    """Run one measurement: seconds of the busier worker, peak memory and size of the PDFs."""
    tasks = [
        (what, first, min(PAGES_PER_FILE, count - first))
        for first in range(0, count, PAGES_PER_FILE)
    ]
    if len(tasks) < WORKERS:
        half = count // WORKERS
        tasks = [(what, worker * half, half) for worker in range(WORKERS)]
    busy: dict[int, float] = defaultdict(float)
    size, processor = 0, 0.0
    with ProcessPoolExecutor(WORKERS) as pool:
        for pid, seconds, used, found in pool.map(one_file, tasks):
            busy[pid] += seconds
            processor += used
            size += found
    return {
        "seconds": max(busy.values()),
        "cpu_ms": processor / count * 1_000,
        "peak_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1_024,
        "kb_per_slip": size / count / 1_024,
    }


def measured(what: str, count: int) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--one", what, str(count)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(result.stdout)
    return found


def main(counts: list[int]) -> None:
    """Print one line per measurement."""
    print(f"{os.cpu_count()} cores, {WORKERS} workers, files of {PAGES_PER_FILE:,} pages")
    titles = ("slips", "s", "slips/s", "CPU ms", "x floor", "peak MB", "kB/slip")
    print(f"{'':12}" + "".join(f"{title:>10}" for title in titles))
    for count in counts:
        base = measured("floor", count)
        _print("floor", count, base, base)
        _print("draw", count, measured("draw", count), base)
    for library, drawers in PEERS.items():
        for drawer in drawers if find_spec(library) else ():
            count = PEER_COUNTS[library]
            _print(drawer.__name__, count, measured(drawer.__name__, count), base)


def _print(what: str, count: int, found: dict[str, float], base: dict[str, float]) -> None:
    """One line; ``CPU ms`` is the time of one core for one slip."""
    print(
        f"{what:12}{count:10,}{found['seconds']:10.2f}{count / found['seconds']:10,.0f}"
        f"{found['cpu_ms']:10.3f}{found['cpu_ms'] / base['cpu_ms']:10.2f}"
        f"{found['peak_mb']:10.1f}{found['kb_per_slip']:10.2f}",
        flush=True,
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]))))
    else:
        main([int(count) for count in sys.argv[1:]] or list(COUNTS))
