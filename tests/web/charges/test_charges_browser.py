"""延滞金・分納の画面 in a real browser: legible, accessible, and usable by keys."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import browser
import pytest
from browser import fits, violations
from placing_town import NOTICES, M

from payments.domain.plans import even_payments, monthly
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from payments.versions import Act
from reconcile.charges import planning
from web.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser
PASSWORD = "kaikei-no-himitsu"
SIZES = ((1280, 900), (390, 844))


@pytest.fixture
def served(town: Any) -> Iterator[str]:
    """The service over a town with a charge, a plan, and much that is open."""
    books = town.books
    books.pay(1)
    books.book()
    with unit_of_work(books.engine, M) as connection:
        profile = load_profile(connection, M)
        place = (books.notice[NOTICES[2]], "01")
        days = monthly((books.moment + timedelta(days=40)).date(), 4)
        asked = planning.content_of(connection, M, [place], even_payments(10_000, days))
        parts = [planning.PlanPart(days[n], *rest) for n, (_d, *rest) in enumerate(asked["parts"])]
        act = Act("shuno", books.moment, books.moment.date())
        planning.agree(connection, profile, parts, act, reason="分納誓約書による")
    with browser.served(create_app(town.settings, books.engine)) as found:
        yield found


def test_every_page_can_be_read_and_used(page: Any, served: str, town: Any) -> None:
    page.goto(f"{served}/staff/sign-in")
    page.fill("#user_name", "shuno")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/")
    paths = {
        "charges": "/staff/charges",
        "plans": "/staff/charges?part=plans",
        "prescribing": "/staff/charges?part=prescribing&within=3650",
        "paid": town.page(1),
        "open": town.page(2),
        "plan": "/staff/charges/plans/1",
    }
    for name, path in paths.items():
        page.goto(f"{served}{path}")
        for folded in page.locator("main details").all():
            folded.evaluate("one => one.open = true")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            assert violations(page) == [], name
            assert fits(page), name
    page.goto(f"{served}{town.page(2)}")
    page.locator("summary", has_text="不納欠損").press("Enter")
    page.fill("#extinguished_on", "2026-06-01")
    page.fill("#off-reason", "財産がない")
    page.locator("button", has_text="不納欠損の承認を依頼する").press("Enter")
    page.wait_for_url("**/staff/approvals/*")
    assert violations(page) == []
