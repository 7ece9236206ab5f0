"""A PostgreSQL cluster that stays in its folder between two runs of a benchmark, durable."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postgres import Cluster

# What an operator sets for a machine of this size; everything else is as delivered: durable, with
# autovacuum, unlike the cluster of the tests.
_SERVER = {"listen_addresses": "127.0.0.1", "max_connections": "100",
           "shared_buffers": "1GB", "max_wal_size": "8GB"}  # fmt: skip


class Kept(NamedTuple):
    """A running cluster."""

    cluster: Cluster

    def database(self, name: str) -> str:
        """The address of a database, made if it is not there."""
        with self.cluster.connect("postgres") as connection:
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (name,)
            ).fetchone()
        return self.cluster.url(name) if known else self.cluster.create_database(name)


@contextmanager
def kept_cluster(folder: Path) -> Iterator[Kept]:
    """Started over what the folder holds, and stopped in order at the end."""
    import postgres  # noqa: PLC0415

    postgres._SETTINGS = _SERVER  # noqa: SLF001 - none of the tests' own
    folder.chmod(0o711)
    data = folder / "pg"
    if data.exists():
        cluster = postgres._start_server(data)  # noqa: SLF001
        (folder / "pg.json").write_text(json.dumps(asdict(cluster)))
    else:
        cluster = postgres.run_cluster(folder)
    try:
        yield Kept(cluster)
    finally:
        command = [*postgres._unprivileged(), postgres._tool("pg_ctl"), "stop"]  # noqa: SLF001
        subprocess.run([*command, "-D", str(data), "-m", "fast"], check=True, cwd="/")


@contextmanager
def kept_database(folder: Path, name: str, called: str) -> Iterator[str]:
    """The address of a database of the kind ``name`` in the folder, while it is looked at."""
    if name == "sqlite":
        yield f"sqlite:///{folder / f'{called}.sqlite'}"
        return
    place = folder / "server"
    place.mkdir(exist_ok=True)
    with kept_cluster(place) as kept:
        yield kept.database(called)
