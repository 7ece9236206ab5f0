"""The examples of deploy/ name settings that there are, and fit the limits of the program."""

from __future__ import annotations

import re

from codebase import ROOT

from web.config import Settings, examined_settings
from web.jobs.table import JOBS

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


def test_every_job_stands_in_the_table_of_what_runs_by_itself():
    said = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert [job.code for job in JOBS if f"| `{job.code}` " not in said] == []


def test_what_an_administrator_types_meets_the_books_of_the_units():
    """The same user, data folder, settings and program."""
    command = (DEPLOY / "kokin").read_text("utf-8")
    units = (DEPLOY / "systemd" / "kokin-.service.d" / "sandbox.conf").read_text("utf-8")
    for name, value in re.findall(r"^Environment=(\w+)=(.+)$", units, re.MULTILINE):
        assert f" {name}={value} " in command
    assert "EnvironmentFile=/etc/kokin/kokin.env" in units
    user = re.search(r"^User=(\w+)$", units, re.MULTILINE)
    assert user is not None
    assert f"runuser -u {user[1]} -- env " in command
    assert '/opt/kokin/bin/kokin "$@"' in command
    assert (DEPLOY / "kokin").stat().st_mode & 0o111


def test_the_settings_file_that_is_shipped_is_read_by_the_program(monkeypatch, tmp_path):
    kept = tmp_path / "kokin.env"
    text = (DEPLOY / "kokin.env.example").read_text("utf-8")
    kept.write_text(re.sub(r"^#(KOKIN_\w+=\S)", r"\1", text, flags=re.MULTILINE), "utf-8")
    monkeypatch.setenv("KOKIN_SETTINGS_FILE", str(kept))
    settings, wrong = examined_settings()
    assert wrong == []
    assert (settings.https, settings.smtp_port) == (True, 587)
    assert settings.database.startswith("postgresql://kokin_app:")


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
