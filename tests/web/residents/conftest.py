"""Residents of the small city, and the provider that vouches for them."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import urlsplit

import openid_provider
import pytest
from resident_mail import Listening, Mailbox
from resident_walk import BACK, ITEMS, M, consent
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web.accounts.oidc_settings import ResidentClient
from web.app import create_app
from web.residents import linking, sessions
from web.residents.identity import arrive


@pytest.fixture(scope="module")
def provider():
    with openid_provider.running() as found:
        yield found


@pytest.fixture(scope="module")
def mailbox():
    box = Mailbox()
    server = Listening(box, hostname="127.0.0.1", port=0)
    server.start()
    box.port = server.port
    yield box
    server.stop()


@pytest.fixture
def person(city):
    """Somebody of the books with a slip: their number, name and address, and the slip's number."""
    with reading(city.engine, M) as connection:
        row = connection.execute(
            text(
                "SELECT o.obligor_no, o.name, o.kana, o.address, MIN(s.el_number) AS el_number "
                "FROM obligor o JOIN notice n ON n.obligor_no = o.obligor_no "
                "JOIN slip s ON s.notice_id = n.notice_id JOIN receipt r ON "
                "r.notice_id = n.notice_id AND r.stage = 'confirmed' AND r.applied_yen > 0 "
                "WHERE s.el_number IS NOT NULL GROUP BY o.obligor_no, o.name, o.kana, o.address "
                "ORDER BY COUNT(*) DESC, o.obligor_no LIMIT 1"
            )
        ).one()
    return SimpleNamespace(**row._mapping)


@pytest.fixture
def app(city, provider, tmp_path):
    """The service with the page of residents switched on."""
    registered = provider.register(BACK, tmp_path)
    city.settings.residents = {M: ResidentClient(**registered, shown_items=ITEMS)}
    return create_app(
        city.settings, city.engine, TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False
    )


@pytest.fixture
def enter(app, provider):
    """Somebody signs in; the client, and the answer to coming back."""

    def go(sub="card-1", **claims):
        provider.person(sub, **claims)
        client = app.test_client()
        there = client.get(f"/my/sign-in?body={M}")
        assert there.status_code == 303, there.get_data(as_text=True)
        back = urlsplit(consent(there.headers["Location"], sub=sub))
        return client, client.get(f"{back.path}?{back.query}")

    return go


@pytest.fixture
def linked(app, city, person, provider):
    """The person of the books at their own page, as the sign-in and a slip would have left them."""
    with unit_of_work(city.engine, M) as connection:
        resident_id = arrive(connection, city.settings, M, provider.issuer, "card-1")
        linking.write(
            connection, M, resident_id, linking.LINKED, person.obligor_no, linking.BY_SLIP
        )
        token = sessions.begin(connection, city.settings, M, resident_id, None)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie.update({sessions.TOKEN: token, sessions.BODY: M})
    return client
