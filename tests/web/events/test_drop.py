"""外部通知ファイル: whole or absent, numbered without gaps, the same bytes at any time."""

from __future__ import annotations

import hashlib
import json

import pytest
from placing_town import row

from reconcile.model import Delivery
from web.events import drop as dropping
from web.events.subscribers import FOLDER
from web.jobs.contract import JobState


@pytest.fixture
def database_url(sqlite_url):
    """What differs between the databases is tested with the job."""
    return sqlite_url


@pytest.fixture
def folder(listening, tmp_path):
    """A subscriber by the name of its folder."""
    found = tmp_path / "out"
    listening.subscribe("tax", str(found), channel=FOLDER, kinds=("slip",))
    return found


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_are_numbered_and_their_hash_stands_beside_them(listening, folder):
    listening.town.shop("a.csv", row(1), row(2))
    assert listening.tell().totals["event_files"] == 1
    listening.town.shop("b.csv", row(1, kind="02"))
    listening.tell()
    assert listening.tell().totals["event_files"] == 0
    assert names(folder) == [
        "events-00000001.jsonl", "events-00000001.jsonl.sha256",
        "events-00000002.jsonl", "events-00000002.jsonl.sha256",
    ]  # fmt: skip
    data = (folder / "events-00000001.jsonl").read_bytes()
    assert [json.loads(line)["number"] for line in data.splitlines()] == [1, 2]
    assert data.endswith(b"}\n")
    digest, _, name = (folder / "events-00000001.jsonl.sha256").read_text().strip().partition("  ")
    assert (digest, name) == (hashlib.sha256(data).hexdigest(), "events-00000001.jsonl")


def test_what_nobody_asked_for_makes_no_file_and_no_gap(listening, folder):
    listening.town.take(Delivery("strange.bin", b"\x00\x01"))
    assert listening.tell().totals["event_files"] == 0
    listening.town.shop("a.csv", row(1))
    listening.tell()
    assert names(folder)[0] == "events-00000001.jsonl"


@pytest.mark.parametrize("at", ["_write_file", "_place", "_keep"])
def test_killed_while_writing_the_next_run_writes_the_same_file(listening, folder, monkeypatch, at):
    listening.town.shop("a.csv", row(1))
    real = getattr(dropping, at)

    def killed(*arguments):
        if at == "_keep":
            real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(dropping, at, killed)
    with pytest.raises(KeyboardInterrupt):
        listening.tell()
    monkeypatch.setattr(dropping, at, real)
    listening.town.shop("b.csv", row(2))
    assert listening.tell().totals["event_files"] == 2
    assert names(folder)[::2] == ["events-00000001.jsonl", "events-00000002.jsonl"]
    for number in (1, 2):
        data = (folder / f"events-0000000{number}.jsonl").read_bytes()
        assert [json.loads(line)["number"] for line in data.splitlines()] == [number]


def test_what_the_receiver_has_taken_away_does_not_come_back(listening, folder):
    listening.town.shop("a.csv", row(1))
    listening.tell()
    for path in folder.iterdir():
        path.unlink()
    listening.town.shop("b.csv", row(2))
    listening.tell()
    assert names(folder) == ["events-00000002.jsonl", "events-00000002.jsonl.sha256"]


def test_a_folder_that_cannot_be_written_is_said_to_be_so_and_nothing_is_lost(
    listening, folder, receiver
):
    listening.subscribe("portal", receiver.url)
    folder.write_text("no folder")
    listening.town.shop("a.csv", row(1))
    result = listening.tell()
    assert (result.state, result.notes) == (JobState.INCOMPLETE, ("event_folder_unwritable",))
    assert len(receiver.heard) == 1
    folder.unlink()
    assert listening.tell().totals["event_files"] == 1


def test_many_events_are_several_files(listening, folder, monkeypatch):
    monkeypatch.setattr(dropping, "LINES_MAX", 2)
    listening.town.shop("a.csv", row(1), row(2), row(3))
    assert listening.tell().totals["event_files"] == 2
    lines = [
        len((folder / f"events-0000000{number}.jsonl").read_bytes().splitlines())
        for number in (1, 2)
    ]
    assert lines == [2, 1]
