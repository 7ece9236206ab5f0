"""乱数試験: whatever a request carries, it is answered, and never by an error of ours."""

from __future__ import annotations

import random

import pytest
from fuzzing import mutated

REQUESTS = 60
PLACES = ("/staff/sign-in", "/api/v1/payment-notifications", "/", "/several", "/photo", "/code")
_TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "text/csv",
    "",
    "multipart/form-data",
)
_BODIES = (
    b'{"kind": "paid", "amount_yen": 100, "paid_on": "2026-06-01"}',
    b"user_name=kaikei&password=himitsu&body=99999&back=/staff/",
    b"q=12300&day=2026-06-01&page=2&sort=amount&state=open&since=2026-06-01",
)


def _places(app, *, public):
    """Addresses that are read without naming a row, of everybody or of the staff."""
    rules = (rule for rule in app.url_map.iter_rules() if "GET" in rule.methods)
    return sorted(
        rule.rule
        for rule in rules
        if not rule.arguments and rule.rule.startswith("/staff") is not public
    )


def _query(rng, number):
    words = mutated(_BODIES[2:], 5, number).decode("latin-1")
    return words[: rng.randrange(1, 400)]


@pytest.mark.parametrize("public", [True, False])
def test_addresses_and_queries(app, client, treasurer, public):
    rng, places = random.Random(1), _places(app, public=public)
    who = client if public else treasurer
    for number in range(REQUESTS):
        answer = who.get(rng.choice(places), query_string=_query(rng, number))
        assert answer.status_code < 500, (answer.request.path, number)


def test_bodies_of_every_kind(client):
    rng = random.Random(2)
    for number in range(REQUESTS):
        answer = client.post(
            rng.choice(PLACES),
            data=mutated(_BODIES, 3, number),
            content_type=rng.choice(_TYPES),
            headers={"Idempotency-Key": "N-1", "X-Forwarded-For": "127.0.0.1, x"},
        )
        assert answer.status_code < 500, number
