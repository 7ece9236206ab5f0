"""A PostgreSQL cluster of the tests' own, thrown away at the end.

One cluster serves one pytest run, however many worker processes it has: the first that needs it
starts it, under a file lock, and the controlling process stops it. It listens on a free loopback
port, and nothing of it outlives the run. A missing PostgreSQL is an error, never a skip.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

RUN_DIR_VARIABLE = "KOKIN_TEST_RUN_DIR"
_RUN_DIR_PREFIX = "kokin-tests-"
_START_ATTEMPTS = 3
_END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
_TERMINATE = b"X\x00\x00\x00\x04"  # as the protocol has it: a letter and its length
_GONE_SECONDS = 60
_CHOOSES_A_WAY = 150_000  # PostgreSQL 15
# Durability is what a throw-away cluster may do without, and somebody who tidies up databases that
# live for seconds (what they find out about a table would differ from run to run); everything else
# stays as delivered.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "60",
    "listen_addresses": "127.0.0.1",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster: where it lives and how to reach it.

    Databases belong to ``role``, which is no superuser, so that what the tests do is what an
    operator's own account can do (triggers, privileges and row-level security included).
    """

    data_dir: str
    port: int
    role: str = "kokin"
    superuser: str = "postgres"

    def url(self, database: str) -> str:
        """The SQLAlchemy address of one database, as the ordinary role."""
        return f"postgresql+psycopg://{self.role}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str) -> psycopg.Connection:
        """A connection of the superuser, each statement of which is a transaction of its own."""
        import psycopg  # noqa: PLC0415  # tests that need no PostgreSQL need not load its client

        address = f"host=127.0.0.1 port={self.port} user={self.superuser} dbname={database}"
        return psycopg.connect(address, autocommit=True)

    def execute(self, *statements: str) -> None:
        """Run statements as superuser, each outside a transaction (CREATE DATABASE needs that)."""
        with self.connect("postgres") as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def create_database(self, name: str, template: str = "template0") -> str:
        """A new database of the ordinary role; its address."""
        with self.connect("postgres") as connection:
            # By itself it is written page by page through the log, for twice what files cost that
            # are copied; versions before 15 know no other way.
            way = "STRATEGY FILE_COPY" if connection.info.server_version >= _CHOOSES_A_WAY else ""
            connection.execute(
                f'CREATE DATABASE "{name}" OWNER {self.role} TEMPLATE "{template}" {way}'.encode()
            )
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, also when a connection to it has been left open."""
        with self.connect("postgres") as connection:
            leave(connection, name)
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def leave(connection: psycopg.Connection, database: str) -> None:
    """End every connection to a database, and come back when their processes are gone.

    Whoever renames or removes a database over one that is just ending waits for a tenth of a second
    in the server, and so does :func:`pg_terminate_backend` when it is given time.
    """
    while connection.execute(_END_ALL, [database]).fetchall():
        connection.execute("SELECT pg_sleep(0.001)")


def close(connection: psycopg.Connection) -> None:
    """Close a connection, and come back when its process in the server is gone.

    The server leaves that to the end of the process: the last that is heard of it.
    """
    with socket.socket(fileno=os.dup(connection.pgconn.socket)) as wire:
        wire.settimeout(_GONE_SECONDS)
        wire.sendall(_TERMINATE)
        while wire.recv(1 << 10):
            pass
    connection.close()


def create_run_dir(place: Path | None = None) -> Path:
    """The folder of this run, named by the controlling process; removes what dead runs left.

    ``place`` is where it is made, by itself where temporary files are.
    """
    place = place or Path(tempfile.gettempdir())
    for stale in place.glob(f"{_RUN_DIR_PREFIX}{getpass.getuser()}-*-*"):
        pid = stale.name.split("-")[-2]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            remove_run_dir(stale)
    prefix = f"{_RUN_DIR_PREFIX}{getpass.getuser()}-{os.getpid()}-"
    run_dir = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    # The unprivileged account that runs the cluster for root has to get to its data folder.
    run_dir.chmod(0o711)
    return run_dir


def remove_run_dir(run_dir: Path) -> None:
    """Stop the cluster of a run, if it has one, and remove everything."""
    data_dir = run_dir / "pg"
    if (data_dir / "postmaster.pid").exists():
        command = [
            *_unprivileged(),
            _tool("pg_ctl"),
            "stop",
            "-D",
            str(data_dir),
            "-m",
            "immediate",
        ]
        subprocess.run(command, check=False, capture_output=True, cwd="/")
    shutil.rmtree(run_dir, ignore_errors=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between the worker processes of one run."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run_cluster(run_dir: Path) -> Cluster:
    """The cluster of this run; the first caller starts it."""
    state = run_dir / "pg.json"
    with locked(run_dir / "pg.lock"):
        if not state.exists():
            state.write_text(json.dumps(asdict(_start(run_dir))))
    return Cluster(**json.loads(state.read_text()))


def _start(run_dir: Path) -> Cluster:
    data_dir = run_dir / "pg"
    data_dir.mkdir(mode=0o700)
    if os.geteuid() == 0:
        account = pwd.getpwnam(_account())
        os.chown(data_dir, account.pw_uid, account.pw_gid)
    _run(
        *_unprivileged(),
        _tool("initdb"),
        *("--pgdata", str(data_dir), "--username", "postgres", "--auth", "trust"),
        *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
    )
    cluster = _start_server(data_dir)
    cluster.execute(f"CREATE ROLE {cluster.role} LOGIN CREATEDB")
    return cluster


def _start_server(data_dir: Path) -> Cluster:
    """Start on a free port; another process may take the port in between, so try again."""
    log = data_dir / "server.log"
    for attempt in range(_START_ATTEMPTS):
        port = _free_port()
        settings = _SETTINGS | {"port": str(port), "unix_socket_directories": str(data_dir)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        command = [*_unprivileged(), _tool("pg_ctl"), "start", "--wait", "-D", str(data_dir)]
        try:
            _run(*command, "-l", str(log), "-o", options)
        except RuntimeError:
            if attempt == _START_ATTEMPTS - 1:
                raise
            time.sleep(0.2)
        else:
            return Cluster(str(data_dir), port)
    raise AssertionError


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(*command: str) -> None:
    # pg_ctl's server keeps the descriptors it was given: pipes would never see their end.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/"
        )
        output.seek(0)
        said = output.read().decode(errors="replace")
    if done.returncode:
        message = f"{' '.join(command)} failed with {done.returncode}:\n{said}"
        raise RuntimeError(message)


def _tool(name: str) -> str:
    """The path of a server tool: on the path, or where Debian keeps the newest version."""
    found = shutil.which(name)
    if found:
        return found
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3])
    )
    if not versions:
        raise RuntimeError(
            f"PostgreSQL ({name}) is missing: the tests run on SQLite and on PostgreSQL. "
            "`make test` installs it; by hand: apt-get install postgresql"
        )
    return str(versions[-1])


def _account() -> str:
    """Which account runs the cluster when we are root: PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise RuntimeError("no unprivileged account (postgres, nobody) to run PostgreSQL as")


def _unprivileged() -> tuple[str, ...]:
    return ("runuser", "-u", _account(), "--") if os.geteuid() == 0 else ()
