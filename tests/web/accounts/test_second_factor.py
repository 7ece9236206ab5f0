"""二要素認証: enrolment, the second step of signing in, and what replay and guessing get."""

from __future__ import annotations

import re

import pytest

from payments.store.municipalities import set_live
from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import recovery, second_factor, staff, totp

M = "99999"
STEP = "/staff/sign-in/second-factor"


def _live(city):
    with unit_of_work(city.engine, M) as connection:
        set_live(connection, M, live=True)


@pytest.mark.usefixtures("enrolled")
def test_the_right_password_alone_opens_nothing(enter):
    client, answer = enter()
    assert answer.status_code == 303
    for path in ("/staff/cases", "/staff/me", "/staff/me/second-factor", "/staff/"):
        assert client.get(path).headers["Location"] == STEP
    assert "二要素認証" in client.get(STEP).get_data(as_text=True)


def test_a_code_opens_and_opens_only_once(enter, enrolled, app_code, hands):
    secret, _codes = enrolled
    hands.on(seconds=30)
    client, _ = enter()
    code = app_code(secret)
    assert client.post(STEP, data={"code": f"{code[:3]} {code[3:]}"}).status_code == 303
    assert client.get("/staff/cases").status_code == 200
    again, _ = enter()
    assert again.post(STEP, data={"code": code}).status_code == 401
    assert again.get("/staff/cases").headers["Location"] == STEP
    hands.on(seconds=30)
    assert again.post(STEP, data={"code": app_code(secret)}).status_code == 303


@pytest.mark.parametrize(("seconds", "status"), [(-60, 401), (-30, 303), (30, 303), (60, 401)])
def test_a_clock_may_be_half_a_minute_wrong(enter, enrolled, app_code, hands, seconds, status):
    secret, _codes = enrolled
    hands.on(minutes=10)
    client, _ = enter()
    hands.on(seconds=seconds)
    code = app_code(secret)
    hands.on(seconds=-seconds)
    assert client.post(STEP, data={"code": code}).status_code == status


def test_guessed_codes_lock_as_guessed_passwords_do(app, enter, enrolled, app_code, hands):
    app.config["RATELIMIT_ENABLED"] = False
    secret, _codes = enrolled
    hands.on(minutes=1)
    client, _ = enter()
    for _ in range(5):
        assert client.post(STEP, data={"code": "000000"}).status_code == 401
    assert client.post(STEP, data={"code": app_code(secret)}).status_code == 401
    hands.on(seconds=31)
    assert client.post(STEP, data={"code": app_code(secret)}).status_code == 303


def test_a_code_of_recovery_works_once(enter, enrolled, city):
    _secret, codes = enrolled
    client, _ = enter()
    led = client.post(STEP, data={"code": codes[3].upper()})
    # Whoever needs one has perhaps lost a device: it is removed where they are led.
    assert "端末をなくしたときは" in client.get(led.headers["Location"]).text
    assert client.get("/staff/cases").status_code == 200
    with reading(city.engine, M) as connection:
        assert recovery.left(connection, M, "kaikei") == recovery.CODES - 1
    again, _ = enter()
    assert again.post(STEP, data={"code": codes[3]}).status_code == 401
    assert again.post(STEP, data={"code": codes[4]}).status_code == 303


def test_who_must_enrol_is_led_there_and_on(enter, city, app_code):
    _live(city)
    client, _ = enter()
    assert client.get("/staff/cases").headers["Location"] == "/staff/me/second-factor"
    assert "もう一つの確認が必要です" in client.get("/staff/me/second-factor").get_data(True)
    page = client.get("/staff/me/authenticator").get_data(as_text=True)
    assert "<svg" in page
    assert "style=" not in page
    assert "data:" not in page
    letters = re.search(r'class="mono breakable">([A-Z2-7 ]+)<', page)
    assert letters is not None
    secret = letters[1].replace(" ", "")
    assert client.post("/staff/me/authenticator", data={"code": "000000"}).status_code == 422
    done = client.post("/staff/me/authenticator", data={"code": app_code(secret)})
    codes = re.findall(r"<li>([a-z2-9]{4}(?:-[a-z2-9]{4}){3})</li>", done.get_data(as_text=True))
    assert len(set(codes)) == recovery.CODES
    assert client.get("/staff/cases").status_code == 200
    # The last factor stays where one is required.
    answer = client.post("/staff/me/authenticator/remove")
    assert answer.status_code == 409
    assert "最後の一つ" in answer.get_data(as_text=True)


def test_where_it_is_optional_it_may_go_again(enter, enrolled, app_code, hands, city):
    secret, _codes = enrolled
    hands.on(minutes=1)
    client, _ = enter()
    client.post(STEP, data={"code": app_code(secret)})
    assert client.get("/staff/me/authenticator").status_code == 409
    gone = client.post("/staff/me/authenticator/remove")
    told = client.get(gone.headers["Location"]).text
    assert "認証アプリを解除しました。 二つ目の要素がなくなったため、回復用コードも" in told
    with reading(city.engine, M) as connection:
        assert not second_factor.factors_of(connection, M, "kaikei").any
        assert recovery.left(connection, M, "kaikei") == 0


def test_sensitive_pages_ask_who_one_is_after_ten_minutes(enter, hands):
    client, _ = enter()
    assert client.get("/staff/me/second-factor").status_code == 200
    hands.on(minutes=11)
    answer = client.get("/staff/me/second-factor")
    assert answer.headers["Location"] == "/staff/prove?back=/staff/me/second-factor"
    form = {"back": "/staff/me/second-factor", "password": "wrong-wrong-wrong"}
    assert client.post("/staff/prove", data=form).status_code == 401
    form["password"] = "kaikei-no-himitsu"
    before = client.get_cookie("kokin").value
    assert client.post("/staff/prove", data=form).headers["Location"] == form["back"]
    assert client.get_cookie("kokin").value != before
    assert client.get("/staff/me/second-factor").status_code == 200
    for elsewhere in ("https://example.jp/", "//example.jp", "/staff//x", "/staff/\\x"):
        form["back"] = elsewhere
        assert client.post("/staff/prove", data=form).headers["Location"] == "/staff/me"


def test_a_copy_of_the_database_has_no_secret_of_an_app(city, enrolled):
    secret, codes = enrolled
    data = (city.settings.home / "city.sqlite").read_bytes()
    wal = city.settings.home / "city.sqlite-wal"
    data += wal.read_bytes() if wal.exists() else b""
    assert secret.encode() not in data
    assert not any(code.encode() in data for code in codes)


def test_the_store_is_the_same_on_both_databases(books, app_code):
    with unit_of_work(books.engine, M) as connection:
        staff.add(
            connection, M, "a", roles=("slips",), display_name="A", password="kaikei-no-himitsu"
        )
        secret = totp.begin(connection, books.settings, M, "a")
        assert totp.begin(connection, books.settings, M, "a") == secret
        code = app_code(secret)
        assert not totp.accept(connection, books.settings, M, "a", code)
        assert totp.accept(connection, books.settings, M, "a", code, enrolling=True)
        assert not totp.accept(connection, books.settings, M, "a", code)
        assert second_factor.factors_of(connection, M, "a").totp
        second_factor.ask_for(connection, M, asked=True)
        assert second_factor.is_required(connection, M)
        second_factor.drop_all(connection, M, "a")
        assert not second_factor.factors_of(connection, M, "a").any
