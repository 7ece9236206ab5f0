"""封印の速さ: making and checking seals over one payment file, on SQLite.

``python benchmarks/seals.py [--sizes 100000 1000000] [--instalments 1000000] [--folder DIR]``

A city is made and one file is taken in (not counted). Then, each in a process of its own:

floor     the rows that must be sealed, read and thrown away
seal      ``seal_pending``: all rows hashed one by one, the seal written
check     the chain worked out again by ``kokin verify``'s own code
pack      the audit pack of the day, evidence included

Per row means per row under a seal: a line has about one posting and one outcome. The share is that
of the intake of the same file, which is not held up by it: a seal is made behind the commit.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

CODE = "99999"
DAY = date(2026, 6, 5)


def main() -> None:
    """Prepare, measure, print one line per measurement."""
    parser = argparse.ArgumentParser(description="seals over one payment file")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--instalments", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--measure", choices=sorted(MEASURED), help=argparse.SUPPRESS)
    parser.add_argument("--intake", type=float, default=1.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        _measure(options.measure, options.folder, options.intake)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        city = Path(folder) / "city.sqlite"
        _run(_build, city, options.instalments)
        for lines in options.sizes:
            path = Path(folder) / "books.sqlite"
            shutil.copyfile(city, path)
            seconds = _take_in(path, lines, options.instalments)
            for name in ("floor", "seal", "check", "pack"):
                _run_one(name, path, seconds)


def _run(work: Callable[[Path, int], None], path: Path, size: int) -> None:
    begun = time.perf_counter()
    work(path, size)
    print(f"{size:,} instalments, prepared in {time.perf_counter() - begun:.0f} s")


def _build(path: Path, instalments: int) -> None:
    from benchmarks._reconcile_city import build  # noqa: PLC0415

    build(f"sqlite:///{path}", instalments)


def _take_in(path: Path, lines: int, instalments: int) -> float:
    """One file of so many lines, and how long that took, to compare."""
    from benchmarks._reconcile_city import payments  # noqa: PLC0415
    from reconcile.model import Delivery  # noqa: PLC0415
    from reconcile.pipeline import take_in  # noqa: PLC0415

    delivery = Delivery("payments.txt", payments(lines, instalments))
    begun = time.perf_counter()
    take_in(_engine(path), CODE, delivery, received_on=DAY)
    seconds = time.perf_counter() - begun
    print(f"{lines:,} lines taken in {seconds:.1f} s", flush=True)
    return seconds


def _engine(path: Path) -> Engine:
    from payments.store.engine import open_engine  # noqa: PLC0415

    return open_engine(f"sqlite:///{path}")


def _run_one(name: str, path: Path, intake: float) -> None:
    command = [sys.executable, __file__, "--measure", name, "--folder", str(path)]
    subprocess.run([*command, "--intake", str(intake)], check=True)


def _floor(engine: Engine) -> None:
    from payments.store.unit_of_work import reading  # noqa: PLC0415
    from reconcile.audit.seal_parts import PARTS, part_rows  # noqa: PLC0415

    scope = {"m": CODE, "after_journal": 0, "journal_id": 1 << 40, "after_entry": 0}
    with reading(engine, CODE) as connection:
        for part in PARTS:
            for _rows in part_rows(connection, part, {**scope, "entry_no": 1 << 40}):
                pass


def _seal(engine: Engine) -> None:
    from reconcile.audit.seal import seal_pending  # noqa: PLC0415

    if seal_pending(engine, CODE) == 0:
        message = "nothing was sealed"
        raise RuntimeError(message)


def _check(engine: Engine) -> None:
    from payments.store.municipalities import load_profile  # noqa: PLC0415
    from payments.store.unit_of_work import reading  # noqa: PLC0415
    from reconcile.verify.seal import seals  # noqa: PLC0415
    from reconcile.verify.walk import Store  # noqa: PLC0415

    with reading(engine, CODE) as connection:
        found = list(seals(Store(connection, load_profile(connection, CODE))))
    if found:
        message = f"the chain differs: {found[:3]}"
        raise RuntimeError(message)


def _pack(engine: Engine) -> None:
    from payments.store.municipalities import load_profile  # noqa: PLC0415
    from payments.store.unit_of_work import reading  # noqa: PLC0415
    from reconcile.audit.pack import Words, write_pack  # noqa: PLC0415
    from reconcile.audit.scope import day_scope  # noqa: PLC0415

    words = Words("", {}, {}, {}, "")
    with reading(engine, CODE) as connection, tempfile.TemporaryFile() as stream:
        profile = load_profile(connection, CODE)
        write_pack(connection, profile, day_scope(connection, CODE, DAY), words, stream)


MEASURED: dict[str, Callable[[Engine], None]] = {
    "floor": _floor,
    "seal": _seal,
    "check": _check,
    "pack": _pack,
}


def _measure(name: str, path: Path, intake: float) -> None:
    """One measurement in this process; ``intake`` is what the file itself took."""
    import sqlite3  # noqa: PLC0415

    engine = _engine(path)
    begun, started = time.perf_counter(), time.process_time()
    MEASURED[name](engine)
    seconds = time.perf_counter() - begun
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT (SELECT COUNT(*) FROM posting) + (SELECT COUNT(*) FROM line_outcome)"
        ).fetchone()[0]
    # What getrusage says of the peak is that of the parent process, when that was larger.
    status = Path("/proc/self/status").read_text("ascii")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(
        f"  {name:6} {seconds:7.2f} s (processor {time.process_time() - started:.2f} s)  "
        f"{seconds / rows * 1e6:6.2f} µs per row, {seconds / intake:4.0%} of the intake  "
        f"peak {peak:,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
