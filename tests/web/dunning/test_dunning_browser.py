"""A collector in a real browser: from the form to the dispatch, readable for everybody."""

from __future__ import annotations

from datetime import UTC, datetime

import browser
import pytest
import time_machine
from browser import fits, violations
from dunning_town import DunningTown, M
from years_town import claim

from payments.store.unit_of_work import unit_of_work
from web.accounts import staff
from web.app import create_app
from web.config import Settings

pytestmark = pytest.mark.browser
PASSWORD = "tokusoku-no-himitsu"


@pytest.fixture
def served(sqlite_url, tmp_path):
    town = DunningTown(sqlite_url)
    town.assess(
        *(claim(number, 2026, 10_000) for number in (1, 2, 3)),
        claim(4, 2026, 10_000, flags="dunning_hold"),
        claim(5, 2021, 10_000, due="2021-07-30"),  # extinct ten days after the list is drawn
        on="2026-04-10",
    )
    with unit_of_work(town.engine, M) as connection:
        for name, role in (("abe", "collection"), ("ito", "approver")):
            staff.add(connection, M, name, roles=(role,), display_name=name, password=PASSWORD)
    settings = Settings(
        home=tmp_path, database_url=sqlite_url, municipality=M,
        secret_key="a secret of the tests, long enough",
    )  # fmt: skip
    with browser.served(create_app(settings, town.engine)) as address:
        yield town, address
    town.close()


def _good(page):
    for width in (1366, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert violations(page) == [], page.url
        assert fits(page), page.url


def _sign_in(page, address, name):
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", name)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith("/sign-in"))


def test_a_collector_draws_pulls_and_sends(page, served):
    town, address = served
    with time_machine.travel(datetime(2026, 7, 20, 3, tzinfo=UTC), tick=True):
        _sign_in(page, address, "abe")
        page.goto(f"{address}/staff/dunning")
        _good(page)
        page.click("section[aria-labelledby=new] button")
        page.wait_for_url("**/staff/dunning/1")
        _good(page)
        page.click("section[aria-labelledby=grounds] td a >> nth=1")
        _good(page)
        page.click("tbody th a")
        _good(page)
        page.goto(f"{address}/staff/dunning/1/files")
        _good(page)
        page.goto(f"{address}/staff/dunning/1")
        page.click('a:has-text("時効が近いものを開く")')
        page.wait_for_url("**/staff/dunning/1/near")
        assert "2026年7月30日" in page.inner_text("tbody tr")
        _good(page)
        page.goto(f"{address}/staff/dunning/1")
        page.fill("#reason", "第一期")
        page.click('button:has-text("督促状の作成の承認を依頼する")')
        page.wait_for_url("**/staff/approvals/*")
        _good(page)
        town.approve_waiting(1)
        town.pay(2, 10_000, "2026-07-18", on="2026-07-20")
        page.goto(f"{address}/staff/dunning/1")
        page.click('button:has-text("引抜きリストを抽出する")')
        page.wait_for_selector("#pulled")
        _good(page)
        page.fill("#pulled", "1")
        page.click('button:has-text("すべて抜き取った")')
        page.wait_for_selector("#sent")
        page.fill("#sent", "3")
        page.click('button:has-text("発送を記録する")')
        page.wait_for_selector("text=発送済")
        _good(page)
        page.goto(f"{address}/staff/dunning/recheck")
        page.fill("#number", "000000000001")
        page.click("section[aria-labelledby=whose] button")
        page.wait_for_selector("text=発送から10日以内")
        _good(page)
