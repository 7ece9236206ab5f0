"""People with and without a second factor, before a clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from payments.store.unit_of_work import unit_of_work
from web import clock
from web.accounts import recovery, totp

M = "99999"
PASSWORD = "kaikei-no-himitsu"


class Hands:
    """The hands of a clock that somebody moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 6, 3, 0, 0, 5, tzinfo=UTC)

    def on(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def hands(monkeypatch):
    found = Hands()
    monkeypatch.setattr(clock, "now", lambda: found.at)
    return found


@pytest.fixture
def app_code(hands):
    """What the app shows for a secret, now."""
    return lambda secret: pyotp.TOTP(secret).at(hands.at)


@pytest.fixture
def enrolled(city, app_code):
    """``kaikei`` with an authenticator app: its secret, and the codes of recovery."""
    with unit_of_work(city.engine, M) as connection:
        secret = totp.begin(connection, city.settings, M, "kaikei")
        code = app_code(secret)
        assert totp.accept(connection, city.settings, M, "kaikei", code, enrolling=True)
        return secret, recovery.make(connection, M, "kaikei")


@pytest.fixture
def enter(app):
    """Sign somebody in by password; the client and the answer."""

    def sign_in(name="kaikei", password=PASSWORD, **headers):
        client = app.test_client()
        form = {"user_name": name, "password": password}
        return client, client.post("/staff/sign-in", data=form, headers=headers)

    return sign_in
