"""Reports in a real browser: nothing breaks a rule of accessibility, and A4 cuts nothing off."""

from __future__ import annotations

import io
from dataclasses import replace

import pypdfium2
import pytest
from browser import fits, violations

from payments.domain.publishing import OpenData
from payments.store.municipalities import load_profile, save_profile
from payments.store.unit_of_work import unit_of_work

pytestmark = pytest.mark.browser
PAGES = (
    "reports", "reports/year/2026", "reports/figures/2026", "reports/suspense",
    "reports/rows/suspense", "reports/ledger?what=collected&year=2026",
)  # fmt: skip


def test_reports_can_be_read_and_printed_by_everybody(page, address, city):
    with unit_of_work(city.engine, "99999") as connection:
        terms = OpenData(published=True, licence="CC BY 4.0")
        save_profile(connection, replace(load_profile(connection, "99999"), open_data=terms))
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", "kaikei")
    page.fill("#password", "kaikei-no-himitsu")
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")
    for number, path in enumerate(PAGES):
        separator = "&" if "?" in path else "?"
        lang = ("ja", "en")[number % 2]
        page.goto(f"{address}/staff/{path}{separator}lang={lang}")
        assert violations(page) == [], path
        assert fits(page), path
    page.goto(f"{address}/open-data/99999/?lang=ja")
    assert violations(page) == []


def test_the_account_of_the_year_fits_on_a4(page, address):
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", "kaikei")
    page.fill("#password", "kaikei-no-himitsu")
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")
    page.goto(f"{address}/staff/reports/year/2026")
    paper = pypdfium2.PdfDocument(io.BytesIO(page.pdf(format="A4")))
    sheet = paper[0]
    text = sheet.get_textpage()
    width, _height = sheet.get_size()
    places = [text.get_charbox(index) for index in range(text.count_chars())]
    assert max(right for _left, _bottom, right, _top in places) < width
    shown = text.get_text_range().replace("\r", "").replace("\n", "")
    assert "前年度" in shown  # the last column is on the paper, too
