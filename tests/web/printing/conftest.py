"""A few dozen assessed instalments, ready to be printed, on either kind of database."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from ending import ending
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.cli import main
from web.commands.session import Session
from web.commands.setup import enter, sample_profile
from web.config import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loaded import Loaded

NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
OBLIGORS = 14

# A process of its own that ends, or waits, exactly where a test wants it to: argument 1 is the
# place of a function (module:name), argument 2 which call of it, the rest is the command.
CHILD = f"""
import datetime, os, pkgutil, signal, sys
from payments import print_plan
from web import clock
print_plan.number_chunk.__kwdefaults__["size"] = 5
clock.now = lambda: datetime.datetime.fromisoformat({NOW.isoformat()!r})
def interrupt(where, call, when, action):
    module, _, path = where.partition(":")
    *owners, name = path.split(".")
    owner = pkgutil.resolve_name(":".join([module, *owners]))
    original = getattr(owner, name)
    calls = 0
    def interrupted(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == call and when == "before":
            action()
        result = original(*args, **kwargs)
        if calls == call and when == "after":
            action()
        return result
    setattr(owner, name, interrupted)
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def wait():
    print("waiting", flush=True)
    sys.stdin.read()
if __name__ == "__main__":
    where, call, when, action, *command = sys.argv[1:]
    interrupt(where, int(call), when, {{"die": die, "wait": wait}}[action])
    from web.cli import main
    main(command)
"""


def _settings(url: str, home: Path) -> Settings:
    return Settings(
        home=home,
        database_url=url,
        secret_key="a secret of the tests, long enough",
        municipality="99999",
    )


@pytest.fixture(scope="session")
def assessments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """調定 of a hamlet."""
    from sample_data.city import make  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("hamlet") / "city"
    make(folder, obligors=OBLIGORS, days=1, seed=3, start=date(2026, 6, 1))
    return folder / "assessments.csv"


def _fill(session: Session, assessments: Path) -> None:
    """The hamlet in the books; every name can be printed."""
    from reconcile.model import Delivery  # noqa: PLC0415
    from reconcile.registers import import_assessments  # noqa: PLC0415

    profile = sample_profile()
    items = tuple(replace(item, layout="standard") for item in profile.items)
    enter(session, replace(profile, items=items))
    delivery = Delivery(assessments.name, assessments.read_bytes())
    import_assessments(session.engine, "99999", delivery, received_on=date(2026, 6, 1))
    with unit_of_work(session.engine, "99999") as connection:
        connection.execute(
            text("UPDATE obligor SET name = '税目 太郎' WHERE municipality_code = '99999'")
        )


@pytest.fixture(scope="session")
def hamlet_template(
    sqlite_template: Path, assessments: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The hamlet on SQLite, to copy; made once per worker."""
    database = tmp_path_factory.mktemp("hamlet") / "hamlet.sqlite"
    shutil.copyfile(sqlite_template, database)
    session = Session(_settings(f"sqlite:///{database}", database.parent))
    _fill(session, assessments)
    session.close()
    return database


class Hamlet(SimpleNamespace):
    """What a test of printing works with."""

    def run(self, *words):
        """A command in this process; by default with one worker and little to rasterise."""
        session = Session(self.settings.model_copy())
        return CliRunner().invoke(main, [str(word) for word in words], obj=session)

    def issue(self, out, *words):
        return self.run("slips", "issue", "--out", out, *self.usual, *words)

    usual = ("--workers", 1, "--pages-per-file", 4, "--read-back", 0, "--limit", 12)

    def child(self, where, call, when, action, *words):
        """A command in a process of its own that is interrupted."""
        environment = os.environ | {
            "KOKIN_HOME": str(self.settings.home),
            "KOKIN_DATABASE_URL": self.settings.database_url,
            "KOKIN_MUNICIPALITY": "99999",
        }
        script = self.settings.home / "child.py"
        script.write_text(CHILD, "utf-8")
        command = [sys.executable, script, where, call, when, action, *words]
        return ending(
            [str(word) for word in command],
            start=self.start,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def rows(self, statement, **values):
        with reading(self.engine, "99999") as connection:
            return connection.execute(text(statement), values).all()

    @staticmethod
    def manifest(out):
        with (out / "manifest.csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    @staticmethod
    def differences(out):
        with (out / "read-back.csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day of the hamlet, whatever day it is."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def hamlet(hamlet_template: Path, tmp_path: Path, kokin_loaded: Loaded) -> Iterator[Hamlet]:
    """The hamlet on SQLite."""
    shutil.copyfile(hamlet_template, tmp_path / "hamlet.sqlite")
    session = Session(_settings(f"sqlite:///{tmp_path / 'hamlet.sqlite'}", tmp_path))
    yield Hamlet(settings=session.settings, engine=session.engine, start=kokin_loaded.start)
    session.close()


@pytest.fixture
def postgres_hamlet(
    postgres_url: str, assessments: Path, tmp_path: Path, kokin_loaded: Loaded
) -> Iterator[Hamlet]:
    """The hamlet on PostgreSQL."""
    session = Session(_settings(postgres_url, tmp_path))
    _fill(session, assessments)
    yield Hamlet(settings=session.settings, engine=session.engine, start=kokin_loaded.start)
    session.close()


@pytest.fixture(
    params=["hamlet", pytest.param("postgres_hamlet", marks=pytest.mark.postgres)],
    ids=["sqlite", "postgresql"],
)
def any_hamlet(request: pytest.FixtureRequest) -> Hamlet:
    """The hamlet, on SQLite and on PostgreSQL in turn."""
    found: Hamlet = request.getfixturevalue(request.param)
    return found
