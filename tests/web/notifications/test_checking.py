"""受付簿の検算と整理: what was received is in the books, and only then it may leave the spool."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from payments.domain.errors import ConfigurationError
from payments.store.engine import open_engine
from payments.store.sealed_bytes import key_ring_from, new_key_text
from payments.store.unit_of_work import unit_of_work
from web import clock
from web.cli import main
from web.commands.session import Session
from web.jobs.contract import JobContext, JobResult
from web.jobs.prune_spool import prune_spool
from web.notifications import pruning
from web.notifications.checking import spool_differences, verify
from web.notifications.door import Refused
from web.notifications.pruning import prune
from web.notifications.receive import Desk, Told
from web.notifications.spool import Spool
from web.notifications.spool_rows import Arrival

M = "99999"
LONG_AGO = timedelta(days=pruning.KEPT_DAYS + 1)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_city(request):
    """The small city on both kinds of database."""
    return request.getfixturevalue("city" if request.param == "sqlite" else "postgres_city")


def _body(number):
    return json.dumps(
        {
            "collecting_body_code": "99999", "case_key": "9" * 20, "confirmation_no": "123456",
            "item_code": "901", "amount_yen": 100 + number, "paid_on": "2026-06-02",
            "channel": "app", "operator_code": "0820", "transaction_id": f"TX-{number}",
        }
    ).encode()  # fmt: skip


def _receive(city, *numbers):
    """Take these in; what was answered."""
    with closing(Spool(city.engine)) as spool, closing(Desk(city.engine, spool, M)) as desk:
        told = [Told(f"n-{number}", _body(number)) for number in numbers]
        found = desk.receive_many("pay-1", told)
        assert desk.booker.wait_until_idle(300)
    return [(answer.status, first) for answer, first in found]


def _numbers(city):
    with closing(Spool(city.engine)) as spool, spool.reading(M) as connection:
        found = connection.execute(text("SELECT spool_no FROM notification_spool ORDER BY 1"))
        return list(found.scalars())


def _named(differences):
    return [(each.name, each.subject) for each in differences]


@pytest.fixture
def long_ago(monkeypatch):
    """What is done inside was done before the days for which entries are kept."""
    now = clock.now
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: now() - LONG_AGO)
        yield patch


def test_what_the_books_have_held_for_long_leaves_the_spool(either_city, long_ago):
    city = either_city
    _receive(city, 1, 2)
    long_ago.undo()
    _receive(city, 3)
    said = []
    context = JobContext(city.settings, city.engine, M, clock.now(), "schedule", said.append)
    assert prune_spool(context) == JobResult(totals={"pruned": 2})
    assert prune_spool(context) == JobResult(totals={"pruned": 0})
    assert said == ["記帳から日数を経た納付通知 2件を受付簿から除きました。"]
    assert _numbers(city) == [3]
    assert verify(city.engine, M) == []
    # The books still know them: the same again is no second payment, another body a conflict.
    assert _receive(city, 1) == [(202, False)]
    with closing(Spool(city.engine)) as spool, closing(Desk(city.engine, spool, M)) as desk:
        ((other, _first),) = desk.receive_many("pay-1", [Told("n-1", _body(9))])
        assert other.status == 409
        assert desk.show("pay-1", "n-1").members["status"] == "accepted"
    assert _numbers(city) == [3, 4]


def test_the_youngest_stays_and_its_number_goes_on(city, long_ago, monkeypatch):
    monkeypatch.setattr(pruning, "PORTION", 1)
    _receive(city, 1, 2, 3)
    long_ago.undo()
    beats = []
    assert prune(city.engine, M, now=clock.now(), beat=lambda: beats.append(1)) == 2
    assert len(beats) == 2
    assert _numbers(city) == [3]
    _receive(city, 4)
    assert _numbers(city) == [3, 4]


def test_the_database_keeps_what_is_young_or_waits(either_city, long_ago):
    city = either_city
    _receive(city, 1)
    long_ago.undo()
    _receive(city, 2)
    with closing(Spool(city.engine)) as spool:
        for number, good in ((2, False), (1, True)):
            statement = text(f"DELETE FROM notification_spool WHERE spool_no = {number}")
            if good:
                with spool.writing(M) as connection:
                    assert connection.execute(statement).rowcount == 1
            else:
                with (
                    pytest.raises(Exception, match="append_only"),
                    spool.writing(M) as connection,
                ):
                    connection.execute(statement)


def test_what_the_books_do_not_know_never_leaves(city, long_ago):
    _receive(city, 1, 2)
    long_ago.undo()
    with unit_of_work(city.engine, M) as connection:
        connection.execute(text("DELETE FROM payment_notification WHERE notification_id = 'n-1'"))
    assert prune(city.engine, M, now=clock.now()) == 0
    assert _named(verify(city.engine, M)) == [("notification_lost", "notification:1")]


@pytest.mark.usefixtures("_impatient")
def test_one_that_waits_for_a_day_is_named(city, long_ago):
    with closing(Spool(city.engine)) as spool:
        desk = Desk(city.engine, spool, M, retry_seconds=60)
        with unit_of_work(city.engine, M):
            desk.receive("pay-1", "n-1", _body(1))
            assert verify(city.engine, M) == []  # It has only just come.
        desk.close()
    long_ago.undo()
    assert _named(verify(city.engine, M)) == [("notification_unbooked", "notification:1")]
    found = CliRunner().invoke(main, ["verify"], obj=Session(city.settings.model_copy()))
    assert found.exit_code == 1
    assert "受け付けて1日を過ぎても記帳されていない納付通知" in found.stdout


def test_a_notification_without_its_evidence_is_named(city):
    _receive(city, 1)
    with unit_of_work(city.engine, M) as connection:
        connection.execute(text("UPDATE payment_notification SET file_id = 1"))
    assert ("notification_evidence", "notification:pay-1/n-1") in _named(verify(city.engine, M))


def test_a_city_without_a_spool_is_verified_as_before(city):
    assert verify(city.engine, M) == []
    assert prune(city.engine, M, now=clock.now()) == 0


def _overwrite(city, body):
    """Write other bytes where those of the first notification lie, past the guards."""
    with closing(Spool(city.engine)) as spool:
        file = str(spool.file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TRIGGER notification_spool_booked_once")
        connection.execute("UPDATE notification_spool SET body = ? WHERE spool_no = 1", (body,))
        connection.commit()


@pytest.mark.parametrize("body", [b"other bytes", "a text", b""])
def test_a_body_that_was_altered_is_named(city, body):
    _receive(city, 1, 2)
    assert verify(city.engine, M) == []
    _overwrite(city, body)
    assert _named(verify(city.engine, M)) == [("notification_body", "notification:1")]


def test_a_sealed_body_is_opened_and_one_that_does_not_open_is_named(city):
    ring = key_ring_from(new_key_text("first"))
    sealed = SimpleNamespace(engine=open_engine(city.settings.database, keys=ring))
    with closing(Spool(sealed.engine)) as spool:
        spool.append_many(M, [_arrival(1), _arrival(2)], None, [Refused("pay-1", "", "odd", b"{")])
        with spool.reading(M) as connection:
            second = connection.execute(
                text("SELECT body FROM notification_spool WHERE spool_no = 2")
            ).scalar_one()
    assert [*spool_differences(sealed.engine, M, clock.now())] == []
    _overwrite(city, second)  # A seal is bound to its place.
    (found,) = spool_differences(sealed.engine, M, clock.now())
    assert (found.name, found.subject) == ("notification_body", "notification:1")
    assert found.found == "encryption_key_wrong"
    sealed.engine.dispose()
    with pytest.raises(ConfigurationError, match="encryption_key_missing"):
        list(spool_differences(city.engine, M, clock.now()))


def _arrival(number):
    body = _body(number)
    return Arrival("pay-1", f"n-{number}", body, sha256(body).hexdigest())
