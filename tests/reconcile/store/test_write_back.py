"""書戻し: the journal of a running import reaches the disk before its commit, on SQLite only."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from payments.store.engine import open_engine
from reconcile.store import write_back
from reconcile.store.write_back import written_back

PATIENCE_SECONDS = 120


@pytest.fixture
def synced(monkeypatch):
    """Set as soon as a file was synced from Python, with the names of the files."""
    event = threading.Event()
    names = []

    def fsync(handle: int) -> None:
        names.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        event.set()

    monkeypatch.setattr(write_back.os, "fsync", fsync)
    monkeypatch.setattr(write_back, "EVERY_MS", 0)
    return event, names


def test_the_journal_is_synced_while_the_transaction_is_open(tmp_path, synced):
    event, names = synced
    path = tmp_path / "books.db"
    engine = open_engine(f"sqlite:///{path}")
    before = set(threading.enumerate())
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
        with written_back(connection):
            assert event.wait(PATIENCE_SECONDS)
    assert set(names) == {f"{path}-wal"}
    assert not set(threading.enumerate()) - before
    engine.dispose()


def test_an_import_that_fails_ends_the_thread_as_well(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'books.db'}")
    before = set(threading.enumerate())

    def fail() -> None:
        with engine.connect() as connection, written_back(connection):
            assert len(set(threading.enumerate()) - before) == 1
            connection.execute(text("SELECT 1 FROM missing"))

    with pytest.raises(OperationalError):
        fail()
    assert not set(threading.enumerate()) - before
    engine.dispose()


@pytest.mark.postgres
def test_a_server_brings_its_own_journal_to_the_disk(postgres_url):
    engine = open_engine(postgres_url)
    before = set(threading.enumerate())
    with engine.connect() as connection, written_back(connection):
        assert not set(threading.enumerate()) - before
    engine.dispose()
