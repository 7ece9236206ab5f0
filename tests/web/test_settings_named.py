"""Settings that cannot be used: all are named before the start, each with how to mend it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from payments.domain.errors import ConfigurationError
from web import doctor_machine
from web.cli import main
from web.commands import demo
from web.config import Settings, examined_settings, load_settings
from web.doctor import examine

BODY = json.dumps({"99999": {"issuer": "http://x", "client_id": "a", "shown_items": ["901"]}})
# The variable, what is wrong in it, and a part of what is said of it.
WRONG = [
    ("KOKIN_PROXIES", "one", "整数で"),
    ("KOKIN_PROXIES", "-1", ">= 0"),
    ("KOKIN_SMTP_PORT", "70000", "<= 65535"),
    ("KOKIN_SMTP_HOST", "mail host", "サーバーの名前"),
    ("KOKIN_OTLP_RATIO", "half", "数で"),
    ("KOKIN_HTTPS", "jawohl", "true か false"),
    ("KOKIN_RECONCILE_AT", "6:30", "06:30"),
    ("KOKIN_SMTP_SECURITY", "ssl", "'starttls' or 'none'"),
    ("KOKIN_OTLP_URL", "collector:4318", "http://"),
    ("KOKIN_WEBHOOK_NETWORKS", "town hall", "10.1.0.0/16"),
    ("KOKIN_DATABASE_URL", "mysql://a/b", "postgresql://"),
    ("KOKIN_NOTICES", "{bad", "1:2"),
    ("KOKIN_NOTICES", "[]", "団体コード"),
    ("KOKIN_NOTICES", '{"99999": {"mial": []}}', "99999.mial"),
    ("KOKIN_NOTICES", '{"99999": {"mail": 3}}', "一つ以上"),
    ("KOKIN_NOTICES", '{"99999": {"webhook": 3}}', "docs/operations.md"),
    ("KOKIN_OIDC", '{"99999": {"issuer": "https://x"}}', "足りません"),
    ("KOKIN_RESIDENTS", BODY, "https://"),
]


@pytest.fixture(autouse=True)
def _nothing_of_ours(monkeypatch, tmp_path):
    monkeypatch.setenv("KOKIN_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_a_wrong_value_is_named_with_what_it_should_be(monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    answer = CliRunner().invoke(main, ["verify"])
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert name in answer.stderr
    assert said in answer.stderr
    assert answer.stderr.endswith("（settings）\n")
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_all_that_is_wrong_is_named_at_once_by_every_command_and_the_doctor_looks_on(monkeypatch):
    for name, value in (("KOKIN_PROXIES", "one"), ("KOKIN_NOTICES", "{"), ("KOKIN_HTTPS", "?")):
        monkeypatch.setenv(name, value)
    answer = CliRunner().invoke(main, ["serve"])
    assert [line.split()[1] for line in answer.stderr.splitlines()] == [
        "KOKIN_HTTPS",
        "KOKIN_PROXIES",
        "KOKIN_NOTICES",
    ]
    answer = CliRunner().invoke(main, ["doctor", "--json"])
    assert answer.exit_code == 1
    found = json.loads(answer.stdout)
    assert sum("設定 KOKIN_" in each["problem"] for each in found) == 3
    assert {each["code"] for each in found} >= {"fonts", "database", "clock"}


@pytest.mark.parametrize("command", ["serve", "schedule"])
@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("KOKIN_SECRET_KEY", "short", "secret_key"),
        ("KOKIN_METRICS_TOKEN", "short", "metrics_token"),
        ("KOKIN_NOTIFICATION_KEYS", "pay-1:short", "notification_keys"),
        ("KOKIN_INBOX_MARKERS", "konbini=.done", "inbox_markers"),
    ],
)
def test_no_process_starts_with_what_only_a_request_would_stumble_over(
    monkeypatch, command, name, value, code
):
    monkeypatch.setenv(name, value)
    answer = CliRunner().invoke(main, [command])
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.endswith(f"（{code}）\n")


def test_no_secret_is_shown_with_what_is_wrong_about_it(monkeypatch):
    hidden = "hunter2hunter2"
    monkeypatch.setenv("KOKIN_NOTICES", json.dumps({"99999": {"webhook_secret": [hidden]}}))
    monkeypatch.setenv("KOKIN_OIDC", "{" + hidden)
    monkeypatch.setenv("KOKIN_DATABASE_URL", f"postgrseql://kokin:{hidden}@host/kokin")
    _settings, wrong = examined_settings()
    assert len(wrong) == 3
    assert hidden not in "".join(f"{error} {error.details}" for error in wrong)


def test_what_several_parts_break_on_is_told_once(tmp_path):
    settings = Settings(home=tmp_path, database_url="sqlite:nonsense", secret_key="s" * 40)
    said = [finding.problem for finding in examine(settings) if finding.problem]
    assert sum("データベースを使えません" in each for each in said) == 1
    assert sum("上の「データベース」" in each for each in said) >= 3


def test_an_empty_variable_is_as_if_it_were_not_there(monkeypatch, tmp_path):
    for name in ("KOKIN_INBOX", "KOKIN_PROXIES", "KOKIN_NOTICES"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert (settings.inbox_folder, settings.proxies) == (tmp_path / "home" / "inbox", 0)


@pytest.fixture
def file(monkeypatch, tmp_path):
    """A settings file that is in force."""
    path = tmp_path / "kokin.env"
    path.touch(mode=0o640)
    monkeypatch.setenv("KOKIN_SETTINGS_FILE", str(path))
    return path


def test_settings_of_a_file_hold_and_the_environment_stands_above(file, monkeypatch):
    file.write_text(
        '# 設定\n; this too\n\nKOKIN_PROXIES=1\nTZ=Asia/Tokyo\nKOKIN_HTTPS="true"\n'
        "KOKIN_SMTP_FROM=\nKOKIN_BACKUPS_KEPT=3 \nkokin_inbox_seconds=30\n"
        """KOKIN_NOTICES='{"99999": {"mail": ["a@example.jp"]}}'\n""",
        "utf-8",
    )
    monkeypatch.setenv("KOKIN_BACKUPS_KEPT", "5")
    settings = load_settings()
    assert (settings.proxies, settings.https, settings.backups_kept) == (1, True, 5)
    assert settings.inbox_seconds == 30
    assert settings.recipients("99999").mail == ("a@example.jp",)
    assert load_settings(proxies=2).proxies == 2
    doctor_machine.names(settings, {})


@pytest.mark.parametrize(
    "line",
    ["KOKIN_PROXIES", "export KOKIN_PROXIES=1", 'KOKIN_SMTP_USER="a', r"KOKIN_SMTP_USER=a\b"],
)
def test_a_line_that_could_be_read_in_two_ways_is_named(file, line):
    file.write_text(f"KOKIN_HTTPS=true\n{line}\n", "utf-8")
    answer = CliRunner().invoke(main, ["doctor"])
    assert answer.exit_code == 1
    assert f"{file} の 2行目" in answer.stderr
    assert "settings_line" in answer.stderr


def test_a_file_that_is_not_there_or_is_no_text_is_named(file, monkeypatch):
    file.write_bytes(b"KOKIN_SMTP_FROM=\x93\xfa\n")
    with pytest.raises(ConfigurationError, match="settings_file"):
        load_settings()
    monkeypatch.setenv("KOKIN_SETTINGS_FILE", str(file.parent / "none"))
    answer = CliRunner().invoke(main, ["verify"])
    assert "settings_file" in answer.stderr


def test_the_doctor_names_a_name_of_the_file_that_is_none_and_a_file_that_all_can_read(file):
    file.write_text("KOKIN_BACKUPSDIR=/srv\n", "utf-8")
    with pytest.raises(ConfigurationError, match="settings_name"):
        doctor_machine.names(load_settings(), {})
    file.write_text("KOKIN_BACKUPS=/srv\n", "utf-8")
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="settings_file_open"):
        doctor_machine.names(load_settings(), {})


def test_the_scheduler_of_the_demo_never_looks_into_the_inbox_of_a_settings_file(
    file, monkeypatch, tmp_path
):
    file.write_text(f"KOKIN_INBOX={tmp_path / 'service'}\n", "utf-8")
    given = {}

    def popen(_command, *, env, **_rest):
        given.update(env)
        raise FileNotFoundError

    monkeypatch.setattr(demo.subprocess, "Popen", popen)
    own = load_settings(home=tmp_path / "demo", inbox=None)
    with pytest.raises(FileNotFoundError), demo._scheduler(own):
        pass
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert load_settings().inbox_folder == tmp_path / "demo" / "inbox"
