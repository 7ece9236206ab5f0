"""契約: what the served description says is what the interface does, and nothing else.

schemathesis makes requests from the served document, right ones and wrong ones; a signing layer
below it gives those that carry a whole set of signature headers a true signature.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from datetime import date
from io import BytesIO

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks
from signed_requests import URL, headers
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from payments.store.unit_of_work import reading, unit_of_work
from web.app import create_app
from web.notifications import keys
from web.notifications.openapi import CODES, document
from web.notifications.signing import sign

KEY = "pay-1"
SOAK_SECONDS = 900  # ends a soak that has got stuck
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.allow_header_conformance,
]
# A batch with a wrong member is answered as a whole, with that member's problem in it.
REJECTED = ["401", "404", "405", "409", "413", "415", "422", "207"]
NAMES = ("HTTP_X_KOKIN_KEY", "HTTP_X_KOKIN_TIMESTAMP", "HTTP_X_KOKIN_NONCE",
         "HTTP_X_KOKIN_SIGNATURE")  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_city(request):
    """The small city on both kinds of database."""
    return request.getfixturevalue("city" if request.param == "sqlite" else "postgres_city")


@pytest.fixture
def served(either_city):
    """The application with a key; what answers is counted by operation and status."""
    city = either_city
    with unit_of_work(city.engine, "99999") as connection:
        secret = keys.add(connection, city.settings, "99999", KEY, operator_name="見本決済")
    free = city.settings.model_copy(update={"notifications_per_minute": 0})
    app = create_app(free, city.engine, TESTING=True)
    yield Signing(app, secret)
    app.extensions["kokin"].close()


class Signing:
    """署名係: signs each request whose signature headers have the right form."""

    def __init__(self, app, secret):
        self.app = app
        self.secret = secret
        self.seen = Counter()

    def __call__(self, environ, start_response):
        forms = [schema["schema"]["pattern"] for schema in _signature()]
        if all(_fits(form, environ.get(name, "")) for form, name in zip(forms, NAMES, strict=True)):
            self._sign(environ)

        def begin(status, *rest):
            route = "one" if environ["PATH_INFO"].startswith(f"{URL}/") else "all"
            self.seen[environ["REQUEST_METHOD"], route, status[:3]] += 1
            return start_response(status, *rest)

        return self.app(environ, begin)

    def _sign(self, environ):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        query = environ.get("QUERY_STRING", "")
        target = f"{path}?{query}" if query else path
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        signature = sign(self.secret, timestamp, nonce, environ["REQUEST_METHOD"], target, body)
        environ |= dict(zip(NAMES, (KEY, timestamp, nonce, signature), strict=True))


def _signature():
    parameters = document()["paths"][URL]["post"]["parameters"]
    return [each for each in parameters if each["name"].startswith("X-Kokin-")]


def _fits(pattern, value):
    return re.fullmatch(pattern.strip("^$"), value) is not None


def _numbers(city):
    with reading(city.engine, "99999") as connection:
        statement = text("SELECT el_number FROM slip WHERE el_number IS NOT NULL LIMIT 20")
        return connection.execute(statement).scalars().all()


def _schema(served, city):
    """The served description, with bodies that are about this city often enough."""
    load_all_checks()
    config = SchemathesisConfig.from_dict(
        {"checks": {"negative_data_rejection": {"expected-statuses": REJECTED}}}
    )
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", served, config=config)
    numbers = _numbers(city)

    @schema.hook
    def map_body(context, body):  # noqa: ARG001 - the name is part of the hook
        if isinstance(body, dict) and len(str(body.get("el_number", ""))) == 34:
            body["el_number"] = numbers[sum(map(ord, body["el_number"])) % len(numbers)]
        return body

    return schema


schemathesis.openapi.format("date", st.dates(date(2020, 1, 1), date(2026, 6, 1)).map(str))


def _hold_to_it(served, city, examples, say=print):
    """Let requests be made from the description; how many there were."""
    number = 0
    for result in _schema(served, city).get_all_operations():
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            share = examples if operation.method == "post" else examples // 4

            @seed(20261122)
            @settings(
                max_examples=share,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def holds(case):
                nonlocal number
                number += 1
                case.call_and_validate(checks=CHECKS)

            holds()
            say(f"{number} requests, the last to {operation.label} ({mode.value})")
    return number


def test_several_hundred_requests_hold_to_the_description(served, either_city):
    # What is answered is decided before the database; PostgreSQL is asked less often.
    sqlite = either_city.settings.database.startswith("sqlite")
    assert _hold_to_it(served, either_city, 60 if sqlite else 24) >= (150 if sqlite else 60)
    statuses = {status for _method, _route, status in served.seen}
    assert {"200", "401", "422"} <= statuses
    assert not any(status.startswith("5") for status in statuses)


@pytest.mark.soak
@pytest.mark.timeout(SOAK_SECONDS)
def test_several_thousand_requests_hold_to_the_description(
    served, either_city, record_property, said
):
    number = _hold_to_it(served, either_city, 1_500, said)
    record_property("requests", number)
    record_property(
        "answers", dict(sorted(Counter(status for *_, status in served.seen.elements()).items()))
    )
    assert number >= 4_000
    assert not any(status.startswith("5") for *_route, status in served.seen)


@pytest.mark.usefixtures("_impatient")
def test_every_documented_answer_is_given(served, either_city, monkeypatch):
    city, client = either_city, Client(served)
    paid, other = (_paid(number) for number in _numbers(city)[:2])
    unknown = _paid("99999" + "9" * 20 + "123456901")
    assert client.post(paid, "n-1") == 201
    with unit_of_work(city.engine, "99999"):
        assert client.post(other, "n-2") == 202
    assert client.post(unknown, "n-3") == 202
    assert client.post({"notifications": [paid | {"notification_id": "n-1"}, {}]}) == 207
    assert client.post(paid, "n-1", secret="s" * 40) == 401
    assert client.post(other, "n-1") == 409
    assert client.post({"notifications": " " * 2**21}) == 413
    assert client.post(paid, "n-1", **{"Content-Type": "text/plain"}) == 415
    assert client.post({}, "n-4") == 422
    assert client.get("/n-1") == 200
    assert client.get("/n-9") == 404
    assert client.get("/n-1", secret="s" * 40) == 401
    assert client.get("?transaction_id=T-1") == 200
    assert client.get("?transaction_id=") == 422
    assert client.get("?transaction_id=T-1", secret="s" * 40) == 401
    served.app.extensions["kokin"].settings.notifications_per_minute = 1
    answers = {client.get("/n-1"), client.get("/n-1"), client.post(paid, "n-1"),
               client.get("?transaction_id=T-1")}  # fmt: skip
    assert answers <= {200, 429}
    served.app.extensions["kokin"].settings.notifications_per_minute = 0
    monkeypatch.setattr(served.app.extensions["kokin"].spool, "append_many", _broken)
    answers = {client.get("/n-1"), client.post(paid, "n-1"), client.get("?transaction_id=T-1")}
    assert answers == {503}
    paths = document()["paths"]
    documented = {
        (method.upper(), "one" if path.endswith("}") else "all", status)
        for path, operations in paths.items()
        for method, operation in operations.items()
        for status in operation["responses"]
    }
    assert set(served.seen) == documented
    # Each problem document of each status has one of the codes that the page lists for it.
    assert {status for _method, _path, status in documented} == {*CODES, "200", "201", "202", "207"}
    assert client.codes == {
        "401": {"signature_invalid"}, "404": {"notification"}, "409": {"idempotency_conflict"},
        "413": {"too_large"}, "415": {"media_type"}, "422": {"body_invalid", "transaction_id"},
        "429": {"rate_limited"}, "503": {"not_ready"},
    }  # fmt: skip
    assert all(codes <= set(CODES[status]) for status, codes in client.codes.items())


def _broken(*_arguments):
    raise OperationalError("statement", {}, Exception("disk full"))


def _paid(number):
    return {
        "el_number": number, "amount_yen": 100, "paid_on": "2026-06-02", "channel": "app",
        "operator_code": "0820", "transaction_id": f"T-{number[-6:]}",
    }  # fmt: skip


class Client:
    """An operator; what he is answered is held against the description."""

    def __init__(self, served):
        self.served = served
        self.client = served.app.test_client()
        self.schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", served)
        self.codes = {}

    def post(self, members, identifier="", *, secret="", **more):
        body = json.dumps(members).encode()
        signed = headers(KEY, secret or self.served.secret, body, **more)
        if identifier:
            signed["Idempotency-Key"] = identifier
        return self._told("POST", URL, self.client.post(URL, data=body, headers=signed))

    def get(self, rest, *, secret=""):
        path = f"{URL}{rest}"
        signed = headers(KEY, secret or self.served.secret, method="GET", path=path)
        answer = self.client.get(path, headers=signed)
        return self._told("GET", f"{URL}/{{id}}" if rest.startswith("/") else URL, answer)

    def _told(self, method, path, answer):
        self.schema[path][method].validate_response(answer)
        route = "one" if path.endswith("}") else "all"
        self.served.seen[method, route, str(answer.status_code)] += 1
        if answer.status_code >= 400:
            self.codes.setdefault(str(answer.status_code), set()).add(answer.json["code"])
        return answer.status_code
