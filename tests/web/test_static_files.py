"""Style and scripts: packed for whoever takes it, kept for good, and never an old one for a new."""

from __future__ import annotations

import gzip
import os
import re
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


def test_a_page_with_a_token_is_not_packed(client):
    answer = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert 'name="csrf_token"' in answer.get_data(as_text=True)
    assert "Content-Encoding" not in answer.headers
