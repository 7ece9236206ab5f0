"""断られたとき: every refusal says why in a sentence, and nothing that was typed is lost."""

from __future__ import annotations

import pytest
from browser import fits, violations
from sqlalchemy import text

from payments.store.unit_of_work import reading

pytestmark = pytest.mark.browser
M = "99999"
PASSWORD = "kaikei-no-himitsu"
TYPED = "銀行の担当者に電話で確かめた"


def _sign_in(page, address, name):
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", name)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("details.person")


def _begin(page, address, name):
    page.set_viewport_size({"width": 1366, "height": 768})
    _sign_in(page, address, name)


def _good(page):
    assert violations(page) == [], page.url
    assert fits(page), page.url


def _history(page):
    return page.locator("ol.history")


def _colleague(chromium, address, name):
    """Somebody else at another machine."""
    page = chromium.new_context(locale="ja-JP").new_page()
    _begin(page, address, name)
    return page


def _decide(page, address, request, note):
    """The form of a decision, sent by somebody whose page does not have it."""
    token = page.locator("input[name=csrf_token]").first.get_attribute("value")
    return page.request.post(
        f"{address}{request}/decision",
        form={"csrf_token": token, "decision": "approved", "note": note},
    )


def test_nobody_decides_about_what_they_asked_for_nor_without_the_role(
    page, address, city, chromium
):
    with reading(city.engine, M) as connection:
        line = connection.execute(
            text(
                "SELECT file_id, line_no FROM line_outcome WHERE outcome = 'matched' "
                "AND applied_yen > 10000 ORDER BY file_id, line_no"
            )
        ).first()
    _begin(page, address, "kaikei")
    page.goto(f"{address}/staff/placements/{line.file_id}/{line.line_no}")
    page.get_by_label("消込を取り消す理由").fill(TYPED)
    page.get_by_role("button", name="消込取消の承認を依頼する").click()
    page.wait_for_url("**/approvals/1")
    assert page.get_by_text("あなたが依頼したもの").is_visible()
    assert page.get_by_role("button", name="承認する").count() == 0
    _good(page)
    answer = _decide(page, address, "/staff/approvals/1", TYPED)
    assert answer.status == 403
    assert "依頼した本人（kaikei）は決定できません。" in answer.text()

    other = _colleague(chromium, address, "kansa")  # reads everything, decides nothing
    other.goto(f"{address}/staff/approvals/1")
    assert other.get_by_role("button", name="承認する").count() == 0
    _good(other)
    assert _decide(other, address, "/staff/approvals/1", TYPED).status == 403
    other.context.close()

    page.reload()  # nothing has happened, and nothing was lost
    assert page.locator("main .badge.wait").inner_text() == "承認待ち"
    assert page.get_by_text(TYPED).first.is_visible()


def test_a_form_that_came_too_late_is_refused_with_all_that_was_typed(
    page, address, chromium, hands
):
    _begin(page, address, "shuno")
    case = f"{address}/staff/cases/1"
    page.goto(case)

    # The token of the form is gone.
    page.get_by_label("メモ").fill(TYPED)
    page.evaluate("document.querySelectorAll('[name=csrf_token]').forEach(one => one.remove())")
    page.get_by_role("button", name="メモを加える").click()
    page.get_by_text("画面の有効期限が切れました。").wait_for()
    assert page.get_by_text(TYPED).is_visible()
    _good(page)

    # A colleague was faster.
    page.goto(case)
    page.get_by_label("メモ").fill(TYPED)
    other = _colleague(chromium, address, "kaikei")
    other.goto(case)
    other.get_by_role("button", name="対応を始める").click()
    other.get_by_text("担当 kaikei").wait_for()
    other.context.close()
    with page.expect_response(lambda got: got.request.method == "POST") as got:
        page.get_by_role("button", name="メモを加える").click()
    assert got.value.status == 409
    page.get_by_text("ほかの人の操作か届いた資料で内容が変わりました").first.wait_for()
    assert page.get_by_label("メモ").input_value() == TYPED
    assert _history(page).get_by_text(TYPED).count() == 0
    _good(page)
    page.get_by_role("button", name="メモを加える").click()
    _history(page).get_by_text(TYPED).wait_for()

    # Nobody was at the machine for half a day.
    page.get_by_label("メモ").fill(f"{TYPED}（二回目）")
    hands.on(hours=12)
    page.get_by_role("button", name="メモを加える").click()
    page.wait_for_url("**/sign-in")
    _good(page)
    page.fill("#user_name", "shuno")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_text("まだ何も行われていません。").wait_for()
    assert page.get_by_text(f"{TYPED}（二回目）").is_visible()
    _good(page)
    page.get_by_role("button", name="この内容で続ける").click()
    _history(page).get_by_text(f"{TYPED}（二回目）").wait_for()
