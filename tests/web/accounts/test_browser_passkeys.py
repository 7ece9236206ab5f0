"""パスキー in a real browser, with an authenticator that the browser pretends to have."""

from __future__ import annotations

import base64
import json

import browser
import pytest
from browser import fits, violations
from sqlalchemy import text

from payments.domain.errors import RefusedError
from payments.store.municipalities import set_live
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.accounts import passkeys, staff
from web.app import create_app

M = "99999"
PASSWORD = "kaikei-no-himitsu"


@pytest.fixture
def address(city):
    """Passkeys need a name, not a number: this machine's own."""
    with browser.served(create_app(city.settings, city.engine)) as found:
        yield found.replace("127.0.0.1", "localhost")


@pytest.fixture
def page(page):
    page.set_viewport_size({"width": 1366, "height": 768})
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return page


def _sign_in(page, address, name="kaikei"):
    page.goto(f"{address}/staff/sign-in")
    page.fill("#user_name", name)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")


def test_a_passkey_is_registered_used_beside_a_password_and_alone(page, address, city):
    with unit_of_work(city.engine, M) as connection:
        set_live(connection, M, live=True)
    _sign_in(page, address)
    page.wait_for_url("**/staff/me/second-factor")
    assert violations(page) == []
    assert fits(page)
    page.fill("#label", "窓口のパソコン")
    page.keyboard.press("Enter")
    page.wait_for_selector("ul.codes")
    assert violations(page) == []
    page.get_by_role("link", name="控えました。続ける").click()
    page.goto(f"{address}/staff/me/second-factor")
    page.fill("#label", "もう一度")
    page.keyboard.press("Enter")
    page.get_by_text("この端末のパスキーは、すでに登録されています。").wait_for()
    page.goto(f"{address}/staff/me")
    assert violations(page) == []
    page.locator("details.person summary").click()
    page.get_by_role("button", name="サインアウト").click()
    # Beside the password.
    _sign_in(page, address)
    page.wait_for_url("**/staff/sign-in/second-factor")
    assert violations(page) == []
    page.get_by_role("button", name="パスキーで確かめる").press("Enter")
    page.wait_for_url("**/staff/")
    page.locator("details.person summary").click()
    page.get_by_role("button", name="サインアウト").click()
    # Alone, without a name.
    page.get_by_role("button", name="パスキーでサインイン").press("Enter")
    page.wait_for_url("**/staff/")
    with reading(city.engine, M) as connection:
        found = passkeys.of_person(connection, M, "kaikei")
        assert [each.label for each in found] == ["窓口のパソコン"]
        asked = connection.execute(text("SELECT COUNT(*) FROM staff_challenge")).scalar_one()
        assert asked == 1  # that to the device which had one already was never answered


def test_a_number_is_no_name_to_keep_a_passkey_under(page, address):
    number = address.replace("localhost", "127.0.0.1")
    _sign_in(page, number)
    page.wait_for_url("**/staff/")
    page.goto(f"{number}/staff/me/second-factor")
    page.fill("#label", "窓口")
    page.keyboard.press("Enter")
    page.get_by_text("このアドレス（127.0.0.1").wait_for()


def test_what_is_not_signed_opens_nothing(app, city):
    client = app.test_client()
    asked = client.post("/staff/sign-in/passkey/question").json
    assert asked["userVerification"] == "required"
    said = {"type": "webauthn.get", "challenge": asked["challenge"], "origin": "http://localhost"}
    data = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    answer = {
        "id": "AAAA", "rawId": "AAAA", "type": "public-key",
        "response": {"clientDataJSON": data, "authenticatorData": "AAAA", "signature": "AAAA"},
    }  # fmt: skip
    for _ in range(2):
        told = client.post("/staff/sign-in/passkey", data={"answer": json.dumps(answer)})
        assert told.status_code == 401
    for nonsense in ("", "{}", "[]", "null", '{"response": {}}'):
        told = client.post("/staff/sign-in/passkey", data={"answer": nonsense})
        assert told.status_code == 401
    with reading(city.engine, M) as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM staff_challenge")).scalar_one() == 0
        events = connection.execute(staff.events.select()).all()
    assert {row.event for row in events} == {"sign_in_failed"}


@pytest.mark.parametrize("challenge", ["\0", "a" * 91, "あ", ["a"]])
def test_a_question_that_was_never_asked_is_nonsense_on_both_databases(books, challenge):
    said = base64.urlsafe_b64encode(json.dumps({"challenge": challenge}).encode()).decode()
    answer = json.dumps({"response": {"clientDataJSON": said}})
    with unit_of_work(books.engine, M) as connection:
        for sent in (answer, "[" * 60_000):
            with pytest.raises(RefusedError, match="passkey"):
                passkeys.accept(connection, M, "", passkeys.Site("x", "https://x"), sent)


def test_a_person_has_only_so_many_passkeys(treasurer, city):
    with unit_of_work(city.engine, M) as connection:
        connection.execute(
            passkeys.passkeys.insert(),
            [
                {
                    "municipality_code": M, "credential_id": f"key{number}", "public_key": b"k",
                    "user_name": "kaikei", "sign_count": 0, "label": "鍵", "made_at": clock.now(),
                }
                for number in range(passkeys.PASSKEYS_MAX)
            ],
        )  # fmt: skip
    answer = treasurer.post("/staff/me/passkeys/question")
    assert answer.status_code == 409
    assert "passkeys_many" in answer.get_data(as_text=True)


def test_a_question_is_one_of_a_body(client):
    answer = client.post("/staff/sign-in/passkey/question", data={"body": "00000"})
    assert answer.status_code == 409
    assert "sign_in_body" in answer.get_data(as_text=True)
