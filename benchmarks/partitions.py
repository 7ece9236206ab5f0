"""Partitions by municipality or indexes that begin with it: what a statement touches in either.

``.venv/bin/python benchmarks/partitions.py [--bodies 200] [--rows 5000] [--hashes 16]`` fills three
copies of ``posting`` (as it is; hash partitions; a partition for each body) on a cluster of its own
and counts pages, bytes of the log and relations, which no other work on the machine changes. Times
are the best of many rounds and need a quiet machine. The statements have the shape of hot ones.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import postgres  # noqa: E402
import psycopg  # noqa: E402

from web.database import upgrade  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

COPIES = ("plain", "hashed", "listed")
ROUNDS = 30
_ROWS = """
INSERT INTO {copy} (municipality_code, journal_id, subject_file_id, subject_line_no, leg,
    debit_account, credit_account, amount_yen, reason, notice_id, term)
SELECT lpad(m::text, 5, '0'), 1 + n / 50, 1 + n / 500, 1 + n % 500, 1, 'receivable', 'suspense',
    1000, 'assessment', n / 4, '01'
FROM generate_series({first}, {last}) m, generate_series(1, {rows}) n
"""
# (name, statement): one notice, a batch of 500 lines, all of one body, one body of the year's end.
_STATEMENTS = (
    (
        "one journal",
        """SELECT SUM(amount_yen) FROM {copy}
           WHERE municipality_code = '00007' AND journal_id = 20""",
    ),
    (
        "500 lines of a file joined",
        """SELECT COUNT(*) FROM generate_series(1, 500) w(line_no)
           JOIN {copy} p ON p.municipality_code = '00007' AND p.journal_id BETWEEN 21 AND 30
           AND p.subject_file_id = 3 AND p.subject_line_no = w.line_no""",
    ),
    (
        "one body as a whole",
        """SELECT debit_account, SUM(amount_yen) FROM {copy}
           WHERE municipality_code = '00007' GROUP BY debit_account""",
    ),
    ("all bodies", "SELECT COUNT(*) FROM {copy}"),
)


def main() -> None:
    """Fill, count, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bodies", type=int, default=200)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--hashes", type=int, default=16)
    parser.add_argument("--file", type=int, default=50, help="rows of one body that come together")
    asked = parser.parse_args()
    folder = postgres.create_run_dir()
    try:
        url = postgres.run_cluster(folder).create_database("partitions")
        upgrade(url)
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            for line in measured(connection, asked):
                print(line, flush=True)
    finally:
        postgres.remove_run_dir(folder)


def measured(connection: Any, asked: argparse.Namespace) -> Iterator[str]:
    """The table, line by line."""
    without = connection.execute(
        "SELECT COUNT(*) FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid "
        "JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = current_schema() "
        "AND i.indisunique AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = t.oid "
        "AND a.attname = 'municipality_code') AND NOT EXISTS (SELECT 1 FROM pg_attribute a "
        "WHERE a.attrelid = t.oid AND a.attname = 'municipality_code' AND a.attnum = ANY(i.indkey))"
    ).fetchone()[0]
    yield f"unique indexes without municipality_code: {without}"
    make(connection, asked)
    yield f"{asked.bodies} bodies, {asked.rows:,} rows each, {asked.file} together"
    yield "| | " + " | ".join(COPIES) + " |"
    inserted = [wal(connection, copy, asked) for copy in COPIES]
    yield "| log of 10,000 rows more of one body (kB) | " + shown(inserted) + " |"
    relations = [of(connection, copy) for copy in COPIES]
    yield "| relations (tables and indexes) | " + shown([each[0] for each in relations]) + " |"
    yield "| size (MB) | " + shown([each[1] for each in relations]) + " |"
    for name, statement in _STATEMENTS:
        found = [explained(connection, statement.format(copy=copy)) for copy in COPIES]
        yield f"| {name}: pages | {shown([each['pages'] for each in found])} |"
        for fact, what in (
            ("first", "planned in ms, first of a connection"),
            ("planned", "planned in ms"),
            ("ran", "ran in ms"),
        ):
            yield f"| {name}: {what} | {shown([each[fact] for each in found])} |"


def make(connection: Any, asked: argparse.Namespace) -> None:
    """Three copies, filled as they would grow: bodies in turn."""
    connection.execute("CREATE TABLE plain (LIKE posting INCLUDING ALL)")
    connection.execute(
        "CREATE TABLE hashed (LIKE posting INCLUDING ALL) PARTITION BY HASH (municipality_code)"
    )
    for number in range(asked.hashes):
        connection.execute(
            f"CREATE TABLE hashed_{number} PARTITION OF hashed "
            f"FOR VALUES WITH (MODULUS {asked.hashes}, REMAINDER {number})"
        )
    connection.execute(
        "CREATE TABLE listed (LIKE posting INCLUDING ALL) PARTITION BY LIST (municipality_code)"
    )
    for number in range(1, asked.bodies + 1):
        connection.execute(
            f"CREATE TABLE listed_{number} PARTITION OF listed FOR VALUES IN ('{number:05d}')"
        )
    for copy in COPIES:
        fill = _ROWS.format(copy=copy, first=1, last=asked.bodies, rows=asked.rows)
        # As files come: so many rows of one body, then of the next, and again.
        connection.execute(f"{fill} ORDER BY n / {asked.file}, m, n")
        connection.execute(f"VACUUM (ANALYZE) {copy}")


def wal(connection: Any, copy: str, asked: argparse.Namespace) -> int:
    """Kilobytes of the log that more rows of one body cost."""
    before = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]
    rows = _ROWS.format(copy=copy, first=7, last=7, rows=10_000)
    rows = rows.replace("1 + n / 50,", f"{asked.rows} + n,")  # a day behind all others
    connection.execute(rows.replace("1 + n / 500", f"{asked.rows} + n / 500"))
    size = connection.execute(
        "SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", (before,)
    ).fetchone()[0]
    return int(size) // 1024


def of(connection: Any, copy: str) -> tuple[int, int]:
    """How many relations a copy has, and their size in MB."""
    number, size = connection.execute(
        "SELECT COUNT(*), SUM(pg_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'i', "
        "'p', 'I') AND (relname = %s OR relname LIKE %s)",
        (copy, f"{copy}\\_%"),
    ).fetchone()
    return int(number), int(size) >> 20


def explained(connection: Any, statement: str) -> dict[str, Any]:
    """Pages and milliseconds of a statement: first of a new connection, then the best."""
    info = connection.info
    with psycopg.connect(
        host=info.host, port=info.port, user=info.user, dbname=info.dbname, autocommit=True
    ) as fresh:
        plans = [plan(fresh, statement) for _round in range(ROUNDS)]
    return {
        "pages": plans[-1][0],
        "first": round(plans[0][1], 1),
        "planned": round(min(each[1] for each in plans), 2),
        "ran": round(min(each[2] for each in plans), 2),
    }


def plan(connection: Any, statement: str) -> tuple[int, float, float]:
    """Pages touched while it ran, milliseconds of planning and of running."""
    found = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}").fetchone()[0]
    top = found[0]["Plan"]
    pages = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return pages, found[0]["Planning Time"], found[0]["Execution Time"]


def shown(values: list[Any]) -> str:
    """Cells of a table."""
    return " | ".join(f"{value:,}" for value in values)


if __name__ == "__main__":
    main()
