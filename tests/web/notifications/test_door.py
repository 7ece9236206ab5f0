"""窓口: each signed request once, and what is remembered about it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments.domain.errors import RefusedError
from payments.store.engine import open_engine
from payments.store.sealed_bytes import key_ring_from, new_key_text
from payments.store.unit_of_work import enter_municipality
from web import clock
from web.notifications import door, spool_tables
from web.notifications.door import Refused, Signed
from web.notifications.journey import Journey
from web.notifications.spool import Spool
from web.notifications.spool_rows import Arrival

M = "99999"
NOW = 1_780_000_000


@pytest.fixture
def spool(books):
    found = Spool(books.engine)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _the_clock_stands(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime.fromtimestamp(NOW, UTC))


def _signed(nonce="n" * 16, timestamp=NOW, key_id="pay-1", secret_no=1):
    return Signed(key_id, secret_no, timestamp, nonce)


def _arrival(number, transaction_id=""):
    return Arrival("pay-1", f"n-{number}", b"{}", f"{number:064}", transaction_id)


def test_a_request_is_admitted_once(spool):
    assert len(spool.append_many(M, [_arrival(1)], _signed())) == 1
    with pytest.raises(RefusedError, match="nonce_used"):
        spool.append_many(M, [_arrival(2)], _signed())
    assert spool.find(M, "pay-1", "n-2") is None
    # Another key may use the same nonce, and so may nobody else.
    spool.append_many(M, [], _signed(key_id="pay-2"))
    for seconds in (-door.WINDOW_SECONDS, door.WINDOW_SECONDS):
        with pytest.raises(RefusedError, match="nonce_used"):
            spool.append_many(M, [], _signed(timestamp=NOW + seconds))


def test_a_restart_does_not_open_the_window_again(books):
    first, second = Spool(books.engine), Spool(books.engine)
    first.append_many(M, [], _signed())
    first.close()
    with pytest.raises(RefusedError, match="nonce_used"):
        second.append_many(M, [], _signed())
    second.close()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(-door.WINDOW_SECONDS, door.WINDOW_SECONDS)),
        max_size=12,
    )
)
def test_within_the_window_no_nonce_counts_twice(sqlite_spool, requests):
    sqlite_spool.base += 10 * door.SLOT_SECONDS
    seen = set()
    for letter, seconds in requests:
        signed = _signed(letter * 16, sqlite_spool.base + seconds)
        with (
            sqlite_spool.spool._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            writes = Journey(connection)
            (admitted,) = door.admit_all(connection, M, [(signed,)], door.Uses(), writes)
            writes.send()
        assert admitted == (letter not in seen)
        seen.add(letter)


@pytest.fixture(scope="module")
def sqlite_spool(tmp_path_factory):
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('door') / 'books.sqlite'}")
    spool = Spool(engine)
    yield SimpleNamespace(spool=spool, base=NOW)
    spool.close()
    engine.dispose()


def test_what_is_older_than_the_window_is_forgotten(spool, monkeypatch):
    at = datetime.fromtimestamp(NOW, UTC)
    monkeypatch.setattr(clock, "now", lambda: at)
    spool.append_many(M, [], _signed())
    at += timedelta(seconds=4 * door.SLOT_SECONDS)
    spool.append_many(M, [], _signed("m" * 16, int(at.timestamp())))
    with spool.reading(M) as connection:
        slots = connection.execute(text("SELECT slot FROM notification_nonce")).scalars().all()
        used = door.last_uses(connection, M)
    assert slots == [int(at.timestamp()) // door.SLOT_SECONDS]
    assert {name: clock.in_japan(seen) for name, seen in used.items()} == {("pay-1", 1): at}


def test_the_last_use_is_noted_once_a_minute(spool, monkeypatch):
    at = datetime.fromtimestamp(NOW, UTC)
    monkeypatch.setattr(clock, "now", lambda: at)
    seen = []
    for number, seconds in enumerate((0, 30, 40)):
        at += timedelta(seconds=seconds)
        spool.append_many(M, [], _signed(f"{number:016}"))
        with spool.reading(M) as connection:
            seen += [clock.in_japan(used) - datetime.fromtimestamp(NOW, UTC)
                     for used in door.last_uses(connection, M).values()]  # fmt: skip
    assert [found.total_seconds() for found in seen] == [0, 0, 70]


def test_transactions_are_found_by_their_sender_only(spool):
    spool.append_many(M, [_arrival(1, "T-1"), _arrival(2, "T-1"), _arrival(3, "T-2"), _arrival(4)])
    spool.append_many(M, [_arrival(1, "T-1")])
    spool.append_many(M, [_arrival(1)._replace(body_sha256="f" * 64, transaction_id="T-9")])
    with spool.reading(M) as connection:
        assert door.of_transaction(connection, M, "pay-1", "T-1") == ["n-1", "n-2"]
        assert door.of_transaction(connection, M, "pay-2", "T-1") == []
        assert door.of_transaction(connection, "11111", "pay-1", "T-1") == []
        assert door.of_transaction(connection, M, "pay-1", "T-9") == []


def test_a_refused_body_is_kept_once_and_never_changed(spool):
    refused = Refused("pay-1", "n-1", "body_invalid", b"\xff{")
    spool.append_many(M, [], _signed(), [refused, refused])
    spool.append_many(M, [], _signed("m" * 16), [refused, refused._replace(body=b"other")])
    with pytest.raises(RefusedError):
        spool.append_many(M, [], _signed("m" * 16), [refused._replace(body=b"third")])
    with spool.reading(M) as connection:
        found = door.refused_ones(connection, M)
        assert [entry.refusal_no for entry in found] == [2, 1]
        assert [door.refused_body(connection, M, number) for number in (1, 2, 3)] == [
            b"\xff{", b"other", None,
        ]  # fmt: skip
    for statement in (
        "UPDATE notification_refusal SET code = 'x'",
        "DELETE FROM notification_refusal",
    ):
        with (
            spool._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            enter_municipality(connection, M)
            with pytest.raises(DBAPIError, match="append_only"):
                connection.execute(text(statement))


def test_a_refused_body_is_sealed_where_there_are_keys(sqlite_url):
    engine = open_engine(sqlite_url, keys=key_ring_from(new_key_text("k1")))
    spool = Spool(engine)
    spool.append_many(M, [], None, [Refused("pay-1", "", "body_invalid", b"a secret")])
    with spool.reading(M) as connection:
        kept = connection.execute(text("SELECT body FROM notification_refusal")).scalar_one()
        assert b"secret" not in bytes(kept)
        assert door.refused_body(connection, M, 1) == b"a secret"
    spool.close()
    engine.dispose()


def test_an_older_file_of_the_spool_gets_the_tables_of_the_door(sqlite_url):
    engine = open_engine(sqlite_url)
    spool = Spool(engine)
    with sqlite3.connect(str(spool.file)) as connection:
        connection.execute("PRAGMA user_version = 1")
    with spool._engine.connect().execution_options(writes=True) as made, made.begin():
        spool_tables.spool.create(made, checkfirst=True)
    assert len(spool.append_many(M, [_arrival(1)], _signed())) == 1
    spool.close()
    engine.dispose()
