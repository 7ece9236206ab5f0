"""権限: every page of the staff says who may see it, or stands in the list of what everybody may."""

from __future__ import annotations

import pytest

from web.approval_roles import DUTIES
from web.duties import DECIDING, MAY, ROLES, Do
from web.security import STEP_PAGES, Access

# What everybody may do who is signed in: one's own affairs, arithmetic, and figures and states of
# days, files and jobs, in which nobody is named.
OPEN = {
    "accounts", "steps", "factors", "calc", "today", "days", "arrivals", "jobs", "files", "reports",
}  # fmt: skip


def _pages(app):
    rules = app.extensions["kokin_access"]
    return [
        rule
        for rule in app.url_map.iter_rules()
        if rules.get(rule.endpoint.partition(".")[0]) is Access.STAFF
    ]


def _needed(app, endpoint):
    return getattr(app.view_functions[endpoint], "needs", None)


def test_every_page_has_a_permission_or_is_for_everybody(app):
    named = [rule for rule in _pages(app) if _needed(app, rule.endpoint) is None]
    assert {rule.endpoint for rule in named if rule.endpoint.partition(".")[0] not in OPEN} == set()
    # Without a permission nothing is changed but one's own affairs.
    own = {"accounts", "steps", "factors"}
    changing = {rule.endpoint for rule in named if "POST" in (rule.methods or ())}
    assert {endpoint for endpoint in changing if endpoint.partition(".")[0] not in own} == set()


def test_every_permission_is_somebodys():
    assert MAY.keys() == set(Do)
    for roles in MAY.values():
        assert roles
        assert roles <= set(ROLES)


def test_who_looks_on_changes_nothing_and_who_decides_asks_for_nothing():
    changing = {
        Do.WORK_CASES, Do.NIL_REPORT, Do.MOVE_FILES, Do.BRING_FILES, Do.RUN_JOBS, Do.SEND_EVENTS,
        Do.PLACE_MONEY, Do.APPROVE, Do.ISSUE_SLIPS, Do.CHANGE_SETTINGS, Do.MANAGE_KEYS,
        Do.MANAGE_USERS,
    }  # fmt: skip
    assert {what for what in changing if "auditor" in MAY[what]} == set()
    assert {what for what in changing if "approver" in MAY[what]} == {Do.APPROVE}
    assert all("approver" not in found.asks for found in DUTIES.values())


def test_who_administers_reads_nobodys_tax():
    for what in (Do.READ_DETAILS, Do.READ_PERSON, Do.READ_SLIPS, Do.READ_FILES, Do.PLACE_MONEY):
        assert "admin" not in MAY[what]
    money = DUTIES.keys() - {"user_roles"}
    assert all("admin" not in DUTIES[kind].decides for kind in money)


def test_roles_that_decide_are_those_of_the_table():
    assert {role for found in DUTIES.values() for role in found.decides} == DECIDING


def test_the_pages_of_a_step_exist(app):
    for pages in STEP_PAGES.values():
        assert set(pages) <= app.view_functions.keys()


@pytest.mark.parametrize("name", ["kansa", "nofu", "joho", "shonin"])
def test_a_refusal_names_the_roles_that_may(app, name):
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": name, "password": "kaikei-no-himitsu"})
    answer = client.post("/staff/days/2026-06-01/nil-reports", data={"source": "eltax"})
    assert answer.status_code == 403
    assert "収納担当・会計のいずれかの役割が必要です" in answer.get_data(as_text=True)


def test_who_administers_is_not_led_to_the_cases(app):
    """Whose list is refused to them; the figures stand there without a link."""
    clients = {name: app.test_client() for name in ("joho", "kansa")}
    for name, client in clients.items():
        client.post("/staff/sign-in", data={"user_name": name, "password": "kaikei-no-himitsu"})
    assert clients["joho"].get("/staff/cases").status_code == 403
    # The verdict and the ages of today, and what waits on the page of a day.
    for page, link in (("", "?"), ("", '">未対応の確認事項'), ("days/2026-06-01", "?kind=")):
        seen = {name: client.get(f"/staff/{page}").text for name, client in clients.items()}
        assert f"/staff/cases{link}" in seen["kansa"]
        assert "/staff/cases" not in seen["joho"]


def test_no_two_pages_have_one_address(app):
    found: dict[tuple[str, str], str] = {}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert found.setdefault((rule.rule, method), rule.endpoint) == rule.endpoint
