"""A clerk at the counter in a real browser: a paper, its state, a reissue, the run, the account."""

from __future__ import annotations

import pytest
from browser import fits, violations
from sqlalchemy import text

from payments.store.unit_of_work import reading

pytestmark = pytest.mark.browser
PASSWORD = "kaikei-no-himitsu"


def _sign_in(page, address, name):
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", name)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith("/sign-in"))


def _good(page):
    assert violations(page) == [], page.url
    assert fits(page), page.url


@pytest.fixture
def slip(city):
    with reading(city.engine, "99999") as connection:
        return connection.execute(
            text(
                "SELECT s.slip_id, s.slip_no, n.obligor_no FROM slip s "
                "JOIN notice n ON n.notice_id = s.notice_id "
                "JOIN instalment_account a ON a.notice_id = s.notice_id AND a.term = s.term "
                "WHERE s.state = 'new' AND a.term_yen + a.whole_yen = 0 "
                "AND a.amount_yen = s.amount_yen AND s.el_number IS NOT NULL "
                "ORDER BY s.slip_id LIMIT 1"
            )
        ).one()


def test_a_clerk_reads_a_paper_reissues_it_and_sees_the_run(page, address, slip, tmp_path):
    page.set_viewport_size({"width": 1366, "height": 768})
    _sign_in(page, address, "nofu")
    paper = tmp_path / "paper.png"
    paper.write_bytes(page.request.get(f"{address}/staff/slips/{slip.slip_id}/slip.png").body())
    page.goto(f"{address}/staff/slips")
    _good(page)
    page.set_input_files("#paper", paper)
    page.click("text=読み取る")
    page.wait_for_selector("text=帳簿と一致しています")
    _good(page)
    page.click(f"text=納付書 {slip.slip_no}")
    _good(page)
    page.fill("#reissue-reason", "紛失のため")
    page.click("text=再発行する")
    page.wait_for_url(lambda url: not url.endswith(f"/{slip.slip_id}"))
    page.click("button:has-text('印刷して読み戻す')")
    page.wait_for_selector("text=PDFを受け取る")
    _good(page)
    with page.expect_download() as download:
        page.click("text=PDFを受け取る")
    assert download.value.suggested_filename.endswith(".pdf")
    page.click("text=読み戻しの報告")
    page.wait_for_selector("text=台帳と一致することを確かめました")
    _good(page)
    page.goto(f"{address}/staff/slips/runs")
    _good(page)


def test_an_account_is_opened_for_a_purpose_and_the_auditor_sees_it(page, address, slip):
    page.set_viewport_size({"width": 1366, "height": 768})
    _sign_in(page, address, "shuno")
    page.goto(f"{address}/staff/people")
    _good(page)
    page.fill("#person-number", slip.slip_no)
    page.select_option("#purpose", "telephone")
    page.click("text=記録して開く")
    page.wait_for_selector("h1:has-text('収納状況')")
    assert slip.obligor_no not in page.url
    assert slip.slip_no not in page.url
    account = page.url
    for part in ("instalments", "timeline", "receipts", "slips", "holds", "cases"):
        page.goto(f"{account}?part={part}&on=2026-12-01")
        _good(page)
    page.goto(f"{account}?on=2026-12-01")
    page.click("td.figure-cell a")
    page.wait_for_selector("h1:has-text('延滞金の計算の過程')")
    _good(page)
    page.context.clear_cookies()
    page.goto(account)  # nobody's session
    assert page.url.endswith("/sign-in")
    _sign_in(page, address, "kansa")
    page.goto(f"{address}/staff/people/views")
    page.wait_for_selector("text=電話照会")
    _good(page)
    page.goto(f"{address}/staff/slips/{slip.slip_id}")
    assert page.query_selector("text=再発行する") is None  # who looks on cannot act
    _good(page)
