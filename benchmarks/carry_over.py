"""年度の切替の速さ: carrying open instalments into the next year, beside the least it must do.

``python benchmarks/carry_over.py [--instalments 100000 1000000] [--url URL] [--folder DIR]``

A city of one-instalment notices is written straight into the tables (not counted): every third is
paid in time, every ninth after 出納閉鎖. Then, in one process each, with a warm page cache:

floor     one pass over the open balances, written as a table of their own
preview   what would be carried, by 科目 and year (``kokin year show``)
carry     the rows of the carry-over, with the digest that is sealed
verify    every row worked out again from the postings (``reconcile.verify.years``)

``--url`` names an empty PostgreSQL database to be used instead of SQLite, for one size.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

CODE = "99999"
STEPS = ("floor", "preview", "carry", "verify")
_NUMBERS = "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < {number}) "
_YEN = "(1000 + n % 97 * 100)"
_OPEN = (
    "a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen FROM instalment_account a "
    "JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id "
    "AND i.term = a.term JOIN notice n ON n.municipality_code = :m "
    "AND n.notice_id = a.notice_id WHERE a.municipality_code = :m AND i.fiscal_year <= 2025 "
    "AND a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen <> 0"
)


def main() -> None:
    """Prepare, measure, print one line per step."""
    parser = argparse.ArgumentParser(description="carry-over of a fiscal year")
    parser.add_argument("--instalments", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _measure(options.url, options.step)
        return
    for number in options.instalments:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            url = options.url or f"sqlite:///{folder}/kokin.sqlite"
            _build(url, number)
            print(f"{number:,} instalments, {url.partition(':')[0]}")
            floor = 0.0
            for step in STEPS:
                command = [sys.executable, __file__, "--url", url, "--step", step]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                seconds, rows, peak = done.stdout.split()
                floor = floor or float(seconds)
                ratio = f"{float(seconds) / floor:5.1f} × floor"
                print(
                    f"  {step:8} {float(seconds):8.2f} s  {ratio}  {int(rows):>9,} rows  {peak} MiB"
                )


def _build(url: str, number: int) -> None:
    """The city, its closed days and its closed year."""
    from sqlalchemy import text  # noqa: PLC0415

    from benchmarks._reconcile_city import profile  # noqa: PLC0415
    from payments.store.engine import open_engine  # noqa: PLC0415
    from payments.store.municipalities import save_profile  # noqa: PLC0415
    from payments.store.unit_of_work import unit_of_work  # noqa: PLC0415
    from reconcile.day_totals import summarise_now  # noqa: PLC0415
    from web.database import upgrade  # noqa: PLC0415

    upgrade(url)
    engine = open_engine(url)
    with unit_of_work(engine, CODE) as connection:
        save_profile(connection, profile())
        for statement in _city(number):
            connection.execute(text(statement), {"m": CODE})
        summarise_now(connection, CODE)
        connection.execute(
            text(
                "INSERT INTO day_closure VALUES (:m, 1, 'year', 'closed', '2026-05-31', "
                "'2026-05-31', 2025, 3, '{}', 'h', 1, 'abe', 'ito', '', "
                "'2026-06-10 00:00:00.000000')"
            ),
            {"m": CODE},
        )
    engine.dispose()


def _city(number: int) -> list[str]:
    """Notices, claims, and what was paid before and after 出納閉鎖."""
    numbers = _NUMBERS.format(number=number)
    journal = (
        "INSERT INTO journal (municipality_code, journal_id, kind, booked_on, made_at, actor, "
        "reason) VALUES (:m, {0}, 'x', '{1}', '2026-06-01 00:00:00.000000', 'a', '')"
    )
    posting = (
        "INSERT INTO posting (municipality_code, journal_id, subject_file_id, subject_line_no, "
        "leg, debit_account, credit_account, amount_yen, reason, notice_id, term) "
        + numbers
        + "SELECT :m, {0}, {0}, n, 1, '{1}', '{2}', "
        + _YEN
        + ", '{3}', n, '01' FROM k WHERE {4}"
    )
    return [
        (
            f"INSERT INTO notice {numbers}"
            "SELECT :m, n, '901', 2025, CAST(n AS VARCHAR(20)), '', '1' FROM k"
        ),
        (
            f"INSERT INTO instalment {numbers}"
            "SELECT :m, n, '01', 2025, '2025-06-30', '2025-06-30', FALSE, FALSE, FALSE, '' FROM k"
        ),
        (
            f"INSERT INTO instalment_account {numbers}SELECT :m, n, '01', FALSE, {_YEN}, "
            f"CASE WHEN n % 3 = 0 OR n % 9 = 1 THEN {_YEN} ELSE 0 END, 0, 0 FROM k"
        ),
        "INSERT INTO number_block VALUES (:m, 'journal', 4)",
        journal.format(1, "2025-06-02"),
        journal.format(2, "2025-07-02"),
        journal.format(3, "2026-06-03"),
        posting.format(1, "receivable", "assessed", "assessment", "1 = 1"),
        posting.format(2, "reported", "receivable", "applied", "n % 3 = 0"),
        posting.format(3, "reported", "receivable", "applied", "n % 9 = 1"),
    ]


def _measure(url: str, step: str) -> None:
    """One step: seconds, rows, peak memory in MiB."""
    from payments.store.engine import open_engine  # noqa: PLC0415
    from payments.store.unit_of_work import unit_of_work  # noqa: PLC0415

    engine = open_engine(url)
    _warm(engine)
    with unit_of_work(engine, CODE) as connection:
        begun = time.perf_counter()
        rows = _step(connection, step)
        seconds = time.perf_counter() - begun
    engine.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{seconds:.3f} {rows} {peak}")


def _step(connection: Connection, step: str) -> int:
    """Do one step; the rows it is about."""
    from sqlalchemy import text  # noqa: PLC0415

    from payments.store.municipalities import load_profile  # noqa: PLC0415
    from reconcile import carry_over  # noqa: PLC0415
    from reconcile.verify.walk import Store  # noqa: PLC0415
    from reconcile.verify.years import years  # noqa: PLC0415

    if step == "floor":
        values: dict[str, Any] = {"m": CODE}
        connection.execute(
            text(f"CREATE TEMP TABLE least AS SELECT a.notice_id, a.term, n.item_code, {_OPEN}"),
            values,
        )
        return int(connection.execute(text("SELECT COUNT(*) FROM least")).scalar_one())
    if step == "preview":
        return sum(total.count for total in carry_over.preview(connection, CODE, 2025))
    if step == "carry":
        return carry_over.carry(connection, CODE, 2025).count
    store = Store(connection, load_profile(connection, CODE))
    differences = list(years(store))
    store.close()
    assert differences == []  # noqa: S101 - a figure of wrong books would be worth nothing
    run = carry_over.run_of(connection, CODE, 2025)
    return run.count if run else 0


def _warm(engine: Engine) -> None:
    """Read the tables once."""
    from sqlalchemy import text  # noqa: PLC0415

    with engine.connect() as connection:
        for table in ("posting", "instalment_account", "instalment", "notice"):
            connection.execute(text(f"SELECT COUNT(*) FROM {table}"))


if __name__ == "__main__":
    main()
