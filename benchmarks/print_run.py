"""How fast a print run goes from assessments in the books to files that were read back.

    python benchmarks/print_run.py [OBLIGORS …]

run     `kokin slips issue`: numbers, drawing, every page compared, symbols of a sample decoded
        from pixels, every file recorded, manifest and report
draw    the floor: the slips of the same files read from the books and drawn, nothing else
again   `kokin slips issue --again`: the same files once more, from the books that are there

Each with two worker processes on a SQLite database in a folder of its own. An obligor has about
four slips. Memory is the proportional set size of all processes together, sampled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from payments import print_runs
from payments.store.engine import open_engine
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from qr.draw.slip_pdf import draw_slips
from qr.layout.slip_page import PrintProfile
from web.printing.pages import slip_page

ROOT = Path(__file__).resolve().parents[1]
OBLIGORS = (500, 5_000, 25_000)
WORKERS = 2
MUNICIPALITY = "99999"
KOKIN = (sys.executable, "-m", "web")
SAMPLED_EVERY = 0.1  # seconds


def tree(pid: int) -> list[int]:
    """A process and all that it has started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text("ascii").split()
        except OSError:
            continue
        for child in children:
            found += tree(int(child))
    return found


def memory_kib(pid: int) -> int:
    """Proportional set size of a process and its children."""
    total = 0
    for each in tree(pid):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text("ascii").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def kokin(home: Path, *words: object) -> tuple[float, int]:
    """One command; its seconds and its peak memory in MiB."""
    environment = os.environ | {"KOKIN_HOME": str(home), "PYTHONPATH": str(ROOT)}
    begun, peak = time.perf_counter(), 0
    with subprocess.Popen(
        [*KOKIN, *map(str, words)], env=environment, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            peak = max(peak, memory_kib(process.pid))
            time.sleep(SAMPLED_EVERY)
    return time.perf_counter() - begun, peak // 1024


def draw(url: str, file_no: int) -> int:
    """The floor: one file of the run, drawn in memory; how many pages."""
    engine = open_engine(url)
    with reading(engine, MUNICIPALITY) as connection:
        profile = load_profile(connection, MUNICIPALITY)
        slips = print_runs.slips_of_file(connection, MUNICIPALITY, 1, file_no)
    engine.dispose()
    pages = [slip_page(slip, profile, "standard") for slip in slips]
    return draw_slips(pages, BytesIO(), PrintProfile())


def drawn(url: str, files: int) -> float:
    """Slips per second that are drawn and nothing else; starting the workers is not counted."""
    with ProcessPoolExecutor(WORKERS) as pool:
        list(pool.map(partial(draw, url), [1] * WORKERS))
        begun = time.perf_counter()
        pages = sum(pool.map(partial(draw, url), range(1, files + 1)))
        return pages / (time.perf_counter() - begun)


def measure(obligors: int, folder: Path) -> None:
    """All figures of one size."""
    home, out = folder / "home", folder / "out"
    kokin(home, "init", "--sample")
    kokin(home, "sample", "make", folder / "city", "--obligors", obligors, "--days", 1, "--seed", 5)
    kokin(home, "assessments", "import", folder / "city" / "assessments.csv")
    seconds, peak = kokin(home, "slips", "issue", "--out", out, "--workers", WORKERS)
    url = f"sqlite:///{home / 'kokin.sqlite3'}"
    engine = open_engine(url)
    with reading(engine, MUNICIPALITY) as connection:
        run = print_runs.run_of(connection, MUNICIPALITY, 1)
        files = print_runs.files_of_run(connection, MUNICIPALITY, 1)
    engine.dispose()
    pages = sum(file.pages for file in files)
    size = sum(file.bytes for file in files) / pages
    floor = drawn(url, run.files)
    again, _ = kokin(home, "slips", "issue", "--again", 1, "--out", folder / "again")
    print(f"{pages:>8,} slips  run {pages / seconds:>6,.0f}/s  draw {floor:>6,.0f}/s  "
          f"run/draw {pages / seconds / floor:.2f}  again {pages / again:>6,.0f}/s  "
          f"{peak:>5,} MiB  {size:,.0f} bytes a slip")  # fmt: skip


def main() -> None:
    """Every size, each in a folder that goes afterwards."""
    for obligors in map(int, sys.argv[1:]) if sys.argv[1:] else OBLIGORS:
        with tempfile.TemporaryDirectory(prefix="print-run-") as folder:
            measure(obligors, Path(folder))


if __name__ == "__main__":
    main()
