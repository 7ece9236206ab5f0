"""通知用の鍵: entered, changed with an overlap, disabled within seconds; sealed where they lie."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signed_requests import URL, headers
from sqlalchemy import insert, text

from payments.domain.errors import ConfigurationError, ConflictError, NotFoundError
from payments.store.sealed_bytes import new_key_text
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.app import create_app
from web.notifications import key_cache, keys
from web.notifications.signing import canonical, sign, signed_headers, which_signed

M = "99999"
SIGNATURE = "a0cdc0c7286be87a5240a6c1fdbd071f22ff95dcd44bb8efe6ba2395f24e37e5"


@pytest.fixture
def served(books):
    """An application over empty books on both databases, and its client."""
    app = create_app(books.settings, books.engine, TESTING=True)
    yield app
    app.extensions["kokin"].close()


def _add(books, key_id="pay-1", settings=None):
    with unit_of_work(books.engine, M) as connection:
        return keys.add(connection, settings or books.settings, M, key_id, operator_name="見本決済")


def _rotate(books, key_id="pay-1", *, days=7):
    until = clock.now() + timedelta(days=days)
    with unit_of_work(books.engine, M) as connection:
        return keys.rotate(connection, books.settings, M, key_id, ends_at=until)


def _status(app, secret, key_id="pay-1", **more):
    path = f"{URL}/n-1"
    signed = headers(key_id, secret, method="GET", path=path, **more)
    answer = app.test_client().get(path, headers=signed)
    return answer.json["code"]


def _forget(app):
    app.extensions["kokin_gate"].keys.forget()


def test_while_a_key_is_changed_both_secrets_hold(books, served, monkeypatch):
    first = _add(books)
    assert _status(served, first) == "notification"  # signed well; there is just no such one
    second = _rotate(books)
    _forget(served)
    assert {_status(served, secret) for secret in (first, second)} == {"notification"}
    later = datetime.now(UTC) + timedelta(days=7, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    at = later.timestamp()
    assert _status(served, second, at=at) == "notification"
    assert _status(served, first, at=at) == "signature_invalid"


def test_an_old_secret_can_end_at_once(books, served):
    first = _add(books)
    second = _rotate(books)
    third = _rotate(books, days=0)
    assert _status(served, third) == "notification"
    assert {_status(served, secret) for secret in (first, second)} == {"signature_invalid"}


def test_a_later_change_never_lengthens_an_older_secret(books):
    _add(books)
    _rotate(books, days=1)
    _rotate(books, days=30)
    with reading(books.engine, M) as connection:
        ((key,),) = [keys.everybody(connection, M)]
    assert [each.secret_no for each in key.secrets] == [1, 2, 3]
    ends = [clock.in_japan(each.ends_at) for each in key.secrets if each.ends_at]
    assert len(ends) == 2
    assert ends[0] < ends[1] - timedelta(days=28)


def test_a_disabled_key_stops_within_seconds(books, served, monkeypatch):
    secret = _add(books)
    now = 1_000.0
    monkeypatch.setattr(key_cache.time, "monotonic", lambda: now)
    assert _status(served, secret) == "notification"
    with unit_of_work(books.engine, M) as connection:
        keys.disable(connection, M, "pay-1")
    now += key_cache.SECONDS
    assert _status(served, secret) == "signature_invalid"
    with unit_of_work(books.engine, M) as connection, pytest.raises(NotFoundError):
        keys.rotate(connection, books.settings, M, "pay-1", ends_at=clock.now())


def test_an_unknown_key_is_answered_as_a_wrong_signature(city, app, monkeypatch):
    _add(city)
    asked = []
    look_up = key_cache.KeyCache._look_up

    def counted(cache, key_id):
        asked.append(key_id)
        return look_up(cache, key_id)

    monkeypatch.setattr(key_cache.KeyCache, "_look_up", counted)
    path = f"{URL}/n-1"
    answers = [
        app.test_client().get(
            path, headers=headers(key_id, "s" * 64, method="GET", path=path)
        ).json | {"instance": ""}
        for key_id in ("pay-1", "nobody", "nobody")
    ]  # fmt: skip
    assert answers[0] == answers[1] == answers[2]
    assert asked == ["pay-1", "nobody"]  # The second time neither costs a look into the city.


def test_what_is_remembered_does_not_grow_for_ever(app, monkeypatch):
    monkeypatch.setattr(key_cache, "KEYS_MAX", 3)
    for number in range(7):
        _status(app, "s" * 64, f"nobody-{number}")
    assert len(app.extensions["kokin_gate"].keys._known) <= 3


def test_a_key_id_is_unique_over_the_installation(books):
    _add(books)
    with pytest.raises(ConflictError, match="key_exists"):
        _add(books)
    with unit_of_work(books.engine, M) as connection, pytest.raises(ConflictError):
        keys.add(connection, books.settings, "11111", "pay-1", operator_name="別")


def test_the_database_alone_signs_nothing(books):
    secret = _add(books)
    with reading(books.engine, M) as connection:
        for table in ("api_key", "api_secret"):
            assert secret not in str(connection.execute(text(f"SELECT * FROM {table}")).all())
        assert bytes(connection.execute(text("SELECT sealed FROM api_secret")).scalar_one())
        other = books.settings.model_copy(update={"secret_key": "o" * 40})
        with pytest.raises(ConfigurationError, match="encryption_key_wrong"):
            keys.secrets_of(connection, other, M, "pay-1")


def test_a_sealed_secret_opens_in_its_own_place_only(books):
    _add(books, "pay-1")
    _add(books, "pay-2")
    with unit_of_work(books.engine, M) as connection:
        moved = connection.execute(
            text("SELECT sealed FROM api_secret WHERE key_id = 'pay-2'")
        ).scalar_one()
        connection.execute(
            text("UPDATE api_secret SET sealed = :s WHERE key_id = 'pay-1'"), {"s": moved}
        )
    with reading(books.engine, M) as connection, pytest.raises(ConfigurationError):
        keys.secrets_of(connection, books.settings, M, "pay-1")


def test_secrets_are_sealed_with_the_key_ring_where_there_is_one(books):
    old = _add(books, "pay-1")
    ring = books.settings.model_copy(update={"encryption_keys": new_key_text("k1")})
    new = _add(books, "pay-2", ring)
    with reading(books.engine, M) as connection:
        # What was sealed before there was a ring still opens.
        assert keys.secrets_of(connection, ring, M, "pay-1")[0][1] == old
        assert keys.secrets_of(connection, ring, M, "pay-2")[0][1] == new
        with pytest.raises(ConfigurationError, match="encryption_key_missing"):
            keys.secrets_of(connection, books.settings, M, "pay-2")


def test_secrets_are_sealed_anew_when_the_keys_of_the_installation_turn(books):
    first, second = new_key_text("k1"), new_key_text("k2")
    rings = [
        books.settings.model_copy(update={"encryption_keys": ring})
        for ring in (first, f"{first} {second}", second)
    ]
    secret = _add(books, "pay-1", rings[0])
    with unit_of_work(books.engine, M) as connection:
        with pytest.raises(ConfigurationError, match="encryption_key_missing"):
            keys.require_open(connection, rings[2], M)
        assert keys.reseal(connection, rings[1], M) == 1
        assert keys.require_open(connection, rings[2], M) == 1
        assert keys.reseal(connection, rings[2], M, clear=True) == 1
        assert keys.secrets_of(connection, books.settings, M, "pay-1")[0][1] == secret


def test_nobody_is_told_which_key_of_the_installation_is_missing(city, app):
    ring = city.settings.model_copy(update={"encryption_keys": new_key_text("k1")})
    secret = _add(city, "pay-1", ring)
    path = f"{URL}/n-1"
    signed = headers("pay-1", secret, method="GET", path=path)
    answer = app.test_client().get(path, headers=signed)
    assert (answer.status_code, answer.json["code"]) == (503, "not_ready")
    assert answer.headers["Retry-After"]


def test_a_key_of_the_environment_needs_an_installation_of_one(city, monkeypatch):
    named = city.settings.model_copy(update={"notification_keys": f"env-1:{'x' * 40}"})
    app = create_app(named, city.engine, TESTING=True)
    assert _status(app, "x" * 40, "env-1") == "notification"
    _forget(app)
    monkeypatch.setattr(type(app.extensions["kokin"]), "sole", None)
    assert _status(app, "x" * 40, "env-1") == "signature_invalid"
    app.extensions["kokin"].close()


def test_a_key_from_before_secrets_were_kept_goes_on(books, served):
    with unit_of_work(books.engine, M) as connection:
        connection.execute(
            insert(keys.api_keys).values(
                municipality_code=M, key_id="old-1", operator_name="見本決済", salt="ab" * 16,
                disabled=False, made_at=clock.now(),
            )
        )  # fmt: skip
    old = keys.derive(books.settings, "old-1", "ab" * 16)
    assert _status(served, old, "old-1") == "notification"
    with reading(books.engine, M) as connection:
        ((key,),) = [keys.everybody(connection, M)]
    assert [each.secret_no for each in key.secrets] == [0]
    new = _rotate(books, "old-1")
    _forget(served)
    assert {_status(served, secret, "old-1") for secret in (old, new)} == {"notification"}
    with reading(books.engine, M) as connection:
        found = keys.secrets_of(connection, books.settings, M, "old-1")
    assert [(number, secret) for number, secret, _until in found] == [(2, new), (1, old)]


def test_a_key_asks_so_often_and_then_waits(city):
    few = city.settings.model_copy(update={"notifications_per_minute": 2})
    app = create_app(few, city.engine, TESTING=True)
    first, second = _add(city, "pay-1"), _add(city, "pay-2")
    codes = [_status(app, first) for _ in range(3)]
    assert codes == ["notification", "notification", "rate_limited"]
    assert _status(app, second, "pay-2") == "notification"  # Each key for itself …
    assert _status(app, "s" * 64, "pay-2") == "signature_invalid"  # … and only what it signed.
    assert _status(app, second, "pay-2") == "notification"
    path = f"{URL}/n-1"
    signed = headers("pay-1", first, method="GET", path=path)
    answer = app.test_client().get(path, headers=signed)
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    app.extensions["kokin"].close()


PARTS = st.tuples(
    st.from_regex(r"[0-9]{1,12}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_-]{16,64}", fullmatch=True),
    st.sampled_from(["GET", "POST"]),
    st.from_regex(r"/[a-z/-]{1,20}(\?[a-z]=[A-Za-z0-9-]{1,9})?", fullmatch=True),
    st.binary(max_size=40),
)


@given(PARTS, PARTS, st.text(min_size=1, max_size=40))
def test_a_signature_holds_for_exactly_what_was_signed(one, other, secret):
    signature = sign(secret, *one)
    assert which_signed([secret], canonical(*one), signature) == 0
    assert which_signed(["not it", secret], canonical(*one), signature.upper()) == 1
    assert which_signed([secret], canonical(*other), signature) == (0 if one == other else None)
    assert which_signed([f"{secret}x"], canonical(*one), signature) is None


def test_the_signature_is_that_of_the_documentation():
    # Made with: printf '1780000000\nabcdefghijklmnop\nPOST\n/api/v1/payment-notifications\n{}'
    # | openssl dgst -sha256 -hmac secret
    told = signed_headers("pay-1", "secret", "1780000000", "abcdefghijklmnop", "POST", URL, b"{}")
    assert told == {
        "X-Kokin-Key": "pay-1", "X-Kokin-Timestamp": "1780000000",
        "X-Kokin-Nonce": "abcdefghijklmnop", "X-Kokin-Signature": SIGNATURE,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"X-Kokin-Signature": "0" * 64}, "signature_invalid"),
        ({"X-Kokin-Signature": "あ"}, "signature_invalid"),
        ({"X-Kokin-Signature": ""}, "signature_missing"),
        ({"X-Kokin-Key": "nobody"}, "signature_invalid"),
        ({"X-Kokin-Key": ""}, "signature_missing"),
        ({"X-Kokin-Timestamp": "yesterday"}, "timestamp_outside"),
        ({"X-Kokin-Timestamp": "٣"}, "timestamp_outside"),
        ({"X-Kokin-Timestamp": ""}, "signature_missing"),
        ({"X-Kokin-Nonce": "short"}, "nonce_invalid"),
        ({"X-Kokin-Nonce": ""}, "signature_missing"),
        ({"X-Kokin-Nonce": "n" * 17}, "signature_invalid"),
    ],
)
def test_a_wrong_part_of_the_signature_is_named(city, app, change, code):
    secret = _add(city)
    body = json.dumps({}).encode()
    signed = headers("pay-1", secret, body) | {"Idempotency-Key": "n-1"} | change
    signed = {name: value.encode().decode("latin-1") for name, value in signed.items()}
    answer = app.test_client().post(URL, data=body, headers=signed)
    assert (answer.status_code, answer.json["code"]) == (401, code)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_holds_for_five_minutes(city, app, seconds):
    secret = _add(city)
    at = clock.now().timestamp()
    assert _status(app, secret, at=at + seconds * 1.01) == "timestamp_outside"
    assert _status(app, secret, at=at + seconds * 0.97) == "notification"


def test_a_request_that_was_here_is_refused(city, app):
    secret = _add(city)
    path = f"{URL}/n-1"
    signed = headers("pay-1", secret, method="GET", path=path)
    client = app.test_client()
    codes = [client.get(path, headers=signed).json["code"] for _ in range(2)]
    assert codes == ["notification", "nonce_used"]
    refused = client.post(URL, data=b"{}", headers=headers("pay-1", secret, b"{}", nonce="n" * 16))
    again = client.post(URL, data=b"{ }", headers=headers("pay-1", secret, b"{ }", nonce="n" * 16))
    assert [answer.json["code"] for answer in (refused, again)] == ["body_invalid", "nonce_used"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", URL, b'{"changed": 1}'),
        ("POST", f"{URL}?more=1", b"{}"),
        ("GET", f"{URL}/n-1", b""),
    ],
)
def test_nothing_of_a_request_can_be_changed(city, app, method, path, body):
    secret = _add(city)
    signed = headers("pay-1", secret, b"{}")
    answer = app.test_client().open(path, method=method, data=body, headers=signed)
    assert (answer.status_code, answer.json["code"]) == (401, "signature_invalid")
