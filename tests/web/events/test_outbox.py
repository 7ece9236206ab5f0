"""配信: everybody hears everything once, in the order of each slip, whatever the receivers do."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from placing_town import M, row, slip_no
from receiver import signed_with, told

from payments.domain.errors import RefusedError
from web.events.deliveries import LEASE, attempts_at, claim, replay, replay_failed, spread
from web.events.subscribers import named
from web.jobs.contract import JobState
from web.jobs.locks import noting
from web.jobs.outbox import anything_to_tell, outbox

PAID, WITHDRAWN = "slip.paid", "slip.payment_withdrawn"


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
            "slip": {"slip_no": slip_no(1)},
            "stage": "provisional",
            "covers_slip": True,
            "paid_on": "2026-06-10",
        },
    }
    assert listening.said == ["外部通知: 配信 1件 再送待ち 0件 断念 0件 ファイル 0件"]
    assert not anything_to_tell(listening.context())
    assert listening.tell().totals["delivered"] == 0
    assert len(receiver.heard) == 1


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
    receiver.refuse_once = slip_no(1).encode()
    listening.tell()
    assert sorted(told(receiver)) == [(PAID, slip_no(1)), (PAID, slip_no(2))]
    listening.tell(seconds=59)
    assert len(receiver.heard) == 2
    listening.tell(seconds=1)
    assert told(receiver)[2:] == [(PAID, slip_no(1)), (WITHDRAWN, slip_no(1))]


def test_killed_between_booking_and_sending_the_next_run_sends(listening, receiver, monkeypatch):
    listening.subscribe(address=receiver.url)
    listening.town.shop("a.csv", row(1))

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("web.jobs.outbox.post_signed", killed)
    with pytest.raises(KeyboardInterrupt):
        listening.tell()
    monkeypatch.undo()
    monkeypatch.setattr("web.clock.now", lambda: listening.moment)
    assert listening.tell().totals["delivered"] == 0  # somebody may still be at it
    listening.moment += LEASE
    assert listening.tell().totals["delivered"] == 1
    assert told(receiver) == [(PAID, slip_no(1))]


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

    workers = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert not worker.is_alive()
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
