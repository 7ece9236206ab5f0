"""会計の朝: the day of a treasurer in the browser, from the sign-in to the export.

With a second factor, keyboard or mouse, and a colleague where two people are needed.
"""

from __future__ import annotations

import csv
import io

import pytest
from browser import fits, violations
from sqlalchemy import text

from payments.store.unit_of_work import reading

pytestmark = pytest.mark.browser
M = "99999"
DAY = "2026-06-01"


def _one(city, query, **values):
    with reading(city.engine, M) as connection:
        return connection.execute(text(query), values).first()


def _good(page, what):
    """Nothing about a page is in anybody's way."""
    assert violations(page) == [], what
    assert fits(page), what


def _approve(page, enter, heading):
    """A colleague finds the request in the inbox, reads what it would do and agrees."""
    enter("shonin")
    page.get_by_role("link", name="承認を開く").click()
    row = page.get_by_role("row").filter(has_text=heading)
    row.get_by_role("link").first.click()
    _good(page, heading)
    page.get_by_role("button", name="承認する").click()
    page.wait_for_url("**#decision")
    assert page.get_by_text("承認し、上の内容を行いました。").is_visible()
    enter("kaikei")


def _a_sender_who_has_nothing_today(page):
    """A red channel becomes green by a nil report."""
    page.get_by_role("link", name="受領予定を開く").click()
    red = page.get_by_role("row").filter(has_text="みずほファクター").filter(has_text="未着（赤）")
    red.locator("summary").click()
    red.locator("input[name=note]").fill("電話で確認した（送付なし）")
    red.get_by_role("button", name="登録").click()
    green = (
        page.get_by_role("row")
        .filter(has_text="みずほファクター")
        .filter(has_text="該当なし（緑）")
    )
    assert green.first.is_visible()
    _good(page, "arrivals")


def _money_that_differed_finds_its_place(page, city, enter):
    """A settlement difference: the money of somebody who used another body's words."""
    case = _one(
        city, "SELECT case_no, amount_yen FROM review_case WHERE kind = 'settlement_difference' "
        "ORDER BY case_no DESC",
    )  # fmt: skip
    slip = _one(
        city,
        "SELECT s.slip_no FROM slip s JOIN instalment_account a ON a.notice_id = s.notice_id "
        "AND a.term = s.term WHERE s.state = 'new' AND a.term_yen + a.whole_yen = 0 "
        "AND a.amount_yen > :yen ORDER BY s.slip_no",
        yen=case.amount_yen,
    )
    page.get_by_role("link", name="確認事項", exact=True).click()
    page.get_by_role("link", name=str(case.case_no), exact=True).click()
    _good(page, "case")
    page.get_by_role("link", name="充当先を決める").click()
    page.fill("#number", slip.slip_no)
    page.get_by_role("button", name="期別を探す").click()
    page.locator("input[name^='part-']").first.fill(str(case.amount_yen))
    page.get_by_role("button", name="計算して仕訳を確かめる").click()
    assert page.get_by_text("借方").first.is_visible()
    _good(page, "entries before they are asked for")
    page.fill("#reason", "納付義務者に電話で確認した")
    page.get_by_role("button", name="承認を依頼する").click()
    _approve(page, enter, "入金の充当")
    ended = _one(city, "SELECT state FROM review_case WHERE case_no = :n", n=case.case_no)
    assert ended.state == "resolved"


def _a_wrong_match_is_undone(page, address, city, enter):
    """One match was somebody else's payment."""
    line = _one(
        city, "SELECT file_id, line_no, applied_yen FROM line_outcome WHERE outcome = 'matched' "
        "AND applied_yen > 10000 ORDER BY file_id, line_no",
    )  # fmt: skip
    page.goto(f"{address}/staff/explain/lines/{line.file_id}/{line.line_no}")
    page.get_by_role("link", name="お金の充当先").click()
    page.get_by_label("消込を取り消す理由").fill("別人の納付だった")
    page.get_by_role("button", name="消込取消の承認を依頼する").click()
    _approve(page, enter, "消込取消")
    now = _one(
        city, "SELECT applied_yen, suspense_yen FROM line_outcome WHERE file_id = :f "
        "AND line_no = :n ORDER BY revision DESC", f=line.file_id, n=line.line_no,
    )  # fmt: skip
    assert (now.applied_yen, now.suspense_yen) == (0, line.applied_yen)


def _the_first_day_is_closed_and_goes_out(page, address, enter):
    """Two people close it; then it goes out as files."""
    page.goto(f"{address}/staff/days/{DAY}")
    page.get_by_role("button", name="締めの承認を依頼する").click()
    _approve(page, enter, "締め")
    page.goto(f"{address}/staff/days/{DAY}")
    assert page.get_by_text("締め済").first.is_visible()
    for name, begin in (("CSV", b"\xef\xbb\xbf"), ("Excel", b"PK"), ("印刷用PDF", b"%PDF")):
        file = page.request.get(
            address + page.get_by_role("link", name=name, exact=True).get_attribute("href")
        )
        assert file.body().startswith(begin)
        if name == "CSV":
            rows = list(csv.reader(io.StringIO(file.body().decode("utf-8-sig"))))
            assert any("締め済" in cell for row in rows for cell in row)


def test_the_morning_of_a_treasurer(page, address, city, enter):
    page.set_viewport_size({"width": 1366, "height": 768})
    enter("kaikei")
    assert "資料未着" in page.locator(".verdict").inner_text()
    _good(page, "today")
    _a_sender_who_has_nothing_today(page)
    _money_that_differed_finds_its_place(page, city, enter)
    _a_wrong_match_is_undone(page, address, city, enter)
    _the_first_day_is_closed_and_goes_out(page, address, enter)
