"""一度だけ: whatever is sent in whatever order, the first body under an id counts, once."""

from __future__ import annotations

import json
from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signed_requests import URL, headers
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web.app import create_app
from web.notifications import keys

M = "99999"
BODIES = range(4)  # 3 cannot be taken in
SENT = st.tuples(
    st.sampled_from(["pay-1", "pay-2"]), st.sampled_from("ab"), st.sampled_from(BODIES)
)


@pytest.fixture
def service(books):
    """The interface over empty books of both databases, with two senders."""
    with unit_of_work(books.engine, M) as connection:
        secrets = {
            key: keys.add(connection, books.settings, M, key, operator_name=key)
            for key in ("pay-1", "pay-2")
        }
    app = create_app(books.settings, books.engine, TESTING=True)
    yield SimpleNamespace(
        client=app.test_client(), secrets=secrets, engine=books.engine, rounds=count()
    )
    app.extensions["kokin"].close()


def _body(round_no, key, letter, number):
    return {
        "notification_id": f"{letter}-{round_no}",
        "el_number": f"99999{round_no:020}123456901",
        "amount_yen": 0 if number == BODIES[-1] else 100 + number,
        "paid_on": "2026-06-02", "channel": "app", "operator_code": key,
        "transaction_id": f"{letter}-{round_no}",
    }  # fmt: skip


def _post(service, key, body):
    data = json.dumps(body).encode()
    return service.client.post(URL, data=data, headers=headers(key, service.secrets[key], data))


def _booked(service):
    with reading(service.engine, M) as connection:
        return connection.execute(
            text("SELECT COUNT(*), COALESCE(SUM(amount_yen), 0) FROM receipt")
        ).one()


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    requests=st.lists(
        st.one_of(SENT.map(lambda one: [one]), st.lists(SENT, min_size=2, max_size=4)), max_size=6
    )
)
def test_the_first_body_under_an_id_counts_once(service, requests):
    round_no = next(service.rounds)
    before = _booked(service)
    counts, told = {}, {}
    for request in requests:
        key = request[0][0]  # a batch is one sender's
        bodies = [_body(round_no, key, letter, number) for _key, letter, number in request]
        if len(bodies) == 1:
            answer = _post(service, key, bodies[0])
            found = [(answer.status_code, answer.data)]
        else:
            answer = _post(service, key, {"notifications": bodies})
            assert answer.status_code == 207
            found = [
                (result["status"], json.dumps(result.get("receipt"), sort_keys=True))
                for result in answer.json["results"]
            ]
        for (_key, letter, number), (status, data) in zip(request, found, strict=True):
            name = (key, letter)
            if number == BODIES[-1]:
                assert status == 422
                continue
            counts.setdefault(name, number)
            if counts[name] != number:
                assert status == 409
                continue
            assert status == 202  # nobody knows the slip
            receipt = json.loads(data)
            assert told.setdefault(name, receipt) == receipt
    after = _booked(service)
    assert after[0] - before[0] == len(counts)
    assert after[1] - before[1] == sum(100 + number for number in counts.values())
