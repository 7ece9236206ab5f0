"""``kokin db move``: all books of a city, or none, from SQLite to PostgreSQL."""

from __future__ import annotations

import gc
import json
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path

import pytest
import worked_city
from click.testing import CliRunner
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel
from worked_city import M, frozen, work_everything

from payments.domain.errors import ConfigurationError
from payments.store import move_target
from payments.store.engine import open_engine
from payments.store.unit_of_work import enter_municipality, reading, unit_of_work
from reconcile.audit.seal import seal_pending
from web import clock, moving
from web.app import create_app
from web.cli import main
from web.commands.session import Session
from web.notifications.checking import verify
from web.notifications.door_tables import metadata as spool_metadata
from web.notifications.receive import Desk, Told
from web.notifications.spool import Spool

pytestmark = pytest.mark.postgres

WRONG = "DELETE FROM posting WHERE journal_id = (SELECT MAX(journal_id) FROM posting)"
OPEN = "SELECT COUNT(*) FROM municipality"


def _run(settings, *words):
    return CliRunner().invoke(main, ["db", "move", *words], obj=Session(settings))


def _refused(settings, code, url):
    """The move is refused for this reason, and nothing has come to the other side."""
    answer = _run(settings, "--to", url)
    assert answer.exit_code == 1
    assert f"（{code}）" in answer.stderr
    return answer.stderr


def _change(file, *statements):
    """Books that somebody has altered past their guards."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in found.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _told(number, yen=100):
    body = {
        "collecting_body_code": M, "case_key": "9" * 20, "confirmation_no": "123456",
        "item_code": "901", "amount_yen": yen, "paid_on": "2026-06-02",
        "channel": "app", "operator_code": "0820", "transaction_id": f"TX-{number}",
    }  # fmt: skip
    return Told(f"n-{number}", json.dumps(body).encode())


def _notify(engine, *told):
    with closing(Spool(engine)) as spool, closing(Desk(engine, spool, M)) as desk:
        for each in told:
            desk.receive_many("pay-1", [each])
        assert desk.booker.wait_until_idle(200)


def _value(found):
    """Instants of both databases, and everything else as it is."""
    return clock.in_japan(found) if isinstance(found, datetime) else found


def _contents(engine, tables):
    """Every row of every table as the program reads it, in any order."""
    contents = {}
    with engine.connect() as connection, connection.begin():
        enter_municipality(connection, "*")
        for table in tables:
            rows = [tuple(map(_value, row)) for row in connection.execute(table.select())]
            contents[table.name] = sorted(rows, key=repr)
    return contents


@contextmanager
def _there(url):
    """The other side, and nothing left open."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _left(engine):
    """Nobody of this process has the file open any more."""
    engine.dispose()
    gc.collect()  # what a test before this one has not let go, either


@pytest.fixture
def file(city):
    """The file of the city, which nobody else has open."""
    city.engine.dispose()
    return Path(str(city.engine.url.database))


def test_a_worked_city_arrives_whole_and_goes_on(city, bare_postgres_url, monkeypatch):
    frozen(monkeypatch)
    # It learns a name by hand, which no verify takes for right.
    monkeypatch.setattr(worked_city, "_records", lambda _day: None)
    work_everything(city.settings, city.engine)
    _notify(city.engine, _told(1), _told(2), _told(1, yen=200))  # the last one is a conflict
    books = SQLModel.metadata.sorted_tables
    before = _contents(city.engine, books)
    assert sum(map(bool, before.values())) > 70
    with closing(Spool(city.engine)) as spool, spool.reading(M) as connection:
        beside = _contents(connection.engine, spool_metadata.sorted_tables)
    assert len(beside["notification_spool"]) == 3
    _left(city.engine)

    answer = _run(city.settings, "--to", bare_postgres_url)
    assert answer.exit_code == 0, answer.output
    assert "検算 99999 みほん市: すべて一致しました。" in answer.stdout
    assert "kokin db roles --apply" in answer.stdout

    with _there(bare_postgres_url) as there:
        assert _contents(there, books) == before
        assert _contents(there, spool_metadata.sorted_tables) == beside
        assert _contents(city.engine, books) == before  # The file is as it was.
        settings = city.settings.model_copy(update={"database_url": bare_postgres_url})
        _goes_on(settings, there)
        _sealed(settings, there)


def _goes_on(settings, there):
    """The guards stand, pages answer, notifications come, and old seals hold beside new ones."""
    with unit_of_work(there, M) as connection, pytest.raises(DBAPIError, match="append_only"):
        connection.execute(text("UPDATE posting SET amount_yen = amount_yen + 1"))
    with there.connect() as connection:
        enter_municipality(connection, "13101")
        assert connection.execute(text("SELECT COUNT(*) FROM posting")).scalar_one() == 0
    client = create_app(settings, there, TESTING=True, WTF_CSRF_ENABLED=False).test_client()
    client.post("/staff/sign-in", data={"user_name": "kaikei", "password": "kaikei-no-himitsu"})
    for page in ("/staff/days/2026-06-01", "/staff/cases", "/staff/files"):
        assert client.get(page).status_code == 200, page
    _notify(there, _told(1), _told(3))  # One is known, and numbers go on.
    with closing(Spool(there)) as spool, spool.reading(M) as connection:
        numbers = connection.execute(text("SELECT spool_no FROM notification_spool ORDER BY 1"))
        assert list(numbers.scalars()) == [1, 2, 3, 4]


def _sealed(settings, there):
    """What was sealed over the file and what is sealed now hold together, for auditors, too."""
    seal_pending(there, M)
    assert verify(there, M) == []
    pack = settings.home / "day.zip"
    asked = ["audit", "pack", "--day", "2026-06-01", "--out", str(pack)]
    answer = CliRunner().invoke(main, asked, obj=Session(settings))
    assert answer.exit_code == 0, answer.output
    script = pack.with_name("check.py")
    script.write_bytes(zipfile.ZipFile(pack).read("check.py"))
    done = subprocess.run(
        [sys.executable, "-I", script, pack], capture_output=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout.decode()
    with there.begin() as connection:
        enter_municipality(connection, M)
        connection.execute(text("ALTER TABLE journal DISABLE TRIGGER USER"))
        changed = "UPDATE journal SET made_at = made_at + interval '1 second' WHERE journal_id = 3"
        assert connection.execute(text(changed)).rowcount == 1
    found = {each.subject for each in verify(there, M) if each.name == "seal_row"}
    assert found == {"seal:1 journal 3"}


def test_looking_only_changes_nothing(city, bare_postgres_url):
    _left(city.engine)
    answer = _run(city.settings, "--to", bare_postgres_url, "--check-only")
    assert answer.exit_code == 0, answer.output
    assert "移せます" in answer.stdout
    with _there(bare_postgres_url) as there, there.connect() as connection:
        assert inspect(connection).get_table_names() == []


def test_only_from_a_file_to_a_server(city, file, postgres_url):
    settings = city.settings.model_copy(update={"database_url": postgres_url})
    _refused(settings, "move_source", postgres_url)
    _refused(city.settings, "move_target", f"sqlite:///{file}")
    file.write_bytes(b"no database at all, but longer than a header of one" * 100)
    _refused(city.settings, "database_unusable", postgres_url)
    file.rename(file.with_suffix(".gone"))
    _refused(city.settings, "database_missing", postgres_url)


def test_never_onto_anything(city, file, bare_postgres_url, postgres_city):
    with _there(bare_postgres_url) as there, there.begin() as connection:
        connection.execute(text("CREATE TABLE somebodys (number INTEGER)"))
    assert "somebodys" in _refused(city.settings, "move_filled", bare_postgres_url)
    _refused(city.settings, "move_filled", postgres_city.settings.database)
    with moving.held(file) as source, pytest.raises(ConfigurationError, match="move_filled"):
        moving.move(source, postgres_city.settings.database, lambda *_: nullcontext(int))


@pytest.mark.usefixtures("file")
def test_nobody_writes_where_it_was_empty_a_moment_ago(city, postgres_url, monkeypatch):
    tried = []

    def rows_of(_source, table):
        """While the rows are counted, somebody begins to write on the other side."""
        writes = text(f"LOCK TABLE {table.name} IN ROW EXCLUSIVE MODE NOWAIT")
        with (
            _there(postgres_url) as there,
            pytest.raises(DBAPIError, match="could not obtain lock"),
            there.begin() as connection,
        ):
            connection.execute(writes)
        tried.append(table.name)
        raise KeyboardInterrupt

    monkeypatch.setattr(moving, "rows_of", rows_of)
    with moving.held(city.settings.sqlite_file) as source, pytest.raises(KeyboardInterrupt):
        moving.move(source, postgres_url, lambda *_: nullcontext(int))
    assert tried


def test_only_when_the_file_is_of_this_release_and_has_its_tables(city, file, postgres_url):
    _change(file, "CREATE TABLE somebodys (number INTEGER)")
    assert "somebodys" in _refused(city.settings, "move_tables", postgres_url)
    _change(file, "UPDATE alembic_version SET version_num = '0001'")
    assert "0001" in _refused(city.settings, "database_version", postgres_url)
    _change(file, "DROP TABLE alembic_version")
    _refused(city.settings, "database_version", postgres_url)


def test_not_while_anybody_has_the_file_open(city, file, postgres_url, monkeypatch):
    monkeypatch.setattr(moving, "BUSY_MS", 1)
    with city.engine.connect() as connection:  # as a service does that has nothing to do
        connection.execute(text(OPEN)).scalar_one()
        connection.rollback()
        _refused(city.settings, "move_busy", postgres_url)
    _left(city.engine)
    with (
        moving.held(file),
        closing(sqlite3.connect(file, timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute(OPEN)
    with closing(sqlite3.connect(file, timeout=0)) as other:
        assert other.execute(OPEN).fetchone() == (1,)


def test_not_while_notifications_wait(city, postgres_url):
    _notify(city.engine, _told(1))
    _left(city.engine)
    with closing(Spool(city.engine)) as spool:
        beside = spool.file
    _change(beside, "UPDATE notification_spool SET state = 'waiting'")
    assert "1件" in _refused(city.settings, "move_spool", postgres_url)


def test_what_the_other_side_cannot_hold_is_named(city, file, postgres_url):
    _change(file, "UPDATE staff_user SET display_name = 'a' || char(0) || 'b'")
    said = _refused(city.settings, "move_nul", postgres_url)
    assert "staff_user" in said
    assert "display_name" in said
    _change(
        file,
        "UPDATE staff_user SET display_name = 'a'",
        "DELETE FROM notice WHERE notice_id = (SELECT MIN(notice_id) FROM notice)",
    )
    assert "instalment" in _refused(city.settings, "move_key", postgres_url)
    assert _rows(postgres_url) == 0


def _rows(url):
    """Tables that hold a row, or are none of the program's."""
    with _there(url) as there, there.connect() as connection:
        return int(bool(move_target.filled(connection)))


@pytest.mark.usefixtures("file")
def test_one_row_that_is_another_undoes_everything(city, postgres_url, monkeypatch):
    def given_back(connection, table, seen):
        rows, sha256 = move_target.given_back(connection, table, seen)
        return rows, "0" * 64 if table.name == "posting" else sha256

    monkeypatch.setattr(moving, "given_back", given_back)
    assert "posting" in _refused(city.settings, "move_differs", postgres_url)
    assert _rows(postgres_url) == 0


def test_a_guard_that_is_another_undoes_everything(postgres_url):
    with _there(postgres_url) as there, there.connect() as connection, connection.begin():
        bare = move_target.lay_bare(connection, move_target.moved_tables(connection))
        connection.execute(text("DROP TRIGGER posting_append_only ON posting"))
        with pytest.raises(ConfigurationError, match="move_differs: table='posting'"):
            move_target.put_back(connection, bare, lambda _done: None)


@pytest.mark.usefixtures("file")
def test_cut_off_anywhere_it_leaves_nothing_and_can_be_done_again(city, postgres_url, monkeypatch):
    file = city.settings.sqlite_file
    for place, time in (("take_over", 60), ("put_back", 1), ("given_back", 60)):
        calls = []

        def cut_off(*given, place=place, time=time, calls=calls):
            calls.append(place)
            if len(calls) == time:
                raise KeyboardInterrupt
            return getattr(move_target, place)(*given)

        with monkeypatch.context() as patch:
            patch.setattr(moving, place, cut_off)
            with moving.held(file) as source, pytest.raises(KeyboardInterrupt):
                moving.move(source, postgres_url, lambda *_: nullcontext(int))
        assert len(calls) == time
        assert _rows(postgres_url) == 0
    answer = _run(city.settings, "--to", postgres_url, "--no-verify")
    assert answer.exit_code == 0, answer.output
    assert "検算" not in answer.stdout


def test_books_that_do_not_verify_arrive_and_are_named(city, file, postgres_url):
    """What was wrong before is wrong afterwards: it is no fault of the move."""
    _change(file, WRONG)
    answer = _run(city.settings, "--to", postgres_url)
    assert answer.exit_code == 1, answer.output
    assert "不一致" in answer.stdout
    with _there(postgres_url) as there, reading(there, M) as connection:
        assert connection.execute(text(OPEN)).scalar_one() == 1
