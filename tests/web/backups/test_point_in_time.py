"""Back to a moment between two files, by the very commands of docs/operations.md (PostgreSQL)."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from datetime import date

import postgres
import pytest
from codebase import ROOT
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips
from reconcile.verify.everything import verify
from sample_data.city import generate
from web.commands.setup import sample_profile
from web.database import upgrade

pytestmark = [pytest.mark.postgres, pytest.mark.soak]
M = "99999"
PATIENCE = 120


@pytest.fixture
def place():
    """A folder of this test, and what is started in it, gone afterwards."""
    folder = postgres.create_run_dir()
    yield folder
    for home in (folder, folder / "back"):
        postgres.remove_run_dir(home)


def _documented(wal, base):
    """The commands of the page, with folders of this test for those of a server."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    block = page.partition("**To any moment**")[2].partition("```sh\n")[2].partition("```")[0]
    block = block.replace("/srv/wal", str(wal)).replace("/srv/base/$(date +%F)", str(base))
    settings = dict(re.findall(r"^([a-z_]+) = (.+?)(?: +#.*)?$", block, re.MULTILINE))
    (command,) = re.findall(r"^pg_basebackup .+$", block, re.MULTILINE)
    return settings, command.split()


def _as_server(*command):
    subprocess.run([*postgres._unprivileged(), *command], check=True, cwd="/")


def _own(path):
    """The server's account owns what it writes."""
    if os.geteuid() == 0:
        account = pwd.getpwnam(postgres._account())
        os.chown(path, account.pw_uid, account.pw_gid)


def _stop(data):
    _as_server(postgres._tool("pg_ctl"), "stop", "--wait", "-D", str(data), "-m", "fast")


@contextmanager
def _books(url):
    engine = open_engine(url)
    yield engine
    engine.dispose()


def _figures(engine):
    with reading(engine, M) as connection:
        names = connection.execute(text("SELECT name FROM source_file ORDER BY file_id")).scalars()
        sums = text("SELECT COUNT(*), SUM(amount_yen) FROM posting")
        return [*names], tuple(connection.execute(sums).one())


def _good(city):
    """Files of payments that are to be accepted."""
    rows = (city / "expected_files.csv").read_text("utf-8").splitlines()
    good = {name for name, status in (row.split(",") for row in rows) if status == "accepted"}
    return sorted(path for path in (city / "inbox").rglob("konbini_*") if path.name in good)


def _prepare(engine, city):
    with unit_of_work(engine, M) as connection:
        save_profile(connection, sample_profile())
    for name, importer in (("assessments", import_assessments), ("slips", import_slips)):
        delivery = Delivery(f"{name}.csv", (city / f"{name}.csv").read_bytes())
        importer(engine, M, delivery, received_on=date(2026, 6, 1), actor="a")


def _take_in(engine, path):
    report = take_in(
        engine, M, Delivery(path.name, path.read_bytes()), received_on=date(2026, 6, 1)
    )
    assert report.status.is_good


def _recovered(place, base, settings):
    """A server over the base backup and the log, back at its moment."""
    data = place / "back" / "pg"
    data.parent.mkdir(mode=0o711)
    data.mkdir(mode=0o700)
    shutil.unpack_archive(base / "base.tar.gz", data, filter="tar")
    with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
        file.writelines(
            f"{name} = {settings[name]}\n"
            for name in ("restore_command", "recovery_target_time", "recovery_target_action")
        )
    (data / "recovery.signal").touch()
    for path in (data, *data.rglob("*")):
        _own(path)
    back = postgres._start_server(data)
    end = time.monotonic() + PATIENCE
    with back.connect("postgres") as connection:
        while connection.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
            assert time.monotonic() < end, "it does not come back"
            time.sleep(0.05)
    return back


def test_the_books_come_back_to_a_moment_between_two_files(place, tmp_path):
    wal, base = place / "wal", place / "base"
    wal.mkdir()
    _own(wal)
    settings, command = _documented(wal, base)
    cluster = postgres.run_cluster(place)
    cluster.execute(
        *(
            f"ALTER SYSTEM SET {name} = '{settings[name].strip(chr(39))}'"
            for name in ("wal_level", "archive_mode", "archive_command", "archive_timeout")
        )
    )
    data = place / "pg"
    _stop(data)
    cluster = postgres._start_server(data)
    generate.make(tmp_path / "city", obligors=40, days=1, seed=5)
    url = cluster.create_database("books")
    upgrade(url)
    paths = _good(tmp_path / "city")[:3]
    with _books(url) as engine:
        _prepare(engine, tmp_path / "city")
        _take_in(engine, paths[0])
        base.mkdir()
        _own(base)
        server = ["--host", "127.0.0.1", "--port", str(cluster.port), "--username", "postgres"]
        _as_server(postgres._tool("pg_basebackup"), *command[1:], *server)
        _take_in(engine, paths[1])
        before = _figures(engine)
        with engine.connect() as connection:
            moment = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        _take_in(engine, paths[2])
        after = _figures(engine)
    _stop(data)
    shutil.rmtree(data)  # the machine is lost; base backup and log are elsewhere
    settings["recovery_target_time"] = f"'{moment.isoformat()}'"
    back = _recovered(place, base, settings)
    with _books(back.url("books")) as engine:
        assert _figures(engine) == before != after
        assert verify(engine, M) == []
        _take_in(engine, paths[2])  # it lies in the archive, and is taken in anew
        assert _figures(engine) == after
        assert verify(engine, M) == []
