"""``kokin events``: what an administrator does, as the administrator does it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from placing_town import row

from web.cli import main
from web.commands.session import Session


@pytest.fixture
def database_url(sqlite_url):
    """One kind of database is enough for what is typed and said."""
    return sqlite_url


@pytest.fixture
def kokin(listening):
    """The command with the settings of the test."""

    def run(*arguments, ok=True):
        session = Session(listening.settings)
        found = CliRunner().invoke(main, ["events", *arguments], obj=session)
        session.close()
        assert (found.exit_code == 0) is ok, found.output
        return found.output

    return run


def secret_in(output):
    return next(word for word in output.split() if word.startswith("whsec_"))


def test_a_subscriber_from_the_first_day_to_the_last(kokin, listening, receiver):
    said = kokin("subscribe", "portal", "--url", receiver.url, "--kind", "slip", "--amounts")
    secret = secret_in(said)
    listening.town.shop("a.csv", row(1))
    listed = kokin("list")
    assert secret not in listed
    assert "portal  有効" in listed
    assert "送信待ち 1件" in listed
    listening.tell()
    assert "送信待ち 0件" in kokin("list")
    assert "納付書 S0000000001-01-1  portal: 送信済" in kokin("log")
    rotated = kokin("rotate", "portal", "--overlap-hours", "2")
    assert secret_in(rotated) != secret
    assert "2026-06-20 12:00 まで" in rotated
    assert "1件を送り直します" in kokin("replay", "portal", "--from", "1")
    listening.tell()
    assert len(receiver.heard) == 2
    kokin("disable", "portal")
    assert "portal  停止" in kokin("list")
    kokin("enable", "portal")
    events = [
        found.event
        for found in listening.town.rows("SELECT event FROM staff_event ORDER BY happened_at")
    ]
    assert sorted(events) == [
        "events_replayed", "subscriber_added", "subscriber_disabled", "subscriber_enabled",
        "subscriber_rotated",
    ]  # fmt: skip


def test_what_was_given_up_is_found_and_sent_again(kokin, listening, receiver):
    kokin("subscribe", "portal", "--url", receiver.url)
    receiver.answers = [500] * 6 + [200]
    listening.town.shop("a.csv", row(1))
    for _ in range(6):
        listening.tell(days=3)
    (found,) = json.loads(kokin("log", "--state", "failed", "--json"))
    assert found["deliveries"][0]["reason"] == "refused"
    assert "断念 1件" in kokin("list")
    kokin("replay", "portal", "--failed")
    listening.tell()
    assert kokin("log", "--state", "failed") == "外部通知はまだありません。\n"


def test_a_folder_is_subscribed_and_a_file_written_again(kokin, listening, tmp_path):
    folder = tmp_path / "out"
    kokin("subscribe", "tax", "--folder", str(folder))
    listening.town.shop("a.csv", row(1))
    listening.tell()
    path = folder / "events-00000001.jsonl"
    data = path.read_bytes()
    path.unlink()
    assert str(path) in kokin("replay", "tax", "--file", "1")
    assert path.read_bytes() == data
    assert "（event_file）" in kokin("replay", "tax", "--file", "2", ok=False)
    assert "（subscriber_is_folder）" in kokin("replay", "tax", "--from", "1", ok=False)
    assert "（subscriber_has_no_secret）" in kokin("rotate", "tax", ok=False)


def test_what_began_before_is_told_from_the_beginning_when_asked_for(kokin, listening, receiver):
    kokin("subscribe", "first", "--url", receiver.url + "/first")
    listening.town.shop("a.csv", row(1))
    kokin("subscribe", "late", "--url", receiver.url + "/late")
    kokin("subscribe", "all", "--url", receiver.url + "/all", "--from-the-beginning")
    listening.tell()
    assert sorted(heard.path for heard in receiver.heard) == ["/hook/all", "/hook/first"]


REFUSED = [
    (("subscribe", "x"), "subscriber_target"),
    (
        ("subscribe", "x", "--url", "https://a.example/", "--folder", "/srv/out"),
        "subscriber_target",
    ),
    (("subscribe", "x", "--url", "https://elsewhere.example/"), "webhook_url"),
    (("subscribe", "x y", "--url", "https://127.0.0.1/"), "subscriber_name"),
    (("subscribe", "x", "--folder", "relative"), "event_folder"),
    (("subscribe", "x", "--folder", "/srv/out", "--kind", "weather"), "event_kind"),
    (("subscribe", "x", "--folder", "/srv/out", "--number", "name"), "event_number"),
    (("subscribe", "portal", "--folder", "/srv/out"), "subscriber_exists"),
    (("disable", "nobody"), "subscriber"),
    (("enable", "nobody"), "subscriber"),
    (("rotate", "nobody"), "subscriber"),
    (("rotate", "portal", "--overlap-hours", "10000"), "secret_overlap"),
    (("replay", "portal"), "event_range"),
    (("replay", "portal", "--from", "3", "--to", "2"), "event_range"),
    (("replay", "portal", "--from", "7"), "nothing_to_replay"),
    (("replay", "portal", "--failed"), "nothing_to_replay"),
    (("replay", "portal", "--file", "1"), "nothing_to_replay"),
    (("replay", "stopped", "--from", "1"), "subscriber_disabled"),
]


def test_what_cannot_be_done_is_said_in_a_sentence(kokin):
    kokin("subscribe", "portal", "--url", "http://127.0.0.1:9/")
    kokin("subscribe", "stopped", "--url", "http://127.0.0.1:9/")
    kokin("disable", "stopped")
    for arguments, code in REFUSED:
        assert kokin(*arguments, ok=False).rstrip().endswith(f"（{code}）"), arguments
