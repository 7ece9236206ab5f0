"""The whole story of two people in a real browser: ask, be refused, let another decide, look back."""

from __future__ import annotations

import re

import pytest
from browser import fits, violations
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import staff

pytestmark = pytest.mark.browser
M = "99999"
PASSWORD = "kaikei-no-himitsu"
WAITING = re.compile("承認待ち ?1件")  # what a screen reader says of the way to the page
SIZES = ((1280, 900), (390, 844))


@pytest.fixture
def people(page, address, city):
    """Sign in as somebody; a tax clerk is there, too."""
    with unit_of_work(city.engine, M) as connection:
        staff.add(
            connection,
            M,
            "kazei",
            roles=("collection",),
            display_name="課税 花子",
            password=PASSWORD,
        )

    def sign_in(name):
        page.context.clear_cookies()
        page.goto(f"{address}/staff/sign-in")
        page.fill("#user_name", name)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/staff/")

    return sign_in


def _line(city, outcome):
    with reading(city.engine, M) as connection:
        return connection.execute(
            text(
                "SELECT file_id, line_no FROM line_outcome WHERE outcome = :outcome "
                "AND applied_yen > 10000 ORDER BY file_id, line_no LIMIT 1"
            ),
            {"outcome": outcome},
        ).one()


def _unpaid(city):
    with reading(city.engine, M) as connection:
        return connection.execute(
            text(
                "SELECT s.slip_no, s.notice_id, s.term FROM slip s JOIN instalment_account a "
                "ON a.notice_id = s.notice_id AND a.term = s.term WHERE s.state = 'new' "
                "AND a.term_yen + a.whole_yen = 0 AND a.amount_yen > 3000 ORDER BY s.slip_no"
            )
        ).first()


def _good(page, what):
    """Nothing about the page is in anybody's way, on paper-sized and pocket-sized screens."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert fits(page), (what, width)
    page.set_viewport_size({"width": 1366, "height": 768})
    assert violations(page) == [], what


def test_a_clerk_asks_to_undo_and_a_second_person_decides(page, address, city, people):
    line = _line(city, "matched")
    people("kazei")
    page.goto(f"{address}/staff/explain/lines/{line.file_id}/{line.line_no}")
    page.get_by_role("link", name="お金の充当先").click()
    _good(page, "placement")
    page.get_by_label("消込を取り消す理由").fill("納付者から、家族の分との申出")
    page.get_by_role("button", name="消込取消の承認を依頼する").press("Enter")
    page.wait_for_url("**/staff/approvals/1")
    assert "あなたが依頼したものなので、あなたは決定できません" in page.inner_text("main")
    assert page.get_by_role("button", name="承認する").count() == 0
    assert page.get_by_role("link", name=WAITING).is_visible()
    _good(page, "own request")
    people("kanri")
    page.get_by_role("link", name=WAITING).click()
    _good(page, "list")
    page.locator("tbody a").first.click()
    _good(page, "request")
    page.get_by_role("button", name="却下する").click()
    assert page.locator("#note-error").inner_text() == "理由を書いてください。"
    _good(page, "without a reason")
    page.get_by_role("button", name="承認する").press("Enter")
    page.wait_for_url("**#decision")
    assert "承認し、上の内容を行いました" in page.inner_text("main")
    page.get_by_role("link", name="この明細の充当先").click()
    said = page.inner_text("main")
    assert "消込取消（規則 M1）" in said
    assert "依頼 課税 花子（kazei） → 承認 kanri" in said
    _good(page, "afterwards")
    page.get_by_role("link", name="確認事項").last.click()
    said = page.inner_text("main")
    assert "消込取消" in page.inner_text("h1")
    assert "納付者から、家族の分との申出" in said
    _good(page, "case")
    assert page.locator(".top .badge").count() == 0


def test_the_money_then_finds_its_place_from_the_keyboard(page, address, city, people):
    line, unpaid = _line(city, "matched"), _unpaid(city)
    people("kaikei")
    page.goto(f"{address}/staff/placements/{line.file_id}/{line.line_no}")
    page.get_by_label("通知書番号・納付書番号").fill(unpaid.slip_no)
    page.keyboard.press("Enter")
    page.wait_for_url("**#place")
    assert unpaid.slip_no not in page.url
    field = page.locator(f"[name=part-{unpaid.notice_id}-{unpaid.term}]")
    field.fill("９９９９９９９９")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.input_value() == "９９９９９９９９"
    _good(page, "too much")
    field.fill("1,000")
    page.get_by_role("button", name="計算して仕訳を確かめる").press("Enter")
    page.wait_for_selector("#sum")
    for other in page.locator("input.yen").all():
        if other.get_attribute("name") != field.get_attribute("name"):
            other.fill("")
    page.get_by_label("依頼の理由").fill("申出のとおり")
    page.get_by_role("button", name="承認を依頼する", exact=True).press("Enter")
    page.wait_for_url("**/staff/approvals/1")
    assert "再消込・振替" in page.inner_text("h1")
    _good(page, "move")
