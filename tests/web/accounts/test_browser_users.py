"""職員の画面 in a real browser: by keyboard, accessible, and no wider than the screen."""

from __future__ import annotations

from browser import fits, violations


def test_an_administrator_enters_an_auditor_by_keyboard(page, address):
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{address}/staff/sign-in")
    assert violations(page) == []
    page.fill("#user_name", "joho")
    page.fill("#password", "kaikei-no-himitsu")
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")
    for path in ("users", "users/kaikei", "log", "me/authenticator"):
        page.goto(f"{address}/staff/{path}")
        assert violations(page) == [], path
        assert fits(page), path
    page.goto(f"{address}/staff/users")
    page.get_by_label("利用者名").focus()
    page.keyboard.type("kansa3")
    page.keyboard.press("Tab")
    page.keyboard.type("監査 三郎")
    for _ in range(5):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.type("異動")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=この画面でだけ表示します")
    assert page.get_by_label("監査", exact=False).first.is_checked()
    assert violations(page) == []
