"""Style and scripts: packed for whoever takes it, kept for good, and never an old one for a new."""

from __future__ import annotations

import gzip
import os
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from web.app import create_app
from web.config import Settings
from web.static_files import KEPT

STYLE = re.compile(r'href="(/static/public\.css\?v=[0-9a-f]{12})"')


@pytest.fixture
def client(city):
    return _client(create_app(city.settings, city.engine, TESTING=True))


def _client(app):
    """A client that reads whole answers and closes what they came from."""
    client = app.test_client()
    return SimpleNamespace(get=lambda *words, **named: client.get(*words, buffered=True, **named))


def _style(client):
    return STYLE.search(client.get("/help/").get_data(as_text=True)).group(1)


def test_what_a_page_names_is_kept_and_packed(client):
    plain = client.get(_style(client))
    packed = client.get(_style(client), headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 3
    for answer in (plain, packed):
        assert answer.headers["Cache-Control"] == KEPT
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Encoding" not in plain.headers
    refused = client.get(_style(client), headers={"Accept-Encoding": "gzip;q=0"})
    assert refused.data == plain.data


def test_another_file_than_named_is_asked_for_again(client):
    for address in ("/static/public.css", "/static/public.css?v=0123456789ab"):
        assert client.get(address).headers["Cache-Control"] == "no-cache"
    assert client.get("/static/nothing.css").status_code == 404
    assert client.get("/static/../app.py").status_code == 404


def test_who_has_the_file_is_told_that_it_is_the_same(client):
    packed = client.get("/static/public.css", headers={"Accept-Encoding": "gzip"})
    tag = packed.headers["ETag"]
    assert tag.startswith('W/"')
    again = client.get(
        "/static/public.css", headers={"Accept-Encoding": "gzip", "If-None-Match": tag}
    )
    assert (again.status_code, again.data) == (304, b"")


def test_a_changed_file_has_another_address(tmp_path, city):
    app = create_app(Settings(home=tmp_path, secret_key="s" * 40), city.engine, TESTING=True)
    app.static_folder = str(tmp_path)
    file = Path(tmp_path, "public.css")
    file.write_text("a { color: red }", "ascii")
    client = _client(app)
    before = _style(client)
    file.write_text("a { color: tan }", "ascii")
    os.utime(file, (1, 1))  # another moment, however fast this ran
    assert _style(client) != before


PACKED = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize("address", ["/", "/several", "/help/", "/?lang=vi", "/?furigana=on"])
def test_a_page_that_repeats_nothing_is_packed(client, address):
    answer = client.get(address, headers=PACKED)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    page = gzip.decompress(answer.data).decode()
    assert page.endswith("</html>")
    assert int(answer.headers["Content-Length"]) == len(answer.data) < len(page.encode()) * 2 / 3
    assert "Content-Encoding" not in client.get(address).headers


@pytest.mark.parametrize(
    "address", ["/?q=guess", "/help/?q=guess", "/?lang=guess", "/?lang=vi&lang=guess", "/nothing"]
)
def test_a_page_that_may_repeat_a_guess_is_not(client, address):
    assert "Content-Encoding" not in client.get(address, headers=PACKED).headers


def test_neither_is_an_answer_nor_a_page_of_staff(city):
    app = create_app(city.settings, city.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()
    number = {"collecting_body_code": "99999", "case_key": "9" * 20}
    for form in (number, number | {"confirmation_no": "123456", "item_code": "001"}):
        answer = client.post("/", data=form, headers=PACKED)
        assert answer.status_code in {200, 422}
        assert "Content-Encoding" not in answer.headers
    assert "Content-Encoding" not in client.get("/staff/sign-in", headers=PACKED).headers


POLICY = "Content-Security-Policy"
INLINED = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def test_who_comes_for_the_first_time_has_the_style_in_the_page(city):
    app = create_app(city.settings, city.engine, TESTING=True)
    client = app.test_client()
    for address in ("/", "/", "/help/", "/nowhere"):  # also where the page was kept
        answer = app.test_client().get(address)
        page = answer.get_data(as_text=True)
        (style,) = INLINED.findall(page)
        digest = b64encode(sha256(style.encode()).digest()).decode()
        assert f"style-src 'self' 'sha256-{digest}';" in answer.headers[POLICY]
        assert "unsafe" not in answer.headers[POLICY]
        assert style == Path(str(app.static_folder), "public.css").read_text("utf-8")
        assert re.search(r'public\.css\?v=[0-9a-f]{12}" media="print"', page)
    client.get("/")
    again = client.get("/")  # with the cookie of its forms
    assert INLINED.findall(again.get_data(as_text=True)) == []
    assert "sha256" not in again.headers[POLICY]
    assert 'media="print"' not in again.get_data(as_text=True)


def test_no_other_page_has_it(client):
    for address in ("/staff/sign-in", "/open-data/", "/api/v1/docs"):
        answer = client.get(address)
        assert INLINED.findall(answer.get_data(as_text=True)) == []
        assert "sha256" not in answer.headers[POLICY]
