"""守り: what one person alone must not bring about by the pages of people (R10), and proofs."""

from __future__ import annotations

import re

import pytest

from payments import approve
from payments.store.municipalities import is_live, load_profile
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.approval_effects import LIVE, live_content

M = "99999"
PW = "kaikei-no-himitsu"
DECIDE = {"decision": "approved", "note": ""}


def _ask(city, asked_by):
    """A request that an approver may decide."""
    with unit_of_work(city.engine, M) as connection:
        return approve.ask(
            connection,
            M,
            LIVE,
            f"municipality:{M}",
            live_content(load_profile(connection, M)),
            asked_by=asked_by,
            at=clock.now(),
            reason="試し",
        ).approval_id


@pytest.mark.parametrize(
    ("done", "asker", "decider"),
    [
        ("reset", "joho", "shonin"),
        ("second-factor/drop", "joho", "shonin"),
        # Just as well the other way round: to ask as somebody else, and decide as oneself.
        ("reset", "nofu", "kanri"),
    ],
)
def test_who_has_been_let_in_anew_by_the_other_is_no_second_person(
    enter, city, hands, done, asker, decider
):
    administrator, taken = ("joho", "shonin") if asker == "joho" else ("kanri", "nofu")
    client, _ = enter(administrator)
    answer = client.post(f"/staff/users/{taken}/{done}")
    assert answer.status_code in {200, 303}
    number = _ask(city, asker)
    second = enter(decider)[0] if decider != taken else _again(enter, decider, answer)
    refused = second.post(f"/staff/approvals/{number}/decision", data=DECIDE)
    assert refused.status_code == 403
    assert "二人の判断であることが確かでない" in refused.get_data(as_text=True)
    with reading(city.engine, M) as connection:
        assert not is_live(connection, M)
    # A third person may, and so may they when its owner has had a week to notice.
    hands.on(days=8)
    second = enter(decider, "kumo no ue no sora" if decider == taken and done == "reset" else PW)[0]
    done = second.post(f"/staff/approvals/{number}/decision", data=DECIDE)
    assert done.status_code == 303


def _again(enter, name, answer):
    """Sign in as somebody with the password that the page has shown."""
    shown = re.search(r'class="mono"><strong>([a-z0-9-]{23})<', answer.get_data(as_text=True))
    if shown is None:
        return enter(name)[0]
    client, _ = enter(name, shown[1])
    form = {"password": "kumo no ue no sora", "password_again": "kumo no ue no sora"}
    assert client.post("/staff/sign-in/new-password", data=form).status_code == 303
    return client


def test_keys_of_operators_ask_who_one_is_and_keep_what_was_typed(enter, hands):
    client, _ = enter("joho")
    assert client.get("/staff/admin/keys").status_code == 200
    hands.on(minutes=11)
    form = {"key_id": "pay-9", "operator": "見本決済"}
    for path in ("", "/pay-1/rotate", "/pay-1/disable"):
        answer = client.post(f"/staff/admin/keys{path}", data=form)
        assert answer.headers["Location"].startswith("/staff/prove?"), path
    client.post("/staff/admin/keys", data=form)
    proved = client.post("/staff/prove", data={"password": PW, "back": "/staff/admin/keys"})
    assert proved.headers["Location"] == "/staff/typed"
    assert "見本決済" in client.get("/staff/typed").get_data(as_text=True)
    assert client.post("/staff/admin/keys", data=form).status_code == 200


def test_settings_that_hold_at_once_ask_who_one_is(enter, hands):
    client, _ = enter("joho")
    hands.on(minutes=11)
    for deed in ("live", "sample"):
        answer = client.post(f"/staff/admin/{deed}", data={"reason": "試し"})
        assert answer.headers["Location"].startswith("/staff/prove?"), deed


def test_a_password_is_no_proof_where_there_is_something_stronger(enter, enrolled, app_code, hands):
    secret, _codes = enrolled
    hands.on(minutes=1)
    client, _ = enter()
    form = {"code": app_code(secret)}
    assert client.post("/staff/sign-in/second-factor", data=form).status_code == 303
    hands.on(minutes=11)
    new = "kumo no ue no sora"
    form = {"password": PW, "password_new": new, "password_again": new}
    assert client.post("/staff/me/password", data=form).status_code == 303
    answer = client.post("/staff/me/authenticator/remove")
    assert answer.headers["Location"].startswith("/staff/prove")


@pytest.mark.parametrize(
    "path",
    [
        "/staff/approvals?page=99999999999999999999",
        "/staff/files?page=99999999999999999999",
        "/staff/jobs?page=9223372036854775807",
        "/staff/days/2026-06-01/report.csv?closure=99999999999999999999",
        "/staff/files?name=%00",
        "/staff/people/%00",
        "/staff/explain/notices/1/%00",
    ],
)
def test_what_no_database_could_look_for_is_not_there(treasurer, path):
    assert treasurer.get(path).status_code == 404


def test_nul_in_a_form_is_refused_before_a_database_would(client, treasurer):
    form = {"user_name": "kai\0kei", "password": PW}
    assert client.post("/staff/sign-in", data=form).status_code == 400
    answer = treasurer.post("/staff/people", data={"number": "\0", "purpose": "audit"})
    assert answer.status_code == 400


def test_settings_nested_without_end_are_no_settings(treasurer):
    deep = "[" * 60_000
    for path, form in (
        ("check", {"section": "file", "toml": f"a = {deep}"}),
        ("slip", {"profile": deep}),
        ("ask", {"profile": deep}),
    ):
        assert treasurer.post(f"/staff/admin/{path}", data=form).status_code == 422, path
