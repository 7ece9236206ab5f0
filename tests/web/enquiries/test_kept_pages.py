"""Pages that are made once: the same to the letter, and of nobody."""

from __future__ import annotations

import re
import threading

import pytest

from web.app import create_app
from web.enquiries.kept_pages import KeptPages
from web.enquiries.lately import Lately
from web.enquiries.slip_code import code_of
from web.language import PUBLIC_LANGUAGES

M = "99999"


@pytest.fixture
def page(city):
    """The application without limits, with the tokens of its forms."""
    return create_app(city.settings, city.engine, TESTING=True, RATELIMIT_ENABLED=False)


def _token(client):
    said = client.get("/").get_data(as_text=True)
    (token,) = {*re.findall(r'name="csrf_token" value="([^"]+)"', said)}
    return token


def _kept(app):
    return app.extensions["kokin_enquiries"].pages


def _post(client, form):
    return client.post("/", data={**form, "csrf_token": _token(client)}).get_data(as_text=True)


@pytest.mark.parametrize("language", PUBLIC_LANGUAGES)
def test_a_kept_answer_is_the_one_that_would_be_made(page, slips, form_of, language, monkeypatch):
    client = page.test_client()
    client.set_cookie("kokin_language", language)
    form = form_of(slips["unconfirmed"].el_number)
    first = _post(client, form)
    number = len(_kept(page))
    assert _post(client, form) == first
    assert len(_kept(page)) == number
    assert ("<ruby>" in first) == (language == "ja-easy")
    monkeypatch.setattr(KeptPages, "page", _made_anew)
    assert _post(client, form) == first


def _made_anew(_pages, template, values, *, task=""):
    from flask import render_template  # noqa: PLC0415 - in place of what keeps pages

    return render_template(template, **values, task=task)


def test_what_is_kept_holds_neither_number_nor_token(page, slips, form_of, city):
    client = page.test_client()
    token = _token(client)
    for slip in slips.values():
        client.post("/", data={**form_of(slip.el_number), "csrf_token": token})
    code = code_of(city.settings.secret().encode(), M, slips["paid"].slip_id)
    client.post("/code", data={"code": code, "csrf_token": token})
    kept = "".join(_kept(page)._pages.values())
    assert len(_kept(page)) >= 7
    for slip in slips.values():
        assert slip.el_number[5:25] not in kept
        assert slip.el_number[21:25] not in kept
    assert token not in kept
    assert code not in kept


def test_every_form_has_its_own_token_and_task(page):
    said = [page.test_client().get("/").get_data(as_text=True) for _ in range(2)]
    for name in ("csrf_token", "task"):
        found = [{*re.findall(f'name="{name}" value="([^"]+)"', each)} for each in said]
        assert [len(each) for each in found] == [1, 1]
        assert found[0] != found[1]


def test_an_address_with_words_and_typed_fields_are_kept_nowhere(page):
    client = page.test_client()
    form = {"csrf_token": _token(client), "case_key": "12345"}
    number = len(_kept(page))
    assert 'value="12345"' in client.post("/", data=form).get_data(as_text=True)
    assert "English" in client.get("/?q=words").get_data(as_text=True)
    assert len(_kept(page)) == number


def test_switches_and_languages_have_pages_of_their_own(page):
    client = page.test_client()
    plain = client.get("/").get_data(as_text=True)
    client.set_cookie("kokin_reading", "large")
    assert 'class="large"' in client.get("/").get_data(as_text=True)
    client.delete_cookie("kokin_reading")
    assert 'class="large"' not in client.get("/").get_data(as_text=True)
    client.set_cookie("kokin_reading", "furigana")
    assert "<ruby>" in client.get("/").get_data(as_text=True)
    assert "<ruby>" not in plain


def test_no_more_are_kept_than_there_may_be(page):
    with page.test_request_context("/"):
        kept = KeptPages(2)
        for state in ("a", "b", "c"):
            kept.page("enquiries/answer.html", {"answers": [], "bases": [], "state": state})
        assert len(kept) == 2


def test_while_one_makes_a_value_the_others_take_the_last():
    made: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def make():
        made.append(1)
        if len(made) == 2:
            begun.set()
            go_on.wait(120)
        return len(made)

    value = Lately(make)
    assert value.get(3_600) == 1
    value._kept = value._kept._replace(until=value._kept.until - 3_601)  # it has become too old
    other = threading.Thread(target=value.get, args=(3_600,))
    other.start()
    assert begun.wait(120)
    assert value.get(3_600) == 1
    go_on.set()
    other.join(120)
    assert value.get(3_600) == 2
    assert value.get(3_600, of="another day") == 3


def test_a_value_that_could_not_be_made_is_tried_again():
    tries: list[int] = []

    def make():
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError
        return 7

    value = Lately(make)
    with pytest.raises(ConnectionError):
        value.get(3_600)
    assert value.get(3_600) == 7


def test_what_does_not_say_itself_is_made_anew_each_time(page):
    pages, values = KeptPages(), {"answers": [], "bases": [], "of": object()}
    with page.test_request_context("/"):
        assert pages.page("enquiries/answer.html", values)
        assert len(pages) == 0
        assert pages.page("enquiries/answer.html", {**values, "of": 1})
        assert len(pages) == 1
