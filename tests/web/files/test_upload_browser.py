"""The upload page in a browser: files chosen, results read, the place of a finding looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser import fits, violations
from inbox_files import payments
from sqlalchemy import text

from payments.store.unit_of_work import reading

pytestmark = pytest.mark.browser
PASSWORD = "kaikei-no-himitsu"
SHOTS = os.environ.get("KOKIN_SCREENSHOTS")  # a folder, for who wants to look


def look(page, name):
    assert violations(page) == [], name
    assert fits(page), name
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_a_treasurer_brings_files_and_looks_at_what_is_wrong(page, address, city, tmp_path):
    good, foreign = tmp_path / "收納_20260603.csv", tmp_path / "他団体.csv"
    good.write_bytes(payments(800_000))
    foreign.write_bytes(payments(800_100, "54321", "54321"))
    wrong = city.files / "inbox" / "2026-06-01" / "zengin_statement_20260601_x_zandaka_chigai.txt"
    page.set_viewport_size({"width": 1366, "height": 768})
    page.goto(f"{address}/staff/")
    page.fill("#user_name", "kaikei")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")
    page.get_by_label("主なページ").get_by_role("link", name="資料").click()
    look(page, "files-list")
    page.get_by_role("link", name="資料を取り込む").click()
    look(page, "files-upload")
    page.set_input_files("#files", [str(good), str(foreign), str(wrong)])
    page.get_by_role("button", name="取り込む").click()
    page.wait_for_selector("#results")
    look(page, "files-results")
    assert page.locator(".notice.good").count() == 1
    assert page.locator(".notice.bad").count() == 2
    page.get_by_role("link", name="資料の画面").nth(1).click()
    look(page, "files-show")
    page.get_by_role("button", name="もう一度取り込む").click()
    page.wait_for_selector("text=取込済")
    with reading(city.engine, "99999") as connection:
        file_id = connection.execute(
            text("SELECT file_id FROM source_file WHERE name = :name"), {"name": wrong.name}
        ).scalar_one()
    page.goto(f"{address}/staff/files/{file_id}")
    with page.expect_download() as download:
        page.get_by_role("link", name="原本を受け取る").click()
    assert Path(download.value.path()).read_bytes() == wrong.read_bytes()
    page.locator("td a", has_text=",").first.click()
    look(page, "files-place")
    assert page.locator("mark").count() > 1
