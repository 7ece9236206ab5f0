"""Every page of staff in both languages, as axe, a small screen, an office screen and 200 % zoom meet it.

The pages are those of the routes: a new route with an argument that :data:`ARGUMENTS` does not know
fails here, and one that the city has nothing for is named in :data:`WITHOUT`. The city has a day of
work behind it (worked_city), so that there is something on each. Pages that answer a form are sent
one (:data:`SENT`): what was looked for, and what is wrong. The pages for residents have seven
languages and are tried in tests/web/help.
"""

from __future__ import annotations

import re
import shutil
from types import SimpleNamespace

import pytest
from browser import AXE, fits, served, violations
from worked_city import frozen, work_everything

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
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# The rules that words decide: whether something has a name, and one of its own, and what its room
# is too small for. All others are about how a page is built, which is the same in each language:
# they are asked of the Japanese ones here, and of every language by the soak.
WORDS = (
    "area-alt", "aria-command-name", "aria-dialog-name", "aria-input-field-name",
    "aria-progressbar-name", "aria-toggle-field-name", "button-name", "document-title",
    "empty-heading", "empty-table-header", "html-has-lang", "html-lang-valid", "image-alt",
    "image-redundant-alt", "input-button-name", "label", "label-title-only", "landmark-unique",
    "link-name", "role-img-alt", "scrollable-region-focusable", "select-name", "summary-name",
    "svg-img-alt", "table-duplicate-name", "valid-lang",
)  # fmt: skip
RULES = list(create_app(PLACES).url_map.iter_rules())
ARGUMENTS = {
    "day": "2026-06-01", "month": "2026-06", "year": "2026", "term": "01", "line_no": "2",
    "finding_no": "1", "calculator": "late-charge", "job": "verify", "report": "suspense",
    "listing": "suspense", "step": "collected", "section": "items", "entry": "901",
    "user_name": "nofu", "view_id": "",  # of the account that `opened` asks for
}  # fmt: skip
FROM_BOOKS = {
    "case_no": "SELECT MIN(case_no) FROM review_case",
    "file_id": "SELECT MIN(file_id) FROM line_outcome WHERE line_no = 2",
    "faulty_file": "SELECT MIN(file_id) FROM finding WHERE line_no IS NOT NULL",
    "notice_id": "SELECT MIN(notice_id) FROM notice",
    "slip_id": "SELECT MIN(slip_id) FROM slip",
    "item_code": "SELECT MIN(item_code) FROM notice",
    "run_id": "SELECT MAX(run_id) FROM print_run",
    "request_no": "SELECT MIN(request_no) FROM resident_request",
    "account_no": "SELECT MIN(account_no) FROM payee_account",
    "batch_no": "SELECT MIN(batch_no) FROM refund_batch",
    "refund_no": "SELECT MIN(refund_no) FROM refund",
    "debit_no": "SELECT MIN(batch_no) FROM debit_batch",
    "debit_day": "SELECT MIN(debit_on) FROM debit_batch",
    "list_no": "SELECT MIN(list_no) FROM dunning_list",
    "plan_no": "SELECT MIN(plan_no) FROM payment_plan",
    "subject": "SELECT MIN(subject) FROM overpayment",
    "event_no": "SELECT MIN(event_no) FROM event",
    "approval_id": "SELECT MIN(approval_id) FROM approval",
    "appropriation": "SELECT MIN(approval_id) FROM approval WHERE kind = 'appropriation'",
    "asked": "SELECT MIN(approval_id) FROM approval WHERE kind = 'parameters'",
    "obligor_no": "SELECT MIN(obligor_no) FROM obligor",
    "dunned": "SELECT MIN(notice_id) FROM dunning_row",
}
# What only files and forms of these pages name, or pages that are not for the staff.
WITHOUT = {"file_no", "notification_id", "key_id", "view_no", "token", "link_no", "code"}
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
ALSO = (
    "/staff/approvals/{appropriation}",
    "/staff/approvals/{asked}",
    "/staff/charges?part=prescribing",
    "/staff/people/{view_id}?part=timeline",
    "/staff/refunds?state=owed",
)
# Forms as they are sent, and answered by a page: what is found, and what is wrong.
SENT = (
    ("/staff/admin/check", {"section": "body"}),
    ("/staff/aliases/find", {"name": "ミホン"}),
    ("/staff/approvals/{asked}/decision", {"decision": "rejected"}),
    ("/staff/cases/bulk", {"deed": "note", "case": "{case_no}"}),
    ("/staff/cases/{case_no}/notes", {}),
    ("/staff/certificates", {"obligor_no": "1"}),
    ("/staff/charges/{notice_id}/01/waive", {"kind": "period"}),
    ("/staff/debits", {"debit_on": "2026-07-18"}),
    ("/staff/debits/accounts/new", {"obligor_no": "1"}),
    ("/staff/debits/days/{debit_day}/second", {"debit_on": "2026-08-14"}),
    ("/staff/debits/{debit_no}/withdraw", {}),
    ("/staff/dunning", {"wait_days": "x"}),
    ("/staff/explain", {"number": "nothing"}),
    ("/staff/holds", {"claim": "901/2026/1/01", "kind": "dunning"}),
    ("/staff/people", {"number": "0"}),
    ("/staff/placements/{file_id}/{line_no}", {"do": "look", "number": "1"}),
    ("/staff/refunds/batches", {"transfer_on": "2026-07-18"}),
    ("/staff/refunds/overpayments/{subject}/refund", {"why": ""}),
    ("/staff/search", {"number": "1000"}),
    ("/staff/slips/find", {"number": "0"}),
    ("/staff/slips/runs/new", {"item_code": "901", "limit": "10"}),
    ("/staff/users", {"user_name": "x"}),
)
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
    better = (
        ("{file_id}/findings", "{faulty_file}/findings"),
        ("debits/days/{day}", "debits/days/{debit_day}"),
        ("notices/{notice_id}", "notices/{dunned}"),
    )
    found = set()
    for path in asked:
        for before, after in better:
            if before != better[2][0] or path.startswith("/staff/dunning"):
                path = path.replace(before, after)  # noqa: PLW2901 - the same page, with rows on it
        found.add(path)
    return sorted(found)


def test_every_argument_of_a_page_is_known():
    asked = {name for rule in RULES if not NOT_PAGES.search(rule.rule) for name in rule.arguments
             if "GET" in (rule.methods or ())}  # fmt: skip
    assert sorted(asked - ARGUMENTS.keys() - FROM_BOOKS.keys() - WITHOUT) == []


@pytest.fixture(scope="module")
def town(city_template, tmp_path_factory):
    """The worked city with somebody who may see everything, served without counting tries."""
    home = tmp_path_factory.mktemp("pages")
    database = home / "city.sqlite"
    shutil.copyfile(city_template, database)
    url = f"sqlite:///{database}"
    engine = open_engine(url)
    settings = Settings(home=home, database_url=url, secret_key=SECRET, municipality=CITY)
    patch = pytest.MonkeyPatch()
    frozen(patch)
    work_everything(settings, engine)
    with unit_of_work(engine, CITY) as connection:
        staff.add(connection, CITY, "zen", roles=tuple(ROLES), display_name="全", password=PASSWORD)
    with reading(engine, CITY) as connection:
        found = {
            name: str(connection.exec_driver_sql(sql).scalar()) for name, sql in FROM_BOOKS.items()
        }
    with served(create_app(settings, engine, RATELIMIT_ENABLED=False)) as address:
        yield SimpleNamespace(address=address, arguments=ARGUMENTS | found)
    patch.undo()
    engine.dispose()


@pytest.fixture(scope="module")
def opened(chromium, town):
    """One signed-in window for all pages, and what it asked for elsewhere or could not do."""
    context = chromium.new_context(locale="ja-JP", timezone_id="Asia/Tokyo")
    page = context.new_page()
    _widen(page, WIDTHS[0])
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
    page.goto(f"{town.address}/staff/people")
    page.fill("#person-number", town.arguments["obligor_no"])
    page.select_option("#purpose", "counter")
    with page.expect_navigation():
        page.locator("#person-number").press("Enter")
    town.arguments["view_id"] = page.url.rpartition("/")[2]
    page.add_init_script(AXE)  # less work than to bring it to every page
    yield SimpleNamespace(page=page, wrong=wrong)
    context.close()


def _widths_that_scroll(page) -> list[int]:
    """Of a page as wide as the first, which it is again afterwards."""
    found = [] if fits(page) else [WIDTHS[0]]
    for width in WIDTHS[1:]:
        _widen(page, width)
        if not fits(page):
            found.append(width)
    _widen(page, WIDTHS[0])
    return found


def _widen(page, width):
    page.set_viewport_size({"width": width, "height": 768})


# What a person without scripts, or without a mouse, would stand before: of the page as it was sent.
_STUCK = """(html) => {
  const page = new DOMParser().parseFromString(html, "text/html"), found = [];
  for (const each of page.querySelectorAll("button[type=button], a:not([href]), [onclick]"))
    if (!each.closest("[hidden], dialog, template")) found.push(each.outerHTML.slice(0, 80));
  for (const each of page.querySelectorAll("form:not([method=dialog])"))
    if (!each.querySelector("button:not([type=button]), input[type=submit]") && !(each.id &&
        page.querySelector(`button[form="${each.id}"]`))) found.push(each.outerHTML.slice(0, 80));
  for (const each of page.querySelectorAll("[tabindex]"))
    if (each.tabIndex > 0) found.push(each.outerHTML.slice(0, 80));
  for (const each of page.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea"))
    // What a chart leads to stands in its table, too, which the keyboard reaches.
    if (each.getAttribute("tabindex") === "-1" && !each.closest("svg")) found.push(each.outerHTML.slice(0, 80));
  return found;
}"""
_SEND = """([path, fields]) => {
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action: path});
  const token = document.querySelector("[name=csrf_token]").value;
  for (const [name, value] of Object.entries({...fields, csrf_token: token})) {
    const field = document.createElement("input");
    Object.assign(field, {type: "hidden", name, value});
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}"""


def _is_good(page, answer, language):
    """Nothing about the page is in anybody's way."""
    assert page.evaluate("document.documentElement.lang") == language
    japanese = language == JAPANESE
    assert violations(page, colours=japanese, tags=TAGS if japanese else WORDS) == [], language
    assert _widths_that_scroll(page) == [], language
    body = answer.body()
    assert len(body) < PAGE_BYTES_MAX
    assert page.locator("script:not([src]), style, [style]").count() == 0
    if japanese:
        assert page.evaluate(_STUCK, body.decode()) == []


def _visited(town, page, path, language):
    """The answer for a page in that language."""
    address = town.address + path.format(**town.arguments)
    answer = page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
    assert answer is not None
    assert answer.status < 400 or path in BESIDE
    return answer


def _sent(town, page, path, fields, language):
    """The answer to a form in that language."""
    sent = {name: value.format(**town.arguments) for name, value in fields.items()}
    page.goto(f"{town.address}/staff/people?lang={language}")
    with page.expect_navigation() as answered:
        page.evaluate(_SEND, [path.format(**town.arguments), sent])
    answer = answered.value
    assert answer.status in {200, 403, 404, 409, 422}, answer.status
    assert answer.request.method == "POST"
    return answer


PATHS = [*_paths(), *ALSO, *BESIDE]


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_for_everybody(town, opened, path):
    opened.wrong.clear()
    for language in LANGUAGES:
        _is_good(opened.page, _visited(town, opened.page, path, language), language)
    assert opened.wrong == []


@pytest.mark.parametrize(("path", "fields"), SENT)
def test_a_page_that_answers_a_form_is_for_everybody(town, opened, path, fields):
    opened.wrong.clear()
    for language in LANGUAGES:
        _is_good(opened.page, _sent(town, opened.page, path, fields, language), language)
    assert opened.wrong == []


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_every_rule_is_kept_in_every_language(town, opened):
    wrong = []
    for language in LANGUAGES:
        for path in PATHS:
            _visited(town, opened.page, path, language)
            wrong += [(path, language, each) for each in violations(opened.page, tags=TAGS)]
        for path, fields in SENT:
            _sent(town, opened.page, path, fields, language)
            wrong += [(path, language, each) for each in violations(opened.page, tags=TAGS)]
    assert wrong == []
