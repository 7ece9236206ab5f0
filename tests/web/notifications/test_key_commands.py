"""``kokin key`` and ``kokin notification``: as whoever keeps the keys uses them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from signed_requests import URL, headers

from web.app import create_app
from web.cli import main
from web.commands.session import Session


@pytest.fixture
def run(books):
    """Run a command on empty books of both databases."""

    def invoke(*words):
        session = Session(books.settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session)

    return invoke


@pytest.fixture
def client(books):
    app = create_app(books.settings, books.engine, TESTING=True)
    yield app.test_client()
    app.extensions["kokin"].close()


def _secret(answer):
    assert answer.exit_code == 0, answer.output
    return next(word for word in answer.stdout.split() if len(word) == 64)


def test_a_key_is_changed_and_the_list_says_which_secret_is_in_use(run, client):
    first = _secret(run("key", "add", "pay-1", "--operator", "見本決済"))
    (listed,) = json.loads(run("key", "list", "--json").stdout)
    assert (listed["used_at"], [each["used_at"] for each in listed["secrets"]]) == (None, [None])
    assert run("key", "list").stdout == "pay-1  見本決済  有効  最終使用 —\n"
    path = f"{URL}/n-1"
    assert client.get(path, headers=headers("pay-1", first, method="GET", path=path)).json
    changed = run("key", "rotate", "pay-1")
    second = _secret(changed)
    assert second != first
    assert "まで使えます" in changed.stdout
    (listed,) = json.loads(run("key", "list", "--json").stdout)
    old, new = listed["secrets"]
    assert old["used_at"] == listed["used_at"] is not None
    assert (new["used_at"], new["ends_at"]) == (None, None)
    assert old["ends_at"] > old["made_at"]
    shown = run("key", "list").stdout
    assert "秘密1" in shown
    assert "秘密2" in shown
    assert not {first, second} & set(shown.split())
    for words in (("rotate", "nobody"), ("disable", "nobody")):
        assert run("key", *words).exit_code == 1


def test_there_may_be_no_key_and_nothing_refused(run):
    assert run("key", "list").stdout == "鍵はありません。\n"
    assert run("notification", "refused").stdout == "受け付けられなかった通知はありません。\n"
    assert json.loads(run("notification", "refused", "--json").stdout) == []
    assert run("notification", "conflicts").stdout == "食い違った通知はありません。\n"
    for words in (("body", "1"), ("body", "1", "--refused")):
        answer = run("notification", *words)
        assert answer.exit_code == 1
        assert "notification_number" in answer.stderr


def test_what_was_refused_can_be_looked_at(run, client):
    secret = _secret(run("key", "add", "pay-1", "--operator", "見本決済"))
    body = b'{"amount_yen": \xff}'
    signed = headers("pay-1", secret, body) | {"Idempotency-Key": "n-1"}
    assert client.post(URL, data=body, headers=signed).status_code == 422
    (refused,) = json.loads(run("notification", "refused", "--json").stdout)
    assert (refused["refusal_no"], refused["key_id"], refused["code"]) == (
        1,
        "pay-1",
        "body_invalid",
    )
    assert "pay-1" in run("notification", "refused").stdout
    assert run("notification", "body", 1, "--refused").stdout_bytes == body


def test_both_of_two_that_conflict_can_be_looked_at(run, client):
    secret = _secret(run("key", "add", "pay-1", "--operator", "見本決済"))
    bodies = [
        json.dumps(
            {
                "notification_id": "n-1", "el_number": "99999" + "9" * 20 + "123456901",
                "amount_yen": amount, "paid_on": "2026-06-02", "channel": "app",
                "operator_code": "0820", "transaction_id": "T-1",
            }
        ).encode()
        for amount in (100, 200)
    ]  # fmt: skip
    for body, status in zip(bodies, (202, 409), strict=True):
        signed = headers("pay-1", secret, body)
        assert client.post(URL, data=body, headers=signed).status_code == status
    (conflict,) = json.loads(run("notification", "conflicts", "--json").stdout)
    assert (conflict["notification_id"], conflict["key_id"]) == ("n-1", "pay-1")
    numbers = (conflict["booked"], conflict["number"])
    assert [run("notification", "body", number).stdout_bytes for number in numbers] == bodies
    assert "記帳した通知 1" in run("notification", "conflicts").stdout
