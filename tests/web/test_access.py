from __future__ import annotations

import re

import pytest

from web.security import HEADERS, Access

POLICY = "Content-Security-Policy"

PUBLIC = {
    "enquiries.ask", "enquiries.tell", "enquiries.ask_several", "enquiries.tell_several",
    "enquiries.ask_again", "enquiries.code_again", "enquiries.read_photo", "enquiries.open_code",
    "health.alive", "health.ready", "entrance.sign_in",
    "entrance.check_sign_in", "entrance.passkey_question", "entrance.passkey_sign_in", "entrance.to_provider", "entrance.from_provider",
    "api_documents.describe", "api_documents.explain",
    "health.metrics", "open_data.index", "open_data.show", "open_data.as_csv_file",
    "open_data.as_json_file", "open_data.as_metadata_file",
    "residents.welcome", "residents.to_provider", "residents.from_provider",
    "residents.confirmation", "residents.confirm", "residents.stopping", "residents.stop",
    "verifying.ask", "verifying.tell",
    "help.index", "help.show", "help.ways", "help.channels", "help.accessibility",
}  # fmt: skip
OWN = {
    "own.overview", "own.late_charge", "own.take_confirmation", "own.link", "own.ask_link",
    "own.drop_link", "own.unlink", "own.sign_out", "own.notices", "own.ask_notices",
    "own.stop_notices", "own.refund_account", "own.register_account",
}  # fmt: skip
SIGNED = {"notifications.notify", "notifications.look_for", "notifications.look_up"}


def _routes(app):
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def test_every_route_belongs_to_a_blueprint_with_a_login_rule(app):
    rules = app.extensions["kokin_access"]
    assert {rule.endpoint.partition(".")[0] for rule in _routes(app)} == rules.keys()


def test_only_these_pages_are_open_to_everybody(app):
    rules = app.extensions["kokin_access"]
    found = {
        access: {r.endpoint for r in _routes(app) if rules[r.endpoint.partition(".")[0]] is access}
        for access in Access
    }
    assert found[Access.PUBLIC] == PUBLIC
    assert found[Access.SIGNED] == SIGNED
    assert found[Access.RESIDENT] == OWN


def test_a_page_of_ones_own_sends_a_stranger_to_the_way_in(app, client, treasurer):
    for rule in (rule for rule in _routes(app) if rule.endpoint in OWN):
        method = "post" if "POST" in rule.methods else "get"
        for somebody in (client, treasurer):
            answer = getattr(somebody, method)(rule.build({})[1])
            assert (answer.status_code, answer.headers["Location"]) == (303, "/my"), rule


def test_every_page_of_the_staff_sends_a_stranger_to_the_sign_in(app, client):
    rules = app.extensions["kokin_access"]
    pages = [r for r in _routes(app) if rules[r.endpoint.partition(".")[0]] is Access.STAFF]
    assert len(pages) >= 10
    for rule in pages:
        values = {
            "day": "2026-06-01", "step": "collected", "case_no": 1, "file_id": 1,
            "finding_no": 1, "month": "2026-06",
            "report": "year", "listing": "suspense", "code": "99999",
            "year": 2026, "session_id": "0" * 16, "user_name": "kaikei", "passkey_id": "0" * 16,
            "form": "csv", "kind": "day_close", "subject": "2026-06-01", "approval_id": 1,
            "line_no": 1, "event_no": 1, "view_no": 1, "notice_id": 1, "term": "01",
            "calculator": "late-charge", "plan_no": 1, "slip_id": 1, "item_code": "901", "key_id": "k",
            "view_id": "0" * 32, "request_no": 1, "link_no": 1, "job": "verify", "run_id": 1, "debit_no": 1, "action": "release", "list_no": 1,
            "hold_no": 1, "alias_no": 1, "file_no": 1, "refund_no": 1, "batch_no": 1, "account_no": 1, "letter_no": 1,
        }  # fmt: skip
        path = rule.build({name: values[name] for name in rule.arguments})[1]
        method = "post" if "POST" in rule.methods else "get"
        answer = getattr(client, method)(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/staff/sign-in"), rule


@pytest.mark.parametrize(
    "path", ["/help/", "/staff/sign-in", "/healthz", "/nowhere", "/api/v1/nowhere"]
)
def test_every_answer_carries_the_guarding_headers(client, path):
    answer = client.get(path)
    found = {name: answer.headers.get(name, "") for name in HEADERS}
    # A first view has its style within, allowed by its digest (test_static_files.py).
    found[POLICY] = re.sub(r"(?<=style-src 'self') 'sha256-[A-Za-z0-9+/]{43}='", "", found[POLICY])
    assert found == HEADERS
    assert answer.headers["Cache-Control"] == "no-store"
    assert "unsafe" not in answer.headers[POLICY]


def test_pages_hold_neither_scripts_nor_inline_styles(treasurer, city):
    pages = (f"/staff/days/{city.day}", "/staff/months/2026-06", "/staff/years/2026")
    for path in ("/", *pages, "/staff/cases", "/staff/cases/1", "/staff/approvals"):
        text = treasurer.get(path).get_data(as_text=True)
        assert "<script" not in text.replace('<script src="/static/', "")  # no inline script
        assert "style=" not in text


def test_an_auditor_may_look_but_not_act(auditor, city):
    assert auditor.get("/staff/cases/1").status_code == 200
    assert auditor.post("/staff/cases/1/acknowledge").status_code == 403
    assert auditor.post(f"/staff/days/{city.day}/nil-reports").status_code == 403


def test_errors_are_pages_for_people_and_problems_for_programs(client):
    page = client.get("/nowhere")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "この住所（URL）のページはありません。" in page.get_data(as_text=True)
    problem = client.get("/api/v1/nowhere")
    assert (problem.status_code, problem.mimetype) == (404, "application/problem+json")
    assert problem.json["code"] == "page_not_found"


def test_a_form_without_its_token_is_refused(city):
    from web.app import create_app  # noqa: PLC0415 - with the protection that the fixture drops

    strict = create_app(city.settings, city.engine, TESTING=True).test_client()
    answer = strict.post("/staff/sign-in", data={"user_name": "kaikei", "password": "x" * 12})
    assert answer.status_code == 400
    assert "csrf" in answer.get_data(as_text=True)


def test_what_two_people_decide_is_protected_by_the_token_too(app, treasurer):
    app.config["WTF_CSRF_ENABLED"] = True  # the fixture signed in without
    for path in ("approvals/1/decision", "placements/1/2", "placements/1/2/undo"):
        answer = treasurer.post(f"/staff/{path}", data={"decision": "approved", "do": "ask"})
        assert answer.status_code == 400
        assert "csrf" in answer.get_data(as_text=True)


def test_a_number_that_no_row_can_have_is_not_found(treasurer):
    for path in ("cases/{}", "placements/{}/1", "approvals/{}", "explain/lines/1/{}"):
        assert treasurer.get(f"/staff/{path.format(2**63)}").status_code == 404
        assert treasurer.get(f"/staff/{path.format(2**63 - 1)}").status_code == 404


def test_health_is_told_without_signing_in(client):
    assert client.get("/healthz").json == {"status": "ok"}
    waiting = {"waiting": 0, "oldest_seconds": 0}
    assert client.get("/readyz").json == {"status": "ready", "notifications": waiting}
    assert "kokin_notifications_waiting 0.0\n" in client.get("/metrics").get_data(as_text=True)
