"""中断: an intake that is killed at any moment, and run again, ends as if nothing had happened."""

from __future__ import annotations

import contextlib
import itertools
import random
import shutil
import signal
import sqlite3
import subprocess
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from adversary import one_day
from bill_books import M, open_bills
from equal_bills import EqualBills
from kokin_forked import starter
from kokin_process import LOOK_EVERY, PATIENCE, Kokin, answer_of, killed
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import postgres
    from kokin_forked import Starter
    from loaded import Loaded

    Begin = Callable[..., Any]  # what starts a process: Popen, or Loaded.start

RECEIVED = ("--received-on", "2026-06-17")
BOOKS = "kokin.sqlite"
CHAIN = 5  # kills of one copy of the books
DIES = """
import os, signal, sys
from reconcile import pipeline
from web.cli import main
pipeline.detect = lambda *_given: os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[1:])
"""
FIFTY_SECONDS = 3_600  # ends a soak that has got stuck


@dataclass(frozen=True)
class Undisturbed:
    """途切れない取込: what the books say, and how long it took, when nothing comes between."""

    export: bytes
    seconds: float


class Town:
    """取込前の帳簿: the bills, and a file of payments that nobody has taken in yet."""

    def __init__(self, folder: Path, bills: EqualBills, begin: Begin = subprocess.Popen) -> None:
        """The file, and what it comes to when nothing comes between; ``begin`` starts processes."""
        self.folder, self.begin = folder, begin
        self.file = folder / "sokuho.csv"
        self.file.write_bytes(one_day(bills, seed=5))
        self.before(bills)
        with self.trial() as kokin:
            began = time.monotonic()
            answer_of(self.start(kokin))
            seconds = time.monotonic() - began
            self.undisturbed = Undisturbed(kokin.export(), seconds)

    def before(self, bills: EqualBills) -> None:
        """Make the books once; every trial begins with a copy."""
        raise NotImplementedError

    @contextlib.contextmanager
    def trial(self) -> Iterator[Kokin]:
        """The command on books of its own."""
        home = self.folder / uuid.uuid4().hex
        home.mkdir()
        yield Kokin(self.copied(home), home, self.begin)
        shutil.rmtree(home)

    def copied(self, home: Path) -> str:
        """The address of books like those before."""
        raise NotImplementedError

    def start(self, kokin: Kokin) -> subprocess.Popen[bytes]:
        """The command in a process that can be killed."""
        return kokin.start("intake", self.file, *RECEIVED)

    def forked(
        self, begun: Starter, moments: list[float] | None, *, verify: bool = False
    ) -> tuple[float, list[str]]:
        """Run it and kill it again and again, so many seconds after each beginning; then resume.

        How long the one took that ended by itself (0: none did), and in which status the file was
        found behind each kill. Once it is accepted there is nothing left to interrupt.
        """
        ended, found = 0.0, []
        words = ["intake", str(self.file), *RECEIVED]
        with self.trial() as kokin:
            for seconds in moments or [float(PATIENCE)]:
                began = time.monotonic()
                child = begun.start(words, kokin.environment(), kokin.home / uuid.uuid4().hex)
                while time.monotonic() - began < seconds and not child.has_ended():
                    time.sleep(LOOK_EVERY)
                if child.has_ended():
                    ended = time.monotonic() - began
                child.kill()
                found.append(self.looked(kokin))
                if found[-1] == "accepted":
                    break
            self.resumes(kokin, verify=verify)
        return ended, found

    def looked(self, kokin: Kokin) -> str:
        """All of it or nothing but its evidence, nothing half done (R8); which of them."""
        found = self.statuses(kokin)
        lines = self.undisturbed.export.count(b"\n") - 1
        assert found in ([], [("received", 0)], [("accepted", lines)])
        return found[0][0] if found else "unknown"

    def statuses(self, kokin: Kokin) -> list[tuple[str, int]]:
        """What the books hold of the file: its status and its lines."""
        engine = open_engine(kokin.url)
        with reading(engine, M) as connection:
            rows = connection.execute(
                text(
                    "SELECT f.status, (SELECT COUNT(*) FROM source_line l "
                    "WHERE l.file_id = f.file_id) FROM source_file f WHERE f.name = :name"
                ),
                {"name": self.file.name},
            ).all()
        engine.dispose()
        return [(str(status), int(lines)) for status, lines in rows]

    def resumes(self, kokin: Kokin, *, verify: bool = True) -> str:
        """Look, run the command again, compare; the status in which the file was found."""
        found = self.looked(kokin)
        kokin.run("intake", self.file, *RECEIVED)
        assert kokin.export() == self.undisturbed.export
        if verify:
            kokin.run("verify")
        return found

    def killed_when(self, due: Callable[[Kokin], bool], *, verify: bool = True) -> str:
        """Kill the command as soon as ``due``, and :meth:`resumes`."""
        with self.trial() as kokin:
            killed(self.start(kokin), lambda: due(kokin))
            return self.resumes(kokin, verify=verify)


class SqliteTown(Town):
    """The books as a file."""

    def __init__(
        self, folder: Path, template: Path, bills: EqualBills, begin: Begin = subprocess.Popen
    ) -> None:
        """``template``: an empty, migrated database."""
        self.template = template
        super().__init__(folder, bills, begin)

    def before(self, bills: EqualBills) -> None:
        """The bills in a file without a log beside it."""
        books = self.folder / BOOKS
        shutil.copyfile(self.template, books)
        open_bills(f"sqlite:///{books}", bills).dispose()

    def copied(self, home: Path) -> str:
        """A copy of the file."""
        shutil.copyfile(self.folder / BOOKS, home / BOOKS)
        return f"sqlite:///{home / BOOKS}"


class PostgresTown(Town):
    """The books on a server, which goes on when the command is killed."""

    def __init__(
        self,
        folder: Path,
        cluster: postgres.Cluster,
        url: str,
        bills: EqualBills,
        begin: Begin = subprocess.Popen,
    ) -> None:
        """``url``: an empty, migrated database."""
        self.cluster, self.url = cluster, url
        super().__init__(folder, bills, begin)

    def before(self, bills: EqualBills) -> None:
        """The bills in the database itself."""
        open_bills(self.url, bills).dispose()

    def copied(self, home: Path) -> str:
        """A copy of the database."""
        return self.cluster.create_database(f"t{home.name}", template=self.url.rpartition("/")[2])

    @contextlib.contextmanager
    def trial(self) -> Iterator[Kokin]:
        """The command on a database of its own."""
        with super().trial() as kokin:
            yield kokin
            self.cluster.drop_database(f"t{kokin.home.name}")


@pytest.fixture(scope="module")
def small(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, kokin_loaded: Loaded
) -> SqliteTown:
    """A thousand bills."""
    folder = tmp_path_factory.mktemp("small")
    return SqliteTown(folder, sqlite_template, EqualBills(1_000), kokin_loaded.start)


def test_killed_when_the_evidence_is_kept(small: SqliteTown) -> None:
    """The bytes are there, nothing is decided: what comes first behind them ends the process."""
    with small.trial() as kokin:
        child = kokin.start("intake", small.file, *RECEIVED, program=("-c", DIES))
        said = child.communicate(timeout=PATIENCE)
        assert child.returncode == -signal.SIGKILL, said
        assert small.resumes(kokin) == "received"


def test_killed_at_some_moment(small: SqliteTown) -> None:
    """Whenever that is."""
    small.killed_when(_after(small.undisturbed.seconds * 0.7))


@pytest.mark.parametrize(
    ("part", "status"), [(0.001, "unknown"), (0.3, "received"), (0.8, "received"), (1, "accepted")]
)
def test_the_power_fails_while_the_log_is_written(
    small: SqliteTown, part: float, status: str
) -> None:
    """The log ends wherever it had got to: half of a commit is nothing."""
    with small.trial() as kokin, small.trial() as torn:
        # A connection beside it keeps the log from being cleared away when the command ends.
        with contextlib.closing(sqlite3.connect(kokin.home / BOOKS)) as beside:
            beside.execute("SELECT 1 FROM source_file").fetchall()
            kokin.run("intake", small.file, *RECEIVED)
            log = (kokin.home / f"{BOOKS}-wal").read_bytes()
        (torn.home / f"{BOOKS}-wal").write_bytes(log[: round(len(log) * part)])
        assert small.resumes(torn) == status


@pytest.mark.postgres
def test_killed_on_postgresql(
    postgres_cluster: postgres.Cluster, postgres_url: str, tmp_path: Path, kokin_loaded: Loaded
) -> None:
    """The server takes back what a command without an end had begun."""
    bills, begin = EqualBills(500), kokin_loaded.start
    town = PostgresTown(tmp_path, postgres_cluster, postgres_url, bills, begin)
    town.killed_when(_after(town.undisturbed.seconds * 0.7))


def _after(seconds: float) -> Callable[[Kokin], bool]:
    """Due when so much time has passed."""
    end = time.monotonic() + seconds
    return lambda _kokin: time.monotonic() >= end


def _at_points(town: Town, points: int, seed: int, say: Callable[[str], None]) -> Counter[str]:
    """Kill at so many moments, spread over the whole run; how the file was found each time.

    Who runs it again is killed, too, up to ``CHAIN`` times; then it may end, and all is compared.
    """
    chance = random.Random(seed)
    moments = [(point + chance.random()) / points for point in range(points)]
    chance.shuffle(moments)
    found: Counter[str] = Counter()
    with starter() as begun:
        seconds = town.forked(begun, None)[0]
        say(f"{seconds:.1f} s without an interruption")
        for turn in itertools.count():
            chain = [part * seconds for part in moments[-CHAIN:]]
            # The export is compared each time; reading all again takes longer than taking it in.
            ended, statuses = town.forked(begun, chain, verify=turn % 4 == 0)
            seconds = ended or seconds  # a machine that others use keeps no pace
            found.update(statuses)
            del moments[-len(statuses) :]
            say(f"{points - len(moments)} of {points}: {dict(found)}")
            if not moments:
                break
    return found


def _fifty(
    town: Town, record_property: Callable[[str, object], None], say: Callable[[str], None]
) -> None:
    """A hundred thousand lines."""
    found = _at_points(town, 50, 9, say)
    record_property("lines", town.undisturbed.export.count(b"\n") - 1)
    record_property("killed", dict(found))
    assert sum(found.values()) == 50
    assert found["received"] > 15


@pytest.mark.soak
@pytest.mark.timeout(FIFTY_SECONDS)
def test_killed_at_fifty_random_points(
    sqlite_template: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    said: Callable[[str], None],
) -> None:
    _fifty(SqliteTown(tmp_path, sqlite_template, EqualBills(100_000)), record_property, said)


@pytest.mark.soak
@pytest.mark.timeout(FIFTY_SECONDS)
@pytest.mark.postgres
def test_killed_at_fifty_random_points_on_postgresql(
    postgres_cluster: postgres.Cluster,
    postgres_url: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    said: Callable[[str], None],
) -> None:
    bills = EqualBills(100_000)
    _fifty(PostgresTown(tmp_path, postgres_cluster, postgres_url, bills), record_property, said)
