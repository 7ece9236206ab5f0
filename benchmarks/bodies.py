"""多数の団体: one PostgreSQL for 24 bodies, with one worker and one web process, and with two each.

``python benchmarks/bodies.py [--bodies 24] [--files 3] [--lines 700] [--notices 100]
[--instalments 20000] [--runs 3] [--cores 0,1] [--folder DIR]``

Each body has so many files of 速報, as many of 確報 and a bank statement in its inbox (a mean town
has some 1,000 payments a day; files of 1,000 lines and more of several bodies wait for each other),
and notifications that are signed and sent to the web processes, ten a request. The service has the
rights of its role and no more: row-level security holds it. Timed from the moment the files appear
until every file and notification is in the books and nothing runs any more. In turn, on fresh
copies of one database:

one      ``kokin schedule`` with its four threads, and ``kokin serve``
single   the same with one thread: one body at a time
two      two of each, which share the bodies

``--cores`` keeps everything, PostgreSQL included, on these cores. The database is durable (fsync
on). Beside the times: seconds of processor by program, what the sessions of PostgreSQL were seen
waiting for (samples), and the WAL. Afterwards plain SQL, as superuser, holds every body against
what was made for it, and every row against the files of its own body; any difference ends the
script.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from postgres import Cluster

    from benchmarks._bodies_city import Body

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from benchmarks._bodies_processes import Process, send, spent, started, tree  # noqa: E402

APP, AUDITOR = "kokin_app", "kokin_auditor"
WORD = "a-secret-of-the-benchmark-and-of-nothing-else"
A_REQUEST = 10
PATIENCE_SECONDS = 1_800
# Statistics and dead rows are looked after as on any server, sooner: a measurement lasts a minute.
_SERVER = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "autovacuum_naptime": "10s",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "max_connections": "150",
}


class Setup(NamedTuple):
    """How many processes, and how many threads a worker has."""

    name: str
    processes: int
    threads: int


SETUPS = (Setup("one", 1, 4), Setup("single", 1, 1), Setup("two", 2, 4))


@dataclass(slots=True)
class Seen:
    """What a run took, and where it waited."""

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    waits: Counter[str] = field(default_factory=Counter)
    wal_mb: float = 0.0


def main() -> None:
    """Prepare, measure, check, print one row per setup."""
    parser = argparse.ArgumentParser(description="many bodies on one PostgreSQL")
    parser.add_argument("--bodies", type=int, default=24)
    parser.add_argument("--files", type=int, default=3)
    parser.add_argument("--lines", type=int, default=700)
    parser.add_argument("--notices", type=int, default=100)
    parser.add_argument("--instalments", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cores", default="")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # with its cluster
    if options.cores:
        os.sched_setaffinity(0, {int(core) for core in options.cores.split(",")})
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o711)
        with installation(folder, options) as made:
            _measure(made, options.runs)


def _measure(made: Installation, runs: int) -> None:
    """Each setup so many times, in turn; medians side by side."""
    number = sum(body.lines + len(body.notices) for body in made.bodies)
    print(f"{len(made.bodies)} bodies, {number:,} lines and notifications")
    found: dict[str, list[Seen]] = {setup.name: [] for setup in SETUPS}
    for _ in range(runs):
        for setup in SETUPS:
            found[setup.name].append(made.run(setup))
    print(f"{'setup':<8} {'seconds':>8} {'a second':>9} {'of one':>7}  {'processor s':<44} waits")
    one = statistics.median(seen.seconds for seen in found["one"])
    for setup in SETUPS:
        seen = sorted(found[setup.name], key=lambda each: each.seconds)[runs // 2]
        cpu = " ".join(f"{what} {spent:.1f}" for what, spent in seen.cpu.items())
        total = sum(seen.waits.values()) or 1
        waits = " ".join(f"{what} {count / total:.0%}" for what, count in seen.waits.most_common(6))
        print(
            f"{setup.name:<8} {seen.seconds:>8.1f} {number / seen.seconds:>9,.0f} "
            f"{one / seen.seconds:>7.2f}  {cpu:<44} {waits} (WAL {seen.wal_mb:,.0f} MB)",
            flush=True,
        )


# ---- the installation ----


class Installation:
    """A cluster with a prepared database of all bodies, and their files."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        import postgres  # noqa: PLC0415

        from benchmarks import _bodies_city as city  # noqa: PLC0415
        from web.config import Settings  # noqa: PLC0415

        postgres._SETTINGS |= _SERVER  # noqa: SLF001 - unlike in the tests
        self.folder = folder
        self.cluster: Cluster = postgres.run_cluster(folder)
        self.cluster.execute(f"CREATE ROLE {APP} LOGIN", f"CREATE ROLE {AUDITOR} LOGIN")
        url = self.cluster.create_database("city")
        city.build_bodies(url, options.bodies, options.instalments)
        settings = Settings(home=folder, database_url=url, secret_key=WORD, municipality="")
        self.secrets = city.enter_keys(settings, options.bodies)
        with self.cluster.connect("city") as connection:
            city.copy_instalments(connection, options.bodies)
        self.bodies: list[Body] = [
            *city.bodies_of(
                options.bodies,
                files=options.files,
                lines=options.lines,
                instalments=options.instalments,
                notices=options.notices,
            )
        ]
        self._runs = 0

    def run(self, setup: Setup) -> Seen:
        """One setup over a fresh copy, checked afterwards."""
        self._runs += 1
        name = f"run_{self._runs}"
        url = self.cluster.create_database(name, template="city")
        _grant(url)
        home = self.folder / name
        staged = self._stage(home)
        seen = Seen()
        with self.cluster.connect(name) as watcher, ExitStack() as stack:
            self.cluster.execute("CHECKPOINT")
            environment = _environment(home, url, setup.threads)
            workers = [stack.enter_context(started("schedule", environment))
                       for _ in range(setup.processes)]  # fmt: skip
            servers = [stack.enter_context(started("serve", environment, "--port", "0"))
                       for _ in range(setup.processes)]  # fmt: skip
            ports = [int(server.said.rpartition(":")[2].partition("/")[0]) for server in servers]
            requests = self._requests(len(ports))
            before = (_cpu(workers), _cpu(servers), _postgres_cpu(self.cluster), _wal(watcher))
            begun = time.perf_counter()
            for source, target in staged:
                source.rename(target)
            senders = [threading.Thread(target=send, args=pair)
                       for pair in zip(ports, requests, strict=True)]  # fmt: skip
            for sender in senders:
                sender.start()
            self._wait(watcher, seen.waits)
            seen.seconds = time.perf_counter() - begun
            for sender in senders:
                sender.join()
            seen.cpu = {
                "workers": _cpu(workers) - before[0],
                "web": _cpu(servers) - before[1],
                "postgres": _postgres_cpu(self.cluster) - before[2],
            }
            seen.wal_mb = (_wal(watcher) - before[3]) / 1e6
            self._check(watcher, url)
        self.cluster.drop_database(name)
        return seen

    def _stage(self, home: Path) -> list[tuple[Path, Path]]:
        """The files of every body beside its inbox: (where, where to)."""
        moves = []
        for body in self.bodies:
            staged, inbox = home / "staged" / body.code, home / "inbox" / body.code
            for folder in (staged, inbox):
                folder.mkdir(parents=True)
            for name, data in body.files.items():
                (staged / name).write_bytes(data)
                moves.append((staged / name, inbox / name))
        return moves

    def _requests(self, servers: int) -> list[list[tuple[str, str, bytes]]]:
        """(key, secret, body) of each request, dealt out to the servers."""
        each = [
            (f"op-{body.code}", self.secrets[body.code],
             json.dumps({"notifications": body.notices[at : at + A_REQUEST]}).encode())
            for at in range(0, max(len(body.notices) for body in self.bodies), A_REQUEST)
            for body in self.bodies
            if body.notices[at : at + A_REQUEST]
        ]  # fmt: skip
        return [each[place::servers] for place in range(servers)]

    def _wait(self, watcher: psycopg.Connection, waits: Counter[str]) -> None:
        """Until everything is in the books; what sessions do meanwhile is sampled."""
        files = sum(len(body.files) for body in self.bodies)
        notices = sum(len(body.notices) for body in self.bodies)
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            for (what,) in watcher.execute(_WAITS).fetchall():
                waits[what] += 1
            if watcher.execute(_BOOKED).fetchone() == (files, notices, 0):
                return
            time.sleep(0.1)
        sys.exit(f"still not booked: {watcher.execute(_BOOKED).fetchone()} of {files}, {notices}")

    def _check(self, watcher: psycopg.Connection, url: str) -> None:
        """Plain SQL, body by body and table by table; ends the script on a difference."""
        wrong = []
        for body in self.bodies:
            made = {hashlib.sha256(data).hexdigest() for data in body.files.values()}
            kept = {row[0] for row in watcher.execute(_EVIDENCE, (body.code,))}
            sums = watcher.execute(_SUMS, {"m": body.code}).fetchone()
            money = body.reported_yen + body.noticed_yen
            expected = (body.lines + len(body.notices), body.reported_yen + body.confirmed_yen,
                        body.noticed_yen, money, money, body.confirmed_yen)  # fmt: skip
            if kept != made or sums != expected:
                wrong.append(
                    f"{body.code}: found {sums}, made {expected}, {len(kept - made)} files"
                )
        tables = [str(row[0]) for row in watcher.execute(_WITH_FILES)]
        for table, column in (*((name, "file_id") for name in tables), ("posting", _SUBJECT)):
            astray = watcher.execute(_ASTRAY.format(table=table, column=column).encode()).fetchone()
            if astray != (0,):
                wrong.append(f"{table}: {astray} rows rest on no file of their body")
        users = {row[0] for row in watcher.execute(_USERS)}
        if users - {APP} or not users:
            wrong.append(f"the service was connected as {users}")
        wrong += _beyond(url)
        if wrong:
            sys.exit("\n".join(wrong))


_SUBJECT = "subject_file_id"
_BOOKED = """
SELECT (SELECT COUNT(*) FROM source_file WHERE channel <> 'notification' AND status = 'accepted'),
    (SELECT COUNT(*) FROM payment_notification WHERE file_id IS NOT NULL),
    (SELECT COUNT(*) FROM job_run WHERE state = 'RUNNING' AND job = 'inbox')"""
_WAITS = f"""
SELECT COALESCE(wait_event_type || ':' || wait_event, 'processor') FROM pg_stat_activity
WHERE state = 'active' AND usename = '{APP}'"""
_USERS = "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database() \
AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
_EVIDENCE = "SELECT sha256 FROM source_file WHERE municipality_code = %s \
AND channel <> 'notification'"
_SUMS = """
SELECT (SELECT COUNT(*) FROM source_line WHERE municipality_code = %(m)s),
    (SELECT SUM(l.amount_yen)::bigint FROM source_line l JOIN source_file f
       ON f.municipality_code = l.municipality_code AND f.file_id = l.file_id
     WHERE l.municipality_code = %(m)s AND f.channel = 'konbini'),
    (SELECT COALESCE(SUM(l.amount_yen), 0)::bigint FROM source_line l JOIN source_file f
       ON f.municipality_code = l.municipality_code AND f.file_id = l.file_id
     WHERE l.municipality_code = %(m)s AND f.channel = 'notification'),
    (SELECT SUM(amount_yen)::bigint FROM receipt WHERE municipality_code = %(m)s),
    (SELECT SUM(applied_yen + suspense_yen)::bigint FROM receipt WHERE municipality_code = %(m)s),
    (SELECT SUM(amount_yen)::bigint FROM deposit WHERE municipality_code = %(m)s)"""
_WITH_FILES = """
SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_attribute m ON m.attrelid = c.oid AND m.attname = 'municipality_code'
WHERE a.attname = 'file_id' AND c.relkind = 'r' AND c.relname <> 'source_file'
AND c.relpersistence = 'p' ORDER BY 1"""
_ASTRAY = """
SELECT COUNT(*) FROM {table} t WHERE t.{column} IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM source_file f
    WHERE f.municipality_code = t.municipality_code AND f.file_id = t.{column})"""


def _beyond(url: str) -> list[str]:
    """What the role of the service sees without a body, and inside one of all others."""
    import psycopg  # noqa: PLC0415

    wrong = []
    with psycopg.connect(_as_app(url).replace("+psycopg", "")) as connection:
        for code in ("", "99999"):
            connection.execute("SELECT set_config('kokin.municipality_code', %s, true)", (code,))
            rows = connection.execute(
                "SELECT COUNT(*) FROM receipt WHERE municipality_code <> %s", (code,)
            ).fetchone()
            if rows != (0,):
                wrong.append(f"the service sees {rows} receipts of others in {code or 'no body'}")
    return wrong


def _grant(url: str) -> None:
    """The rights of the service on a copy."""
    from payments.store.engine import open_engine  # noqa: PLC0415
    from payments.store.roles import grants  # noqa: PLC0415
    from payments.store.unit_of_work import reading  # noqa: PLC0415

    engine = open_engine(url)
    with reading(engine) as connection:
        found = grants(connection, APP, AUDITOR)
    with engine.begin() as connection:
        for statement in found:
            connection.exec_driver_sql(statement)
    engine.dispose()


@contextmanager
def installation(folder: Path, options: argparse.Namespace) -> Iterator[Installation]:
    """All bodies on a cluster that is thrown away at the end."""
    import postgres  # noqa: PLC0415

    try:
        yield Installation(folder, options)
    finally:
        postgres.remove_run_dir(folder)


# ---- processes ----


def _as_app(url: str) -> str:
    return url.replace("//kokin@", f"//{APP}@")


def _environment(home: Path, url: str, threads: int) -> dict[str, str]:
    """Settings as an operator gives them; files count at once."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("KOKIN_")}
    return inherited | {
        "KOKIN_HOME": str(home),
        "KOKIN_DATABASE_URL": _as_app(url),
        "KOKIN_SECRET_KEY": WORD,
        "KOKIN_INBOX_SECONDS": "1",
        "KOKIN_INBOX_SETTLE_SECONDS": "0",
        "KOKIN_SCHEDULE_TICK_SECONDS": "1",
        "KOKIN_SCHEDULE_WORKERS": str(threads),
        "PYTHONPATH": str(ROOT),
    }


def _cpu(processes: list[Process]) -> float:
    return sum(spent(tree(each.popen.pid)) for each in processes)


def _postgres_cpu(cluster: Cluster) -> float:
    pid = int((Path(cluster.data_dir) / "postmaster.pid").read_text().splitlines()[0])
    return spent(tree(pid))


def _wal(watcher: psycopg.Connection) -> float:
    found = watcher.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    return float(found[0]) if found else 0.0


if __name__ == "__main__":
    main()
