"""Every page of staff in both languages, as axe, a small screen, an office screen and 200 % zoom meet it.

The pages are those of the routes: a new route with an argument that :data:`ARGUMENTS` does not know
fails here, and one that the small city has nothing for is named in :data:`WITHOUT`. The pages for
residents have seven languages and are tried in tests/web/help.
"""

from __future__ import annotations

import re
import shutil
from types import SimpleNamespace

import pytest
from browser import AXE, served, violations

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import staff
from web.app import create_app
from web.config import Settings
from web.duties import ROLES
from web.language import JAPANESE, LANGUAGES

pytestmark = pytest.mark.browser
CITY, PASSWORD = "99999", "kaikei-no-himitsu"
SECRET = "a secret of the tests, long enough"
WIDTHS = (1366, 683, 360)  # an office screen, the same at 200 %, a telephone
PAGE_BYTES_MAX = 300_000
PLACES = Settings(database_url="sqlite://", secret_key="s" * 32)
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
RULES = list(create_app(PLACES).url_map.iter_rules())
ARGUMENTS = {
    "day": "2026-06-01", "month": "2026-06", "year": "2026", "term": "01", "line_no": "2",
    "finding_no": "1", "calculator": "late-charge", "job": "verify", "report": "suspense",
    "listing": "suspense", "step": "collected", "section": "items", "entry": "901",
    "user_name": "nofu",
}  # fmt: skip
FROM_BOOKS = {
    "case_no": "SELECT MIN(case_no) FROM review_case",
    "file_id": "SELECT MIN(file_id) FROM line_outcome WHERE line_no = 2",
    "faulty_file": "SELECT MIN(file_id) FROM finding WHERE line_no IS NOT NULL",
    "notice_id": "SELECT MIN(notice_id) FROM notice",
    "slip_id": "SELECT MIN(slip_id) FROM slip",
    "item_code": "SELECT MIN(item_code) FROM notice",
}
# What only later work of people makes; their own tests look at these pages.
WITHOUT = {
    "approval_id",
    "event_no",
    "run_id",
    "file_no",
    "view_id",
    "notification_id",
    "key_id",
    "view_no",
    "token",
    "request_no",
    "link_no",
    "account_no",
    "batch_no",
    "debit_no",
    "list_no",
    "plan_no",
    "refund_no",
    "subject",
    "code",
}
NOT_PAGES = re.compile(
    r"<form>|\.(csv|json|png|pdf)|/original$|/admin/(file|slip)"
    r"|^/(static|healthz|readyz|metrics)|^/api/v1/(pay|open)"
    r"|^/(help|my|verify|several|photo|code)\b|^/$"  # for residents
)
# Pages that say nothing without a question, and those of which another is looked at.
ASKED = {
    "/staff/calc/{calculator}": "?amount_yen=10000&due=2026-06-30&paid=2026-09-30",
}
INSTEAD = {
    "/staff/reports/{report}/{year}": "/staff/reports/year/2026",
    "/staff/reports/ledger": "/staff/reports/fees/2026",
}
BESIDE = ("/staff/nowhere",)
ELSEWHERE = {  # lead to another page, or to the city's identity provider
    "/staff/days",
    "/staff/days/latest",
    "/staff/today",
    "/staff/calc",
    "/staff/sign-in/provider",
    "/staff/sign-in/provider/back",
    "/my/sign-in",
    "/my/back",
    "/my/account",
    "/my/late-charge",
    "/my/link",
    "/my/notices",
    "/my/refund-account",
}


def _paths() -> list[str]:
    shown = [
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in RULES
        if "GET" in (rule.methods or ())
        and not NOT_PAGES.search(rule.rule)
        and not rule.arguments & WITHOUT
    ]
    asked = {
        INSTEAD.get(path, path + ASKED.get(path, "")) for path in shown if path not in ELSEWHERE
    }
    return sorted(path.replace("{file_id}/findings", "{faulty_file}/findings") for path in asked)


def test_every_argument_of_a_page_is_known():
    asked = {name for rule in RULES if not NOT_PAGES.search(rule.rule) for name in rule.arguments
             if "GET" in (rule.methods or ())}  # fmt: skip
    assert sorted(asked - ARGUMENTS.keys() - FROM_BOOKS.keys() - WITHOUT) == []


@pytest.fixture(scope="module")
def town(city_template, tmp_path_factory):
    """The small city with somebody who may see everything, served without counting tries."""
    home = tmp_path_factory.mktemp("pages")
    database = home / "city.sqlite"
    shutil.copyfile(city_template, database)
    url = f"sqlite:///{database}"
    engine = open_engine(url)
    with unit_of_work(engine, CITY) as connection:
        staff.add(connection, CITY, "zen", roles=tuple(ROLES), display_name="全", password=PASSWORD)
    with reading(engine, CITY) as connection:
        found = {
            name: str(connection.exec_driver_sql(sql).scalar()) for name, sql in FROM_BOOKS.items()
        }
    settings = Settings(home=home, database_url=url, secret_key=SECRET, municipality=CITY)
    with served(create_app(settings, engine, RATELIMIT_ENABLED=False)) as address:
        yield SimpleNamespace(address=address, arguments=ARGUMENTS | found)
    engine.dispose()


@pytest.fixture(scope="module")
def opened(chromium, town):
    """One signed-in window for all pages, and what it asked for elsewhere or could not do."""
    context = chromium.new_context(locale="ja-JP", timezone_id="Asia/Tokyo")
    page = context.new_page()
    wrong: list[str] = []
    page.on("request", lambda request: wrong.append(request.url)
            if not request.url.startswith(town.address) else None)  # fmt: skip
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Security" in said.text else None)
    page.goto(f"{town.address}/staff/sign-in")
    page.fill("#user_name", "zen")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".person")
    page.add_init_script(AXE)  # less work than to bring it to every page
    yield SimpleNamespace(page=page, wrong=wrong)
    context.close()


def _widths_that_scroll(page) -> list[int]:
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 768})
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append(width)
    page.set_viewport_size({"width": WIDTHS[0], "height": 768})
    return found


@pytest.mark.parametrize("path", [*_paths(), *BESIDE])
def test_a_page_is_for_everybody(town, opened, path):
    page, address = opened.page, town.address + path.format(**town.arguments)
    opened.wrong.clear()
    for language in LANGUAGES:
        mark = "&" if "?" in address else "?"
        answer = page.goto(f"{address}{mark}lang={language}")
        assert answer is not None
        assert answer.status < 400 or path in BESIDE
        assert page.evaluate("document.documentElement.lang") == language
        # Colours are the same in every language.
        assert violations(page, colours=language == JAPANESE, tags=TAGS) == [], language
        assert _widths_that_scroll(page) == [], language
    assert len(answer.body()) < PAGE_BYTES_MAX
    assert page.locator("script:not([src]), style, [style]").count() == 0
    assert opened.wrong == []
