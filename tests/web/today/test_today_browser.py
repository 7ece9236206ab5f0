"""今日の画面 as a treasurer meets it: two languages, three sizes, and the way into the figures."""

from __future__ import annotations

import pytest
from browser import fits, violations

pytestmark = pytest.mark.browser
PASSWORD = "kaikei-no-himitsu"
DAY = "/staff/today/2026-06-02"
# An office screen, the same at 200 %, and a telephone.
SIZES = [(1366, 768), (683, 384), (360, 640)]


@pytest.fixture
def desk(page, address):
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", "kaikei")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")
    return page


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_page_and_its_rows_break_no_rule_of_accessibility(desk, address, language):
    desk.goto(f"{address}{DAY}")
    if language == "en":
        desk.get_by_role("link", name="English").click()
        desk.wait_for_selector("html[lang=en]")
    for path in (DAY, "/staff/today/rows/collected?first=2026-06-01&last=2026-06-02",
                 "/staff/today/rows/settled/2026-06-02", "/staff/today/credits"):  # fmt: skip
        desk.goto(address + path)
        assert desk.locator("html").get_attribute("lang") == language
        assert violations(desk) == [], path
        if language == "en" and path == DAY:
            desk.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
            assert violations(desk) == []


def test_the_page_fits_an_office_screen_its_double_and_a_telephone(desk, address):
    for width, height in SIZES:
        desk.set_viewport_size({"width": width, "height": height})
        desk.goto(f"{address}{DAY}")
        assert fits(desk), width
        # The verdict is seen at once.
        assert desk.locator(".verdict-word").bounding_box()["y"] < max(height, 640), width


def test_a_bar_and_its_row_in_the_table_lead_to_the_same_figures(desk, address):
    desk.goto(f"{address}{DAY}")
    chart = desk.locator("#chart-way")
    steps = chart.locator("svg a")
    titles = [steps.nth(number).get_attribute("aria-label") for number in range(steps.count())]
    settled = titles.index(next(title for title in titles if title.startswith("入金照合済")))
    figure = titles[settled].partition("　")[2]
    chart.locator("summary").press("Enter")
    in_table = chart.locator("tbody a", has_text="入金照合済")
    assert in_table.get_attribute("href") == steps.nth(settled).get_attribute("href")
    steps.nth(settled).focus()
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/staff/today/rows/settled?*")
    assert desk.locator(".tile .figure").first.inner_text() == figure
    desk.locator("tbody td a").first.click()
    desk.wait_for_selector("h1:has-text('明細')")
    desk.locator("tbody th a").first.click()
    desk.wait_for_url("**/staff/explain/lines/*/*")
