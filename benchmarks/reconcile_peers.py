"""照合の速さと他の部品: Python packages that compare two tables and persist nothing, beside us.

``uv venv /tmp/peers && uv pip install -p /tmp/peers/bin/python datacompy polars pandas fastrecon
bankstatementparser civicpay``, then ``python benchmarks/reconcile_peers.py --peers
/tmp/peers/bin/python [--lines 10000 100000] [--instalments 100000] [--folder DIR]``

All get the same payments and the same open instalments (one in twenty-five payments is unknown,
short, over or paid twice), each in a process of its own. The peers get them as tables that are read
already and know nothing of formats; only the comparison by key is timed:

datacompy            a join by key, then rows of one side only and rows whose amounts differ
                     (pandas and polars)
fastrecon            the same in DuckDB; its time has the reading of two CSV files in it
bankstatementparser  exact reference, then amount and name, one to one; in plain Python
civicpay             exact reference, then similar ones, with exceptions; pandas row by row

None of them keeps anything, sees a repeat of an earlier file, knows that a payment was 速報 or
確報, splits a surplus, or can say later why a line ended as it did. ``kokin`` is ``take_in``: the
bytes kept as evidence, every field checked, lines, outcomes, receipts, postings, balances and cases
on disk. So ten times a join in memory is not to be had: the join is the smallest part of our work
(``join`` is that alone, in our database: each line's key looked up and its amount compared).
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_SECONDS = 120
Passed = tuple[float, float]
PAID, OPEN = "payments.csv", "instalments.csv"
DAY = "2026-06-01"


def main() -> None:
    """One row per number of lines and package."""
    parser = argparse.ArgumentParser(description="packages that reconcile two tables")
    parser.add_argument("--peers", help="the interpreter of the packages")
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--instalments", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--measure", choices=sorted(MEASURED), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        _measure(options.measure, options.folder)
        return
    if not options.peers:
        parser.error("--peers is missing")
    print(
        f"{'lines':>9} {'package':<20} {'s':>8} {'lines/s':>9} {'kokin':>6} {'processor':>9}  found"
    )
    for lines in options.lines:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = Path(name)
            _prepare(folder, lines, options.instalments)
            ours = _run(sys.executable, "kokin", folder)
            for measured in MEASURED:
                own = measured in {"kokin", "join"}
                found = _run(sys.executable if own else options.peers, measured, folder)
                print(_row(lines, measured, found, ours), flush=True)


def _row(lines: int, name: str, found: dict[str, Any], ours: dict[str, Any]) -> str:
    """How long it took, and how many times as long as we; likewise in processor seconds."""
    if "seconds" not in found:
        return f"{lines:>9,} {name:<20} {found['said']}"
    seconds = found["seconds"]
    processor = found["processor"] / ours["processor"]
    return (
        f"{lines:>9,} {name:<20} {seconds:>8.2f} {lines / seconds:>9,.0f} "
        f"{seconds / ours['seconds']:>5.2f}x {processor:>8.2f}x  "
        f"{found['found']}"
    )


def _run(python: str, name: str, folder: Path) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [python, __file__, "--measure", name, "--folder", str(folder)]
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return {"said": f"more than {LIMIT_SECONDS} s"}
    except subprocess.CalledProcessError as error:
        return {"said": error.stderr.strip().splitlines()[-1][:80]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _prepare(folder: Path, lines: int, instalments: int) -> None:
    """The city, the file, and both as tables."""
    from benchmarks._reconcile_city import amount, build, free_area, payments  # noqa: PLC0415

    build(f"sqlite:///{folder}/city.db", instalments)
    data = payments(lines, instalments)
    (folder / "payments.txt").write_bytes(data)
    with (folder / OPEN).open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("key", "amount"))
        writer.writerows((f"K{free_area(n)}", amount(n)) for n in range(1, instalments + 1))
    with (folder / PAID).open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("key", "amount"))
        for line in data.decode("cp932").split("\r\n")[1:-1]:
            fields = line.split(",")
            writer.writerow((f"K{fields[3][11:32]}", fields[7]))


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


class _Watch:
    """Seconds of the clock and of the processor since it was made."""

    def __init__(self) -> None:
        self.begun, self.started = time.perf_counter(), time.process_time()

    def passed(self) -> Passed:
        return time.perf_counter() - self.begun, time.process_time() - self.started


# ---- what is measured: each returns the seconds and what was found ----


def _kokin(folder: Path) -> tuple[Passed, str]:
    from payments.store.engine import open_engine  # noqa: PLC0415
    from reconcile.model import Delivery  # noqa: PLC0415
    from reconcile.pipeline import take_in  # noqa: PLC0415

    (folder / "run.db").write_bytes((folder / "city.db").read_bytes())
    engine = open_engine(f"sqlite:///{folder}/run.db")
    watch = _Watch()
    delivery = Delivery("payments.txt", (folder / "payments.txt").read_bytes())
    report = take_in(engine, "99999", delivery, received_on=date(2026, 6, 2))
    passed = watch.passed()
    with engine.connect() as connection:
        outcomes = connection.exec_driver_sql(
            "SELECT outcome, COUNT(*) FROM line_outcome GROUP BY outcome ORDER BY outcome"
        ).all()
    engine.dispose()
    if not report.status.is_good:
        sys.exit(f"not accepted: {report.findings[:3]}")
    return passed, ", ".join(f"{name} {count:,}" for name, count in outcomes)


def _join(folder: Path) -> tuple[Passed, str]:
    import sqlite3  # noqa: PLC0415

    connection = sqlite3.connect(folder / "run.db")  # as _kokin left it
    watch = _Watch()
    found = connection.execute(
        "SELECT COUNT(k.pay_key), SUM(k.slip_yen = l.amount_yen) FROM source_line l "
        "LEFT JOIN pay_key k ON k.municipality_code = '99999' AND k.pay_key = 'K' || l.slip_key "
        "WHERE l.municipality_code = '99999'"
    ).fetchone()
    passed = watch.passed()
    connection.close()
    return passed, f"known {found[0]:,}, equal {found[1]:,}"


def _datacompy_polars(folder: Path) -> tuple[Passed, str]:
    datacompy, polars = import_module("datacompy"), import_module("polars")
    paid, due = (polars.read_csv(folder / name) for name in (PAID, OPEN))
    watch = _Watch()
    compared = datacompy.PolarsCompare(paid, due, join_columns="key")
    unequal = compared.all_mismatch()
    return watch.passed(), (
        f"equal {compared.count_matching_rows():,}, unequal {len(unequal):,}, "
        f"unknown {len(compared.df1_unq_rows):,}, open {len(compared.df2_unq_rows):,}"
    )


def _datacompy_pandas(folder: Path) -> tuple[Passed, str]:
    datacompy, pandas = import_module("datacompy"), import_module("pandas")
    paid, due = (pandas.read_csv(folder / name) for name in (PAID, OPEN))
    watch = _Watch()
    compared = datacompy.PandasCompare(paid, due, join_columns="key")
    unequal = compared.all_mismatch()
    return watch.passed(), (
        f"equal {compared.count_matching_rows():,}, unequal {len(unequal):,}, "
        f"unknown {len(compared.df1_unq_rows):,}, open {len(compared.df2_unq_rows):,}"
    )


def _fastrecon(folder: Path) -> tuple[Passed, str]:
    fastrecon = import_module("fastrecon")
    watch = _Watch()
    paid, due = (fastrecon.CsvFile(str(folder / name)) for name in (PAID, OPEN))
    result = fastrecon.compare(paid, due, keys=["key"])
    passed = watch.passed()
    if result.error:
        raise RuntimeError(result.error)
    return passed, (
        f"unequal {result.changed_rows:,}, unknown {result.missing_in_right:,}, "
        f"open {result.missing_in_left:,}, twice {result.duplicate_keys_left:,}"
    )


def _bankstatementparser(folder: Path) -> tuple[Passed, str]:
    package = import_module("bankstatementparser.reconciliation")

    def records(name: str) -> list[dict[str, Any]]:
        return [
            {
                "amount": Decimal(row["amount"]),
                "currency": "JPY",
                "reference": row["key"],
                "date": DAY,
            }
            for row in _rows(folder, name)
        ]

    due, paid = records(OPEN), records(PAID)
    watch = _Watch()
    report = package.reconcile_payments_and_statements(due, paid)
    return watch.passed(), f"matched {len(report.matches):,}"


def _civicpay(folder: Path) -> tuple[Passed, str]:
    pandas, matcher = import_module("pandas"), import_module("civicpay.recon.matcher")

    def frame(name: str, number: str, day: str) -> Any:
        made = pandas.read_csv(folder / name).rename(columns={"key": "reference_id"})
        made[number] = [f"{number}{at}" for at in range(len(made))]
        made[day] = date.fromisoformat(DAY)
        made["currency"] = "JPY"
        return made

    paid = frame(PAID, "payment_id", "payment_date")
    due = frame(OPEN, "transaction_id", "posting_date")
    watch = _Watch()
    config = matcher.ReconConfig(amount_tolerance=0.0)
    _results, _ledger, summary = matcher.reconcile(paid, due, config, "1")
    return watch.passed(), (
        f"matched {summary['matched_total']:,}, exceptions {summary['exception_total']:,}, "
        f"unknown {summary['unmatched_payment']:,}"
    )


MEASURED: dict[str, Callable[[Path], tuple[Passed, str]]] = {
    "kokin": _kokin,
    "join": _join,
    "datacompy-polars": _datacompy_polars,
    "datacompy-pandas": _datacompy_pandas,
    "fastrecon": _fastrecon,
    "bankstatementparser": _bankstatementparser,
    "civicpay": _civicpay,
}


def _measure(name: str, folder: Path) -> None:
    """One measurement in this process."""
    (seconds, processor), found = MEASURED[name](folder)
    print(json.dumps({"seconds": seconds, "processor": processor, "found": found}))


if __name__ == "__main__":
    main()
