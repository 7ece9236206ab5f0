from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from payments.domain.errors import ConfigurationError
from web import clock, formatting, messages
from web.config import load_settings


def test_the_home_holds_everything_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("KOKIN_HOME", str(tmp_path))
    for name in ("KOKIN_DATABASE_URL", "KOKIN_INBOX", "KOKIN_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    settings = load_settings()
    assert settings.database == f"sqlite:///{tmp_path}/kokin.sqlite3"
    assert settings.inbox_folder == tmp_path / "inbox"
    monkeypatch.setenv("KOKIN_DATABASE_URL", "postgresql://city")
    assert load_settings().sqlite_file is None


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    settings = load_settings(home=tmp_path / "new", secret_key="")
    assert settings.secret() == settings.secret()
    assert len(settings.secret()) >= 32
    assert ((tmp_path / "new" / "secret-key").stat().st_mode & 0o777) == 0o600
    with pytest.raises(ConfigurationError, match="secret_key"):
        load_settings(home=tmp_path, secret_key="short").secret()


def test_no_secret_shows_when_settings_are_printed():
    settings = load_settings(secret_key="s" * 40, notification_keys="a:" + "k" * 40)
    assert "ssss" not in repr(settings)
    assert "kkkk" not in repr(settings)


@pytest.mark.parametrize("wrong", ["a", "a:", ":secret", "a:short", "h" * 50, "h" * 50 + ":a"])
def test_a_key_of_the_environment_needs_a_name_and_a_long_secret(wrong):
    with pytest.raises(ConfigurationError, match="notification_keys") as refused:
        load_settings(notification_keys=f"b:{'k' * 40},{wrong}").named_keys()
    # Whoever forgot the name, or wrote it behind, wrote the secret where the name is sought.
    assert refused.value.details == {"found": "#2"}


def test_figures_and_days_as_people_read_them():
    assert formatting.yen(-1_234_567) == "−1,234,567円"
    assert formatting.yen(None) == "—"
    assert formatting.count(1234) == "1,234件"
    assert formatting.full_day(date(2026, 5, 28)) == "2026年（令和8年）5月28日（木）"
    assert formatting.long_day("2019-04-30") == "2019年4月30日（火）"
    assert formatting.short_day(None) == "—"
    assert formatting.wide("ﾐﾎﾝｼ") == "ミホンシ"
    assert formatting.moment(datetime(2026, 5, 28, 15, 30)) == "2026-05-29 00:30"  # noqa: DTZ001


def test_the_day_turns_at_midnight_in_japan(monkeypatch):
    late = datetime(2026, 5, 31, 15, 0, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: late)
    assert clock.today() == date(2026, 6, 1)


def test_an_unknown_code_still_gets_a_sentence():
    assert messages.error("never_heard_of").endswith("。")
    assert messages.finding("never_heard_of").endswith("。")
    assert messages.outcome("never_heard_of").label == "never_heard_of"
    assert messages.case("never_heard_of").next.endswith("。")
    assert messages.label("channel", "never_heard_of") == "never_heard_of"


def test_a_sentence_whose_values_are_missing_is_still_a_sentence():
    assert messages.error("database_missing") == (
        "データベース — がありません。先に kokin init を実行してください。"
    )
