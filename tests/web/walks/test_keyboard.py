"""鍵盤だけで: the main tasks without a mouse, with the help of the script and without any script.

Everything is reached with Tab, as the browser itself goes from one place to the next; with scripts
the worklist is walked by its own keys.
"""

from __future__ import annotations

import pytest
from browser import fits, violations
from sqlalchemy import text

from payments.store.unit_of_work import reading

pytestmark = pytest.mark.browser
M = "99999"
PASSWORD = "kaikei-no-himitsu"
TABS_MAX = 250


class Keys:
    """A person with a keyboard and no mouse."""

    def __init__(self, page) -> None:
        self.page = page
        page.set_viewport_size({"width": 1366, "height": 768})

    def reach(self, place) -> None:
        """Go on with Tab until the place has the focus."""
        wanted = place.element_handle()
        for _press in range(TABS_MAX):
            if wanted.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"not reached with Tab: {place}")

    def press(self, place, then: str = "**") -> None:
        """Reach it and press it; the next page is there afterwards."""
        self.reach(place)
        with self.page.expect_navigation(url=then):
            self.page.keyboard.press("Enter")

    def link(self, name: str, then: str = "**") -> None:
        self.press(self.page.get_by_role("link", name=name, exact=True).first, then)

    def button(self, name: str, then: str = "**") -> None:
        self.press(self.page.get_by_role("button", name=name, exact=True).first, then)

    def write(self, place, words: str) -> None:
        self.reach(place)
        self.page.keyboard.type(words)

    def sign_in(self, address: str, name: str) -> None:
        self.page.goto(f"{address}/staff/sign-in")
        self.write(self.page.locator("#user_name"), name)
        self.write(self.page.locator("#password"), PASSWORD)
        with self.page.expect_navigation(url="**/staff/"):
            self.page.keyboard.press("Enter")


@pytest.fixture
def difference(city):
    """A case of money that differs, and a slip that it fits on."""
    with reading(city.engine, M) as connection:
        case = connection.execute(
            text(
                "SELECT case_no, amount_yen FROM review_case "
                "WHERE kind = 'settlement_difference' ORDER BY case_no DESC"
            )
        ).first()
        slip = connection.execute(
            text(
                "SELECT s.slip_no FROM slip s JOIN instalment_account a "
                "ON a.notice_id = s.notice_id AND a.term = s.term WHERE s.state = 'new' "
                "AND a.term_yen + a.whole_yen = 0 AND a.amount_yen > :yen ORDER BY s.slip_no"
            ),
            {"yen": case.amount_yen},
        ).first()
    return case, slip.slip_no


def _place_the_money(keys, difference) -> None:
    """From the page of a case: its place, what it would book, and the request."""
    case, slip_no = difference
    page = keys.page
    keys.link("充当先を決める", "**/placements/**")
    keys.write(page.locator("#number"), slip_no)
    keys.button("期別を探す")
    keys.write(page.locator("input[name^='part-']").first, str(case.amount_yen))
    keys.button("計算して仕訳を確かめる")
    assert page.get_by_text("借方").first.is_visible()
    keys.write(page.locator("#reason"), "電話で確認")
    keys.button("承認を依頼する", "**/approvals/*")
    assert page.locator("main .badge.wait").inner_text() == "承認待ち"


def test_money_is_placed_with_the_keyboard_alone(page, address, difference):
    keys = Keys(page)
    keys.sign_in(address, "kaikei")
    keys.link("確認事項", "**/cases")
    for _row in range(TABS_MAX):  # the worklist's own keys: next row, open
        page.keyboard.press("j")
        if page.evaluate("document.activeElement.textContent") == str(difference[0].case_no):
            break
    with page.expect_navigation(url="**/cases/*"):
        page.keyboard.press("Enter")
    _place_the_money(keys, difference)
    assert violations(page) == []
    assert fits(page)


@pytest.mark.usefixtures("hands")
def test_without_scripts_the_same_is_done_and_a_day_is_closed(chromium, address, difference):
    context = chromium.new_context(locale="ja-JP", java_script_enabled=False)
    keys = Keys(context.new_page())
    page = keys.page
    keys.sign_in(address, "kaikei")
    keys.link("受領予定を開く", "**/arrivals/**")
    row = page.get_by_role("row").filter(has_text="みずほファクター").filter(has_text="未着（赤）")
    keys.reach(row.locator("summary"))
    page.keyboard.press("Enter")
    keys.write(row.locator("input[name=note]"), "電話で確認した（送付なし）")
    keys.press(row.get_by_role("button", name="登録"))
    assert page.get_by_text("該当なし（緑）").first.is_visible()

    keys.link("確認事項", "**/cases")
    keys.link(str(difference[0].case_no), "**/cases/*")
    _place_the_money(keys, difference)

    page.goto(f"{address}/staff/days/2026-06-01")
    keys.button("締めの承認を依頼する")
    context.clear_cookies()
    keys.sign_in(address, "shonin")
    keys.link("承認を開く", "**/approvals**")
    keys.press(page.get_by_role("row").filter(has_text="締め").get_by_role("link").first)
    keys.button("承認する")
    page.goto(f"{address}/staff/days/2026-06-01")
    assert page.get_by_text("締め済").first.is_visible()
    context.close()


def test_dialogs_break_no_rule_of_accessibility_in_either_language(page, address):
    keys = Keys(page)
    keys.sign_in(address, "kaikei")
    for language in ("ja", "en"):
        page.goto(f"{address}/staff/cases?lang={language}")
        page.keyboard.press("?")
        dialog = page.locator("dialog#shortcuts")
        dialog.wait_for()
        assert violations(page) == [], language
        page.keyboard.press("Tab")
        assert dialog.evaluate("one => one.contains(document.activeElement)")
        page.keyboard.press("Escape")
        assert not dialog.is_visible()
        page.locator("details.person > summary").press("Enter")
        assert violations(page) == [], language
