"""The pages of refunds in a real browser, on a desk and in a pocket."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from browser import fits, violations

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.refunds.found import overpayments
from web import clock

pytestmark = pytest.mark.browser
M = "99999"
PASSWORD = "kaikei-no-himitsu"
TODAY = date(2026, 6, 3)
SIZES = ((1280, 900), (390, 844))
SHOTS = os.environ.get("KOKIN_SHOTS", "")


@pytest.fixture(autouse=True)
def _moment(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 6, 3, 3, tzinfo=UTC))
    monkeypatch.setattr(clock, "today", lambda: TODAY)


def _good(page, what):
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert fits(page), (what, width)
    page.set_viewport_size({"width": 1280, "height": 900})
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{what}.png"), full_page=True)
    assert violations(page) == [], what


def test_a_refund_is_classed_and_given_an_account_without_a_mouse(page, address, city):
    with reading(city.engine, M) as connection:
        found = next(
            each
            for each in overpayments(connection, load_profile(connection, M), TODAY, limit=500)
            if each.stage == "confirmed" and each.due_yen == 0
        )
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", "kaikei")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")
    page.goto(f"{address}/staff/refunds")
    _good(page, "list")
    page.goto(f"{address}/staff/refunds/overpayments/{found.subject}")
    page.focus("#reason")
    page.keyboard.press("Tab")
    page.click("text=認定する")
    page.wait_for_selector("text=認定し直す")
    page.click("summary:has-text('書面の口座を登録する')")
    for name, value in (("bank_code", "9998"), ("branch_code", "002"), ("account_no", "1234567")):
        page.fill(f"#{name}", value)
    page.fill("#holder", "ミホン タロウ")
    page.click("button:has-text('口座を登録する')")
    page.wait_for_selector("text=確認待ち")
    _good(page, "show")
    page.goto(f"{address}/staff/refunds/accounts/1")
    assert page.is_visible("text=別の職員が確認します")
    _good(page, "account")
    for path in ("accounts", "batches", "bank"):
        page.goto(f"{address}/staff/refunds/{path}")
        _good(page, path)
