"""The calculators as a person meets them: keyboard, zoom, paper, and the rules of accessibility."""

from __future__ import annotations

import pytest
from browser import fits, violations

pytestmark = pytest.mark.browser
TIERS = (
    "late-charge?amount_yen=152500&due=2025-08-31&shift=1&paid=2026-02-05&floor_at=tier"
    "&parts=2025-12-01%3D30000&left_out=2026-01-01%2F2026-01-10%3D50"
)
ANSWERS = (
    TIERS,
    "late-charge?amount_yen=2.5&due=2025-08-31&paid=2026-02-05",
    "refund-interest?amount_yen=1000000&start=2024-06-01&decided=2026-02-10",
    "due-date?date=2026-12-31",
    "instalments?amount_yen=103600&count=4",
)


def _sign_in(page, address):
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", "kansa")
    page.fill("#password", "kaikei-no-himitsu")
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")


def test_the_calculators_break_no_rule_of_accessibility_and_fit_every_screen(page, address):
    _sign_in(page, address)
    for path in ANSWERS:
        page.set_viewport_size({"width": 1366, "height": 768})
        page.goto(f"{address}/staff/calc/{path}")
        assert violations(page) == [], path
        # 200 % of an office screen, and a telephone.
        for size in ((683, 384), (390, 844)):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            assert fits(page), (path, size)


def test_a_late_charge_is_worked_out_from_the_keyboard(page, address):
    _sign_in(page, address)
    page.locator(".wide-only summary").press("Enter")
    page.get_by_role("link", name="計算", exact=True).press("Enter")
    page.get_by_label("金額（円）").fill("20000")
    page.get_by_label("納期限", exact=True).fill("2020-06-30")
    page.get_by_label("納付の日").fill("2023-04-01")
    page.locator(":focus").press("Enter")
    page.wait_for_selector("text=延滞金 4,700円")
    assert page.get_by_role("row").count() >= 5
    # What was asked stays in the form, to be changed.
    page.get_by_label("円未満の切捨て").select_option("tier")
    page.get_by_role("button", name="計算する").press("Enter")
    page.wait_for_selector("text=割合の区分ごとの合計")
    assert page.get_by_label("金額（円）").input_value() == "20000"


def test_on_paper_there_is_the_working_and_no_form(page, address):
    _sign_in(page, address)
    page.goto(f"{address}/staff/calc/{TIERS}")
    page.emulate_media(media="print")
    assert page.get_by_role("heading", name="計算の過程").is_visible()
    assert page.get_by_text("152,500円").first.is_visible()
    assert not page.get_by_role("button", name="計算する").is_visible()
