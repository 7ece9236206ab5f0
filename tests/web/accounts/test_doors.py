"""締め出しとセッション: what holds over restarts and processes, and what is not lost."""

from __future__ import annotations

import re

import pytest
from pages import without_token

from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import lockout, sessions, staff
from web.accounts.lockout import Subject

M = "99999"
NAME = Subject("name", "a")


def test_waits_grow_and_are_forgotten_on_both_databases(books, hands):
    with unit_of_work(books.engine, M) as connection:
        waits = [lockout.failed(connection, M, NAME, Subject("from", "x")) for _ in range(7)]
        assert waits == [False] * 4 + [True] * 3
        assert lockout.is_locked(connection, M, NAME)
        assert not lockout.is_locked(connection, M, Subject("from", "x"))
        hands.on(seconds=121)
        assert not lockout.is_locked(connection, M, NAME)
        assert lockout.failed(connection, M, NAME)
        assert lockout.is_locked(connection, M, NAME)
        assert lockout.forget(connection, M, NAME)
        assert not lockout.is_locked(connection, M, NAME)
        hands.on(days=2)
        assert not lockout.failed(connection, M, Subject("from", "x"))


def test_sessions_are_found_renewed_and_ended_on_both_databases(books, hands):
    how = sessions.SignIn(("password",), ("enrol", "second_factor"), "10.0.0.1", "Windows・Edge")
    with unit_of_work(books.engine, M) as connection:
        staff.add(
            connection, M, "a", roles=("slips",), display_name="A", password="kumo no ue no sora"
        )
        token = sessions.begin(connection, M, "a", how)
        found = sessions.find(connection, M, token)
        assert found is not None
        assert found.needs == ("second_factor", "enrol")
        assert sessions.find(connection, M, token[:-1]) is None
        renewed = sessions.prove(connection, M, found, factor="totp", done="second_factor")
        assert sessions.find(connection, M, token) is None
        found = sessions.find(connection, M, renewed)
        assert found is not None
        assert (found.factors, found.needs) == (("password", "totp"), ("enrol",))
        other = sessions.begin(connection, M, "a", how)
        assert sessions.end_all(connection, M, "a", by="a", but=found.session_id) == 1
        assert sessions.find(connection, M, other) is None
    hands.on(minutes=50)
    sessions.seen(books.engine, M, found)
    hands.on(minutes=50)
    with reading(books.engine, M) as connection:
        assert sessions.find(connection, M, renewed) is not None
    hands.on(minutes=80)
    with reading(books.engine, M) as connection:
        assert sessions.find(connection, M, renewed) is None
        assert sessions.whose(connection, M, renewed) == "a"


def test_a_locked_name_gets_the_answer_of_a_wrong_password(enter, city):
    with unit_of_work(city.engine, M) as connection:
        for _ in range(5):
            lockout.failed(connection, M, Subject("name", "kaikei"))
    right, wrong = enter()[1], enter(password="x" * 12)[1]
    assert right.status_code == wrong.status_code == 401
    assert without_token(right.text) == without_token(wrong.text)


def test_one_ends_ones_other_sessions(enter):
    here, there = enter()[0], enter()[0]
    assert "この端末以外を終了" in here.get("/staff/me").get_data(as_text=True)
    assert here.post("/staff/me/sessions/end-others").status_code == 303
    assert here.get("/staff/me").status_code == 200
    assert there.get("/staff/me").headers["Location"] == "/staff/sign-in"
    why = "ほかの端末か管理者がこのセッションを終了しています"
    assert why in there.get("/staff/sign-in").text
    assert why not in there.get("/staff/sign-in").text  # said once
    assert here.post("/staff/me/sessions/0000000000000000/end").status_code == 404


def test_ones_password_is_changed_with_the_one_of_now(enter):
    client, _ = enter()
    other, _ = enter()
    form = {"password": "wrong wrong", "password_new": "kumo no ue no sora"}
    form["password_again"] = form["password_new"]
    assert client.post("/staff/me/password", data=form).status_code == 422
    form["password"] = "kaikei-no-himitsu"
    assert client.post("/staff/me/password", data=form).status_code == 303
    assert client.get("/staff/me").status_code == 200
    assert other.get("/staff/me").status_code == 303
    assert enter(password="kumo no ue no sora")[1].status_code == 303


def test_what_was_typed_is_offered_again_to_the_same_person(enter, hands):
    client, _ = enter()
    hands.on(hours=2)
    note = "納付者に電話した"
    form = {"note": note, "shown": "1.1.0", "csrf_token": "x"}
    lost = client.post("/staff/cases/1/notes", data=form)
    assert lost.headers["Location"] == "/staff/sign-in"
    assert note not in str(lost.headers)
    assert "入力していたものは残っています" in client.get("/staff/sign-in").get_data(as_text=True)
    form = {"user_name": "kanri", "password": "kaikei-no-himitsu"}
    assert client.post("/staff/sign-in", data=form).headers["Location"] != "/staff/typed"
    assert note not in client.get("/staff/typed").get_data(as_text=True)
    client.post("/staff/sign-out")
    form["user_name"] = "kaikei"
    assert client.post("/staff/sign-in", data=form).headers["Location"] == "/staff/typed"
    page = client.get("/staff/typed").get_data(as_text=True)
    assert note in page
    assert (
        "<dt>shown</dt>" not in page
    )  # the mark of the page is sent again, and no words for anybody
    assert 'name="shown" value="1.1.0"' in page
    assert re.search(r'method="post" action="/staff/cases/1/notes"', page)
    assert client.get("/staff/typed").status_code == 303


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/120 Safari/537 Edg/120", "Windows・Edge"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/17 Safari/605", "Mac・Safari"),
        ("curl/8", "不明な端末"),
    ],
)
def test_a_device_in_words(said, words):
    assert sessions.device_words(said) == words
