"""住民の画面一式: the service with a small city behind it, and somebody who is signed in."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from browser import served
from resident_walk import ITEMS, M
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from web.accounts.oidc_settings import ResidentClient
from web.app import create_app
from web.config import Settings
from web.residents import linking, sessions
from web.residents.identity import Claims, arrive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from playwright.sync_api import Browser, BrowserContext
    from sqlalchemy import Connection

ISSUER = "https://id.example.jp"
# The longest answer: a slip that nobody has paid, with all the ways of paying it.
UNPAID = (
    "SELECT s.el_number FROM slip s JOIN pay_key k ON k.pay_key = 'E' || s.el_number "
    "WHERE NOT k.superseded AND s.valid_until > '2026-12-31' AND NOT EXISTS "
    "(SELECT 1 FROM receipt r WHERE r.notice_id = s.notice_id) ORDER BY s.slip_id"
)


@dataclass(frozen=True, slots=True)
class ResidentSite:
    """The service, the number of a slip that nobody has paid, and two cookies.

    ``linked`` is somebody who sees their own figures, ``arrived`` somebody who is about to link.
    """

    app: Flask
    address: str
    number: str
    linked: str
    arrived: str

    def window(self, chromium: Browser, cookie: str = "") -> BrowserContext:
        """A browser of somebody, of nobody without a cookie."""
        context = chromium.new_context(timezone_id="Asia/Tokyo", locale="ja-JP")
        if cookie:
            host = str(urlsplit(self.address).hostname)
            context.add_cookies([{"name": "kokin", "value": cookie, "domain": host, "path": "/"}])
        return context


@contextlib.contextmanager
def resident_site(city_template: Path, home: Path) -> Iterator[ResidentSite]:
    """The service over a copy of the small city; it counts no tries."""
    shutil.copyfile(city_template, home / "city.sqlite")
    url = f"sqlite:///{home / 'city.sqlite'}"
    engine = open_engine(url)
    settings = Settings(home=home, database_url=url, secret_key="s" * 32, municipality=M)
    settings.residents = {M: ResidentClient(issuer=ISSUER, client_id="kokin", shown_items=ITEMS)}
    with reading(engine, M) as connection:
        number = connection.execute(text(UNPAID)).scalar()
    with unit_of_work(engine, M) as connection:
        tokens = [_token(connection, settings, card) for card in ("card-1", "card-2")]
    app = create_app(settings, engine, RATELIMIT_ENABLED=False)
    linked, arrived = (_cookie(app, token) for token in tokens)
    with served(app) as address:
        yield ResidentSite(app, address, str(number), linked, arrived)
    engine.dispose()


def _token(connection: Connection, settings: Settings, card: str) -> str:
    """Somebody comes back from the provider; the first one has linked already."""
    person = arrive(connection, settings, M, ISSUER, card)
    claims = None
    if card == "card-1":
        obligor_no = connection.execute(text("SELECT MIN(obligor_no) FROM notice")).scalar_one()
        linking.write(connection, M, person, linking.LINKED, obligor_no, linking.BY_SLIP)
    else:
        claims = Claims("見本 花子", address="見本県みほん市一丁目1番1号")
    return sessions.begin(connection, settings, M, person, claims)


def _cookie(app: Flask, token: str) -> str:
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie.update({sessions.TOKEN: token, sessions.BODY: M})
    kept = client.get_cookie("kokin")
    assert kept is not None
    return kept.value
