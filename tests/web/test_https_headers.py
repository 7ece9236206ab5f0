"""TLSの下で: what browsers are told when the service is reached through https only."""

from __future__ import annotations

import pytest

from web.app import create_app


@pytest.fixture
def secure(city):
    """A browser at the same city, reached through https only."""
    settings = city.settings.model_copy(update={"https": True})
    app = create_app(settings, city.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    return app.test_client()


def test_the_cookie_of_a_session_is_of_this_host_and_of_tls_alone(secure):
    answer = secure.post(
        "/staff/sign-in",
        data={"user_name": "kaikei", "password": "kaikei-no-himitsu"},
        base_url="https://kokin.example.jp",
    )
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if "kokin=" in each]
    assert cookie.startswith("__Host-kokin=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain=" not in cookie


def test_browsers_come_by_tls_for_a_year(secure):
    header = secure.get("/", base_url="https://kokin.example.jp").headers
    assert header["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
