"""言語の選択: the link in the head, the cookie behind it, and what stays Japanese all the same."""

from __future__ import annotations

import json
import re

import pytest
from sentences import templates

from web.charts.axis import axis
from web.formatting import count, unit_word
from web.language import ENGLISH, JAPANESE, PUBLIC_LANGUAGES, language, language_tag, speaking
from web.language_choice import of_program, place


def _page(client, path, **headers):
    return client.get(path, headers=headers).get_data(as_text=True)


@pytest.mark.parametrize(
    ("asked", "tag"),
    [("", "ja"), ("en-GB,en;q=0.9", "en"), ("zh-TW,zh;q=0.9,en;q=0.8", "zh-Hans"), ("pt-BR", "pt"),
     ("fr-FR, vi;q=0.5", "vi"), ("fr-FR", "ja"), ("ko-KR,ko;q=0.9", "ko"), ("*", "ja")],
)  # fmt: skip
def test_the_first_page_for_residents_speaks_as_their_telephone_does(client, asked, tag):
    headers = {"Accept-Language": asked} if asked else {}
    assert f'<html lang="{tag}">' in _page(client, "/", **headers)
    client.get("/?lang=ja")
    assert '<html lang="ja">' in _page(client, "/", **headers)  # what was chosen comes first


def test_the_pages_of_staff_are_japanese_whatever_a_browser_asks_for(client):
    page = _page(client, "/staff/sign-in", **{"Accept-Language": "en-GB,en;q=0.9"})
    assert '<html lang="ja">' in page
    assert 'href="/staff/sign-in?lang=en" lang="en" hreflang="en">English</a>' in page
    assert "Tiếng Việt" not in page


@pytest.mark.parametrize(("chosen", "tag"), [("ja-easy", "ja"), ("zh", "en"), ("pt", "en")])
def test_a_language_of_the_residents_alone_has_its_nearest_for_staff(client, chosen, tag):
    client.get(f"/?lang={chosen}")
    assert f'<html lang="{tag}">' in _page(client, "/staff/sign-in")


@pytest.mark.parametrize("code", PUBLIC_LANGUAGES)
def test_every_language_leads_to_the_others_by_their_own_names(client, code):
    page = _page(client, f"/?lang={code}")
    assert f'<html lang="{language_tag(code)}"' in page
    for other, name in PUBLIC_LANGUAGES.items():
        link = f'href="/?lang={other}" lang="{language_tag(other)}"'
        assert (link in page) == (other != code)
        assert (f">{name}</a>" in page) == (other != code)


def test_the_link_changes_the_page_and_is_remembered(client):
    answer = client.get("/?lang=en")
    assert '<html lang="en">' in answer.get_data(as_text=True)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("kokin_language"))
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Check a payment" in _page(client, "/")
    assert language() == JAPANESE  # nothing of a request stays behind it
    assert "納付の確認" in _page(client, "/?lang=ja")


def test_an_unknown_language_is_japanese_and_not_remembered(client):
    answer = client.get("/?lang=xx")
    assert '<html lang="ja">' in answer.get_data(as_text=True)
    assert client.get_cookie("kokin_language") is None


def test_what_is_asked_for_stays_in_the_address_of_the_other_language(treasurer):
    page = _page(treasurer, "/staff/files?status=accepted&channel=bank")
    assert "/staff/files?status=accepted&amp;channel=bank&amp;lang=en" in page


def test_an_answer_to_a_form_leads_back_to_its_form(client):
    page = client.post("/", data={}).get_data(as_text=True)
    assert 'href="/?lang=en"' in page


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("/staff/search", "/staff/search"), ("/staff/cases/1/notes", "/staff/cases/1"),
     ("/staff/holds/find", "/staff/holds"), ("/staff/holds/1/lift", "/staff/holds"),
     ("/several", "/several"), ("/", "/"), ("//elsewhere.example", "/elsewhere.example")],
)  # fmt: skip
def test_the_answer_to_a_form_leads_to_the_page_above_it(app, sent, shown):
    with app.test_request_context(method="POST", environ_overrides={"PATH_INFO": sent}):
        assert place() == shown


def test_amounts_and_days_follow_the_reader(treasurer, city):
    japanese = _page(treasurer, f"/staff/days/{city.day}")
    english = _page(treasurer, f"/staff/days/{city.day}?lang=en")
    assert "2026年（令和8年）6月1日（月）" in japanese
    assert "Monday 1 June 2026" in english
    assert "¥5,439,900" in english
    assert "5,439,900円" in japanese


def test_every_unit_that_a_page_counts_in_has_its_english():
    units = {
        unit
        for path in templates()
        for unit in re.findall(r"\| *count\(['\"]([^'\"]*)", path.read_text("utf-8"))
    }
    assert units >= {"", "枚", "か所"}
    with speaking(ENGLISH):
        assert [count(2, unit) for unit in units if re.search("[ぁ-龥]", count(2, unit))] == []


def test_the_units_of_a_drawing_follow_the_reader():
    units = [axis(0, most, "円").unit for most in (90_000_000, 90_000, 90)]
    assert [unit_word(unit) for unit in units] == ["百万円", "千円", "円"]
    with speaking("en"):
        assert [unit_word(unit) for unit in units] == ["million yen", "thousand yen", "yen"]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_document_is_japanese_for_everybody(treasurer, city, form):
    path = f"/staff/days/{city.day}/report.{form}"
    before = treasurer.get(path).data
    treasurer.get("/staff/files?lang=en")
    assert treasurer.get(path).data == before


def test_a_problem_is_told_in_the_language_that_a_program_asks_for(client):
    path = "/api/v1/payment-notifications/none"
    english = client.get(path, headers={"Accept-Language": "en, ja;q=0.5"})
    assert json.loads(english.data)["title"] == "The signature cannot be verified"
    japanese = client.get(path)
    assert json.loads(japanese.data)["title"] == "署名を確かめられません"
    assert json.loads(japanese.data)["code"] == json.loads(english.data)["code"]


def test_a_plain_notification_is_refused_in_that_language_too(client):
    answer = client.post(
        "/api/v1/payment-notifications", json={}, headers={"Accept-Language": "en"}
    )
    assert answer.status_code == 401
    assert json.loads(answer.data)["detail"].startswith("The signature headers")
    assert language() == JAPANESE


@pytest.mark.parametrize(
    ("asked", "found"),
    [("", "ja"), ("ja", "ja"), ("en", "en"), ("fr", "ja"), ("fr, en;q=0.3", "en"), ("*", "ja"),
     ("en;q=0", "ja"), ("\x00,;q=x", "ja")],
)  # fmt: skip
def test_what_a_program_asks_for(asked, found):
    assert of_program(asked) == found


def test_the_interface_is_described_in_both_languages(client):
    english = json.loads(client.get("/api/v1/openapi.json?lang=en").data)
    japanese = json.loads(client.get("/api/v1/openapi.json?lang=ja").data)
    assert english["info"]["title"] == "Payment notification API"
    assert japanese["info"]["title"] == "納付通知API"
    assert english["paths"].keys() == japanese["paths"].keys()


def test_no_address_makes_a_link_to_another_site(client):
    """A browser reads a backslash as a slash, so that two of them would begin a host."""
    page = client.get("/%5Cevil.example/a%20b").get_data(as_text=True)
    assert 'href="/%5Cevil.example/a%20b?lang=en"' in page
    assert 'action="/%5Cevil.example/a%20b"' in page
    assert "/\\evil" not in page
