"""How fast slips are printed, beside a floor measured in the same run.

The floor writes the same pages with the same PDF library, but with the texts set, the symbols
encoded and every check done beforehand: what remains is the library's own work per page.

    python benchmarks/slips.py [COUNT …]

Each figure comes from a process of its own, so that peak memory is that of one run.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from qr import el_qr, konbini_barcode, slip_pdf
from qr.read_back import read_back
from qr.slip_fonts import load_fonts
from qr.slip_layout import compose
from qr.slip_page import PrintProfile, SlipPage
from qr.symbol_table import SymbolPress

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTS = (100, 1_000, 5_000)
NAMES = "春夏秋冬東西南北山川田林森海空雲雨雪月星花鳥風光"


def pages(count: int) -> Iterator[SlipPage]:
    """Invented slips, each with its own symbols, name and numbers."""
    due_on, valid_until = date(2026, 6, 1), date(2026, 7, 1)
    for number in range(count):
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


def measure(what: str, count: int, out: Path) -> dict[str, float]:
    """Run one measurement in this process: seconds, peak memory and size of the PDF."""
    profile = PrintProfile()
    slips = list(pages(count))
    load_fonts(profile.font_folders)
    if what == "floor":
        _prepare_floor(slips[:20], profile)
        slips = [slips[number % 20] for number in range(count)]
    elif what == "read_back":
        slip_pdf.draw_slips(slips, out, profile)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    if what == "read_back":
        assert read_back(out, slips) == []  # noqa: S101 - a figure for wrong work is no figure
    else:
        slip_pdf.draw_slips(slips, out, profile)
    seconds = time.perf_counter() - started
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds,
        "peak_mb": peak_kb / 1024,
        "grown_mb": (peak_kb - before_kb) / 1024,
        "kb_per_slip": out.stat().st_size / count / 1024,
    }


def _prepare_floor(slips: list[SlipPage], profile: PrintProfile) -> None:
    """Replace checking, setting and encoding by look-ups of results made beforehand."""
    fonts = load_fonts(profile.font_folders)
    composed = {slip.slip_no: compose(slip, profile, fonts) for slip in slips}
    press = SymbolPress(profile.layout)
    codes = {slip.el_qr: slip_pdf.qr_operators(slip.el_qr or "", press) for slip in slips}
    bars = {
        slip.konbini_barcode: slip_pdf.barcode_operators(slip.konbini_barcode or "")
        for slip in slips
    }
    vars(slip_pdf).update(
        compose=lambda slip, _profile, _fonts: composed[slip.slip_no],
        qr_operators=lambda digits, _press: codes[digits],
        barcode_operators=bars.__getitem__,
    )


def main(counts: list[int]) -> None:
    """Print one line per measurement."""
    print(f"{'':10} {'slips':>6} {'s':>8} {'slips/s':>8} {'peak MB':>8} {'+MB':>6} {'kB/slip':>8}")
    with TemporaryDirectory() as folder:
        for count in counts:
            for what in ("floor", "draw", "read_back"):
                command = [sys.executable, __file__, "--one", what, str(count), f"{folder}/s.pdf"]
                result = subprocess.run(command, check=True, capture_output=True, text=True)
                found = json.loads(result.stdout)
                print(
                    f"{what:10} {count:6} {found['seconds']:8.2f} {count / found['seconds']:8.0f} "
                    f"{found['peak_mb']:8.1f} {found['grown_mb']:6.1f} {found['kb_per_slip']:8.2f}"
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))))
    else:
        main([int(count) for count in sys.argv[1:]] or list(COUNTS))
