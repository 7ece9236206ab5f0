"""Whole tasks in a real browser, before a clock that people move."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest

from payments.store.unit_of_work import unit_of_work
from web import clock
from web.accounts import totp

if TYPE_CHECKING:
    from collections.abc import Callable

M = "99999"
PASSWORD = "kaikei-no-himitsu"


class Hands:
    """The hands of a clock that somebody moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 6, 3, 14, 30, tzinfo=clock.JST)

    def on(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def hands(monkeypatch):
    """The third of June, after the cut-off of the morning's files."""
    found = Hands()
    monkeypatch.setattr(clock, "now", lambda: found.at)
    return found


@pytest.fixture
def enter(page, address, city, hands) -> Callable[[str], None]:
    """Sign in with password and the code of an authenticator app, at another minute each time."""
    secrets = {}
    with unit_of_work(city.engine, M) as connection:
        for name in ("kaikei", "shonin", "nofu", "kansa"):
            secrets[name] = totp.begin(connection, city.settings, M, name)
            code = pyotp.TOTP(secrets[name]).at(hands.at)
            assert totp.accept(connection, city.settings, M, name, code, enrolling=True)

    def sign_in(name: str) -> None:
        hands.on(minutes=1)  # a code opens once
        page.context.clear_cookies()
        page.goto(f"{address}/staff/sign-in")
        page.fill("#user_name", name)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/staff/sign-in/second-factor")
        page.fill("#code", pyotp.TOTP(secrets[name]).at(hands.at))
        page.keyboard.press("Enter")
        page.wait_for_url("**/staff/")

    return sign_in
