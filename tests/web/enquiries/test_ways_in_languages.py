"""写真とカメラ in every language on every screen: nothing missing, nothing out of its box."""

from __future__ import annotations

from datetime import date

import pytest
from browser import _program, settled
from public_pages import OUTSIDE
from resident_site import resident_site
from resident_walk import M
from sqlalchemy import text

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from web import clock
from web.language import JAPANESE, PUBLIC_LANGUAGES, catalogue
from web.slips.desk import picture
from web.texts.enquiries import ENQUIRIES

pytestmark = [pytest.mark.browser, pytest.mark.soak]
DAY = date(2026, 6, 3)
SCREENS = {"phone": (360, 640), "tablet": (768, 1024), "office": (1366, 768)}
LOOKING = "eL-QRを探しています。枠いっぱいに写してください。"
# Chromium on this machine has no detector of its own; this one never finds anything.
BLIND = "window.BarcodeDetector = class { async detect() { return []; } };"


@pytest.fixture
def site(city_template, tmp_path, monkeypatch):
    """The service on a day on which its slips can still be paid."""
    monkeypatch.setattr(clock, "today", lambda: DAY)
    with resident_site(city_template, tmp_path) as found:
        yield found


@pytest.fixture
def paper(site):
    """A printed slip that nobody has paid, as a picture."""
    with reading(site.app.extensions["kokin"].engine, M) as connection:
        slip_id = connection.execute(
            text("SELECT slip_id FROM slip WHERE el_number = :number"), {"number": site.number}
        ).scalar_one()
        return picture(connection, load_profile(connection, M), slip_id)


def _said(code, sentence):
    return sentence if code == JAPANESE else catalogue(code)[sentence]


def _told(page, selector):
    """The words of an element without the readings above them."""
    return page.eval_on_selector(
        selector,
        """(each) => { const plain = each.cloneNode(true);
          plain.querySelectorAll("rt, rp").forEach((one) => one.remove());
          return plain.textContent; }""",
    )


@pytest.mark.parametrize("screen", SCREENS)
def test_camera_and_photo_in_every_language(chromium, site, paper, screen):
    seeing = chromium.browser_type.launch(
        executable_path=_program(),
        args=[
            "--no-sandbox",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
        ],
    )
    width, height = SCREENS[screen]
    context = seeing.new_context(
        permissions=["camera"], viewport={"width": width, "height": height}
    )
    page = context.new_page()
    page.add_init_script(BLIND)
    wrong = {}
    for code in PUBLIC_LANGUAGES:
        page.goto(f"{site.address}/?lang={code}")
        page.click(".camera-open")
        page.wait_for_selector(".camera-said:not(:empty)")
        assert _told(page, ".camera-said") == _said(code, LOOKING)
        wrong[code] = page.evaluate(OUTSIDE)
        photo = {"name": "a.png", "mimeType": "image/png", "buffer": paper}
        page.set_input_files("#photo", photo)
        page.click(".photo-form button")
        page.wait_for_selector(".answer .state")
        expected = _said(code, ENQUIRIES["slip_status"]["unconfirmed"])
        assert _told(page, ".answer .state") == expected
        wrong[code] += settled(page).evaluate(OUTSIDE)
    seeing.close()
    assert {code: found for code, found in wrong.items() if found} == {}
