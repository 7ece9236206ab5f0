"""照合の速さ: intake beside a floor measured in the same run, on SQLite and on PostgreSQL.

``python benchmarks/reconcile.py [--lines 10000 100000 1000000] [--instalments 1000000 5000000]
[--databases sqlite postgresql] [--runs 3] [--folder DIR]``

A city with so many open instalments is prepared once per database (not counted). Then for each
number of lines, in separate processes, one after the other, each on a fresh copy of the city:

floor   the least that books a file durably: parse (split the records, take eight fields), sort by
        key, stage them in one table, one join with keys and instalments that writes one posting
        per line, and an insert-only settlement of the instalments. No evidence, no check of a
        field, no repeats, no outcomes, receipts or cases
kokin   ``take_in`` of the same file: evidence, every check, lines, outcomes, receipts, postings,
        balances, cases, report
known   ``take_in`` of the same bytes once more

Everything is durable: SQLite with WAL and ``synchronous = FULL``, PostgreSQL (a throw-away cluster
as ``initdb`` makes it, with ``shared_buffers = 1GB`` and ``max_wal_size = 8GB``) with ``fsync`` and
``synchronous_commit`` on. Times are medians; peak memory is the high-water mark of the process and,
added to it, that of the one which reads a large file for it (on PostgreSQL of the client alone).
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

RECEIVED = date(2026, 6, 2)
CODE = "99999"
_SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB", "max_connections": "20",
           "listen_addresses": "127.0.0.1"}  # fmt: skip


class Place(NamedTuple):
    """Where one measurement runs: the address of its database, its file, its name."""

    url: str
    file: Path


def main() -> None:
    """Prepare, measure, print one row per database, city and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--instalments", type=int, nargs="+", default=[1_000_000, 5_000_000])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--measure", choices=["city", "file", "floor", "kokin", "known"])
    parser.add_argument("--url")
    parser.add_argument("--stages", action="store_true", help="print the time of each statement")
    options = parser.parse_args()
    if options.measure:
        _measure(options)
        return
    print(
        f"{'database':<10} {'instalments':>11} {'lines':>9} {'floor s':>8} {'kokin s':>8} "
        f"{'ratio':>6} {'us/line':>8} {'floor MB':>8} {'kokin MB':>8} {'known s':>8}"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o711)
        for database in options.databases:
            for instalments in options.instalments:
                with cities(database, folder) as made:
                    city = made.make(instalments)
                    for lines in options.lines:
                        if lines <= instalments:
                            print(_row(made, city, instalments, lines, options.runs), flush=True)


def _row(cities: Cities, city: str, instalments: int, lines: int, runs: int) -> str:
    """Floor, kokin and known in turn, their medians side by side."""
    file = cities.folder / f"payments-{instalments}-{lines}.csv"
    _run("file", Place(str(instalments), file), lines)
    seconds: dict[str, list[float]] = {"floor": [], "kokin": [], "known": []}
    memory: dict[str, list[int]] = {"floor": [], "kokin": [], "known": []}
    for _ in range(runs):
        for kind, times in seconds.items():
            if kind != "known":
                url = cities.copy(city)
            found = json.loads(_run(kind, Place(url, file), lines).splitlines()[-1])
            times.append(found["seconds"])
            memory[kind].append(found["peak_mb"])
    file.unlink()
    low, ours, known = (statistics.median(seconds[kind]) for kind in seconds)
    return (
        f"{cities.name:<10} {instalments:>11,} {lines:>9,} {low:>8.2f} {ours:>8.2f} "
        f"{ours / low:>6.2f} {ours / lines * 1e6:>8.1f} {max(memory['floor']):>8} "
        f"{max(memory['kokin']):>8} {known:>8.2f}"
    )


def _run(kind: str, place: Place, number: int) -> str:
    """This script again, for one measurement in a process of its own."""
    command = [
        sys.executable, __file__, "--measure", kind, "--url", place.url,
        "--folder", str(place.file), "--lines", str(number),
    ]  # fmt: skip
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def _measure(options: argparse.Namespace) -> None:
    """One measurement, in this process."""
    from benchmarks._reconcile_city import build, payments  # noqa: PLC0415

    if options.measure == "city":
        build(options.url, options.lines[0])
    elif options.measure == "file":
        options.folder.write_bytes(payments(options.lines[0], int(options.url)))
    else:
        measure = floor if options.measure == "floor" else kokin
        seconds = measure(Place(options.url, options.folder), stages=options.stages)
        whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        peak = sum(resource.getrusage(each).ru_maxrss for each in whose) // 1024
        print(json.dumps({"seconds": seconds, "peak_mb": peak}))


# ---- databases ----


class Cities:
    """Cities in SQLite files; ``copy`` gives a fresh one to work on."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, instalments: int) -> str:
        """A prepared city."""
        path = self.folder / f"city-{instalments}.db"
        _run("city", Place(f"sqlite:///{path}", path), instalments)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return str(path)

    def empty(self, name: str) -> str:
        """An empty database."""
        return f"sqlite:///{self.folder / name}.db"

    def copy(self, city: str) -> str:
        """A fresh copy."""
        path = self.folder / "run.db"
        for leftover in self.folder.glob("run.db*"):
            leftover.unlink()
        shutil.copy(city, path)
        return f"sqlite:///{path}"


class ServerCities(Cities):
    """The same on PostgreSQL."""

    name = "postgresql"

    def __init__(self, folder: Path) -> None:
        import postgres  # noqa: PLC0415

        super().__init__(folder)
        postgres._SETTINGS = _SERVER  # noqa: SLF001  (durable, unlike in the tests)
        self.cluster = postgres.run_cluster(folder)

    def make(self, instalments: int) -> str:
        """A prepared city, with the statistics that PostgreSQL would gather by itself."""
        name = f"city_{instalments}"
        url = self.cluster.create_database(name)
        _run("city", Place(url, self.folder), instalments)
        import psycopg  # noqa: PLC0415

        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        return name

    def empty(self, name: str) -> str:
        """An empty database."""
        return str(self.cluster.create_database(name))

    def copy(self, city: str) -> str:
        """A fresh copy."""
        self.cluster.drop_database("run")
        url = self.cluster.create_database("run", template=city)
        self.cluster.execute("CHECKPOINT")
        return url


@contextmanager
def cities(database: str, folder: Path) -> Iterator[Cities]:
    """SQLite files, or a PostgreSQL cluster that is thrown away at the end."""
    place = Path(tempfile.mkdtemp(dir=folder))
    place.chmod(0o711)
    try:
        yield Cities(place) if database == "sqlite" else ServerCities(place)
    finally:
        import postgres  # noqa: PLC0415

        postgres.remove_run_dir(place)


# ---- what is measured ----

FloorRow = tuple[str, int, int, str, str, str, str, str]
_FLOOR_TABLES = (
    (
        "CREATE TABLE floor_line (line_no INTEGER NOT NULL, kind TEXT, paid_on TEXT, paid_at TEXT, "
        "pay_key TEXT NOT NULL, amount_yen BIGINT NOT NULL, cvs TEXT, shop TEXT)"
    ),
    (
        "CREATE TABLE floor_posting (line_no INTEGER NOT NULL PRIMARY KEY, notice_id BIGINT, "
        "term TEXT, amount_yen BIGINT NOT NULL, status INTEGER NOT NULL)"
    ),
    (
        "CREATE TABLE floor_settlement (notice_id BIGINT NOT NULL, term TEXT NOT NULL, "
        "paid_yen BIGINT NOT NULL, PRIMARY KEY (notice_id, term))"
    ),
)
_FLOOR_JOIN = """
INSERT INTO floor_posting
SELECT l.line_no, k.notice_id, k.term, l.amount_yen,
    CASE WHEN k.notice_id IS NULL THEN 2
         WHEN l.amount_yen = a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen THEN 1
         ELSE 3 END
FROM floor_line l
LEFT JOIN pay_key k ON k.municipality_code = '99999' AND k.pay_key = l.pay_key
LEFT JOIN instalment_account a
  ON a.municipality_code = '99999' AND a.notice_id = k.notice_id AND a.term = k.term
"""
_FLOOR_SETTLE = """
INSERT INTO floor_settlement
SELECT notice_id, term, SUM(amount_yen) FROM floor_posting WHERE notice_id IS NOT NULL
GROUP BY notice_id, term ORDER BY notice_id, term
ON CONFLICT (notice_id, term) DO UPDATE
SET paid_yen = floor_settlement.paid_yen + excluded.paid_yen
"""


def floor(place: Place, *, stages: bool = False) -> float:
    """The floor; the seconds it took."""
    _ = stages
    run = _sqlite_floor if place.url.startswith("sqlite") else _postgresql_floor
    return run(place)


def _floor_rows(file: Path) -> list[FloorRow]:
    """Parse and sort."""
    lines = file.read_bytes().split(b"\r\n")[1:-1]
    rows = [
        (f"K{f[3][11:32]}", number, int(f[7]), f[0], f[1], f[2], f[8], f[10])
        for number, f in enumerate((line.decode("cp932").split(",") for line in lines), start=2)
    ]
    rows.sort()
    return rows


def _sqlite_floor(place: Place) -> float:
    with closing(
        sqlite3.connect(place.url.removeprefix("sqlite:///"), isolation_level=None)
    ) as connection:
        connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -524288;"
            "PRAGMA temp_store = MEMORY;" + ";".join(_FLOOR_TABLES)
        )
        start = time.perf_counter()
        rows = _floor_rows(place.file)
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO floor_line (pay_key, line_no, amount_yen, kind, paid_on, paid_at, cvs, "
            "shop) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        connection.execute(_FLOOR_JOIN)
        connection.execute(_FLOOR_SETTLE)
        connection.execute("COMMIT")
        return time.perf_counter() - start


def _postgresql_floor(place: Place) -> float:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(place.url.replace("+psycopg", ""), autocommit=True) as connection:
        for table in _FLOOR_TABLES:
            connection.execute(table)
        start = time.perf_counter()
        rows = _floor_rows(place.file)
        with connection.transaction():
            with connection.cursor().copy(
                "COPY floor_line (pay_key, line_no, amount_yen, kind, paid_on, paid_at, cvs, "
                "shop) FROM STDIN"
            ) as copy:
                for portion in _portions(rows):
                    copy.write("".join(_TEXT_ROW % row for row in portion))
            connection.execute("ANALYZE floor_line")
            connection.execute(_FLOOR_JOIN)
            connection.execute(_FLOOR_SETTLE)
        return time.perf_counter() - start


_TEXT_ROW = "\t".join(["%s"] * 8) + "\n"


def _portions(rows: list[FloorRow]) -> Iterable[list[FloorRow]]:
    return (rows[at : at + 20_000] for at in range(0, len(rows), 20_000))


def kokin(place: Place, *, stages: bool = False) -> float:
    """The whole reconciliation of the file; the seconds it took."""
    from payments.store.engine import open_engine  # noqa: PLC0415
    from reconcile.model import Delivery  # noqa: PLC0415
    from reconcile.pipeline import take_in  # noqa: PLC0415

    engine = open_engine(place.url)
    if stages:
        _print_statements(engine)
    start = time.perf_counter()
    delivery = Delivery(place.file.name, place.file.read_bytes())
    report = take_in(engine, CODE, delivery, received_on=RECEIVED)
    seconds = time.perf_counter() - start
    if not report.status.is_good:
        sys.exit(f"the file was not accepted: {report.findings[:3]}")
    engine.dispose()
    return seconds


def _print_statements(engine) -> None:  # noqa: ANN001
    """The time of every statement that takes a while, on standard error."""
    from sqlalchemy import event  # noqa: PLC0415

    began = {"at": time.perf_counter()}

    def passed(what: str) -> None:
        took = time.perf_counter() - began["at"]
        if took > 0.01:
            print(f"{took:8.2f} s  {what}", file=sys.stderr)
        began["at"] = time.perf_counter()

    @event.listens_for(engine, "before_cursor_execute")
    def _before(*_args: object) -> None:
        passed("(outside SQL)")

    @event.listens_for(engine, "after_cursor_execute")
    def _after(_connection, _cursor, statement, *_args: object) -> None:  # noqa: ANN001
        passed(" ".join(statement.split())[:110])

    @event.listens_for(engine, "commit")
    def _commit(_connection: object) -> None:
        passed("(outside SQL)")


if __name__ == "__main__":
    main()
