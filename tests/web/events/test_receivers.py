"""購読者ごとの配信: who is told what, with which secret, and what a bad receiver costs."""

from __future__ import annotations

import base64
import json
import sqlite3

import pytest
from placing_town import M, row, slip_no
from receiver import signed_with, told
from reference_town import assessment
from sqlalchemy.exc import OperationalError

from payments.domain.errors import RefusedError
from reconcile.model import Delivery
from reconcile.placement_model import Part
from web.events.deliveries import replay
from web.events.subscribers import disable, enable, named, rotate, secrets_of
from web.jobs import outbox
from web.jobs.contract import JobState
from web.jobs.outbox import anything_to_tell

PAID, WITHDRAWN = "slip.paid", "slip.payment_withdrawn"


@pytest.fixture
def database_url(sqlite_url):
    """What the databases do differently is tested in test_outbox.py."""
    return sqlite_url


def test_amounts_and_other_numbers_only_where_they_are_allowed(listening, receiver):
    listening.subscribe(
        address=receiver.url, numbers=("notice", "el_number"), with_amounts=True, kinds=("slip",)
    )
    listening.town.shop("a.csv", row(1, yen=4_000))
    listening.tell()
    data = json.loads(receiver.heard[0].body)["data"]
    assert data["amount_yen"] == 4_000
    assert not data["covers_slip"]
    assert data["slip"] == {
        "el_number": "9999900000000000000000101000001901",
        "notice": {"item_code": "901", "levy_year": 2026, "notice_no": "0000000001", "term": "01"},
    }


def test_only_what_was_asked_for_is_told(listening, receiver):
    listening.subscribe("files", receiver.url + "/files", kinds=("file",))
    listening.subscribe("withdrawn", receiver.url + "/back", kinds=(WITHDRAWN,))
    listening.town.shop("a.csv", row(1))
    listening.town.shop("c.csv", row(1, kind="03"))
    listening.town.take(Delivery("strange.bin", b"\x00\x01"))
    listening.tell()
    assert sorted(heard.path for heard in receiver.heard) == ["/hook/back", "/hook/files"]


def test_an_instalment_without_a_slip_is_told_to_those_who_may_know_its_notice(listening, receiver):
    listening.subscribe("portal", receiver.url + "/slips", numbers=("el_number", "slip_no"))
    listening.subscribe("tax", receiver.url + "/tax", numbers=("slip_no", "notice"))
    town = listening.town
    town.assess(assessment("01", 10_000, notice_no="0000000009"), name="more.csv")
    notice_id = town.rows("SELECT MAX(notice_id) FROM notice")[0][0]
    town.shop("a.csv", row(9))  # nobody's
    town.place(town.line("a.csv"), Part(notice_id, "01", 10_000))
    listening.tell()
    (heard,) = receiver.heard
    assert heard.path == "/hook/tax"
    data = json.loads(heard.body)["data"]
    assert data["slip"]["notice"]["notice_no"] == "0000000009"
    assert "covers_slip" not in data


def test_the_last_failure_is_no_success_of_the_job(listening, receiver):
    listening.subscribe(address=receiver.url)
    receiver.answers = [404]
    listening.town.shop("a.csv", row(1))
    results = [listening.tell(days=3) for _ in range(6)]
    assert [result.state for result in results] == [JobState.OK] * 5 + [JobState.INCOMPLETE]
    assert results[-1].notes == ("event_delivery_failed",)


def test_one_who_does_not_answer_costs_nobody_else_time(listening, receiver):
    listening.subscribe("dead", "http://127.0.0.1:9/", kinds=(PAID,))
    listening.subscribe("portal", receiver.url)
    listening.town.shop("a.csv", *(row(n, term) for n in (1, 2, 3) for term in ("01", "02")))
    result = listening.tell()
    assert result.totals["delivered"] == 6
    assert len(receiver.heard) == 6
    states = listening.town.rows(
        "SELECT state, attempts, reason FROM event_delivery WHERE subscriber_no = 1"
    )
    assert all(found.state == "waiting" for found in states)
    assert {found.reason for found in states} <= {"", "connection"}


def test_a_redirect_an_unlisted_host_and_a_private_address_are_said_to_be_so(listening, receiver):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    receiver.answers = [302]
    listening.tell()
    assert listening.deliveries() == [(1, "waiting", 1, "redirected")]
    open_networks = listening.settings
    listening.settings = open_networks.model_copy(update={"webhook_networks": ""})
    listening.tell(seconds=60)
    assert listening.deliveries() == [(1, "waiting", 2, "private_address")]
    listening.settings = open_networks.model_copy(update={"webhook_hosts": "example.jp"})
    listening.tell(minutes=5)
    assert listening.deliveries() == [(1, "waiting", 3, "host_not_allowed")]
    assert len(receiver.heard) == 1


def test_a_secret_is_changed_without_a_gap(listening, receiver):
    old = listening.subscribe(address=receiver.url)
    new = listening.do(rotate, listening.settings, M, "portal")
    listening.town.shop("a.csv", row(1))
    listening.tell(hours=23)
    listening.town.shop("b.csv", row(2))
    listening.tell(hours=1)
    first, second = receiver.heard
    assert signed_with(first, old)
    assert signed_with(first, new)
    assert not signed_with(second, old)
    assert signed_with(second, new)


def test_a_secret_whose_key_is_lost_is_said_to_be_so(listening, receiver):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    listening.settings = listening.settings.model_copy(
        update={"secret_key": "another secret of this installation"}
    )
    listening.tell()
    assert listening.deliveries() == [(1, "waiting", 1, "secret_unreadable")]
    assert receiver.heard == []


def test_no_secret_lies_in_the_database_in_clear(listening, receiver):
    secret = listening.subscribe(address=receiver.url)
    sealed = bytes(listening.town.rows("SELECT secret FROM event_subscriber")[0].secret)
    assert secret.encode() not in sealed
    assert base64.b64decode(secret.removeprefix("whsec_")) not in sealed
    assert listening.see(secrets_of, listening.settings, M, 1, listening.moment) == (secret,)


def test_one_who_was_disabled_hears_nothing_until_enabled_again(listening, receiver):
    listening.subscribe(address=receiver.url)
    listening.do(disable, M, "portal")
    listening.town.shop("a.csv", row(1))
    assert not anything_to_tell(listening.context())
    listening.tell()
    assert receiver.heard == []
    with pytest.raises(RefusedError, match="subscriber_disabled"):
        listening.do(replay, M, listening.see(named, M, "portal"), 1, 1)
    listening.do(enable, M, "portal")
    assert anything_to_tell(listening.context())
    listening.tell()
    assert told(receiver) == [(PAID, slip_no(1))]


def test_the_same_file_again_tells_nobody_a_second_time(listening, receiver):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    listening.tell()
    listening.town.shop("again.csv", row(1))
    listening.town.shop("longer.csv", row(1), row(2))
    listening.tell()
    assert told(receiver) == [(PAID, slip_no(1)), (PAID, slip_no(2))]


def test_an_undo_by_two_people_tells_that_the_payment_is_gone(listening, receiver):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    listening.town.place(listening.town.line("a.csv"))
    listening.tell()
    assert told(receiver) == [(PAID, slip_no(1)), (WITHDRAWN, slip_no(1))]


def test_what_was_sent_while_the_books_are_busy_is_written_down_all_the_same(
    listening, receiver, monkeypatch
):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    real, busy = outbox.write_down, [True, True]

    def write_down(*arguments):
        if busy:
            busy.pop()
            raise _busy()
        return real(*arguments)

    monkeypatch.setattr(outbox, "write_down", write_down)
    assert listening.tell().totals["delivered"] == 1
    assert len(receiver.heard) == 1


def test_busy_books_leave_the_rest_to_the_next_round(listening, receiver, monkeypatch):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))

    def claim(*_, **__):
        raise _busy()

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "claim", claim)
        result = listening.tell()
    assert (result.state, result.notes) == (JobState.INCOMPLETE, ("books_busy",))
    assert listening.tell().totals["delivered"] == 1


def _busy():
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return OperationalError("", {}, cause)
