"""近道: whatever is sent is answered the same, whichever way it goes through the server."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import pytest
from signed_requests import URL, headers

from payments.store.engine import open_engine
from web import clock
from web.app import create_app
from web.notifications import gate

KEY, SECRET = "pay-1", "a secret of these tests and of nothing else"
AT = datetime(2026, 6, 2, 3, 4, 5, tzinfo=UTC)
PER_MINUTE = 40


class Way:
    """The interface over a city of its own, by the short way or only by the long one."""

    def __init__(self, city, folder, *, short):
        file = folder / "books.sqlite"
        folder.mkdir()
        shutil.copyfile(city.settings.sqlite_file, file)
        settings = city.settings.model_copy(
            update={
                "database_url": f"sqlite:///{file}",
                "notification_keys": f"{KEY}:{SECRET}",
                "notifications_per_minute": PER_MINUTE,
                "https": True,
            }
        )
        self.engine = open_engine(settings.database)
        self.app = create_app(settings, self.engine)
        if not short:
            del self.app.extensions["kokin_short_way"]
        self.client = self.app.test_client()

    def close(self):
        self.app.extensions["kokin"].close()
        self.engine.dispose()

    def send(self, request):
        """The answer, without what is new in every one of them."""
        body, more, at, nonce, spoilt = request
        signed = headers(KEY, SECRET, body, at=at, nonce=nonce) | spoilt
        answer = self.client.post(
            URL, data=body, headers={name: text for name, text in signed.items() if text} | more
        )
        told = answer.get_json()
        if "instance" in told:
            told["instance"] = told["instance"].partition("urn:uuid:")[1]
        kept = {name: text for name, text in answer.headers if name != "Content-Length"}
        return answer.status_code, kept, told


@pytest.fixture
def ways(city, tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: AT)
    both = [Way(city, tmp_path / name, short=name == "short") for name in ("short", "long")]
    yield both
    for way in both:
        way.close()


def _payment(number=1, **more):
    return {
        "el_number": f"99999{number:020}123456901", "amount_yen": 1000, "paid_on": "2026-06-01",
        "channel": "app", "operator_code": "pay", "transaction_id": f"T-{number}",
    } | more  # fmt: skip


def _batch(*each):
    return json.dumps({"notifications": each}).encode()


JSON = {"Content-Type": "application/json"}
ONE = json.dumps(_payment()).encode()
OTHER = json.dumps(_payment(amount_yen=2000)).encode()
SEVERAL = _batch(_payment(2, notification_id="b-1"), _payment(3, notification_id="b-2", paid_on=""))


def _requests():
    """(body, further headers, when, nonce, headers that replace the signed ones) by what it is."""

    def request(body=ONE, *, more=None, at=None, nonce=None, **spoilt):
        nonces.append(None)
        named = {name.replace("_", "-"): text for name, text in spoilt.items()}
        return (
            body,
            JSON | (more or {}),
            at or AT.timestamp(),
            nonce or f"nonce-number-{len(nonces):04}",
            named,
        )

    nonces: list[None] = []
    key = {"Idempotency-Key": "n-1"}
    return {
        "good": request(more=key),
        "again": request(more=key),
        "another body": request(OTHER, more=key),
        "own id": request(json.dumps(_payment(4, notification_id="n-4")).encode()),
        "charset": request(more=key | {"Content-Type": "application/json; charset=utf-8"}),
        "no content type": request(more=key | {"Content-Type": ""}),
        "batch": request(SEVERAL),
        "batch again": request(_batch(_payment(2, notification_id="b-1"))),
        "empty batch": request(_batch()),
        "too many": request(_batch(*[_payment(2)] * 1001)),
        "no id": request(),
        "another id": request(json.dumps(_payment(notification_id="n-2")).encode(), more=key),
        "odd id": request(more={"Idempotency-Key": "n/1"}),
        "wrong member": request(b'{"amount_yen": "x"}', more=key),
        "no json": request(b"{", more=key),
        "no text": request(b"\xff", more=key),
        "nothing": request(b"", more=key),
        "too large": request(b" " * (gate.BODY_BYTES_MAX + 1), more=key),
        "form": request(more=key | {"Content-Type": "application/x-www-form-urlencoded"}),
        "compressed": request(more=key | {"Content-Encoding": "gzip"}),
        "unsigned": request(more=key, X_Kokin_Signature=""),
        "wrong signature": request(more=key, X_Kokin_Signature="0" * 64),
        "odd signature": request(more=key, X_Kokin_Signature="é"),
        "unknown key": request(more=key, X_Kokin_Key="nobody"),
        "used nonce": request(more=key, nonce="nonce-number-0001"),
        "odd nonce": request(more=key, nonce="?" * 20),
        "early": request(more=key, at=AT.timestamp() - 301),
        "odd time": request(more=key, X_Kokin_Timestamp="now"),
    }


def test_both_ways_answer_the_same(ways):
    seen = {}
    for name, request in _requests().items():
        short, long = (way.send(request) for way in ways)
        assert short == long, name
        seen[name] = short[0]
    assert seen == {
        "good": 202, "again": 202, "another body": 409, "own id": 202, "charset": 202,
        "no content type": 202, "batch": 207, "batch again": 207, "empty batch": 422,
        "too many": 422, "no id": 422, "another id": 422, "odd id": 422, "wrong member": 422,
        "no json": 422, "no text": 422, "nothing": 422, "too large": 413, "form": 415,
        "compressed": 415, "unsigned": 401, "wrong signature": 401, "odd signature": 401,
        "unknown key": 401, "used nonce": 401, "odd nonce": 401, "early": 401, "odd time": 401,
    }  # fmt: skip


def test_both_ways_have_the_same_limit_and_the_same_trouble(ways, monkeypatch):
    key = {"Idempotency-Key": "n-1"}
    for number in range(PER_MINUTE + 1):
        request = ONE, JSON | key, AT.timestamp(), f"nonce-number-{number:04}", {}
        short, long = (way.send(request) for way in ways)
        assert short == long
    assert short[0] == 429
    assert short[1]["Retry-After"] == "60"
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 2, 3, 6, tzinfo=UTC))
    for error, status in ((RuntimeError("ours"), 500), (OSError("full"), 500)):
        for way in ways:
            desk = way.app.extensions["kokin"].desk_of("99999")
            monkeypatch.setattr(desk, "receive_many", _raising(error))
        request = ONE, JSON | key, clock.now().timestamp(), "nonce-of-the-trouble", {}
        short, long = (way.send(request) for way in ways)
        assert short == long
        assert short[0] == status


@pytest.mark.parametrize("odd", ["n%2F1", "%E9%80%9A%E7%9F%A5", "n%201", "n%3A1", "a/b"])
def test_an_id_that_cannot_be_is_not_found(ways, odd):
    """Signed as it stands in the request line, it is no stranger's request."""
    path = f"{URL}/{odd}"
    for way in ways:
        answer = way.client.get(
            path, headers=headers(KEY, SECRET, method="GET", path=path, at=AT.timestamp())
        )
        assert answer.status_code == 404


def _raising(error):
    def fail(*_arguments):
        raise error

    return fail
