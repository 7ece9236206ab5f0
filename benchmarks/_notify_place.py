"""Servers and databases of :mod:`notify`: started, stopped for a while, killed and thrown away."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._notify_load import CITY, KEY, SECRET, Order, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

ROOT = Path(__file__).resolve().parent.parent
DRAIN_SECONDS = 120
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server process with its worker, and the load upon it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port

    def stop(self) -> None:
        """Let it do nothing until it may go on."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """The contrary."""
        os.killpg(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """The server and its worker, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def cpu(self) -> float:
        """Seconds of the processor that its processes have used."""
        total = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # ended meanwhile
            if int(fields[2]) == self.process.pid:  # its process group
                total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def load(self, order: Order) -> tuple[Seen, float]:
        """What the load saw, and the seconds of processor that it cost the server."""
        with _load(order) as load:
            _line(load.stdout)  # it is ready
            before = self.cpu()
            seen = Seen(**json.loads(_last_line(load)))
        return seen, self.cpu() - before

    def load_all(self, numbers: list[int], *, kill: bool) -> set[int]:
        """Send these, perhaps kill the server when half are answered; what was answered 2xx."""
        order = Order("kokin", self.port, seconds=DRAIN_SECONDS, numbers=numbers)
        with _load(order) as load:
            _line(load.stdout)
            if kill:
                _line(load.stdout)  # half of them are answered
                self.kill()
            seen = Seen(**json.loads(_last_line(load)))
        return {numbers[place] for place in seen.kept}

    def drain(self, environment: dict[str, str]) -> None:
        """Wait until nothing waits to be booked."""
        until = time.monotonic() + DRAIN_SECONDS
        while '"waiting":0' not in (said := _ready(self.port)):
            if time.monotonic() > until:
                sys.exit(f"notifications are still waiting: {said} {environment['KOKIN_HOME']}")
            time.sleep(0.1)


@contextmanager
def _load(order: Order) -> Iterator[subprocess.Popen[str]]:
    """The process of the load."""
    load = subprocess.Popen(
        [sys.executable, "-m", "benchmarks._notify_load"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        with load.stdin or sys.exit() as stdin:
            stdin.write(json.dumps(asdict(order)))
        yield load
        if load.wait():
            sys.exit("the load has failed")
    finally:
        load.kill()
        load.wait()


def _line(stream: IO[str] | None) -> str:
    """One line of a process of ours; fails when it has ended."""
    line = stream.readline() if stream is not None else ""
    return line or sys.exit("a process has ended by itself")


def _last_line(load: subprocess.Popen[str]) -> str:
    """What the load says at its end."""
    return (load.stdout or sys.exit()).read().splitlines()[-1]


def _ready(port: int) -> str:
    """What the server says of itself, without spaces."""
    import urllib.request  # noqa: PLC0415

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
        return str(answer.read().decode()).replace(" ", "")


@contextmanager
def kokin_on(place: Place, preload: dict[str, str], url: str | None = None) -> Iterator[Server]:
    """``kokin serve``; killed at the end, so that nothing is tidied."""
    environment = place.environment(url or place.copy()) | preload
    command = [sys.executable, "-m", "web", "serve", "--port", "0"]
    with _started(command, environment, lambda said: said.rpartition(":")[2].partition("/")[0]) as (
        server
    ):
        yield server


@contextmanager
def floor_on(place: Place, preload: dict[str, str]) -> Iterator[Server]:
    """The floor, on a file or in a database of its own."""
    command = [sys.executable, "-m", "benchmarks._notify_floor", place.empty()]
    with _started(command, {**os.environ} | preload, str.strip) as server:
        yield server


@contextmanager
def _started(
    command: list[str], environment: dict[str, str], port_of: Callable[[str], str]
) -> Iterator[Server]:
    """A server in a process group of its own, once it says its port."""
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        said = _line(process.stderr)
        if not port_of(said).isdecimal():
            sys.exit(said)
        yield Server(process, int(port_of(said)))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


# ---- databases ----


class Place:
    """SQLite: a prepared city, copies of it to work on, and an empty file."""

    def __init__(self, folder: Path) -> None:
        from benchmarks._reconcile_city import build  # noqa: PLC0415

        self.folder = folder
        self._copies = 0
        self._build(partial(build, instalments=CITY))

    def _build(self, build: Callable[[str], None]) -> None:
        import sqlite3  # noqa: PLC0415

        build(f"sqlite:///{self.folder / 'city.db'}")
        connection = sqlite3.connect(self.folder / "city.db")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def copy(self) -> str:
        """A fresh copy of the city."""
        self._copies += 1
        path = self.folder / f"kokin-{self._copies}.db"
        shutil.copyfile(self.folder / "city.db", path)
        return f"sqlite:///{path}"

    def empty(self) -> str:
        """Where the floor writes."""
        return str(self.folder / "floor.db")

    def environment(self, url: str) -> dict[str, str]:
        """The settings of a server over this copy."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("KOKIN_")}
        return inherited | {
            "KOKIN_HOME": str(self.folder),
            "KOKIN_DATABASE_URL": url,
            "KOKIN_NOTIFICATION_KEYS": f"{KEY}:{SECRET}",
            "KOKIN_NOTIFICATIONS_PER_MINUTE": "100000000",  # counted all the same
            "PYTHONPATH": str(ROOT),
        }


class ServerPlace(Place):
    """The same on PostgreSQL, durable, in a cluster that is thrown away."""

    def __init__(self, folder: Path) -> None:
        import postgres  # noqa: PLC0415

        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            postgres._SETTINGS[setting] = "on"  # noqa: SLF001 - unlike in the tests
        self.cluster = postgres.run_cluster(folder)
        super().__init__(folder)

    def _build(self, build: Callable[[str], None]) -> None:
        build(self.cluster.create_database("city"))

    def copy(self) -> str:
        """A fresh copy of the city."""
        self._copies += 1
        return self.cluster.create_database(f"kokin_{self._copies}", template="city")

    def empty(self) -> str:
        """Where the floor writes."""
        return self.cluster.create_database("floor")


@contextmanager
def prepared(database: str, folder: Path, preload: dict[str, str]) -> Iterator[Place]:
    """A prepared database of this kind; a server of its own has the slow disk, too."""
    import postgres  # noqa: PLC0415

    place = Path(tempfile.mkdtemp(dir=folder))
    place.chmod(0o711)
    before = dict(os.environ)
    os.environ.update(preload)
    try:
        yield Place(place) if database == "sqlite" else ServerPlace(place)
    finally:
        postgres.remove_run_dir(place)
        os.environ.clear()
        os.environ.update(before)


def slow_disk(folder: Path) -> dict[str, str] | None:
    """The environment in which every fsync takes 5 ms longer; None without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "slow_fsync.so"
    source = ROOT / "benchmarks" / "_slow_fsync.c"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    library.chmod(0o755)
    return {"LD_PRELOAD": str(library)}
