"""監査の一円: an auditor follows one yen from the bank to the paper, by links alone."""

from __future__ import annotations

import pytest
from browser import fits, violations

from qr.scan.limits import STAFF_LIMITS
from qr.scan.read import read_pages

pytestmark = pytest.mark.browser
DEEDS = ("再発行する", "失効させる", "印刷して読み戻す", "承認を依頼する", "期別を探す",
         "消込取消の承認を依頼する", "承認する", "締めの承認を依頼する")  # fmt: skip


def _good(page, heading):
    """The page is the expected one, in nobody's way, and offers nothing that changes anything."""
    page.get_by_role("heading", level=1).filter(has_text=heading).wait_for()
    assert violations(page) == [], heading
    assert fits(page), heading
    for deed in DEEDS:
        assert page.get_by_role("button", name=deed).count() == 0, (heading, deed)


def _follow(page, link, heading):
    link.click()
    _good(page, heading)


def _to_a_settled_credit(page):
    """From today's figure of settled money to the line of the bank that brought it."""
    settled = page.get_by_role("row").filter(has_text="入金照合").get_by_role("link").first
    _follow(page, settled, "入金照合の内訳")
    _follow(page, page.locator("tbody td a").first, "入金照合の明細")
    _follow(page, page.locator("tbody th a").first, "説明")
    assert page.get_by_text("入金照合済").first.is_visible()


def _to_a_payment_in_it(page):
    """From the credit to the remittance that it paid, and to one confirmed payment of it."""
    chosen = page.get_by_role("row").filter(has_text="○").get_by_role("link")
    ref = chosen.inner_text()
    _follow(page, chosen, "払込の収納の明細")
    assert page.get_by_text(ref).first.is_visible()
    payment = page.locator("tbody tr").filter(has_text="確報").first
    line = payment.locator("th a")
    _follow(page, line, "説明")
    # The way back is there as well: from the payment to its remittance and its credit.
    assert page.get_by_role("link", name=ref, exact=True).count() == 1
    assert page.get_by_role("link", name="zengin_statement").count() == 1


def _to_its_slip(page):
    """From the payment to the instalment that it paid, and to the slip it was paid with."""
    booked = page.get_by_role("table").filter(has_text="借方").locator("tbody tr").first
    _follow(page, booked.get_by_role("link").last, "説明: 期別")
    versions = page.get_by_role("table").filter(has_text="納付書の版")
    _follow(page, versions.get_by_role("link").first, "納付書")


def test_an_auditor_follows_one_yen_from_the_bank_to_the_picture_of_the_slip(page, enter):
    page.set_viewport_size({"width": 1366, "height": 768})
    enter("kansa")
    _good(page, "2026年")
    _to_a_settled_credit(page)
    _to_a_payment_in_it(page)
    _to_its_slip(page)
    number = page.locator("dt:has-text('eL番号') + dd").inner_text()
    page.get_by_role("link").filter(has=page.locator("img.slip-picture")).click()
    page.wait_for_url("**/slip.png")
    (slip,) = next(read_pages(page.request.get(page.url).body(), "slip.png", STAFF_LIMITS))
    fields = ("collecting_body_code", "case_key", "confirmation_no", "item_code")
    assert "".join(slip.fields[name] for name in fields) == number  # read from the symbols alone
    assert {symbol.symbol for symbol in slip.symbols if symbol.valid} >= {"el_qr"}


def test_what_an_auditor_may_not_do_is_refused_with_a_sentence(page, address, enter):
    enter("kansa")
    for path in ("/staff/users", "/staff/files/upload", "/staff/admin/keys"):
        answer = page.goto(address + path)
        assert answer.status == 403, path
        assert page.get_by_text("の役割が必要です").is_visible(), path
        assert page.get_by_role("link", name="職員の画面").is_visible()
        assert violations(page) == []
