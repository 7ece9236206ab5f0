"""本人のページと照会の答え in every language: nothing missing, nothing out of its box."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

import pytest
from browser import violations
from keyboard import out_of_reach
from public_pages import HARDEST, signed_in_pages, widths_that_overflow
from resident_site import resident_site
from resident_walk import form_of

from web import clock
from web.language import EASY_JAPANESE, JAPANESE, PUBLIC_LANGUAGES, catalogue
from web.texts.enquiries import ENQUIRIES

pytestmark = pytest.mark.browser
OWN = ("/my/account", "/my/late-charge?on=2026-12-28", "/my/notices", "/my/refund-account")
DAY = date(2026, 6, 3)
STATE = "unconfirmed"
CODES = [
    pytest.param(code, marks=() if code in HARDEST else pytest.mark.soak)
    for code in PUBLIC_LANGUAGES
]


@pytest.fixture(scope="module")
def site(city_template, tmp_path_factory):
    """The service on a day on which its slips can still be paid."""
    with (
        resident_site(city_template, tmp_path_factory.mktemp("languages")) as found,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(clock, "today", lambda: DAY)
        yield found


@pytest.fixture
def window(chromium, site):
    context = site.window(chromium, site.linked)
    yield context.new_page()
    context.close()


def test_these_are_the_pages_of_ones_own(site):
    assert {*signed_in_pages(site.app)} == {urlsplit(path).path for path in (*OWN, "/my/link")}


@pytest.mark.parametrize("code", CODES)
def test_own_pages_fit_in_every_language(site, window, code):
    wrong = []
    for path in OWN:
        mark = "&" if "?" in path else "?"
        window.goto(f"{site.address}{path}{mark}lang={code}")
        assert urlsplit(window.url).path == urlsplit(path).path
        wrong += [(path, each) for each in widths_that_overflow(window)]
    assert wrong == []


@pytest.mark.parametrize("code", CODES)
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


def test_every_control_of_ones_own_pages_is_reached_by_the_keyboard(site, window, chromium):
    wrong = {}
    for path in OWN:
        window.goto(f"{site.address}{path}")
        if found := out_of_reach(window):
            wrong[path] = found
    newcomer = site.window(chromium, site.arrived)
    page = newcomer.new_page()
    page.goto(f"{site.address}/my/link")
    assert page.locator("#case_key").count() == 1
    if found := out_of_reach(page):
        wrong["/my/link"] = found
    newcomer.close()
    assert wrong == {}
