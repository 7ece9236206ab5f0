"""照合の速さ: lines per second and peak memory, beside a floor measured in the same run.

``python benchmarks/reconcile.py [--sizes 10000 100000 1000000] [--runs 3]``

For each size a city with one instalment and one slip per line is prepared in a fresh SQLite file
(not counted), then in separate processes, one after the other:

floor   a raw parse of the file (split the records, take the fields that matter), one bulk insert
        of the lines into one table, and one set-based update of the instalments they name;
        durable (WAL, synchronous=FULL), nothing else
kokin   `take_in` of the same file: evidence kept, every check, outcomes, receipts, postings,
        balances, cases, report

Lines: 96 % payments of known slips in full, the rest unknown, short, over and paid twice.
Peak memory is the process's own high-water mark. The ratio is of medians.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

RECEIVED = date(2026, 6, 2)
CODE = "99999"


def main() -> None:
    """Prepare, measure, print one row per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--measure", choices=["prepare", "floor", "kokin"])
    parser.add_argument("--stages", action="store_true", help="print the time of each statement")
    options = parser.parse_args()
    if options.measure == "prepare":
        prepare(options.folder, options.sizes[0])
        return
    if options.measure:
        measure = floor if options.measure == "floor" else kokin
        print(json.dumps(measure(options.folder, stages=options.stages)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print(
            f"{'lines':>9} {'floor s':>8} {'kokin s':>8} {'ratio':>6} {'lines/s':>9} "
            f"{'us/line':>8} {'floor MB':>9} {'kokin MB':>9}"
        )
        for size in options.sizes:
            place = Path(folder) / str(size)
            place.mkdir()
            # In a process of its own, so that its memory does not count as that of the others.
            subprocess.run(_command("prepare", place, size), check=True)
            print(row(place, size, options.runs), flush=True)
            shutil.rmtree(place)


def row(place: Path, size: int, runs: int) -> str:
    """Measure floor and kokin in turn and put the medians side by side."""
    seconds: dict[str, list[float]] = {"floor": [], "kokin": []}
    memory: dict[str, list[int]] = {"floor": [], "kokin": []}
    for _ in range(runs):
        for kind, times in seconds.items():
            command = _command(kind, place, size)
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            times.append(found["seconds"])
            memory[kind].append(found["peak_mb"])
    low, ours = (statistics.median(seconds[kind]) for kind in ("floor", "kokin"))
    return (
        f"{size:>9,} {low:>8.2f} {ours:>8.2f} {ours / low:>6.2f} {size / ours:>9,.0f} "
        f"{ours / size * 1e6:>8.1f} {max(memory['floor']):>9} {max(memory['kokin']):>9}"
    )


def _command(kind: str, place: Path, size: int) -> list[str]:
    """This script again, for one measurement in a process of its own."""
    return [
        sys.executable, __file__, "--measure", kind, "--folder", str(place), "--sizes", str(size),
    ]  # fmt: skip


# ---- the city and its file ----


def prepare(place: Path, size: int) -> None:
    """A city of ``size`` instalments in a database, and a file of ``size`` lines."""
    import tomllib  # noqa: PLC0415

    from payments.domain.profile import profile_from_mapping  # noqa: PLC0415
    from payments.store.bulk import insert_rows  # noqa: PLC0415
    from payments.store.engine import open_engine  # noqa: PLC0415
    from payments.store.municipalities import save_profile  # noqa: PLC0415
    from payments.store.unit_of_work import unit_of_work  # noqa: PLC0415
    from web.database import upgrade  # noqa: PLC0415

    url = f"sqlite:///{place / 'city.db'}"
    upgrade(url)
    profile = profile_from_mapping(
        tomllib.loads((ROOT / "web" / "profiles" / "99999.toml").read_text("utf-8"))
    )
    engine = open_engine(url)
    stream = random.Random(size)  # noqa: S311  (a benchmark's data, no secret)
    numbers = list(range(size))
    stream.shuffle(numbers)  # Keys arrive in no order of the database.
    with unit_of_work(engine, CODE) as connection:
        save_profile(connection, profile)
        for table, columns, rows in city_rows(size):
            insert_rows(connection, table, columns, rows, constants=(CODE,))
    engine.dispose()
    tidy = sqlite3.connect(place / "city.db")
    tidy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    tidy.close()
    (place / "payments.csv").write_bytes(payment_file(numbers, stream))


def city_rows(size: int) -> list[tuple[str, tuple[str, ...], Iterator[tuple[object, ...]]]]:
    """The rows of a city: one notice, instalment, slip and key per line."""

    def of(form: Callable[[int], tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
        return (form(number) for number in range(1, size + 1))

    return [
        ("obligor", ("municipality_code", "obligor_no", "name", "kana", "kana_folded",
                     "postal_code", "address"), iter([("1", "税目 太郎", "", "", "", "")])),
        ("notice", ("municipality_code", "notice_id", "item_code", "levy_year", "notice_no",
                    "whole_year_group", "obligor_no"),
         of(lambda n: (n, "901", 2026, f"{n:010d}", "", "1"))),
        ("instalment", ("municipality_code", "notice_id", "term", "fiscal_year",
                        "due_on_statutory", "due_on", "collection_hold", "dunning_hold",
                        "direct_debit", "debit_no"),
         of(lambda n: (n, "01", 2026, "2026-06-30", "2026-06-30", False, False, False, ""))),
        ("instalment_account", ("municipality_code", "notice_id", "term", "in_group",
                                "amount_yen", "term_yen", "whole_yen", "surplus_yen"),
         of(lambda n: (n, "01", False, amount(n), 0, 0, 0))),
        ("slip", ("municipality_code", "slip_id", "slip_no", "notice_id", "term", "version",
                  "amount_yen", "due_on", "valid_until", "issued_on", "state"),
         of(lambda n: (n, f"S{n:010d}", n, "01", 1, amount(n), "2026-06-30", "2026-07-31",
                       "2026-06-01", "new"))),
        ("pay_key", ("municipality_code", "pay_key", "slip_id", "notice_id", "term", "slip_yen",
                     "valid_until", "superseded"),
         of(lambda n: (f"K{free_area(n)}", n, n, "01", amount(n), "2026-07-31", False))),
    ]  # fmt: skip


def amount(number: int) -> int:
    """An amount for an instalment."""
    return 1_000 + number % 97 * 100


def free_area(number: int) -> str:
    """The free area of a slip's barcode: client code, then a scattered own key."""
    return f"00001{number * 7_919 % 10_000_000_000_000_061:016d}"


def payment_file(numbers: list[int], stream: random.Random) -> bytes:
    """One DSK file of 速報: 96 % plain, the rest with something to say."""
    from payments.domain.identifiers import konbini_check_digit  # noqa: PLC0415
    from reconcile.formats import konbini_dsk  # noqa: PLC0415

    def rows():  # noqa: ANN202
        for place, number in enumerate(numbers, start=1):
            chance = stream.random()
            own, yen = number + 1, amount(number + 1)
            if chance < 0.01:
                own = number + 50_000_000  # unknown
            elif chance < 0.02:
                yen -= 100  # short
            elif chance < 0.03:
                yen += 100  # over
            elif chance < 0.04:
                own = numbers[place - 2] + 1  # paid twice
                yen = amount(own)
            body = f"91912345{free_area(own)}0260731{0}{yen:06d}"
            yield konbini_dsk.DskRow(
                kind="01",
                paid_on="20260601",
                paid_at=f"{place % 24:02d}{place % 60:02d}",
                barcode=f"{body}{konbini_check_digit(body)}",
                amount_yen=yen,
                cvs_code="030",
                cvs_name="ファミリーマート",
                shop_code=f"{place % 1_000_000:06d}",
                remitted_on="0",
                created_on="20260602",
            )

    return konbini_dsk.write(rows())


# ---- what is measured ----


def floor(place: Path, *, stages: bool = False) -> dict[str, float]:
    """Raw parse, one bulk insert, one set-based update; durable."""
    _ = stages
    database = place / "floor.db"
    _copy(place, database)
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -524288;"
        "CREATE TABLE line (line_no INTEGER PRIMARY KEY, kind TEXT, paid_on TEXT, paid_at TEXT, "
        "pay_key TEXT, amount_yen INTEGER, cvs TEXT, shop TEXT);"
    )
    start, cpu = time.perf_counter(), time.process_time()
    lines = (place / "payments.csv").read_bytes().split(b"\r\n")[1:-1]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (number, f[0], f[1], f[2], f"K{f[3][11:32]}", int(f[7]), f[8], f[10])
            for number, f in enumerate((one.decode("cp932").split(",") for one in lines), start=2)
        ),
    )
    connection.execute(
        "UPDATE instalment_account SET term_yen = term_yen + line.amount_yen FROM line "
        "JOIN pay_key k ON k.municipality_code = '99999' AND k.pay_key = line.pay_key "
        "WHERE instalment_account.municipality_code = '99999' "
        "AND instalment_account.notice_id = k.notice_id AND instalment_account.term = k.term"
    )
    connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    cpu_seconds = time.process_time() - cpu
    connection.close()
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": _peak_mb()}


def kokin(place: Path, *, stages: bool = False) -> dict[str, float]:
    """The whole reconciliation of the file."""
    from payments.store.engine import open_engine  # noqa: PLC0415
    from reconcile.model import Delivery, FileStatus  # noqa: PLC0415
    from reconcile.pipeline import take_in  # noqa: PLC0415

    database = place / "kokin.db"
    _copy(place, database)
    engine = open_engine(f"sqlite:///{database}")
    if stages:
        _print_statements(engine)
    start, cpu = time.perf_counter(), time.process_time()
    delivery = Delivery("payments.csv", (place / "payments.csv").read_bytes())
    report = take_in(engine, CODE, delivery, received_on=RECEIVED)
    seconds = time.perf_counter() - start
    cpu_seconds = time.process_time() - cpu
    if report.status is not FileStatus.ACCEPTED:
        sys.exit(f"the file was not accepted: {report.findings[:3]}")
    engine.dispose()
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": _peak_mb()}


def _copy(place: Path, database: Path) -> None:
    """A fresh copy of the prepared city."""
    for leftover in (database, *(database.with_name(database.name + s) for s in ("-wal", "-shm"))):
        leftover.unlink(missing_ok=True)
    shutil.copy(place / "city.db", database)


def _peak_mb() -> int:
    """This process's high-water mark in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _print_statements(engine) -> None:  # noqa: ANN001
    """The time of every statement that takes a while, on standard error."""
    from sqlalchemy import event  # noqa: PLC0415

    began = {"at": time.perf_counter()}

    @event.listens_for(engine, "before_cursor_execute")
    def _before(*_args: object) -> None:
        gap = time.perf_counter() - began["at"]
        if gap > 0.05:
            print(f"{gap:8.2f} s  (outside SQL)", file=sys.stderr)
        began["at"] = time.perf_counter()

    @event.listens_for(engine, "after_cursor_execute")
    def _after(_connection, _cursor, statement, *_args: object) -> None:  # noqa: ANN001
        took = time.perf_counter() - began["at"]
        if took > 0.05:
            print(f"{took:8.2f} s  {' '.join(statement.split())[:110]}", file=sys.stderr)
        began["at"] = time.perf_counter()


if __name__ == "__main__":
    main()
