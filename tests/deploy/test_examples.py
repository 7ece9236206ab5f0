"""The examples of deploy/ name settings that there are, and fit the limits of the program."""

from __future__ import annotations

import re

from codebase import ROOT

from web.config import Settings

DEPLOY = ROOT / "deploy"
NGINX = (DEPLOY / "nginx" / "kokin.conf").read_text("utf-8")
KNOWN = {f"KOKIN_{name.upper()}" for name in Settings.model_fields}


def _set_in(text: str) -> dict[str, str]:
    """Names and values of an environment file, also of those that are commented out."""
    return dict(re.findall(r"^#?(KOKIN_\w+)=(.*)$", text, re.MULTILINE))


def test_the_environment_file_names_settings_that_there_are(monkeypatch):
    given = _set_in((DEPLOY / "kokin.env.example").read_text("utf-8"))
    assert len(given) > 10
    assert given.keys() - KNOWN == set()
    for name, value in given.items():
        if value:
            monkeypatch.setenv(name, value)
    assert Settings().proxies == 1  # each value is one that its setting takes


def test_the_units_set_nothing_that_is_not_a_setting():
    for path in (DEPLOY / "systemd").rglob("*"):
        if path.is_file():
            named = set(re.findall(r"KOKIN_\w+", path.read_text("utf-8")))
            assert named <= KNOWN, path.name


def test_every_setting_stands_in_the_documents():
    said = "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert [name for name in sorted(KNOWN) if name not in said] == []


def test_the_proxy_says_the_address_itself_and_never_adds_to_what_a_client_says():
    words = re.sub(r"#.*", "", NGINX)
    assert re.findall(r"proxy_set_header X-Forwarded-For (\S+);", words) == ["$remote_addr"]
    assert "$proxy_add_x_forwarded_for" not in words
    assert 'proxy_set_header Forwarded "";' in words
    assert words.count("{") == words.count("}")


def test_the_proxy_lets_the_largest_file_through_and_hides_the_metrics():
    most = re.search(r"client_max_body_size (\d+)m;", NGINX)
    assert int(most[1]) << 20 > Settings.model_fields["file_bytes_max"].default
    assert "location = /metrics { return 404; }" in NGINX
