"""Signing in with two bodies in a real browser: keyboard, small screen, rules of accessibility."""

from __future__ import annotations

import pytest
from browser import fits, served, violations
from two_bodies import OTHER, OWN, PASSWORDS

from web.app import create_app

pytestmark = pytest.mark.browser


@pytest.fixture
def address(bodies):
    bodies.visited |= {"staff_event"}
    app = create_app(bodies.settings, bodies.engine)
    with served(app) as found:
        yield found
    app.extensions["kokin"].close()


@pytest.mark.parametrize("bodies", ["sqlite"], indirect=True)
def test_a_person_chooses_a_body_once(page, address):
    for width in (360, 1366):
        page.set_viewport_size({"width": width, "height": 768})
        page.goto(f"{address}/staff/sign-in")
        assert violations(page) == []
        assert fits(page)
    page.focus("#body")
    page.keyboard.press("ArrowDown")
    page.fill("#user_name", "kaikei")
    page.fill("#password", PASSWORDS[OWN])
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")
    assert page.inner_text(".body-name") == "となり町"
    page.click(".person > summary")
    assert "kaikei（会計）" in page.inner_text(".person .drop-body")
    assert violations(page) == []
    assert fits(page)
    page.get_by_role("button", name="サインアウト").click()
    assert page.input_value("#body") == OWN  # remembered

    page.fill("#user_name", "kaikei")
    page.fill("#password", PASSWORDS[OTHER])
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert violations(page) == []
