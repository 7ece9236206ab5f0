"""SQLite asked by its driver itself: the same rules as through an engine."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from payments.store import straight as straights
from payments.store.engine import is_busy, open_engine
from payments.store.own_connections import OPEN_MAX
from payments.store.straight import CACHE_KIB, Backfill, Straight
from payments.store.unit_of_work import unit_of_work

M = "99999"
COUNT = "SELECT COUNT(*) FROM municipality WHERE name = :name"
ADD = (
    "INSERT INTO municipality (municipality_code, name, profile_json, live) "
    "VALUES ('99997', 'みほん', '{}', 0)"
)


@pytest.fixture
def engine(sqlite_url):
    found = open_engine(sqlite_url)
    yield found
    found.dispose()


@pytest.fixture
def straight(engine):
    found = Straight(engine, lock_wait_ms=10)
    yield found
    found.close()


def _there(straight):
    return straight.rows(COUNT, {"name": "みほん"}) == [(1,)]


def test_what_is_written_is_there_for_everybody(straight):
    assert not _there(straight)
    with straight.writing() as connection:
        connection.execute(ADD)
        assert not _there(straight)  # another connection, another moment
    assert _there(straight)


def test_of_a_transaction_that_fails_nothing_is_there_and_the_next_one_works(straight):
    with pytest.raises(OperationalError), straight.writing() as connection:
        connection.execute(ADD) and connection.execute("nothing")
    assert not _there(straight)
    with straight.writing() as connection:
        connection.execute(ADD)
    assert _there(straight)


def test_a_lock_of_somebody_else_is_told_as_an_engine_tells_it(engine, straight):
    with (
        unit_of_work(engine, M),
        pytest.raises(OperationalError) as caught,
        straight.writing(),
    ):
        raise AssertionError("never here")
    assert is_busy(caught.value)
    with straight.writing() as connection:
        connection.execute(ADD)
    assert _there(straight)


def test_an_error_names_no_value(straight):
    with pytest.raises(OperationalError) as caught:
        straight.rows("SELECT nothing FROM municipality WHERE name = :name", {"name": "山田"})
    assert "nothing" in str(caught.value)
    assert "山田" not in str(caught.value)


def test_connections_are_set_up_as_everywhere_with_a_small_memory(straight):
    said = {name: straight.rows(f"PRAGMA {name}", {}) for name in
            ("journal_mode", "foreign_keys", "busy_timeout", "cache_size")}  # fmt: skip
    assert said == {
        "journal_mode": [("wal",)], "foreign_keys": [(1,)],
        "busy_timeout": [(10,)], "cache_size": [(-CACHE_KIB,)],
    }  # fmt: skip


def _in_place(engine, tmp_path):
    """Whether the row is in the file itself, without its write-ahead log."""
    copy = tmp_path / "without_log.sqlite"
    copy.write_bytes(Path(engine.url.database).read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        return connection.execute(COUNT, {"name": "みほん"}).fetchone() == (1,)


def _write(straight):
    with straight.writing() as connection:
        connection.execute(ADD)


def test_what_was_written_is_put_in_place_by_somebody_else(engine, straight, tmp_path):
    backfill = Backfill(straight)
    _write(straight)
    assert not _in_place(engine, tmp_path)
    backfill.wrote()
    backfill.close()
    assert _in_place(engine, tmp_path)


def test_beyond_a_length_who_writes_puts_the_rest_in_place(engine, straight, tmp_path, monkeypatch):
    monkeypatch.setattr(straights, "WAL_PAGES_MAX", 0)
    monkeypatch.setattr(straights, "BACKFILL_SECONDS", 3_600)
    backfill = Backfill(straight)
    backfill._pass()  # as the other thread does
    _write(straight)
    backfill._pass()
    assert backfill._long
    with straight.writing() as connection:
        connection.execute(ADD.replace("99997", "99996").replace("みほん", "となり"))
    backfill.wrote()
    assert _in_place(engine, tmp_path)
    backfill.close()


def test_nobody_is_held_up_by_a_disk_that_takes_nothing(straight, monkeypatch):
    def full(*_):
        raise OperationalError("PRAGMA", None, sqlite3.OperationalError("disk is full"))

    backfill = Backfill(straight)
    monkeypatch.setattr(straight, "rows", full)
    backfill.wrote()
    backfill.close()
    assert not backfill._long


def test_however_many_come_at_once_no_more_connections_are_opened(straight, monkeypatch):
    own = straight._connections
    make, made = own.make, []

    def counted():
        made.append(make())
        return made[-1]

    monkeypatch.setattr(own, "make", counted)
    with ThreadPoolExecutor(4 * OPEN_MAX) as many:
        asked = [many.submit(straight.rows, COUNT, {"name": "x"}) for _ in range(200)]
        assert all(each.result() == [(0,)] for each in asked)
    assert 1 <= len(made) <= OPEN_MAX


def test_who_comes_while_all_are_in_use_waits_for_one(straight):
    own = straight._connections
    for _ in range(OPEN_MAX):
        own.places.acquire()
    with ThreadPoolExecutor(1) as one:
        asked = one.submit(straight.rows, COUNT, {"name": "x"})
        assert not own.places.acquire(blocking=False)
        assert own.take() is None  # none was opened
        for _ in range(OPEN_MAX):
            own.places.release()
        assert asked.result() == [(0,)]
