"""The worklist and the search in a real browser: keyboard all the way, and a hand scanner."""

from __future__ import annotations

import pytest
from browser import fits, violations
from sqlalchemy import text

from payments.store.unit_of_work import reading

pytestmark = pytest.mark.browser
PASSWORD = "kaikei-no-himitsu"
M = "99999"


def _sign_in(page, address):
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", "kaikei")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("details.person")


def test_a_morning_of_cases_by_keyboard(page, address):
    _sign_in(page, address)
    page.goto(f"{address}/staff/cases")
    assert violations(page) == []
    assert fits(page)
    page.keyboard.press("?")
    assert page.locator("dialog#shortcuts").is_visible()
    assert page.get_by_text("次の行・前の行").is_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    for key in ("j", "x", "j", "x", "ArrowDown", "k"):
        page.keyboard.press(key)
    numbers = page.locator("tbody th a").all_inner_texts()
    ticked = page.locator("tbody input:checked").evaluate_all("all => all.map(one => one.value)")
    assert ticked == numbers[:2]
    assert page.evaluate("document.activeElement.textContent") == numbers[1]
    page.select_option("#deed", "acknowledge")
    page.get_by_role("button", name="内容を確かめる").press("Enter")
    page.get_by_role("button", name="2件に行う").press("Enter")
    page.wait_for_selector("text=2件のうち2件に行いました。")
    assert violations(page) == []
    page.get_by_role("button", name="この2件をまとめて取り消す").press("Enter")
    page.wait_for_selector("text=結果: 取消")
    page.goto(f"{address}/staff/cases?kind=duplicate")
    assert violations(page) == []
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/cases/*")
    page.get_by_label("メモ").fill("銀行に照会")
    page.get_by_role("button", name="メモを加える").press("Enter")
    page.wait_for_selector("text=銀行に照会")
    assert violations(page) == []
    assert fits(page)


def test_the_worklist_can_be_read_at_twice_the_size(page, address):
    """200 %: rows of a few lines, not of single letters, and no band over them."""
    _sign_in(page, address)
    page.set_viewport_size({"width": 683, "height": 384})
    page.goto(f"{address}/staff/cases")
    rows = page.locator("table.worklist tbody tr")
    rows.first.wait_for()
    heights = rows.evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
    assert heights
    assert max(heights) < 130
    assert page.locator(".together").evaluate("one => getComputedStyle(one).position") == "static"
    assert violations(page) == []
    assert fits(page)


def test_a_scanner_types_a_barcode_into_the_head_of_any_page(page, address, city):
    with reading(city.engine, M) as connection:
        slip = connection.execute(
            text("SELECT slip_no, konbini_barcode FROM slip WHERE konbini_barcode IS NOT NULL")
        ).first()
    _sign_in(page, address)
    page.goto(f"{address}/staff/cases")
    page.keyboard.press("/")
    page.keyboard.type(f"({slip.konbini_barcode[:2]}){slip.konbini_barcode[2:]}")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"text={slip.slip_no}")
    assert "/staff/search" not in page.url
    assert slip.konbini_barcode[2:] not in page.url
    page.goto(f"{address}/staff/search")
    assert violations(page) == []
    for typed in ("2026-06-01", "9" * 34):
        page.fill("#number", typed)
        page.keyboard.press("Enter")
        page.wait_for_selector("#found")
        assert violations(page) == []
        assert fits(page)
