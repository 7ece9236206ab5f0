"""受付簿 on PostgreSQL: a group is committed while the one before is still on its way to the disk.

Idempotency, nonces and the order of the numbers are as with a single writer, also between hosts.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from payments.domain.errors import ConflictError, RefusedError
from payments.store.engine import open_engine
from payments.store.unit_of_work import reading
from web import clock
from web.notifications import door, spool_writer
from web.notifications.disk_pace import DiskPace
from web.notifications.door import Signed
from web.notifications.journey import Journey, KeptConnection
from web.notifications.receive import Desk
from web.notifications.spool import Spool
from web.notifications.spool_rows import Arrival
from web.notifications.spool_writer import SpoolWriter

pytestmark = pytest.mark.postgres

M = "99999"
LONG = 60
_WHO_WAITS = text(
    "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def _told(writer, question):
    """What the connection of the thread says that has just committed."""
    with writer._store.same() as connection:
        driver = connection.connection.dbapi_connection
        return driver.execute(question).fetchone()[0]


class Disk:
    """Lets groups reach the disk when a test says so; the real way comes behind that."""

    def __init__(self, monkeypatch):
        self.arrivals = queue.SimpleQueue()
        self.is_held = True
        self._ways = []
        settle = SpoolWriter.settle

        def held(writer):
            way = threading.Event()
            self._ways.append(way)  # first, so that whoever lets all go finds it
            if self.is_held:
                self.arrivals.put((way, _told(writer, "SELECT pg_backend_pid()")))
                assert way.wait(LONG)
            settle(writer)

        monkeypatch.setattr(SpoolWriter, "settle", held)

    def next(self):
        """The next group that is committed and not on the disk: its way, and its backend."""
        return self.arrivals.get(timeout=LONG)

    def let_all_go(self):
        self.is_held = False
        for way in self._ways:
            way.set()


class SlowDisk(DiskPace):
    """One that is never quick."""

    def __init__(self):
        super().__init__()
        self.is_slow = True

    def note(self, seconds):
        """Whatever it takes."""


@pytest.fixture(autouse=True)
def slow(monkeypatch):
    monkeypatch.setattr(spool_writer, "DiskPace", SlowDisk)


@pytest.fixture
def hosts(postgres_url):
    """Two servers on one database."""
    engines = [open_engine(postgres_url), open_engine(postgres_url)]
    spools = [Spool(engine) for engine in engines]
    yield spools
    for spool, engine in zip(spools, engines, strict=True):
        spool.close()
        engine.dispose()


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


@pytest.fixture
def people(disk):
    with ThreadPoolExecutor(8) as found:
        yield found
        disk.let_all_go()


@pytest.fixture(params=["the same host", "another host"])
def pair(request, hosts):
    """Where the first and where the second group is written."""
    return hosts[0], hosts[request.param == "another host"]


def _arrival(number, body=b"{}", transaction_id=""):
    return Arrival("pay-1", f"n-{number}", body, sha256(body).hexdigest(), transaction_id)


def _signed(letter, seconds=0):
    return Signed("pay-1", 1, int(clock.now().timestamp()) + seconds, letter * 16)


def _waiting(spool):
    return [(entry.spool_no, entry.notification_id) for entry in spool.next_waiting(M, 0, 99)]


def test_nobody_is_answered_before_the_disk(pair, disk, people):
    first, second = pair
    one = people.submit(first.append, M, _arrival(1))
    way, _pid = disk.next()
    other = people.submit(second.append, M, _arrival(2))
    other_way, _pid = disk.next()
    assert not one.done()
    assert not other.done()
    other_way.set()
    assert other.result(LONG)[0].spool_no == 2
    assert not one.done()
    way.set()
    assert one.result(LONG)[0].spool_no == 1
    assert _waiting(first) == [(1, "n-1"), (2, "n-2")]


def test_the_same_notification_between_two_groups_on_their_way(pair, disk, people):
    first, second = pair
    people.submit(first.append, M, _arrival(1))
    disk.next()
    again = people.submit(second.append, M, _arrival(1))
    other_body = people.submit(second.append, M, _arrival(1, b"other"))
    disk.next()
    assert not again.done()  # What it repeats is not on the disk, so neither is its answer.
    disk.let_all_go()
    entry, is_first = again.result(LONG)
    assert (entry.spool_no, is_first) == (1, False)
    with pytest.raises(ConflictError, match="idempotency_conflict"):
        other_body.result(LONG)
    assert _waiting(first) == [(1, "n-1")]
    assert [entry.spool_no for entry, _counts in first.conflicts(M)] == [2]


@pytest.mark.parametrize("seconds", [0, -door.WINDOW_SECONDS, door.WINDOW_SECONDS])
def test_a_nonce_between_two_groups_on_their_way(pair, disk, people, seconds):
    first, second = pair
    good = people.submit(first.append_many, M, [_arrival(1)], _signed("a"))
    disk.next()
    bad = people.submit(second.append_many, M, [_arrival(2)], _signed("a", seconds))
    disk.next()
    disk.let_all_go()
    with pytest.raises(RefusedError, match="nonce_used"):
        bad.result(LONG)
    assert good.result(LONG)[0][0].spool_no == 1
    assert _waiting(first) == [(1, "n-1")]


def test_a_transaction_between_two_groups_on_their_way(pair, disk, people):
    first, second = pair
    sent = [people.submit(first.append, M, _arrival(1, transaction_id="T-1"))]
    disk.next()
    sent.append(people.submit(second.append, M, _arrival(2, transaction_id="T-1")))
    disk.next()
    disk.let_all_go()
    assert [each.result(LONG)[1] for each in sent] == [True, True]
    with first.reading(M) as connection:
        assert door.of_transaction(connection, M, "pay-1", "T-1") == ["n-1", "n-2"]


def _until_somebody_waits(spool):
    until = time.monotonic() + LONG
    with reading(spool._engine) as connection:
        while connection.execute(_WHO_WAITS).scalar_one() == 0:
            assert time.monotonic() < until


def test_no_number_can_be_seen_before_a_lower_one(hosts, monkeypatch):
    """Whoever has taken the next number has the turn, on all hosts, until it can be seen."""
    numbered, go_on = threading.Event(), threading.Event()
    mark_all = spool_writer.mark_all

    def held(*given):
        if not numbered.is_set():
            numbered.set()
            assert go_on.wait(LONG)
        mark_all(*given)

    monkeypatch.setattr(spool_writer, "mark_all", held)
    first, second = hosts
    with ThreadPoolExecutor(2) as people:
        slow = people.submit(first.append, M, _arrival(1))
        try:
            assert numbered.wait(LONG)
            quick = people.submit(second.append, M, _arrival(2))
            _until_somebody_waits(second)
            assert _waiting(first) == []
        finally:
            go_on.set()
    assert [each.result(LONG)[0].spool_no for each in (slow, quick)] == [1, 2]


def test_whoever_books_meanwhile_passes_over_nothing(hosts, disk, people):
    """Look by look behind the last number seen, as the booker does, while groups are on the way."""
    seen = []
    for number, spool in enumerate([*hosts, *hosts], start=1):
        people.submit(spool.append, M, _arrival(number))
        disk.next()
        seen += [each.spool_no for each in hosts[0].next_waiting(M, len(seen), 99)]
        assert seen == list(range(1, number + 1))


def test_a_connection_that_dies_on_the_way_fails_its_own_group_only(pair, disk, people, hosts):
    first, second = pair
    one = people.submit(first.append_many, M, [_arrival(1)], _signed("a"))
    way, pid = disk.next()
    other = people.submit(second.append_many, M, [_arrival(2)], _signed("b"))
    other_way, other_pid = disk.next()
    assert pid != other_pid
    with reading(hosts[1]._engine) as connection:
        ended = text("SELECT pg_terminate_backend(:pid, 60000)")
        assert connection.execute(ended, {"pid": pid}).scalar_one()
    way.set()
    with pytest.raises(DBAPIError):
        one.result(LONG)
    other_way.set()
    assert other.result(LONG)[0][0].spool_no == 2
    disk.let_all_go()
    # Not answered, it is sent again under another nonce; it had been kept.
    ((entry, is_first),) = first.append_many(M, [_arrival(1)], _signed("c"))
    assert (entry.spool_no, is_first) == (1, False)
    assert _waiting(first) == [(1, "n-1"), (2, "n-2")]


def test_another_connection_knows_nothing_of_the_disk(hosts):
    kept = KeptConnection(lambda: hosts[0]._engine)
    with pytest.raises(InvalidRequestError), kept.same():
        pass
    with kept.used() as connection:
        connection.exec_driver_sql("SELECT 1")
    with pytest.raises(DBAPIError, match="not_a_table"), kept.same() as connection:
        connection.connection.cursor().execute("SELECT * FROM not_a_table")
    with pytest.raises(InvalidRequestError), kept.same():
        pass


@pytest.fixture
def durable(postgres_url):
    """A server that answers when its log is written, unlike the one of the tests by default."""
    engine = open_engine(f"{postgres_url}?options=-c%20synchronous_commit%3Don")
    spool = Spool(engine)
    yield spool
    spool.close()
    engine.dispose()


@pytest.mark.parametrize("disk_is", ["slow", "quick"])
def test_what_was_answered_is_in_the_log_on_the_disk(durable, monkeypatch, disk_is):
    if disk_is == "quick":
        monkeypatch.setattr(spool_writer, "DiskPace", DiskPace)
    seen = []
    settle = SpoolWriter.settle

    def noted(writer):
        seen.append(writer)
        settle(writer)

    monkeypatch.setattr(SpoolWriter, "settle", noted)
    arrivals = [_arrival(1), _arrival(2), _arrival(1)]  # the last one writes nothing
    # Others write to the same log: only what stood in it before the commit says nothing of theirs.
    ahead = text("SELECT pg_current_wal_insert_lsn()")
    on_disk = text("SELECT pg_current_wal_flush_lsn() > CAST(:before AS pg_lsn)")
    for number, arrival in enumerate(arrivals, start=1):
        with reading(durable._engine) as connection:
            before = str(connection.execute(ahead).scalar_one())
        durable.append(M, arrival)
        with reading(durable._engine) as connection:
            assert connection.execute(on_disk, {"before": before}).scalar_one()
        assert len(seen) == number


def test_what_is_shown_as_kept_is_on_the_disk(hosts, disk, people):
    """A look-up may see an entry before it is on the disk; it says so only when it is."""
    people.submit(hosts[0].append, M, _arrival(1))
    disk.next()
    desk = Desk(hosts[1]._books, hosts[1], M)
    shown = people.submit(desk.show, "pay-1", "n-1")
    way, _pid = disk.next()
    assert not shown.done()
    way.set()
    assert shown.result(LONG).members["status"] == "received"
    desk.close()


def test_what_another_host_has_on_its_way_is_not_shown_by_a_quick_one_either(
    hosts, disk, people, monkeypatch
):
    """It has nothing of its own to wait for, and waits all the same."""
    people.submit(hosts[0].append, M, _arrival(1))
    disk.next()
    disk.is_held = False
    monkeypatch.setattr(spool_writer, "DiskPace", DiskPace)
    sent = []
    send = Journey.send

    def noted(journey):
        sent.append([statement for statement, _values in journey._statements])
        return send(journey)

    monkeypatch.setattr(Journey, "send", noted)
    hosts[1].settle(M)
    assert sent[-1] == [spool_writer._ON_DISK, "COMMIT"]
