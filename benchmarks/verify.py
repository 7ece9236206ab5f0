"""検算の速さ: ``kokin verify`` beside the intake of the very same files, in the same run.

``python benchmarks/verify.py [--lines 10000 100000 1000000] [--databases sqlite postgresql]
[--folder DIR]``

For each size a city gets, through the ordinary intake, one file of assessments, one slip register
and one file of payments with so many lines each; then it is sealed and summed up by day. Then, in
a process of its own, everything is verified: every file read again, every stored line, outcome,
receipt, posting, balance, key, total and seal compared. Two ratios are given: verify to the intake
of all three files (1.0 is the most it should be), and to the intake of the payments alone, although
two thirds of what it reads are the other two. Peak memory is that of its two processes, on
PostgreSQL without the server. The third ratio is that of processor seconds to the intake of all
three, for machines on which others work, too (SQLite only: PostgreSQL's own are not seen).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._reconcile_city import CODE, amount, free_area, payments, profile
from benchmarks.reconcile import cities
from payments.domain.identifiers import konbini_check_digit
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.audit.seal import seal_pending
from reconcile.day_totals import summarise
from reconcile.formats import assessments, slip_register
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips
from reconcile.verify.everything import verify
from web.database import upgrade

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from reconcile.model import FileReport

RECEIVED = date(2026, 6, 1)


def main() -> None:
    """One row per database and size."""
    parser = argparse.ArgumentParser(description="verify beside intake")
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    print(
        f"{'database':<10} {'lines of each':>13} {'assessments s':>13} {'slips s':>8} "
        f"{'payments s':>10} {'seal s':>7} {'verify s':>8} {'ratio':>6} {'to payments':>11} "
        f"{'processor':>9} {'us/record':>9} {'peak MB':>9}"
    )
    for database in options.databases:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = Path(name)
            folder.chmod(0o711)
            with cities(database, folder) as made:
                for lines in options.lines:
                    print(row(database, made.empty(f"verify_{lines}"), lines), flush=True)


def row(database: str, url: str, lines: int) -> str:
    """Take three files in, seal them, verify them all."""
    upgrade(url)
    engine = open_engine(url)
    with unit_of_work(engine, CODE) as connection:
        save_profile(connection, profile())
    files = (assessment_file(lines), slip_file(lines), payments(lines, lines))
    processor = time.process_time()
    claimed = intake(engine, import_assessments, files[0])
    issued = intake(engine, import_slips, files[1])
    paid = intake(engine, take_in, files[2])
    processor = time.process_time() - processor
    start = time.perf_counter()
    seal_pending(engine, CODE)
    sealed = time.perf_counter() - start
    summarise(engine, CODE)
    engine.dispose()
    command = [sys.executable, __file__, "--measure", url]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(said.splitlines()[-1])
    seconds = found["seconds"]
    return (
        f"{database:<10} {lines:>13,} {claimed:>13.2f} {issued:>8.2f} {paid:>10.2f} "
        f"{sealed:>7.2f} {seconds:>8.2f} {seconds / (claimed + issued + paid):>6.2f} "
        f"{seconds / paid:>11.2f} {found['processor'] / processor:>9.2f} "
        f"{seconds / lines / 3 * 1e6:>9.1f} "
        f"{found['own_mb']:>4}+{found['second_mb']}"
    )


def measure(url: str) -> None:
    """Verify, in this process."""
    engine = open_engine(url)
    start, started = time.perf_counter(), time.process_time()
    differences = verify(engine, CODE)
    seconds, processor = time.perf_counter() - start, time.process_time() - started
    engine.dispose()
    if differences:
        sys.exit(f"the books differ: {differences[:3]}")
    own = Path("/proc/self/status").read_text("ascii").split("VmHWM:")[1].split()[0]
    second = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = {
        "seconds": seconds,
        "processor": processor + second.ru_utime + second.ru_stime,
        "own_mb": int(own) // 1024,
        "second_mb": second.ru_maxrss // 1024,
    }
    print(json.dumps(said))


def intake(engine: Engine, take: Callable[..., FileReport], data: bytes) -> float:
    """The seconds that one file takes."""
    start = time.perf_counter()
    report = take(engine, CODE, Delivery("file.csv", data), received_on=RECEIVED)
    if not report.status.is_good:
        sys.exit(f"the file was not accepted: {report.findings[:3]}")
    return time.perf_counter() - start


def assessment_file(number: int) -> bytes:
    """調定 of so many instalments."""
    return assessments.write(
        assessments.AssessmentRow(
            CODE, "901", 2026, 2026, f"{n:010d}", "01", str(n % 100_000 + 1), "税目 太郎",
            "ｾﾞｲﾓｸ ﾀﾛｳ", "", "", amount(n), "2026-06-30", "initial", "", "",
        )
        for n in range(1, number + 1)
    )  # fmt: skip


def slip_file(number: int) -> bytes:
    """A slip for each of them."""
    return slip_register.write(
        slip_register.SlipRow(
            CODE, "901", 2026, f"{n:010d}", "01", f"S{n:010d}", 1, "", "", "", barcode(n),
            amount(n), "2026-06-30", "2026-07-31", "2026-06-01", "new",
        )
        for n in range(1, number + 1)
    )  # fmt: skip


def barcode(number: int) -> str:
    """The 44 digits on the slip."""
    body = f"91912345{free_area(number)}0260731{0}{amount(number):06d}"
    return f"{body}{konbini_check_digit(body)}"


if __name__ == "__main__":
    main()
