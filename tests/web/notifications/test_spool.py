"""受付簿: durable at once, in order, each body once; the database itself guards it."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments.domain.errors import ConflictError
from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.notifications import known
from web.notifications.spool import Spool
from web.notifications.spool_rows import Arrival, Mark
from web.notifications.spool_tables import metadata
from web.notifications.spool_tables import spool as table

M = "99999"
LONG = 120
LATE = datetime(2026, 6, 2, 15, 30, tzinfo=UTC)  # the 3rd in Japan


@pytest.fixture
def spool(books):
    found = Spool(books.engine)
    yield found
    found.close()


def _arrival(body, notification_id="n-1", key_id="pay-1"):
    return Arrival(key_id, notification_id, body, sha256(body).hexdigest())


def _rows(spool):
    with reading(spool._engine, M) as connection:
        found = connection.execute(
            text("SELECT spool_no, body, state FROM notification_spool ORDER BY spool_no")
        )
        return [(number, bytes(body), state) for number, body, state in found]


def test_what_arrives_is_numbered_in_its_order(spool):
    entries = [spool.append(M, _arrival(b"{}", f"n-{n}")) for n in range(3)]
    assert [(entry.spool_no, first) for entry, first in entries] == [
        (1, True),
        (2, True),
        (3, True),
    ]
    assert [entry.spool_no for entry in spool.next_waiting(M, 1, 10)] == [2, 3]
    assert [entry.spool_no for entry in spool.next_waiting(M, 0, 1)] == [1]
    other, _ = spool.append("99998", _arrival(b"{}"))
    assert other.spool_no == 1
    assert spool.waiting(M).number == 3


def test_the_same_again_is_the_same_entry(spool):
    first, _ = spool.append(M, _arrival(b"{}"))
    again, new = spool.append(M, _arrival(b"{}"))
    assert (again.spool_no, again.body_sha256, new) == (1, first.body_sha256, False)
    assert spool.bodies(M, [1]) == {1: b"{}"}


def test_another_body_under_a_key_is_kept_and_never_booked(spool):
    spool.append(M, _arrival(b"one"))
    for _ in range(2):
        with pytest.raises(ConflictError, match="idempotency_conflict"):
            spool.append(M, _arrival(b"two"))
    assert _rows(spool) == [(1, b"one", "waiting"), (2, b"two", "conflict")]
    assert spool.waiting(M).number == 1
    entry, new = spool.append(M, _arrival(b"one"))
    assert (entry.spool_no, new) == (1, False)


def test_several_at_once_are_kept_in_their_order(spool):
    spool.append(M, _arrival(b"1", "n-1"))
    found = spool.append_many(
        M,
        [
            _arrival(b"1", "n-1"),
            _arrival(b"2", "n-2"),
            _arrival(b"3", "n-3", "pay-2"),
            _arrival(b"other", "n-2"),
            _arrival(b"2", "n-2"),
            _arrival(b"other", "n-1"),
        ],
    )
    assert [(entry.spool_no, first) for entry, first in found] == [
        (1, False), (2, True), (3, True), (2, True), (2, False), (1, True),
    ]  # fmt: skip
    assert _rows(spool) == [
        (1, b"1", "waiting"), (2, b"2", "waiting"), (3, b"3", "waiting"),
        (4, b"other", "conflict"), (5, b"other", "conflict"),
    ]  # fmt: skip
    assert spool.append_many(M, []) == []


def test_more_keys_than_one_statement_takes(spool, monkeypatch):
    monkeypatch.setattr(known, "KEYS_MAX", 2)
    arrivals = [_arrival(b"{}", f"n-{n}") for n in range(5)]
    assert [first for _entry, first in spool.append_many(M, arrivals)] == [True] * 5
    assert [first for _entry, first in spool.append_many(M, arrivals)] == [False] * 5


def test_the_day_of_an_arrival_is_the_day_in_japan(spool, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: LATE)
    entry, _ = spool.append(M, _arrival(b"{}"))
    assert entry.received_on.isoformat() == "2026-06-03"
    found = spool.find(M, "pay-1", "n-1")
    assert found == entry._replace(received_at=found.received_at)
    assert clock.in_japan(found.received_at) == LATE
    assert spool.waiting(M, entry.received_on).number == 1
    assert spool.waiting(M, clock.today().replace(day=2)).number == 0


def test_an_entry_is_booked_once(spool):
    spool.append(M, _arrival(b"{}"))
    spool.mark_booked(M, [Mark(1, 7, "first")])
    spool.mark_booked(M, [Mark(1, 8, "second")])
    entry = spool.find(M, "pay-1", "n-1")
    assert (entry.state, entry.file_id, entry.answer_json) == ("booked", 7, "first")
    assert spool.waiting(M) == (0, None)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM notification_spool",
        "UPDATE notification_spool SET body = 'x'",
        "UPDATE notification_spool SET state = 'conflict'",
        "UPDATE notification_spool SET state = 'booked', notification_id = 'n-9'",
    ],
)
def test_the_database_lets_nothing_else_be_changed(spool, change):
    spool.append(M, _arrival(b"{}"))
    engine = spool._engine
    with pytest.raises(DBAPIError, match="append_only"), unit_of_work(engine, M) as connection:
        connection.execute(text(change))
    spool.mark_booked(M, [Mark(1, 7, "")])
    back = "UPDATE notification_spool SET state = 'waiting'"
    with pytest.raises(DBAPIError, match="append_only"), unit_of_work(engine, M) as connection:
        connection.execute(text(back))


def test_it_is_written_while_the_books_are_locked(spool, books):
    done = threading.Event()

    def arrive():
        spool.append(M, _arrival(b"{}"))
        done.set()

    with unit_of_work(books.engine, M) as connection:
        connection.execute(text("UPDATE municipality SET name = 'みほん市'"))
        threading.Thread(target=arrive, daemon=True).start()
        assert done.wait(LONG)


def test_one_process_at_a_time_books(spool, books):
    other = Spool(books.engine)
    with spool.turn(M) as mine, other.turn(M) as second:
        assert (mine, second) == (True, False)
    with other.turn(M, wait=True) as second:
        assert second is True
    other.close()


def test_a_command_waits_for_its_turn(spool, books):
    other = Spool(books.engine)
    had = threading.Event()

    def take():
        with other.turn(M, wait=True):
            had.set()

    waiting = threading.Thread(target=take, daemon=True)
    with spool.turn(M) as mine:
        assert mine
        waiting.start()
        assert not had.is_set()
    assert had.wait(LONG)
    waiting.join(LONG)
    other.close()


def test_what_another_program_wrote_is_read(spool, books):
    """Two programs open a new spool at the same time, and both write."""
    engine = open_engine(books.engine.url.render_as_string(hide_password=False))
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        other = Spool(engine)
        stack.callback(other.close)
        both = threading.Barrier(2, timeout=LONG)

        def write(into, notification_id):
            both.wait()
            into.append(M, _arrival(b"{}", notification_id))

        threads = [
            threading.Thread(target=write, args=pair, daemon=True)
            for pair in ((spool, "n-1"), (other, "n-2"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
        assert {entry.notification_id for entry in spool.next_waiting(M, 0, 9)} == {"n-1", "n-2"}


def test_looking_makes_no_file(sqlite_url):
    engine = open_engine(sqlite_url)
    spool = Spool(engine)
    assert spool.waiting(M) == (0, None)
    assert spool.find(M, "pay-1", "n-1") is None
    assert spool.next_waiting(M, 0, 1) == []
    assert not spool.file.exists()
    engine.dispose()


@pytest.mark.postgres
def test_the_migration_makes_what_the_table_says(postgres_url):
    engine = open_engine(postgres_url)

    def ours(_object, name, kind, *_rest):
        return kind != "table" or name == table.name

    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.postgres
def test_one_municipality_never_sees_another_one(postgres_url):
    engine = open_engine(postgres_url)
    spool = Spool(engine)
    spool.append("99998", _arrival(b"{}"))
    count = text("SELECT COUNT(*) FROM notification_spool")
    with reading(engine, M) as connection:
        assert connection.execute(count).scalar_one() == 0
    with reading(engine, "99998") as connection:
        assert connection.execute(count).scalar_one() == 1
    spool.close()
    engine.dispose()


def test_the_municipality_leads_every_key_and_index():
    for key in (table.primary_key, *table.indexes):
        assert next(iter(key.columns)).name == "municipality_code"
