"""認証基盤: a local provider that vouches for people, and everything that it may get wrong."""

from __future__ import annotations

import fake_provider
import pytest

from payments.domain.errors import ConfigurationError
from payments.store.municipalities import set_live
from payments.store.unit_of_work import reading, unit_of_work
from web import openid
from web.accounts import staff
from web.accounts.oidc_settings import OidcClient
from web.app import create_app

M = "99999"
BACK = "/staff/sign-in/provider/back"


@pytest.fixture(scope="module")
def provider():
    with fake_provider.provider() as found:
        yield found


@pytest.fixture
def go(city, provider, tmp_path):
    """To the provider and back; the client and the answer."""
    provider.signs, provider.algorithm = provider.key, "RS256"
    secret = tmp_path / "client-secret"
    secret.write_text("s" * 40)
    settings = city.settings
    settings.oidc = {
        M: OidcClient(
            issuer=provider.issuer, client_id="kokin", secret_file=secret, label="庁内認証"
        )
    }
    app = create_app(
        settings, city.engine, TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False
    )

    def travel(query=None, **claims):
        client = app.test_client()
        there = client.get(f"/staff/sign-in/provider?body={M}")
        assert there.status_code == 303
        assert there.headers["Location"].startswith(f"{provider.issuer}/authorize?")
        back = provider.sign_in(there.headers["Location"], **claims)
        return client, client.get(f"{BACK}?{query or back}")

    return travel


def test_who_is_entered_here_comes_in_by_the_name_of_the_provider(go, city):
    client, answer = go(amr=["pwd"])
    assert answer.status_code == 303
    assert client.get("/staff/cases").status_code == 200
    assert "認証基盤" in client.get("/staff/me").get_data(as_text=True)
    assert "庁内認証" in client.get("/staff/sign-in").get_data(as_text=True)
    with unit_of_work(city.engine, M) as connection:
        staff.disable(connection, M, "kaikei")
    assert go()[1].status_code == 401


def test_a_second_factor_is_the_providers_or_ours(go, city):
    with unit_of_work(city.engine, M) as connection:
        set_live(connection, M, live=True)
    client, _ = go(amr=["pwd", "mfa"])
    assert client.get("/staff/cases").status_code == 200
    client, _ = go(amr=["pwd"])
    assert client.get("/staff/cases").headers["Location"] == "/staff/me/second-factor"


@pytest.mark.parametrize(
    "claims",
    [
        {"preferred_username": "nobody"},
        {"preferred_username": None},
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"aud": ["kokin", "another"], "azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
    ],
)
def test_a_token_that_does_not_fit_opens_nothing(go, claims):
    client, answer = go(**claims)
    assert answer.status_code == 401
    assert "認証基盤からの答えでは、サインインできませんでした" in answer.get_data(as_text=True)
    assert client.get("/staff/cases").headers["Location"] == "/staff/sign-in"


def test_a_token_that_somebody_else_signed_opens_nothing(go, provider):
    client, _ = go()
    provider.signs = provider.other
    client, answer = go()
    assert answer.status_code == 401
    assert client.get("/staff/cases").status_code == 303


def test_a_state_that_is_not_ours_and_an_answer_twice_open_nothing(go, city):
    assert go(query="code=code-0&state=another")[1].status_code == 401
    assert go(query="error=access_denied")[1].status_code == 401
    client, answer = go()
    assert answer.status_code == 303
    assert client.get(f"{BACK}?{answer.request.query_string.decode()}").status_code == 401
    with reading(city.engine, M) as connection:
        events = connection.execute(staff.events.select().where(staff.events.c.actor == "kaikei"))
        assert [row.event for row in events] == ["signed_in"]


def test_a_provider_that_is_not_there_leaves_the_password(go, city):
    client, _ = go()
    lost = OidcClient(issuer="http://127.0.0.1:9", client_id="kokin")
    city.settings.oidc = {M: lost}
    answer = client.get(f"/staff/sign-in/provider?body={M}")
    assert answer.status_code == 401
    assert "認証基盤に接続できません" in answer.get_data(as_text=True)
    assert client.get("/staff/sign-in/provider?body=00000").status_code == 401


def test_a_client_without_its_secret_leaves_the_password(go, city, tmp_path):
    (tmp_path / "client-secret").unlink()
    _client, answer = go()
    assert answer.status_code == 401
    assert "client-secret" not in answer.get_data(as_text=True)
    with reading(city.engine, M) as connection:
        with pytest.raises(ConfigurationError) as refused:
            openid._text(city.settings.oidc[M].secret_file)
        events = connection.execute(staff.events.select()).all()
    assert refused.value.error_code == "provider_secret"
    assert [row.event for row in events] == ["sign_in_failed"]


def test_a_name_that_only_begins_like_one_of_ours_is_nobodys(go, city):
    name = "a" * 40
    with unit_of_work(city.engine, M) as connection:
        staff.add(
            connection, M, name, roles=("auditor",), display_name="A", password="kumo no ue no sora"
        )
    assert go(preferred_username=f"{name}b")[1].status_code == 401
    assert go(preferred_username=name)[1].status_code == 303


def test_an_issuer_is_https():
    with pytest.raises(ValueError, match="issuer"):
        OidcClient(issuer="http://login.example.jp", client_id="kokin")
