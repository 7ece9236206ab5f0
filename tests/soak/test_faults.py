"""災い: whatever happens to an installation, nothing is lost, and nothing is booked twice.

``make soak`` lives through more than a thousand faults in rounds, each in a town of its own. The
seed of a run is printed, and ``KOKIN_SOAK_SEED`` repeats it; a round depends on its number and the
seed alone, so ``make soak ARGS="-k 'faults and sqlite-07'"`` repeats one that failed. ``make test``
lives through a handful, always the same.
"""

from __future__ import annotations

import os
import pwd
import shutil
import uuid
from contextlib import ExitStack, contextmanager
from random import Random
from typing import TYPE_CHECKING

import postgres
import pytest
import time_machine
from bill_books import open_bills
from fault_disk import Limited, Mounted, Two, can_mount
from fault_kinds import KINDS
from fault_table import PROPERTY, SEED, Seen, as_data, summary, table
from fault_town import BILLS, JOBS_OFF, Town
from fault_wire import Wire
from faults import kinds_for, live_through, plan
from kokin_forked import BEGINS_AT, starter

from payments.store.engine import open_engine
from web.config import Settings
from web.jobs.locks import noting
from web.jobs.plans import set_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fault_disk import Disk
    from kokin_forked import Starter

M = "99999"
ROUNDS, FAULTS = 13, 40  # of each kind of database: 1,040 faults together
ONE_ROUND = 2_400  # seconds: a fault takes five alone, and fifty beside ten others
FIRST_SEED = 20261123
A_HANDFUL = (
    "kill_server",
    "kill_intake",
    "full_disk",
    "broken_delivery",
    "corrupted_evidence",
)


@pytest.fixture(scope="module")
def begun() -> Iterator[Starter]:
    """What starts the processes of all towns of this file."""
    with starter() as found:
        yield found


def _fill(url: str) -> None:
    """The bills, a day before anything happens; only those jobs that the faults are about."""
    with time_machine.travel(BEGINS_AT.replace(day=16), tick=False):
        open_bills(url, BILLS).dispose()
        engine = open_engine(url)
        with noting(engine, M) as connection:
            for job in JOBS_OFF:
                set_plan(connection, M, Settings(), job, {"enabled": False}, actor="cli")
        engine.dispose()


@pytest.fixture(scope="module")
def sqlite_bills(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The books before the first payment, to be copied."""
    path = tmp_path_factory.mktemp("bills") / "bills.sqlite"
    shutil.copyfile(sqlite_template, path)
    _fill(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def postgres_bills(postgres_cluster: postgres.Cluster, postgres_template: str) -> Iterator[str]:
    """The same as a database."""
    name = f"bills_{uuid.uuid4().hex}"
    _fill(postgres_cluster.create_database(name, template=postgres_template))
    yield name
    postgres_cluster.drop_database(name)


@contextmanager
def _sqlite_town(request, folder: Path, chance: Random, *, mounted: bool) -> Iterator[Town]:
    """Everything of the town lies on one disk."""
    begun = request.getfixturevalue("begun")
    home = folder / "home"
    disk = Mounted(home) if mounted else Limited(home, begun.pid)
    town = None
    try:
        books = home / "kokin.sqlite"
        shutil.copyfile(request.getfixturevalue("sqlite_bills"), books)
        town = Town(folder, f"sqlite:///{books}", begun, disk, chance)
        yield town
    finally:
        if town is not None:
            town.end()
        disk.close()


@contextmanager
def _postgres_town(request, folder: Path, chance: Random, *, mounted: bool) -> Iterator[Town]:
    """The database on another disk, and behind a line of its own."""
    begun = request.getfixturevalue("begun")
    cluster = request.getfixturevalue("postgres_cluster")
    template = request.getfixturevalue("postgres_bills")
    with ExitStack() as stack:
        name, home = f"town_{uuid.uuid4().hex}", folder / "home"
        disk: Disk = Limited(home, begun.pid)
        if mounted:
            # The account of the server must get there.
            place = request.getfixturevalue("run_dir") / name
            disk = Two(Mounted(home), Mounted(place, pwd.getpwnam(postgres._account()).pw_uid))
        stack.callback(disk.close)
        cluster.create_database(name, template=template)
        stack.callback(cluster.drop_database, name)
        if mounted:
            cluster.execute(f"CREATE TABLESPACE \"{name}\" OWNER {cluster.role} LOCATION '{place}'")
            cluster.execute(f'ALTER DATABASE "{name}" SET TABLESPACE "{name}"')
        wire = Wire(cluster.port)
        stack.callback(wire.close)
        url = cluster.url(name).replace(f":{cluster.port}/", f":{wire.port}/")
        town = Town(folder, url, begun, disk, chance, wire, cluster)
        stack.callback(town.end)
        yield town


TOWNS = {"sqlite": _sqlite_town, "postgresql": _postgres_town}
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


def test_a_handful_of_faults(request, tmp_path, record_property, said):
    """Short enough for every run of the tests, at whose end it is summed up."""
    faults = [kind for kind in KINDS if kind.name in A_HANDFUL]
    with _sqlite_town(request, tmp_path, Random(FIRST_SEED), mounted=False) as town:
        seen = live_through(town, faults, said)
    record_property(PROPERTY, as_data(str(FIRST_SEED), seen))
    assert {name: (each.recovered, each.named) for name, each in seen.items()} == {
        name: (1, int(name == "corrupted_evidence")) for name in A_HANDFUL
    }


def test_what_rounds_have_seen_is_added_up():
    one = as_data("7", {"full_disk": Seen(2, 2, 0, 3.0, 2.0, 31)})
    other = as_data("7", {"full_disk": Seen(1, 0), "corrupted_evidence": Seen(1, 1, 1, 2.0, 2.0)})
    assert summary([one, other, as_data("8", {"full_disk": Seen(1, 1)})]) == [
        "faults: 4 injected, 3 recovered, 1 named by verify (seed 7)",
        "faults: 1 injected, 1 recovered, 0 named by verify (seed 8)",
    ]
    lines = [line.split() for line in table([one, other])]
    assert lines[1:] == [
        ["corrupted_evidence", "1", "1", "1", "2.0", "2.0", "0"],
        ["full_disk", "3", "2", "0", "1.5", "2.0", "31"],
        ["all", "4", "3", "1"],
    ]


@pytest.mark.soak
@pytest.mark.timeout(ONE_ROUND)
@pytest.mark.parametrize("database", DATABASES)
def test_one_fault_of_each_kind(request, database, tmp_path, record_property, said):
    chance = Random(FIRST_SEED)
    faults = kinds_for(database)
    with TOWNS[database](request, tmp_path, chance, mounted=False) as town:
        seen = live_through(town, faults, said)
    record_property(PROPERTY, as_data(str(FIRST_SEED), seen))
    assert sum(each.recovered for each in seen.values()) == len(faults)


@pytest.mark.soak
@pytest.mark.timeout(ONE_ROUND)
@pytest.mark.parametrize("number", range(1, ROUNDS + 1), ids="{:02}".format)
@pytest.mark.parametrize("database", DATABASES)
def test_a_round_of_faults(
    request,
    database,
    number,
    tmp_path,
    record_property: Callable[[str, object], None],
    said: Callable[[str], None],
):
    seed = os.environ[SEED]
    chance = Random(f"{seed}/{database}/{number}")
    faults = plan(database, FAULTS, chance)
    with TOWNS[database](request, tmp_path, chance, mounted=can_mount()) as town:
        seen = live_through(town, faults, said)
    record_property(PROPERTY, as_data(seed, seen))
    assert sum(each.recovered for each in seen.values()) == FAULTS
