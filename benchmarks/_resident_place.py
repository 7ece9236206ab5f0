"""Where ``resident.py`` asks: a database with so many slips, made once and kept, or thrown away."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from payments.store.engine import open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

ROOT = Path(__file__).resolve().parent.parent
_EL = "'99999' || '2026999' || {n} || '01001' || {c} || '999'"
# Table, its columns, and the values of each number n; receipts stand for every second slip.
_FILLS = (
    (
        "notice",
        (
            "municipality_code, notice_id, item_code, levy_year, notice_no, whole_year_group, "
            "obligor_no"
        ),
        "'99999', n, '999', 2026, 'N' || n, '', '1'",
    ),
    (
        "instalment",
        (
            "municipality_code, notice_id, term, fiscal_year, due_on_statutory, due_on, "
            "collection_hold, dunning_hold, direct_debit, debit_no"
        ),
        "'99999', n, '01', 2026, {due}, {due}, {no}, {no}, {no}, ''",
    ),
    (
        "instalment_account",
        (
            "municipality_code, notice_id, term, in_group, amount_yen, term_yen, whole_yen, "
            "surplus_yen"
        ),
        "'99999', n, '01', {no}, 10000, CASE WHEN n % 2 = 0 THEN 10000 ELSE 0 END, 0, 0",
    ),
    (
        "slip",
        (
            "municipality_code, slip_id, slip_no, notice_id, term, version, el_number, amount_yen, "
            "due_on, valid_until, issued_on, state"
        ),
        "'99999', n, 'S' || n, n, '01', 1, {el}, 10000, {due}, {until}, {due}, 'new'",
    ),
    (
        "pay_key",
        "municipality_code, pay_key, slip_id, notice_id, term, slip_yen, valid_until, superseded",
        "'99999', 'E' || {el}, n, n, '01', 10000, {until}, {no}",
    ),
    (
        "receipt",
        (
            "municipality_code, file_id, line_no, stage, seen, amount_yen, paid_on, slip_id, "
            "notice_id, term, superseded, applied_yen, suspense_yen, journal_id, leg"
        ),
        "'99999', 1, n, 'confirmed', 4, 10000, {due}, n, n, '01', {no}, 10000, 0, 1, 1",
    ),
)
HALF = frozenset({"receipt"})


@contextlib.contextmanager
def folder_of(database: str, slips: int, kept: Path | None, beside: Path | None) -> Iterator[Path]:
    """A folder of this database's own: for this run, or kept."""
    if kept:
        folder = kept / f"{database}-{slips}"
        folder.mkdir(parents=True, exist_ok=True)
        for each in (kept, folder):
            each.chmod(0o711)
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(dir=beside) as name:
        Path(name).chmod(0o711)
        yield Path(name)


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Until a server answers there."""
    for _ in range(600):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    sys.exit("the server did not start")


def read_once(folder: Path) -> None:
    """Bring the files into the system's memory, where they are in a service that has been used."""
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(OSError), path.open("rb") as file:
            while file.read(8 << 20):
                pass


def fill_once(folder: Path, url: str, slips: int) -> bool:
    """Fill the database unless an earlier run has; whether it was filled now.

    One that was filled before gets the migrations that have come since.
    """
    mark = folder / "filled"
    if mark.exists():
        _init(folder, url)
        return False
    _fill(folder, url, slips)
    mark.touch()
    return True


def environment(folder: Path, url: str) -> dict[str, str]:
    return os.environ | {
        "KOKIN_HOME": str(folder / "home"), "KOKIN_DATABASE_URL": url, "PYTHONPATH": str(ROOT),
        "KOKIN_PROXIES": "1",
    }  # fmt: skip


def _init(folder: Path, url: str, *words: str) -> None:
    command = [sys.executable, "-m", "web", "init", *words]
    subprocess.run(command, check=True, env=environment(folder, url), stdout=subprocess.DEVNULL)


def _fill(folder: Path, url: str, slips: int) -> None:
    """The tables that a status rests on, in one statement each."""
    _init(folder, url, "--sample")
    engine = open_engine(url)
    postgres = engine.dialect.name == "postgresql"
    numbers = (
        f"(SELECT generate_series(1, {slips}) AS n) AS number" if postgres else
        f"(WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number "
        f"WHERE n < {slips}) SELECT n FROM number) AS number"
    )  # fmt: skip
    if postgres:
        el = _EL.format(
            n="lpad(n::text, 8, '0')", c="lpad(((n::bigint * 7919) % 1000000)::text, 6, '0')"
        )
    else:
        el = _EL.format(n="printf('%08d', n)", c="printf('%06d', (n * 7919) % 1000000)")
    with engine.connect() as connection:
        if not postgres:
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.rollback()
        with connection.execution_options(writes=True).begin():
            _run(connection, numbers, el, postgres=postgres)
        if postgres:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql("VACUUM ANALYZE")
        else:
            connection.exec_driver_sql("PRAGMA analysis_limit = 1000")
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
    engine.dispose()


def _run(connection: Connection, numbers: str, el: str, *, postgres: bool) -> None:
    values = {"no": "false" if postgres else "0", "el": el, "due": "'2046-06-30'"}
    values["until"] = "'2047-04-30'"
    if postgres:
        connection.exec_driver_sql("SELECT set_config('kokin.municipality_code', '99999', true)")
        values |= {name: f"DATE {values[name]}" for name in ("due", "until")}
    for table, columns, selected in _FILLS:
        half = " WHERE n % 2 = 0" if table in HALF else ""
        said = selected.format(**values)
        sql = f"INSERT INTO {table} ({columns}) SELECT {said} FROM {numbers}{half}"
        connection.exec_driver_sql(sql.replace("%", "%%") if postgres else sql)


def number_of(n: int) -> str:
    return f"999992026999{n:08d}01001{n * 7919 % 1_000_000:06d}999"
