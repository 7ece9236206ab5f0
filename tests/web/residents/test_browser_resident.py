"""本人のページ in a real browser: from the sign-in to a paper that somebody else checks."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pypdfium2
import pytest
from browser import fits, served, violations
from keyboard import press, tab_to, type_into
from resident_mail import give_letters, path_in, run_letters
from resident_walk import ITEMS, M, form_of

from web.accounts.oidc_settings import ResidentClient
from web.app import create_app
from web.jobs.letters import consent_letters

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def site(city, provider, tmp_path):
    """The service on a port of this machine, as it is registered at the provider."""
    city.settings.residents = {}
    app = create_app(city.settings, city.engine)
    with served(app) as address:
        registered = provider.register(f"{address}/my/back", tmp_path)
        city.settings.residents = {M: ResidentClient(**registered, shown_items=ITEMS)}
        yield SimpleNamespace(address=address, app=app)


@pytest.fixture
def walker(chromium, provider, person):
    """Somebody with a telephone and a card, before they sign in."""
    provider.person("card-9", name=person.name, address=f"見本県{person.address}")
    context = chromium.new_context(locale="ja-JP", timezone_id="Asia/Tokyo", viewport=PHONE)
    yield context.new_page()
    context.close()


def _looks_right(page, path):
    assert violations(page) == []
    assert fits(page)
    page.screenshot(path=path, full_page=True)


def _sign_in(page, site):
    page.goto(f"{site.address}/my")
    page.get_by_role("link", name=re.compile("でサインイン")).click()
    page.fill("[name=sub]", "card-9")
    page.get_by_role("button", name="認証する").click()


def test_a_resident_finds_their_payments_and_somebody_else_checks_the_paper(
    walker, site, person, tmp_path
):
    page = walker
    page.goto(f"{site.address}/my")
    _looks_right(page, tmp_path / "1-welcome.png")
    _sign_in(page, site)
    page.wait_for_url("**/my/link")
    for name, value in form_of(person.el_number).items():
        page.fill(f"#{name}", value)
    _looks_right(page, tmp_path / "2-link.png")
    page.get_by_role("button", name="結び付ける").click()
    page.wait_for_url("**/my/account")
    _looks_right(page, tmp_path / "3-account.png")
    assert person.obligor_no not in page.content()
    with page.expect_download() as coming:
        page.get_by_role("button", name="納付確認書").first.click()
    text = _text(coming.value.path())
    code = re.search(r"\d{5}(?:-[0-9A-Z]{5}){5}", text)[0]
    for path, shot in (("late-charge?on=2026-12-28", "4-late"), ("refund-account", "5-account"),
                       ("notices", "6-notices")):  # fmt: skip
        page.goto(f"{site.address}/my/{path}")
        _looks_right(page, tmp_path / f"{shot}.png")
    page.get_by_role("button", name="サインアウト").click()
    page.wait_for_url("**/my")
    page.goto(f"{site.address}/my/account")
    assert page.url.endswith("/my")

    page.goto(f"{site.address}/verify")
    _looks_right(page, tmp_path / "7-verify.png")
    page.fill("#code", code.lower())
    page.fill("#name", person.name)
    page.get_by_role("button", name="検証する").click()
    page.wait_for_selector(".answer")
    _looks_right(page, tmp_path / "8-verified.png")
    assert person.name not in page.inner_text("main")
    assert "書面の氏名と同じです" in page.inner_text("main")


def _text(path):
    document = pypdfium2.PdfDocument(path)
    try:
        return document[0].get_textpage().get_text_bounded()
    finally:
        document.close()


def _link_by_keyboard(page, site, person):
    page.goto(f"{site.address}/my")
    press(page.get_by_role("link", name=re.compile("でサインイン")))
    page.wait_for_selector("[name=sub]")
    type_into(page.locator("[name=sub]"), "card-9")
    press(page.get_by_role("button", name="認証する"))
    page.wait_for_url("**/my/link")
    for name, value in form_of(person.el_number).items():
        type_into(page.locator(f"#{name}"), value)
    press(page.get_by_role("button", name="結び付ける"))
    page.wait_for_url("**/my/account")


def test_notices_and_an_account_by_keyboard_alone_and_without_a_script(
    chromium, site, city, provider, person, mailbox, tmp_path
):
    """申込み・確認・停止 and 還付の口座, by somebody who has neither a mouse nor a script."""
    provider.person("card-9", name=person.name, address=person.address)
    give_letters(city, mailbox)
    context = chromium.new_context(locale="ja-JP", viewport=PHONE, java_script_enabled=False)
    page = context.new_page()

    def button(name):
        return page.get_by_role("button", name=name)

    def main():
        return page.inner_text("main")

    _link_by_keyboard(page, site, person)
    press(page.get_by_role("link", name="延滞金の試算"))
    page.wait_for_url("**/my/late-charge")
    tab_to(page.locator("#on"))
    page.fill("#on", "2026-12-28")  # the order of its parts is the browser's
    press(button("計算する"))
    page.wait_for_url("**/my/late-charge?on=2026-12-28")
    assert "2026年12月28日（月）に納めた場合" in main()

    press(page.get_by_role("link", name="還付の口座"))
    page.wait_for_url("**/my/refund-account")
    given = {"bank_code": "9998", "branch_code": "002", "account_no": "1234567"}
    for name, value in given.items():
        type_into(page.locator(f"#{name}"), value)
    type_into(page.locator("#holder"), "ミホン ミホン")
    press(button("確認へ進む"))
    page.wait_for_selector("#sure")
    assert "1234567" in main()
    page.screenshot(path=tmp_path / "9-sure.png")
    press(button("この口座を届け出る"))
    page.wait_for_selector("text=****567")
    assert "1234567" not in page.content()

    press(page.get_by_role("link", name="お知らせ", exact=True))
    page.wait_for_url("**/my/notices")
    type_into(page.locator("#mail"), "hanako@example.jp")
    press(button("同意して申し込む"))
    page.wait_for_selector("main [role=status]")
    assert "確認のメールを送ります" in main()
    run_letters(city, consent_letters)
    page.goto(site.address + path_in(mailbox.mails[-1], "confirm"))
    press(button("受け取る"))
    page.wait_for_selector("main [role=status]")
    assert "受け取ります" in main()
    page.goto(f"{site.address}/my/notices")
    page.screenshot(path=tmp_path / "10-notices.png", full_page=True)
    press(button("お知らせを止める"))
    button("お知らせを止める").wait_for(state="detached")

    press(page.get_by_role("link", name="納付状況", exact=True))
    page.wait_for_url("**/my/account")
    press(page.locator("summary", has_text="このページをやめる"))
    press(button("結び付きを解く"))
    page.wait_for_url("**/my")
    context.close()
