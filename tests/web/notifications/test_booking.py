"""記帳: while the books are busy notifications wait; then each is booked once, in order."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from signed_requests import URL, headers
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from payments.domain.errors import ConflictError, RefusedError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close, together
from reconcile.formats.notification import FORMAT
from web import clock, doctor
from web.app import create_app
from web.approval_effects import decide_and_do
from web.cli import main
from web.commands.session import Session
from web.commands.setup import sample_profile
from web.jobs.contract import JobContext, JobResult
from web.jobs.notifications import anything_waits, book_notifications
from web.notifications import booking, keys, outlook
from web.notifications.receive import Desk, Told
from web.notifications.spool import Spool
from web.notifications.spool_rows import Arrival
from web.tables import PaymentNotificationRow

M = "99999"
LONG = 120
SOON = 0.01


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_city(request):
    """The small city on both kinds of database."""
    return request.getfixturevalue("city" if request.param == "sqlite" else "postgres_city")


@pytest.fixture
def desk(either_city, _impatient):
    """The desk of a server over the small city."""
    spool = Spool(either_city.engine)
    found = Desk(either_city.engine, spool, M, retry_seconds=SOON)
    yield SimpleNamespace(
        city=either_city,
        spool=spool,
        booker=found.booker,
        post=lambda number=1, body=None: _told(found.receive("pay-1", f"n-{number}", body or _body(number))),
        receive_many=found.receive_many,
        show=lambda number=1: found.show("pay-1", f"n-{number}").members["status"],
    )  # fmt: skip
    found.close()
    spool.close()


def _told(received):
    answer, first = received
    return answer.status, answer.members["status"], first


def _body(number, **changes):
    """A payment of a slip that nobody knows: it goes into suspense."""
    members = {
        "el_number": "99999" + "9" * 20 + "123456901", "amount_yen": 100 + number, "paid_on": "2026-06-02", "channel": "app",
        "operator_code": "0820", "transaction_id": f"TX-{number}",
    }  # fmt: skip
    return json.dumps(members | changes).encode()


def _booked(city):
    """The amounts that notifications brought, in the order of their files."""
    with reading(city.engine, M) as connection:
        return list(
            connection.execute(
                text(
                    "SELECT r.amount_yen FROM receipt r JOIN source_file f "
                    "ON f.municipality_code = r.municipality_code AND f.file_id = r.file_id "
                    "WHERE r.municipality_code = '99999' AND f.channel = 'notification' "
                    "ORDER BY r.file_id"
                )
            ).scalars()
        )


def _states(spool):
    with reading(spool._engine, M) as connection:
        found = connection.execute(text("SELECT state FROM notification_spool ORDER BY spool_no"))
        return list(found.scalars())


def _arrive(desk, *numbers):
    """So many came while the books were being written."""
    with unit_of_work(desk.city.engine, M):
        return [desk.post(number) for number in numbers]


def _arrive_at_a_server_that_ends(desk, *numbers):
    """The same, and the server ends while the books are still being written."""
    with unit_of_work(desk.city.engine, M):
        for number in numbers:
            desk.post(number)
        desk.booker.close()


def test_while_the_books_are_busy_it_is_kept_and_booked_later(desk):
    assert _arrive(desk, 1, 2, 3) == [(202, "received", True)] * 3
    desk.booker.start()
    assert desk.booker.wait_until_idle(LONG)
    assert [desk.show(number) for number in (1, 2, 3)] == ["accepted"] * 3
    assert desk.post(2) == (202, "accepted", False)
    assert _booked(desk.city) == [101, 102, 103]


def test_as_long_as_it_waits_it_is_not_in_the_books(desk):
    with unit_of_work(desk.city.engine, M):
        assert desk.post() == (202, "received", True)
        assert desk.post() == (202, "received", False)
        assert desk.show() == "received"
        assert _booked(desk.city) == []
        assert desk.spool.waiting(M).number == 1


def test_what_is_no_payment_is_found_out_when_it_is_booked(desk):
    with unit_of_work(desk.city.engine, M):
        assert desk.post(1, b'{"amount_yen": -5}') == (202, "received", True)
    assert desk.booker.wait_until_idle(LONG)
    assert desk.show() == "quarantined"
    assert desk.post(1, b'{"amount_yen": -5}') == (422, "quarantined", False)


def test_two_bodies_under_one_key_are_both_kept(desk):
    desk.post(1)
    with pytest.raises(ConflictError, match="idempotency_conflict"):
        desk.post(1, _body(1, amount_yen=999))
    assert _states(desk.spool) == ["booked", "conflict"]
    assert desk.spool.bodies(M, [2]) == {2: _body(1, amount_yen=999)}
    assert _booked(desk.city) == [101]


@pytest.mark.parametrize(("died_at", "booked"), [("_keep", []), ("mark_booked", [101, 102])])
def test_whoever_dies_between_booking_and_its_mark_books_nothing_twice(
    desk, monkeypatch, died_at, booked
):
    class Killed(BaseException):
        pass

    def die(*_args, **_more):
        raise Killed

    _arrive_at_a_server_that_ends(desk, 1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(booking if died_at == "_keep" else Spool, died_at, die)
        with pytest.raises(Killed):
            list(booking.book_waiting(desk.city.engine, desk.spool, M))
    assert _booked(desk.city) == booked
    assert desk.spool.waiting(M).number == 2
    assert outlook.book_rest(desk.city.engine, M) == 2
    assert _booked(desk.city) == [101, 102]
    assert [desk.show(number) for number in (1, 2)] == ["accepted"] * 2


def test_one_that_cannot_be_booked_holds_back_no_other(desk, monkeypatch):
    read = FORMAT.read

    def fail(data, context):
        if b"TX-1" in data:
            raise ValueError
        return read(data, context)

    _arrive_at_a_server_that_ends(desk, 1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(FORMAT, "read", fail)
        assert outlook.book_rest(desk.city.engine, M) == 1
    assert _states(desk.spool) == ["waiting", "booked"]
    assert outlook.book_rest(desk.city.engine, M) == 1
    assert _booked(desk.city) == [101, 102]


def test_a_server_tries_what_it_cannot_book_once(desk, monkeypatch):
    tried = []

    def fail(data, _context):
        tried.append(json.loads(data)["transaction_id"])
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(FORMAT, "read", fail)
        assert [desk.post(number)[0] for number in (1, 2)] == [202, 202]
    assert desk.post(3)[0] == 202
    assert tried == ["TX-1", "TX-1", "TX-2", "TX-2"]  # with others, and by itself
    assert outlook.book_rest(desk.city.engine, M) == 2
    assert _booked(desk.city) == [101, 102, 103]


def test_trouble_with_the_database_ends_a_round(desk, monkeypatch):
    def fail(*_args, **_more):
        raise OperationalError("", {}, sqlite3.OperationalError("disk is full"))

    _arrive_at_a_server_that_ends(desk, 1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(together, "keep_bytes", fail)
        with pytest.raises(OperationalError, match="disk is full"):
            outlook.book_rest(desk.city.engine, M)
    assert _states(desk.spool) == ["waiting", "waiting"]


def test_nobody_books_while_another_process_does(desk):
    _arrive_at_a_server_that_ends(desk, 1)
    with desk.spool.turn(M) as mine:
        assert mine
        with pytest.raises(booking.BooksBusyError):
            list(booking.book_waiting(desk.city.engine, desk.spool, M))
    assert outlook.book_rest(desk.city.engine, M) == 1


def test_what_waits_is_booked_together_in_its_order(desk, monkeypatch):
    monkeypatch.setattr(booking, "TOGETHER_MAX", 4)
    _arrive_at_a_server_that_ends(desk, *range(1, 11))
    heard = []
    steps = list(booking.book_waiting(desk.city.engine, desk.spool, M, begin=heard.append))
    assert [step.booked for step in steps] == heard == [4, 4, 2]
    assert _booked(desk.city) == [100 + number for number in range(1, 11)]


def test_what_is_no_payment_rejects_no_neighbour(desk):
    with unit_of_work(desk.city.engine, M):
        desk.post(1)
        desk.post(2, b'{"amount_yen": -5}')
        desk.post(3)
        desk.booker.close()
    (step,) = booking.book_waiting(desk.city.engine, desk.spool, M)
    assert step.booked == 3
    assert _booked(desk.city) == [101, 103]
    assert [desk.show(number) for number in (1, 2, 3)] == ["accepted", "quarantined", "accepted"]


def test_the_same_bytes_under_two_keys_are_one_payment(desk):
    with unit_of_work(desk.city.engine, M):
        desk.post(1, _body(1))
        desk.post(2, _body(1))
        desk.booker.close()
    (step,) = booking.book_waiting(desk.city.engine, desk.spool, M)
    assert step.booked == 2
    assert _booked(desk.city) == [101]


def test_several_at_once_are_answered_each_for_itself(desk):
    desk.post(1)
    found = desk.receive_many(
        "pay-1",
        [Told("n-1", _body(1)), Told("n-2", _body(2)), Told("n-1", _body(9)), Told("n-3", b"{}")],
    )
    assert [(answer.status, answer.members["status"], first) for answer, first in found] == [
        (202, "accepted", False),
        (202, "accepted", True),
        (409, "conflict", False),
        (422, "quarantined", True),
    ]
    assert _booked(desk.city) == [101, 102]


def test_books_restored_from_an_older_copy_get_what_the_spool_has(city, tmp_path):
    older = tmp_path / "older.sqlite"
    books = Path(city.engine.url.database)
    spool = Spool(city.engine)
    with closing(Desk(city.engine, spool, M)) as desk:
        desk.receive("pay-1", "n-1", _body(1))
        with closing(sqlite3.connect(books)) as connection:
            connection.execute("VACUUM INTO ?", (str(older),))
        for number in (2, 3):
            desk.receive("pay-1", f"n-{number}", _body(number))
    city.engine.dispose()
    older.replace(books)
    assert _booked(city) == [101]
    with closing(Desk(city.engine, spool, M)) as desk:
        desk.booker.start()
        assert desk.booker.wait_until_idle(LONG)
    assert _booked(city) == [101, 102, 103]
    assert booking.book_again(city.engine, spool, M) == 0
    spool.close()


def test_what_only_the_books_know_is_answered_from_them(city):
    """A notification from before there was a spool, or whose spool was lost."""
    kept = {"id": "n-1", "status": "accepted", "sha256": "x", "received_at": "y"}
    spool = Spool(city.engine)
    desk = Desk(city.engine, spool, M)
    arrival = booking.Answer(201, kept)
    with unit_of_work(city.engine, M) as connection:
        connection.execute(
            PaymentNotificationRow.__table__.insert().values(
                municipality_code=M, key_id="pay-1", notification_id="n-1", received_at=clock.now(),
                body_sha256=sha256(_body(1)).hexdigest(), file_id=1,
                answer_json=arrival.as_text(),
            )
        )  # fmt: skip
    assert desk.receive("pay-1", "n-1", _body(1)) == (arrival, False)
    assert desk.show("pay-1", "n-1").members == kept
    with pytest.raises(ConflictError, match="idempotency_conflict"):
        desk.receive("pay-1", "n-1", _body(2))
    assert _states(spool) == ["conflict"]
    desk.close()
    spool.close()


# ---- what others see of it ----


@pytest.fixture
def waiting(city, _impatient):
    """The city with one notification that no server books; what works on it."""
    spool = Spool(city.engine)
    desk = Desk(city.engine, spool, M, retry_seconds=LONG)
    with unit_of_work(city.engine, M):
        desk.receive("pay-1", "n-1", _body(1))
    desk.close()
    yield spool
    spool.close()


def _run(city, *words):
    session = Session(city.settings.model_copy())
    return CliRunner().invoke(main, list(map(str, words)), obj=session)


@pytest.mark.usefixtures("waiting")
def test_the_scheduler_books_what_waits(city):
    said = []
    context = JobContext(city.settings, city.engine, M, clock.now(), "schedule", said.append)
    assert anything_waits(context)
    assert book_notifications(context) == JobResult(totals={"booked": 1})
    assert not anything_waits(context)
    assert said == ["納付通知 1件を記帳しました。"]
    assert _booked(city) == [101]


def test_the_command_that_takes_files_in_books_what_waits(city, waiting, tmp_path):
    file = tmp_path / "strange.bin"
    file.write_bytes(b"\x00\x01")
    assert "納付通知 1件を記帳しました。" in _run(city, "intake", file).stdout
    assert waiting.waiting(M).number == 0


@pytest.mark.usefixtures("waiting")
def test_everybody_sees_that_something_waits(city, monkeypatch):
    client = create_app(city.settings, city.engine, TESTING=True).test_client()
    later = clock.now() + timedelta(minutes=doctor.STUCK_MINUTES)
    assert "記帳を待つ納付通知 1件（最も古いものは 0分前に受付）" in _run(city, "doctor").stdout
    monkeypatch.setattr(clock, "now", lambda: later)
    found = client.get("/readyz").json["notifications"]
    assert found["waiting"] == 1
    assert found["oldest_seconds"] >= doctor.STUCK_MINUTES * 60
    metrics = client.get("/metrics").get_data(as_text=True)
    assert "kokin_notifications_waiting 1.0\n" in metrics
    assert f"kokin_notifications_oldest_seconds {found['oldest_seconds']}.0\n" in metrics
    assert "納付通知 1件 が記帳を待っており、最も古いものは 30分" in _run(city, "doctor").stdout


@pytest.mark.usefixtures("waiting")
def test_the_day_says_what_its_figures_do_not_hold_yet(city, treasurer):
    today = clock.today().isoformat()
    shown = treasurer.get(f"/staff/days/{today}").get_data(as_text=True)
    assert "納付通知のうち 1件 が記帳を待っています" in shown
    assert "記帳を待つ納付通知: 1件" in _run(city, "day", "show", today).stderr
    before = clock.today() - timedelta(days=1)
    shown = treasurer.get(f"/staff/days/{before}").get_data(as_text=True)
    assert "記帳を待っています" not in shown


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("kind", [day_close.CLOSE, day_close.YEAR_CLOSE])
def test_nothing_is_closed_over_what_waits(city, kind):
    today = clock.today()
    subject = today.isoformat() if kind == day_close.CLOSE else str(today.year)
    with pytest.raises(RefusedError, match="close_notifications"):
        outlook.require_booked(city.engine, M, kind, subject)
    earlier = date(2026, 6, 1).isoformat() if kind == day_close.CLOSE else "2020"
    outlook.require_booked(city.engine, M, kind, earlier)
    outlook.require_booked(city.engine, M, day_close.REOPEN, today.isoformat())
    assert outlook.book_rest(city.engine, M) == 1
    outlook.require_booked(city.engine, M, kind, subject)


def test_the_second_person_cannot_close_over_what_came_meanwhile(city, monkeypatch):
    subject = city.day.isoformat()
    at = datetime(2026, 6, 3, 9, tzinfo=UTC)
    with unit_of_work(city.engine, M) as connection:
        asked = day_close.ask(
            connection, M, day_close.CLOSE, subject, asked_by="kaikei", reason="日次", at=at
        )
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 1, 9, tzinfo=UTC))
    spool = Spool(city.engine)
    spool.append(M, Arrival("pay-1", "n-1", _body(1), sha256(_body(1)).hexdigest()))
    spool.close()

    def decide():
        with unit_of_work(city.engine, M) as connection:
            decide_and_do(
                connection, sample_profile(), asked.approval_id, "approved", decided_by="kanri"
            )

    with pytest.raises(RefusedError, match="close_notifications"):
        decide()


@pytest.mark.usefixtures("waiting")
def test_the_page_refuses_to_close(treasurer):
    today = clock.today().isoformat()
    url = f"/staff/closings/day_close/{today}"
    answer = treasurer.post(url, data={"reason": "日次"})
    assert answer.status_code == 409
    assert "納付通知のうち 1件" in answer.get_data(as_text=True)


@pytest.mark.usefixtures("_impatient")
def test_keys_of_operators_are_used_over_http(city):
    """The whole way: a signed request beside an import, and what it says afterwards."""
    app = create_app(city.settings, city.engine, TESTING=True)
    with unit_of_work(city.engine, M) as connection:
        secret = keys.add(connection, city.settings, M, "pay-1", operator_name="見本決済")
    client = app.test_client()

    def signed(body=b"", **more):
        return headers("pay-1", secret, body, **more) | {"Idempotency-Key": "n-1"}

    body = _body(1)
    with unit_of_work(city.engine, M):
        answer = client.post(URL, data=body, headers=signed(body))
        assert (answer.status_code, answer.json["status"]) == (202, "received")
        found = client.get(f"{URL}/n-1", headers=signed(method="GET", path=f"{URL}/n-1"))
        assert (found.status_code, found.json) == (200, answer.json)
    services = app.extensions["kokin"]
    assert services.desk.booker.wait_until_idle(LONG)
    again = client.post(URL, data=body, headers=signed(body))
    assert (again.status_code, again.json["outcome"]) == (202, "unknown_slip")
    services.close()
