"""本人のページと照会の答え in every language: nothing missing, nothing out of its box."""

from __future__ import annotations

import shutil
from datetime import date
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from browser import served, violations
from public_pages import widths_that_overflow
from resident_walk import ITEMS, M, form_of
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.accounts.oidc_settings import ResidentClient
from web.app import create_app
from web.config import Settings
from web.language import EASY_JAPANESE, JAPANESE, PUBLIC_LANGUAGES, catalogue
from web.residents import linking, sessions
from web.residents.identity import arrive
from web.texts.enquiries import ENQUIRIES

pytestmark = pytest.mark.browser
ISSUER = "https://id.example.jp"
OWN = ("/my/account", "/my/late-charge?on=2026-12-28", "/my/notices", "/my/refund-account")
DAY = date(2026, 6, 3)
# The longest answer: a slip that nobody has paid, with all the ways of paying it.
STATE = "unconfirmed"
UNPAID = (
    "SELECT s.el_number FROM slip s JOIN pay_key k ON k.pay_key = 'E' || s.el_number "
    "WHERE NOT k.superseded AND s.valid_until > '2026-12-31' AND NOT EXISTS "
    "(SELECT 1 FROM receipt r WHERE r.notice_id = s.notice_id) ORDER BY s.slip_id"
)


@pytest.fixture(scope="module")
def site(city_template, tmp_path_factory):
    """The service, the cookie of somebody who is signed in, and the numbers of some slips."""
    home = tmp_path_factory.mktemp("languages")
    shutil.copyfile(city_template, home / "city.sqlite")
    url = f"sqlite:///{home / 'city.sqlite'}"
    engine = open_engine(url)
    settings = Settings(home=home, database_url=url, secret_key="s" * 32, municipality=M)
    settings.residents = {M: ResidentClient(issuer=ISSUER, client_id="kokin", shown_items=ITEMS)}
    with reading(engine, M) as connection:
        number = connection.execute(text(UNPAID)).scalar()
        obligor_no = connection.execute(text("SELECT MIN(obligor_no) FROM notice")).scalar_one()
    with unit_of_work(engine, M) as connection:
        person = arrive(connection, settings, M, ISSUER, "card-1")
        linking.write(connection, M, person, linking.LINKED, obligor_no, linking.BY_SLIP)
        token = sessions.begin(connection, settings, M, person, None)
    app = create_app(settings, engine, RATELIMIT_ENABLED=False)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie.update({sessions.TOKEN: token, sessions.BODY: M})
    kept = client.get_cookie("kokin")
    with served(app) as address, pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "today", lambda: DAY)
        yield SimpleNamespace(address=address, number=number, cookie=kept.value)
    engine.dispose()


@pytest.fixture
def window(chromium, site):
    context = chromium.new_context(timezone_id="Asia/Tokyo")
    host = urlsplit(site.address).hostname
    context.add_cookies([{"name": "kokin", "value": site.cookie, "domain": host, "path": "/"}])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("code", PUBLIC_LANGUAGES)
def test_own_pages_fit_in_every_language(site, window, code):
    wrong = []
    for path in OWN:
        mark = "&" if "?" in path else "?"
        window.goto(f"{site.address}{path}{mark}lang={code}")
        assert urlsplit(window.url).path == urlsplit(path).path
        wrong += [(path, each) for each in widths_that_overflow(window)]
    assert wrong == []


@pytest.mark.parametrize("code", PUBLIC_LANGUAGES)
def test_an_answer_fits_and_is_said_in_every_language(site, window, code):
    window.goto(f"{site.address}/?lang={code}&furigana=off")
    for name, value in form_of(site.number).items():
        window.fill(f"#{name}", value)
    window.locator(".number-form button[type=submit]").click()
    window.wait_for_selector(".state")
    said = ENQUIRIES["slip_status"][STATE]
    expected = said if code == JAPANESE else catalogue(code)[said]
    assert window.text_content(".state") == expected
    assert widths_that_overflow(window) == []
    if code == EASY_JAPANESE:
        assert violations(window) == []
