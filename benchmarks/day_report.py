"""日計の速さ: a day report over a city with many receipts, on SQLite.

``python benchmarks/day_report.py [--receipts 1000000] [--lines-a-day 40000] [--runs 5]
[--only summary floor report pdf] [--folder DIR]``

A city is written straight into the tables, set by set (not counted): every business day one file
per channel with its lines, outcomes, receipts and postings. A city of ten million receipts a year
has some 40,000 of them a day. Then, each in a process of its own:

summary   ``summarise`` over everything that is there (a night's work, or the first start)
floor     the least that a report must read: the lines of the day with their outcomes, and the
          summary of all days
report    ``day_report`` of the last day, with the summary
pdf       the same as a signed paper
bare      ``day_report`` without any summary, from the postings alone

Times are medians of ``--runs``; the page cache is warm.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

CODE = "99999"
NAMES = ("bare", "summary", "floor", "report", "pdf")
CHANNELS = ("konbini", "eltax", "debit", "notification")
FIRST = date(2025, 6, 2)
_NUMBERS = "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < {count}) "


def main() -> None:
    """Prepare, measure, print one line per measurement."""
    parser = argparse.ArgumentParser(description="day report over many receipts")
    parser.add_argument("--receipts", type=int, default=1_000_000)
    parser.add_argument("--lines-a-day", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=list(NAMES), choices=NAMES)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        _measure(options.measure, options.folder, options.runs)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "city.sqlite"
        days = max(options.receipts // options.lines_a_day, 1)
        begun = time.perf_counter()
        _prepare(path, days, options.lines_a_day)
        print(
            f"{days * options.lines_a_day:,} receipts on {days} days, "
            f"{path.stat().st_size / 1e9:.1f} GB, prepared in {time.perf_counter() - begun:.0f} s"
        )
        for name in (name for name in NAMES if name in options.only):
            runs = 1 if name == "summary" else options.runs
            subprocess.run(
                [sys.executable, __file__, "--measure", name, "--folder", str(path), "--runs",
                 str(runs)],
                check=True,
            )  # fmt: skip


def _engine(path: Path) -> Engine:
    from payments.store.engine import open_engine  # noqa: PLC0415

    return open_engine(f"sqlite:///{path}")


def _prepare(path: Path, days: int, lines: int) -> None:
    """The city: claims once, then every day's files, lines, receipts and postings."""
    from payments.store.municipalities import save_profile  # noqa: PLC0415
    from payments.store.unit_of_work import unit_of_work  # noqa: PLC0415
    from web.commands.setup import sample_profile  # noqa: PLC0415
    from web.database import upgrade  # noqa: PLC0415

    upgrade(f"sqlite:///{path}")
    engine = _engine(path)
    with unit_of_work(engine, CODE) as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        profile = sample_profile()
        save_profile(connection, profile)
        items = ", ".join(f"('{item.item_code}', {i})" for i, item in enumerate(profile.items))
        count = len(profile.items)
        _insert(
            connection, "notice",
            f"(SELECT n, (SELECT code FROM (SELECT column1 AS code, column2 AS i "
            f"FROM (VALUES {items})) WHERE i = n % {count}) AS code FROM k)",
            days * lines, notice_id="n", notice_no="CAST(n AS TEXT)", item_code="code",
            levy_year="2025",
        )  # fmt: skip
        _insert(connection, "instalment", "k", days * lines, notice_id="n", term="'01'",
                fiscal_year="2024 + n % 2", due_on="'2025-06-30'",
                due_on_statutory="'2025-06-30'")  # fmt: skip
        _insert(connection, "instalment_account", "k", days * lines, notice_id="n", term="'01'",
                amount_yen="1000 + n % 9000", term_yen="1000 + n % 9000")  # fmt: skip
        _insert(connection, "journal", "k", days * 4 + 1, journal_id="n",
                file_id="n - 1", kind="'intake'", booked_on=_day("(n - 2) / 4"),
                made_at="'2025-06-02 00:00:00.000000'")  # fmt: skip
        _insert(connection, "posting", "k", days * lines, journal_id="1", subject_file_id="0",
                subject_line_no="n", leg="1", debit_account="'receivable'",
                credit_account="'assessed'", amount_yen="1000 + n % 9000", notice_id="n",
                term="'01'", reason="'assessment'")  # fmt: skip
        _days(connection, days, lines)
    engine.dispose()


def _days(connection: Connection, days: int, lines: int) -> None:
    """Four files a day with a quarter of its lines each; receipt n pays notice n."""
    share = lines // 4
    channels = " ".join(f"WHEN {i} THEN '{name}'" for i, name in enumerate(CHANNELS))
    file_id, line_no = f"(n - 1) / {share} + 1", f"(n - 1) % {share} + 1"
    amount = "1000 + n % 9000"
    sums = (
        f"(SELECT SUM(amount_yen) FROM receipt r WHERE r.municipality_code = '{CODE}' "
        "AND r.file_id = n)"
    )
    _insert(connection, "receipt", "k", days * lines, file_id=file_id, line_no=line_no,
            stage="'confirmed'", amount_yen=amount, applied_yen=amount,
            paid_on=_day(f"(n - 1) / {lines}"), notice_id="n", term="'01'",
            journal_id=f"{file_id} + 1")  # fmt: skip
    _insert(connection, "source_file", "k", days * 4, file_id="n", sha256="printf('%064d', n)",
            channel=f"CASE (n - 1) % 4 {channels} END", status="'accepted'",
            received_on=_day("(n - 1) / 4"), taken_in_at="'2025-06-02 00:00:00.000000'",
            count=str(share), amount_yen=sums)  # fmt: skip
    _insert(
        connection,
        "source_line",
        "k",
        days * lines,
        file_id=file_id,
        line_no=line_no,
        stage="'confirmed'",
        amount_yen=amount,
        identity="n",
        record_key="n",
        content="n",
    )
    _insert(connection, "line_outcome", "k", days * lines, file_id=file_id, line_no=line_no,
            revision="1", outcome="'matched'", rule="'P13'", applied_yen=amount,
            journal_id=f"{file_id} + 1")  # fmt: skip
    _insert(connection, "posting", "k", days * lines, journal_id=f"{file_id} + 1",
            subject_file_id=file_id, subject_line_no=line_no, leg="1",
            debit_account="'confirmed_due'", credit_account="'receivable'", amount_yen=amount,
            notice_id="n", term="'01'", reason="'applied'")  # fmt: skip


def _day(number: str) -> str:
    """The ``number``-th day of the city, as SQL."""
    return f"date('{FIRST.isoformat()}', '+' || MAX({number}, 0) || ' days')"


def _insert(connection: Connection, table: str, source: str, rows: int, **values: str) -> None:
    """``rows`` rows; what is not given and may not be NULL is empty or 0, by its type."""
    columns = connection.exec_driver_sql(f"PRAGMA table_info({table})").all()
    given = {"municipality_code": f"'{CODE}'", **values}
    for _place, name, kind, required, _default, key in columns:
        if name not in given and (required or key):
            given[name] = "''" if "CHAR" in kind or kind == "TEXT" else "0"
    known = {column[1] for column in columns}
    chosen = [name for name in given if name in known]
    connection.exec_driver_sql(
        f"INSERT INTO {table} ({', '.join(chosen)}) {_NUMBERS.format(count=rows)}"
        f"SELECT {', '.join(given[name] for name in chosen)} FROM {source}"
    )


def _measure(name: str, path: Path, runs: int) -> None:
    """One measurement in this process."""
    from payments.store.unit_of_work import reading  # noqa: PLC0415
    from reconcile.day_totals import summarise  # noqa: PLC0415
    from reconcile.report.period import day_report, latest_day  # noqa: PLC0415
    from web.commands.setup import sample_profile  # noqa: PLC0415
    from web.days.exports import export  # noqa: PLC0415

    engine, profile = _engine(path), sample_profile()
    with reading(engine, CODE) as connection:
        day = latest_day(connection, CODE) or FIRST

    def report() -> Any:
        with reading(engine, CODE) as connection:
            return day_report(connection, profile, day)

    def floor() -> None:
        with reading(engine, CODE) as connection:
            connection.exec_driver_sql(
                "SELECT o.outcome, COUNT(*), SUM(l.amount_yen), SUM(o.applied_yen) "
                "FROM source_file f JOIN source_line l "
                "ON l.municipality_code = f.municipality_code AND l.file_id = f.file_id "
                "JOIN line_outcome o ON o.municipality_code = l.municipality_code "
                "AND o.file_id = l.file_id AND o.line_no = l.line_no "
                "WHERE f.municipality_code = ? AND f.received_on = ? GROUP BY 1",
                (CODE, day.isoformat())
            ).all()  # fmt: skip
            connection.exec_driver_sql(
                "SELECT debit_account, SUM(amount_yen) FROM day_total "
                "WHERE municipality_code = ? GROUP BY 1", (CODE,)
            ).all()  # fmt: skip

    works: dict[str, Callable[[], Any]] = {
        "bare": report,
        "summary": lambda: summarise(engine, CODE),
        "floor": floor,
        "report": report,
        "pdf": lambda: export(report(), None, "pdf"),
    }
    seconds = []
    for _run in range(runs):
        begun = time.perf_counter()
        works[name]()
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:8} {statistics.median(seconds):8.3f} s  peak {peak:5.0f} MB")
    # The city has neither statements nor the files of every source (T2); all else must tie.
    wrong = {check.code for check in report().differing} - {"T2"}
    if wrong:
        sys.exit(f"differing: {sorted(wrong)}")


if __name__ == "__main__":
    main()
