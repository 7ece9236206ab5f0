"""配信: everybody hears everything once, in the order of each slip, whatever the receivers do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta

import pytest
from placing_town import M, row
from reference_town import assessment

from payments.domain.errors import RefusedError
from reconcile.model import Delivery
from reconcile.placement_model import Part
from web.events.deliveries import LEASE, attempts_at, claim, replay, replay_failed, spread
from web.events.subscribers import disable, enable, named, rotate, secrets_of
from web.jobs.contract import JobState
from web.jobs.locks import noting
from web.jobs.outbox import anything_to_tell, outbox

PAID, WITHDRAWN = "slip.paid", "slip.payment_withdrawn"


def slip(notice, term="01"):
    return f"S000000000{notice}-{term}-1"


def told(receiver):
    """Kind and slip of what was heard, in the order in which it came."""
    bodies = [json.loads(heard.body) for heard in receiver.heard]
    return [(body["type"], body["data"].get("slip", {}).get("slip_no", "")) for body in bodies]


def signed_with(heard, secret):
    """A receiver's own check, from the published convention alone."""
    content = ".".join((heard.headers["webhook-id"], heard.headers["webhook-timestamp"], ""))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, content.encode() + heard.body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}" in heard.headers["webhook-signature"].split()


def test_a_payment_is_told_with_a_signature_and_no_more_than_is_allowed(listening, receiver):
    secret = listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    result = listening.tell()
    assert (result.state, dict(result.totals)) == (
        JobState.OK,
        {"delivered": 1, "to_retry": 0, "given_up": 0, "event_files": 0},
    )
    heard = receiver.heard[0]
    assert signed_with(heard, secret)
    body = json.loads(heard.body)
    assert heard.headers["webhook-id"] == body.pop("id")
    assert body.pop("timestamp").endswith("Z")
    assert body == {
        "type": PAID,
        "number": 1,
        "municipality_code": M,
        "data": {
            "payment": f"{listening.town.files['a.csv']}-2",
            "slip": {"slip_no": slip(1)},
            "stage": "provisional",
            "covers_slip": True,
            "paid_on": "2026-06-10",
        },
    }
    assert listening.said == ["外部通知: 配信 1件 再送待ち 0件 断念 0件 ファイル 0件"]
    assert not anything_to_tell(listening.context())
    assert listening.tell().totals["delivered"] == 0
    assert len(receiver.heard) == 1


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


def test_what_a_receiver_refuses_is_tried_again_after_each_pause_and_given_up(listening, receiver):
    listening.subscribe(address=receiver.url)
    receiver.answers = [500]
    listening.town.shop("a.csv", row(1))
    pauses = [{"seconds": 60}, {"minutes": 5}, {"hours": 1}, {"days": 1}, {"days": 2}]
    assert listening.tell().state is JobState.OK
    for number, pause in enumerate(pauses, start=1):
        assert listening.deliveries() == [(1, "waiting", number, "refused")]
        listening.moment += timedelta(**pause) - timedelta(seconds=1)
        listening.tell()
        assert len(receiver.heard) == number
        listening.tell(seconds=1)
        assert len(receiver.heard) == number + 1
    assert listening.deliveries() == [(1, "failed", 6, "refused")]
    assert len({heard.headers["webhook-id"] for heard in receiver.heard}) == 1
    log = listening.see(attempts_at, M, 1, 1)
    assert [(one.attempt_no, one.status, one.reason) for one in log] == [
        (number, 500, "refused") for number in range(1, 7)
    ]
    assert listening.tell(days=30).totals["delivered"] == 0


def test_the_last_failure_is_no_success_of_the_job(listening, receiver):
    listening.subscribe(address=receiver.url)
    receiver.answers = [404]
    listening.town.shop("a.csv", row(1))
    results = [listening.tell(days=3) for _ in range(6)]
    assert [result.state for result in results] == [JobState.OK] * 5 + [JobState.INCOMPLETE]
    assert results[-1].notes == ("event_delivery_failed",)


def test_what_was_given_up_is_sent_again_by_hand(listening, receiver):
    listening.subscribe(address=receiver.url)
    receiver.answers = [500] * 6 + [200]
    listening.town.shop("a.csv", row(1))
    for _ in range(6):
        listening.tell(days=3)
    portal = listening.see(named, M, "portal")
    assert listening.do(replay_failed, M, portal) == 1
    listening.tell()
    assert listening.deliveries() == [(1, "delivered", 1, "delivered")]
    assert listening.do(replay, M, portal, 1, 1) == 1
    listening.tell()
    assert len(receiver.heard) == 8
    assert len({heard.body for heard in receiver.heard}) == 1
    with pytest.raises(RefusedError, match="nothing_to_replay"):
        listening.do(replay_failed, M, portal)
    with pytest.raises(RefusedError, match="nothing_to_replay"):
        listening.do(replay, M, portal, 2, 9)


def test_what_is_about_one_slip_keeps_its_order_and_others_do_not_wait(listening, receiver):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    listening.town.shop("b.csv", row(2))
    listening.town.shop("c.csv", row(1, kind="03"))
    receiver.refuse_once = slip(1).encode()
    listening.tell()
    assert sorted(told(receiver)) == [(PAID, slip(1)), (PAID, slip(2))]
    listening.tell(seconds=59)
    assert len(receiver.heard) == 2
    listening.tell(seconds=1)
    assert told(receiver)[2:] == [(PAID, slip(1)), (WITHDRAWN, slip(1))]


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
    assert told(receiver) == [(PAID, slip(1))]


def test_killed_between_booking_and_sending_the_next_run_sends(listening, receiver, monkeypatch):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("web.jobs.outbox._post", killed)
    with pytest.raises(KeyboardInterrupt):
        listening.tell()
    monkeypatch.undo()
    monkeypatch.setattr("web.clock.now", lambda: listening.moment)
    assert listening.tell().totals["delivered"] == 0  # somebody may still be at it
    listening.moment += LEASE
    assert listening.tell().totals["delivered"] == 1
    assert told(receiver) == [(PAID, slip(1))]


def test_the_same_file_again_tells_nobody_a_second_time(listening, receiver):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    listening.tell()
    listening.town.shop("again.csv", row(1))
    listening.town.shop("longer.csv", row(1), row(2))
    listening.tell()
    assert told(receiver) == [(PAID, slip(1)), (PAID, slip(2))]


def test_an_undo_by_two_people_tells_that_the_payment_is_gone(listening, receiver):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))
    listening.town.place(listening.town.line("a.csv"))
    listening.tell()
    assert told(receiver) == [(PAID, slip(1)), (WITHDRAWN, slip(1))]


def test_numbers_grow_beyond_what_is_small(listening, receiver, tmp_path):
    listening.subscribe(address=receiver.url)
    listening.subscribe("tax", str(tmp_path / "out"), channel="folder")
    listening.do(lambda connection: connection.exec_driver_sql(
        "UPDATE event_subscriber SET next_event_no = 30000"
    ))  # fmt: skip
    assert listening.tell().state is JobState.OK


def test_two_workers_send_nothing_twice(listening, receiver):
    listening.subscribe(address=receiver.url)
    town = listening.town
    for name, kind in (("a.csv", "01"), ("b.csv", "02")):
        town.shop(name, *(row(n, term, kind=kind) for n in (1, 2, 3) for term in ("01", "02")))
    failures = []

    def work():
        try:
            outbox(listening.context())
        except Exception as error:  # noqa: BLE001  # the test says which
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    ids = [heard.headers["webhook-id"] for heard in receiver.heard]
    assert len(ids) == len(set(ids)) == 12
    stages = {}
    for heard in receiver.heard:
        body = json.loads(heard.body)
        stages.setdefault(body["data"]["slip"]["slip_no"], []).append(body["data"]["stage"])
    assert set(map(tuple, stages.values())) == {("provisional", "confirmed")}


def test_what_one_worker_holds_no_other_is_given(listening, receiver):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1), row(2), row(3))
    listening.do(spread, M, listening.moment)

    def ask(holder, most):
        with noting(listening.town.engine, M) as connection:
            return claim(connection, M, holder, listening.moment, resting=(), most=most)

    first, second = ask("one", 2), ask("two", 2)
    assert [found.event_no for found in first] == [1, 2]
    assert [found.event_no for found in second] == [3]
    listening.moment += LEASE
    assert len(ask("three", 9)) == 3


def test_a_folder_hears_what_a_webhook_hears(listening, receiver, tmp_path):
    listening.subscribe("portal", receiver.url)
    listening.subscribe("tax", str(tmp_path / "out"), channel="folder")
    listening.town.shop("a.csv", row(1), row(2))
    listening.town.shop("c.csv", row(1, kind="03"), row(2, kind="02"))
    listening.tell()
    lines = (tmp_path / "out" / "events-00000001.jsonl").read_bytes().splitlines()
    assert len(lines) == 4
    assert sorted(lines) == sorted(heard.body for heard in receiver.heard)
