"""職員の画面: who works here, and that nobody gets a deciding role from one person alone."""

from __future__ import annotations

import re

import pytest

from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import lockout, staff

M = "99999"
USERS = "/staff/users"


def _who(city, name):
    with reading(city.engine, M) as connection:
        return staff.one(connection, M, name)


@pytest.fixture
def admin(enter):
    """Somebody who administers and does nothing else."""
    return enter("joho")[0]


def test_only_an_administrator_comes_here_and_others_read_why(enter):
    client, _ = enter("kaikei")
    answer = client.get(USERS)
    assert answer.status_code == 403
    assert "この操作には、管理者のいずれかの役割が必要です" in answer.get_data(as_text=True)


def test_an_administrator_sees_no_tax(admin):
    for path in ("/staff/cases/1", "/staff/explain", "/staff/placements/1/2"):
        assert admin.get(path).status_code == 403, path
    assert "職員の役割の変更" in admin.get("/staff/approvals").get_data(as_text=True)


def test_who_looks_on_is_entered_by_one_and_changes_the_password(admin, enter, city):
    form = {"user_name": "kansa2", "display_name": "監査 次郎", "role": "auditor", "reason": "異動"}
    page = admin.post(USERS, data=form).get_data(as_text=True)
    password = re.search(r'class="mono"><strong>([a-z0-9-]{23})<', page)
    assert password is not None
    client, answer = enter("kansa2", password[1])
    assert answer.status_code == 303
    step = "/staff/sign-in/new-password"
    assert client.get("/staff/cases").headers["Location"] == step
    for first, again, said in (
        ("short", "short", "12文字以上"),
        ("kansa2kansa2", "kansa2kansa2", "まっさきに試される"),
        (password[1], password[1], "渡された一度きりのパスワードとは違う"),
        ("kumo no ue no sora", "kumo no ue no umi", "二つの新しいパスワードが違います"),
    ):
        answer = client.post(step, data={"password": first, "password_again": again})
        assert answer.status_code == 422
        assert said in answer.get_data(as_text=True)
    form = {"password": "kumo no ue no sora", "password_again": "kumo no ue no sora"}
    assert client.post(step, data=form).status_code == 303
    assert client.get("/staff/cases").status_code == 200
    assert not _who(city, "kansa2").password_once


def test_who_decides_is_entered_by_two(admin, enter, city):
    form = {"user_name": "atarashi", "display_name": "新 人", "role": "treasury", "reason": "異動"}
    page = admin.post(USERS, data=form).get_data(as_text=True)
    assert "承認を待っています" in page
    assert _who(city, "atarashi").roles == ()
    assert _who(city, "atarashi").disabled
    number = re.search(r"/staff/approvals/(\d+)", page)
    assert number is not None
    decide = f"/staff/approvals/{number[1]}"
    shown = re.search(r'name="shown" value="([^"]*)"', enter("shonin")[0].get(decide).text)
    form = {"decision": "approved"} | ({"shown": shown[1]} if shown else {})
    assert admin.post(f"{decide}/decision", data=form).status_code == 403
    assert enter("kaikei")[0].post(f"{decide}/decision", data=form).status_code == 403
    assert enter("shonin")[0].post(f"{decide}/decision", data=form).status_code == 303
    assert _who(city, "atarashi").roles == ("treasury",)
    assert not _who(city, "atarashi").disabled


def test_nobody_agrees_to_roles_of_their_own(admin, enter, city):
    form = {"role": ["approver", "treasury"], "reason": "兼務"}
    asked = admin.post(f"{USERS}/shonin/roles", data=form)
    decide = asked.headers["Location"]
    shonin = enter("shonin")[0]
    shown = re.search(r'name="shown" value="([^"]*)"', shonin.get(decide).text)
    answer = shonin.post(
        f"{decide}/decision",
        data={"decision": "approved"} | ({"shown": shown[1]} if shown else {}),
    )
    assert answer.status_code == 403
    assert "自分（shonin）の役割の変更は" in answer.get_data(as_text=True)
    assert _who(city, "shonin").roles == ("approver",)


def test_to_give_up_a_role_takes_one_and_ends_sessions(admin, enter, city):
    approver = enter("kanri")[0]
    assert approver.get("/staff/cases").status_code == 200
    form = {"role": "admin", "reason": "異動"}
    assert admin.post(f"{USERS}/kanri/roles", data=form).status_code == 303
    assert _who(city, "kanri").roles == ("admin",)
    assert approver.get("/staff/cases").headers["Location"] == "/staff/sign-in"
    wrong = admin.post(f"{USERS}/kanri/roles", data={"reason": "x"})
    assert wrong.status_code == 422
    assert admin.post(f"{USERS}/nobody/roles", data=form).status_code == 404


def test_disable_enable_reset_unlock_and_end(admin, enter, city):
    client = enter("kansa")[0]
    assert admin.post(f"{USERS}/kansa/sessions/end").status_code == 303
    assert client.get("/staff/cases").status_code == 303
    client = enter("kansa")[0]
    assert admin.post(f"{USERS}/kansa/disable").status_code == 303
    assert client.get("/staff/cases").status_code == 303
    assert admin.post(f"{USERS}/kansa/enable").status_code == 303
    assert enter("kansa")[1].status_code == 303
    admin.post(f"{USERS}/kaikei/disable")
    assert admin.post(f"{USERS}/kaikei/enable").status_code == 409
    with unit_of_work(city.engine, M) as connection:
        for _ in range(6):
            lockout.failed(connection, M, lockout.Subject("name", "kansa"))
    assert enter("kansa")[1].status_code == 401
    assert "締め出し中" in admin.get(USERS).get_data(as_text=True)
    assert admin.post(f"{USERS}/kansa/unlock").status_code == 303
    assert enter("kansa")[1].status_code == 303
    assert "この画面でだけ表示します" in admin.post(f"{USERS}/kansa/reset").get_data(as_text=True)
    assert enter("kansa")[1].status_code == 401


def test_everything_stands_in_the_log_and_leaves_as_csv(admin, enter):
    admin.post(f"{USERS}/kansa/disable")
    admin.post(f"{USERS}/kansa/enable")
    page = admin.get("/staff/log?actor=joho").get_data(as_text=True).partition("<tbody>")[2]
    assert page.index("職員の有効") < page.index("職員の無効")
    only = admin.get("/staff/log?event=user_disabled&actor=joho").get_data(as_text=True)
    assert only.count('<td class="breakable">kansa</td>') == 1
    csv = admin.get("/staff/log/export.csv?actor=joho")
    assert csv.is_streamed or csv.mimetype == "text/csv"
    text = csv.get_data().decode("utf-8-sig")
    assert text.splitlines()[0] == "日時,職員,氏名,操作,対象,接続元,コード"
    assert "user_disabled" in text
    # The ways to sign in have names, on the page and in the file.
    own = "/staff/log{}?event=signed_in&actor=joho"
    assert '<td class="breakable">パスワード' in admin.get(own.format("")).get_data(as_text=True)
    rows = admin.get(own.format("/export.csv")).get_data(as_text=True)
    assert ",サインイン,パスワード" in rows
    assert "password" not in rows
    assert enter("kaikei")[0].get("/staff/log").status_code == 403
    assert enter("kansa")[0].get("/staff/log").status_code == 200
