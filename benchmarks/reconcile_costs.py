"""照合の内訳: what a line costs, step by step, and the bytes it leaves in each table and index.

``python benchmarks/reconcile_costs.py [--lines 100000] [--instalments 1000000]
[--databases sqlite postgresql] [--folder DIR]``

The file and the city of ``benchmarks/reconcile.py``, taken in once. For each step the seconds of
the clock and, on SQLite, which works in this very process, those of its processor; a line says how
many microseconds that is. Then the bytes per line, from the pages of tables and indexes before and
behind the file: they do not depend on what else the machine does. docs/adr/0020 reads them.
"""

from __future__ import annotations

import argparse
import re
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

_WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_SQLITE_SIZES = "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name"
_POSTGRESQL_SIZES = """
SELECT relname, pg_relation_size(oid) FROM pg_class
WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace"""
_LEAST_BYTES, _LEAST_MICROSECONDS = 0.5, 0.05  # a line; what is less is left out


class Clock:
    """Seconds by step: of the clock, and of this process."""

    def __init__(self) -> None:
        """Nothing has passed yet."""
        self.seconds: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._last = (time.perf_counter(), time.process_time())

    def passed(self, step: str) -> None:
        """What has passed since the last call belongs to ``step``."""
        now = (time.perf_counter(), time.process_time())
        for place in (0, 1):
            self.seconds[step][place] += now[place] - self._last[place]
        self._last = now


def main() -> None:
    """Prepare, take in, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--instalments", type=int, default=1_000_000)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    from benchmarks._reconcile_city import payments  # noqa: PLC0415
    from benchmarks.reconcile import cities  # noqa: PLC0415

    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o711)
        file = folder / "payments.csv"
        file.write_bytes(payments(options.lines, options.instalments))
        for database in options.databases:
            with cities(database, folder) as made:
                url = made.copy(made.make(options.instalments))
                print(f"{database}: {options.lines:,} lines, {options.instalments:,} instalments")
                _take_in(url, file, options.lines)


def _take_in(url: str, file: Path, lines: int) -> None:
    """One file, and what it cost."""
    from benchmarks.reconcile import CODE, RECEIVED  # noqa: PLC0415
    from payments.store.engine import open_engine  # noqa: PLC0415
    from reconcile import pipeline  # noqa: PLC0415
    from reconcile.model import Delivery  # noqa: PLC0415

    before = _sizes(url)
    engine, clock = open_engine(url), Clock()
    _listen(engine, clock)
    for step, name in (("keep the bytes", "keep_evidence"), ("lines", "write_lines")):
        setattr(pipeline, name, _timed(clock, step, getattr(pipeline, name)))
    delivery = Delivery(file.name, file.read_bytes())
    clock.passed("(read the file)")
    report = pipeline.take_in(engine, CODE, delivery, received_on=RECEIVED)
    clock.passed("commit")
    engine.dispose()
    if not report.status.is_good:
        sys.exit(f"the file was not accepted: {report.findings[:3]}")
    print(f"  {'step':<34} {'s':>7} {'CPU s':>7} {'us/line':>8}")
    for step, (wall, own) in sorted(clock.seconds.items(), key=lambda each: -each[1][0]):
        if wall / lines * 1e6 >= _LEAST_MICROSECONDS:
            print(f"  {step:<34} {wall:7.2f} {own:7.2f} {wall / lines * 1e6:8.2f}")
    print(f"  {'table or index':<34} {'bytes/line':>10}")
    after = _sizes(url)
    grown = {name: (size - before.get(name, 0)) / lines for name, size in after.items()}
    for name, size in sorted(grown.items(), key=lambda each: -each[1]):
        if size >= _LEAST_BYTES:
            print(f"  {name:<34} {size:10.1f}")
    print(f"  {'all':<34} {sum(grown.values()):10.1f}")


def _timed(clock: Clock, step: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, its time noted."""

    def timed(*values: Any, **named: Any) -> Any:
        clock.passed("python between")
        try:
            return call(*values, **named)
        finally:
            clock.passed(step)

    return timed


def _listen(engine: Engine, clock: Clock) -> None:
    """Note the time of every statement by what it writes."""
    from sqlalchemy import event  # noqa: PLC0415

    @event.listens_for(engine, "before_cursor_execute")
    def _before(*_args: object) -> None:
        clock.passed("python between")

    @event.listens_for(engine, "after_cursor_execute")
    def _after(_connection: object, _cursor: object, statement: str, *_args: object) -> None:
        found = _WRITES.match(statement)
        clock.passed(f"{found[1].split()[0].lower()} {found[2]}" if found else "look-ups")


def _sizes(url: str) -> dict[str, float]:
    """Bytes of every table and index."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return {str(name): float(size) for name, size in connection.execute(_SQLITE_SIZES)}
    import psycopg  # noqa: PLC0415

    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return {str(n): float(s) for n, s in connection.execute(_POSTGRESQL_SIZES).fetchall()}


if __name__ == "__main__":
    main()
