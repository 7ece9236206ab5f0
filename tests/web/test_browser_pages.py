"""The pages as a person meets them: keyboard, small screen, and the rules of accessibility."""

from __future__ import annotations

import pytest
from browser import fits, violations
from sqlalchemy import text

from payments.store.unit_of_work import reading

pytestmark = pytest.mark.browser
PASSWORD = "kaikei-no-himitsu"
NAMES = ("collecting_body_code", "case_key", "confirmation_no", "item_code")


def _sign_in(page, address):
    page.goto(f"{address}/staff/")
    page.fill("#user_name", "kaikei")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")


def test_the_pages_of_the_staff_break_no_rule_of_accessibility(page, address, city):
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{address}/staff/sign-in")
    assert violations(page) == []
    _sign_in(page, address)
    with reading(city.engine, "99999") as connection:
        bad = connection.execute(
            text("SELECT file_id FROM source_file WHERE status = 'quarantined' LIMIT 1")
        ).scalar_one()
        told = connection.execute(
            text(
                "SELECT MIN(file_id), line_no FROM line_outcome "
                "WHERE outcome IN ('duplicate', 'settled') GROUP BY outcome"
            )
        ).all()
    for path in (
        f"/staff/days/{city.day}",
        "/staff/months/2026-06",
        "/staff/years/2026",
        "/staff/cases",
        "/staff/cases/1",
        f"/staff/files/{bad}",
        "/staff/explain",
        *(f"/staff/explain/lines/{file_id}/{line_no}" for file_id, line_no in told),
    ):
        page.goto(address + path)
        assert violations(page) == [], path
        assert fits(page), path


def test_the_page_of_the_residents_breaks_no_rule_of_accessibility(page, address, city):
    with reading(city.engine, "99999") as connection:
        number = connection.execute(
            text("SELECT el_number FROM slip WHERE el_number IS NOT NULL LIMIT 1")
        ).scalar_one()
    page.goto(address)
    assert violations(page) == []
    parts = (number[:5], number[5:25], number[25:31], number[31:])
    for name, value in zip(NAMES, parts, strict=True):
        page.fill(f"#{name}", value)
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer")
    assert violations(page) == []
    assert number[5:25] not in page.url
    page.goto(address)
    page.fill("#case_key", "12")
    for name, value in zip(NAMES[2:], parts[2:], strict=True):
        page.fill(f"#{name}", value)
    page.fill("#collecting_body_code", "99999")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert violations(page) == []


@pytest.mark.parametrize("size", [(390, 844), (1366, 768)])
def test_the_pages_fit_a_telephone_and_an_office_screen(page, address, city, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(address)
    assert fits(page)
    _sign_in(page, address)
    for path in (
        f"/staff/days/{city.day}",
        "/staff/cases",
        "/staff/cases/1",
        "/staff/explain/cases/1",
    ):
        page.goto(address + path)
        assert fits(page), path


def test_a_case_is_worked_from_the_keyboard(page, address):
    _sign_in(page, address)
    page.goto(f"{address}/staff/cases")
    page.locator("tbody a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/cases/*")
    page.get_by_role("button", name="対応を始める").press("Enter")
    page.get_by_label("メモ").fill("報告元に照会")
    page.get_by_role("button", name="メモを加える").press("Enter")
    page.wait_for_selector("text=報告元に照会")
    assert page.locator("ol.history li").count() == 3
    page.locator(".person > summary").press("Enter")
    page.get_by_role("button", name="サインアウト").press("Enter")
    page.wait_for_url("**/staff/sign-in")


def test_no_page_asks_for_anything_from_elsewhere(page, address, city):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: asked.append(f"console: {message.text}"))
    _sign_in(page, address)
    page.goto(f"{address}/staff/days/{city.day}")
    assert [url for url in asked if not url.startswith(address)] == []
