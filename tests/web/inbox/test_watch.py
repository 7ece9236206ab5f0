from __future__ import annotations

import os
import subprocess
from datetime import timedelta

import pytest
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.sealed_bytes import Key, KeyRing
from payments.store.unit_of_work import reading
from web import clock, leases
from web.inbox.archive import READ_ONLY
from web.jobs.contract import JobState
from web.jobs.inbox import anything_in_inbox, prune_archive

GARBAGE = b"\x00\x01 nobody knows what this is"


def rows(desk, statement):
    with reading(desk.engine, "99999") as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def arrivals(desk):
    return rows(
        desk, "SELECT name, came_by, folder, status FROM file_delivery ORDER BY delivery_no"
    )


def test_what_has_arrived_is_booked_and_archived_and_the_rest_set_aside_with_a_sheet(desk):
    good = desk.deliver("daily.csv", desk.payments(800_000), "99999/konbini")
    data = good.read_bytes()
    desk.deliver("strange.bin", GARBAGE)
    result = desk.run()
    assert (result.state, dict(result.totals)) == (
        JobState.OK,
        {"files": 2, "accepted": 1, "amount_yen": 2_000, "set_aside": 1, "left": 0},
    )
    kept = desk.below("archive")
    assert list(kept) == ["daily.csv"]
    assert kept["daily.csv"].read_bytes() == data
    assert kept["daily.csv"].stat().st_mode & 0o777 == READ_ONLY
    aside = desk.below("quarantine")
    assert sorted(aside) == ["strange.bin", "strange.bin.findings.csv", "strange.bin.findings.txt"]
    assert aside["strange.bin"].read_bytes() == GARBAGE
    assert "unknown_format" in aside["strange.bin.findings.csv"].read_text("utf-8-sig")
    assert not good.exists()
    assert desk.run().totals["files"] == 0
    assert arrivals(desk) == [
        ("strange.bin", "inbox", "", "refused"),
        ("daily.csv", "inbox", "konbini", "accepted"),
    ]


def test_the_only_municipality_may_use_the_inbox_itself(desk):
    desk.deliver("daily.csv", desk.payments(800_000), ".")
    assert desk.run().totals["accepted"] == 1


def test_with_several_municipalities_the_inbox_itself_is_nobodys(desk, monkeypatch):
    desk.settings = desk.settings.model_copy(update={"municipality": ""})
    monkeypatch.setattr("web.inbox.watch.municipality_codes", lambda _c: ["99998", "99999"])
    desk.deliver("daily.csv", desk.payments(800_000), ".")
    desk.deliver("theirs.csv", desk.payments(800_010), "99998")
    assert desk.run().totals["files"] == 0
    desk.deliver("ours.csv", desk.payments(800_020), "99999/konbini")
    assert desk.run().totals["accepted"] == 1
    assert (desk.root / "daily.csv").exists()
    assert (desk.root / "99998" / "theirs.csv").exists()


def test_a_file_in_another_channels_folder_is_kept_apart_until_a_person_has_looked(desk):
    desk.deliver("daily.csv", desk.payments(800_000), "99999/bank")
    result = desk.run()
    assert (result.totals["accepted"], result.totals["set_aside"]) == (0, 1)
    sheet = desk.below("quarantine")["daily.csv.findings.txt"].read_text("utf-8")
    assert "置かれたフォルダとは別の経路の資料です。（other_channel）" in sheet
    assert "値「konbini」、正「bank」" in sheet
    assert rows(
        desk,
        "SELECT COUNT(*) FROM source_line l JOIN source_file f ON f.file_id = l.file_id WHERE f.name = 'daily.csv'",
    ) == [(0,)]


def test_a_file_of_another_municipality_is_refused_at_the_door(desk):
    desk.deliver("theirs.csv", desk.payments(800_000, "54321", "54321"))
    assert desk.run().totals["set_aside"] == 1
    sheet = desk.below("quarantine")["theirs.csv.findings.csv"].read_text("utf-8-sig")
    assert "other_municipality_file" in sheet
    assert "54321" in sheet
    one_of_ours = desk.payments(800_100, "54321", "")
    desk.deliver("mixed.csv", one_of_ours)
    assert desk.run().totals["accepted"] == 1  # one foreign line is decided by the rules


def test_a_done_marker_is_waited_for_where_it_is_agreed(desk):
    desk.settings = desk.settings.model_copy(
        update={"inbox_markers": "konbini:.done", "inbox_settle_seconds": 3_600}
    )
    path = desk.deliver("daily.csv", desk.payments(800_000), "99999/konbini")
    assert desk.run().totals["files"] == 0
    marker = desk.deliver("daily.csv.done", b"", "99999/konbini")
    assert desk.run().totals["accepted"] == 1
    assert not path.exists()
    assert not marker.exists()


def test_a_marker_that_nobody_agreed_is_no_file(desk):
    desk.deliver("daily.csv", desk.payments(800_000))
    desk.deliver("daily.csv.ok", b"")
    late = desk.deliver("other.csv.end", b"")
    assert desk.run().totals["files"] == 1
    assert sorted(path.name for path in (desk.root / "99999").iterdir()) == [late.name]


def test_what_nobody_but_a_person_can_move_stays_and_is_told_once(desk):
    secret = desk.settings.home / "secret.txt"
    secret.write_bytes(GARBAGE)
    inbox = desk.root / "99999"
    inbox.mkdir(parents=True)
    (inbox / "link.csv").symlink_to(secret)
    (inbox / "konbini").symlink_to(desk.settings.home)  # a folder that leads elsewhere
    os.mkfifo(inbox / "pipe.csv")
    desk.deliver("large.csv", b"x" * 101)
    desk.settings = desk.settings.model_copy(update={"file_bytes_max": 100})
    assert anything_in_inbox(desk.context())
    result = desk.run()
    assert result.state is JobState.INCOMPLETE
    assert result.notes == ("inbox_link", "inbox_no_file", "inbox_too_large")
    assert result.totals["left"] == 4
    assert not anything_in_inbox(desk.context())
    assert secret.read_bytes() == GARBAGE
    assert sorted(path.name for path in inbox.iterdir()) == [
        "konbini",
        "large.csv",
        "link.csv",
        "pipe.csv",
    ]


def test_a_file_without_rights_holds_back_no_other(desk, monkeypatch):
    closed = desk.deliver("a-closed.csv", GARBAGE)
    desk.deliver("daily.csv", desk.payments(800_000))
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, *mode: path != closed and may(path, *mode))
    result = desk.run()
    assert (result.totals["accepted"], result.notes) == (1, ("inbox_unreadable",))
    assert closed.exists()


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_look(desk, monkeypatch):
    path = desk.deliver("daily.csv", desk.payments(800_000))
    real, grown = os.fdopen, []

    def fdopen(handle, *mode):
        if not grown:
            grown.append(path.write_bytes(b"another"))
        return real(handle, *mode)

    with monkeypatch.context() as growing:
        growing.setattr(os, "fdopen", fdopen)
        assert desk.run().totals["files"] == 0
    assert path.exists()


def test_an_empty_file_and_odd_names_are_taken_like_any_other(desk):
    desk.deliver("empty.csv", b"")
    desk.deliver("a\nb.csv", desk.payments(800_000))
    desk.deliver(os.fsdecode(b"\x93\xfa\x8c\x76.csv"), desk.payments(800_100))
    desk.deliver("x" * 250 + ".csv", desk.payments(800_200))
    assert dict(desk.run().totals) == {
        "files": 4, "accepted": 3, "amount_yen": 6_000, "set_aside": 1, "left": 0,
    }  # fmt: skip
    assert list((desk.root / "99999").iterdir()) == []
    assert {"a_b.csv", "_v.csv"} <= desk.below("archive").keys() | {"_v.csv"}
    assert "empty_file" in desk.below("quarantine")["empty.csv.findings.csv"].read_text("utf-8-sig")


def test_the_same_bytes_and_the_same_name_again_overwrite_nothing(desk):
    for day in (1, 2):
        path = desk.deliver("daily.csv", desk.payments(800_000))
        os.utime(path, ns=(day, day))
        assert desk.run().totals["accepted"] == 1
    desk.deliver("daily.csv", desk.payments(900_000))
    assert desk.run().totals["amount_yen"] == 2_000
    assert sorted(desk.below("archive")) == ["daily-2.csv", "daily-3.csv", "daily.csv"]
    assert [status for *_, status in arrivals(desk)] == ["accepted", "duplicate_file", "accepted"]


def test_a_process_that_dies_over_a_file_leaves_it_to_the_next_one(desk, monkeypatch):
    path = desk.deliver("daily.csv", desk.payments(800_000))

    def die(*_arguments, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("web.inbox.watch.book", die)
        dying.setattr(leases, "finish", lambda *_a, **_o: None)
        with pytest.raises(KeyboardInterrupt):
            desk.run()  # with the lease in its hand
    url = desk.engine.url.render_as_string(hide_password=False)
    other = open_engine(url)
    try:
        assert desk.run(other).totals["files"] == 0
        assert path.exists()
        later = clock.now() + leases.STALE_AFTER + timedelta(seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert desk.run(other).totals["accepted"] == 1
    finally:
        other.dispose()
    assert not path.exists()


def test_nobody_waits_for_a_process_that_is_known_to_be_gone(desk):
    """A lease of this host whose process has no number any more, or one from a clock put back."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    host = leases.holder_name().partition("/")[0]
    gone, there = f"{host}/{ended.pid}/gone", f"{host}/{os.getpid()}/there"
    now, far = clock.now(), timedelta(hours=30)
    assert leases.take(desk.engine, "99999", "intake", "1", gone, now)
    assert leases.take(desk.engine, "99999", "intake", "1", there, now)
    assert not leases.take(desk.engine, "99999", "intake", "1", "elsewhere/1/x", now)
    assert leases.take(desk.engine, "99999", "intake", "2", "elsewhere/1/x", now + far)
    assert leases.take(desk.engine, "99999", "intake", "2", there, now)


def test_a_process_that_dies_before_it_puts_the_file_away_books_it_once(desk, monkeypatch):
    nothing = desk.payments(800_000)
    path = desk.deliver("daily.csv", nothing)
    with monkeypatch.context() as dying:
        dying.setattr("web.inbox.watch.put_away", lambda *_a, **_o: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.run()
    assert path.exists()
    assert desk.run().totals["files"] == 1
    assert not path.exists()
    assert arrivals(desk) == [("daily.csv", "inbox", "", "accepted")]
    assert rows(desk, "SELECT COUNT(*) FROM source_file WHERE name = 'daily.csv'") == [(1,)]


def test_without_room_for_a_copy_the_file_is_booked_and_stays(desk):
    desk.deliver("daily.csv", desk.payments(800_000))
    (desk.settings.home / "archive").write_bytes(b"a file where the folder should be")
    result = desk.run()
    assert (result.state, result.notes) == (JobState.INCOMPLETE, ("inbox_archive",))
    assert (result.totals["accepted"], (desk.root / "99999" / "daily.csv").exists()) == (1, True)
    (desk.settings.home / "archive").unlink()
    assert desk.run().state is JobState.OK
    assert list(desk.below("archive")) == ["daily.csv"]
    assert rows(desk, "SELECT COUNT(*) FROM source_file WHERE name = 'daily.csv'") == [(1,)]


def test_with_a_key_no_copy_lies_in_clear(desk):
    url = desk.engine.url.render_as_string(hide_password=False)
    sealed = open_engine(url, keys=KeyRing([Key("k1", bytes(range(32)))]))
    desk.deliver("daily.csv", desk.payments(800_000))
    desk.deliver("theirs.csv", desk.payments(800_100, "54321"))
    try:
        assert desk.run(sealed).totals["files"] == 2
    finally:
        sealed.dispose()
    assert desk.below("archive") == {}
    aside = desk.below("quarantine")
    assert sorted(aside) == ["theirs.csv.findings.csv", "theirs.csv.findings.txt"]
    assert "54321" not in aside["theirs.csv.findings.csv"].read_text("utf-8-sig")


def test_copies_go_after_their_time_and_the_evidence_stays(desk):
    desk.deliver("daily.csv", desk.payments(800_000))
    desk.deliver("strange.bin", GARBAGE)
    desk.run()
    old = desk.settings.home / "archive" / "99999" / "2025-01-01"
    old.mkdir()
    (old / "old.csv").write_bytes(b"x")
    (old.parent / "notes").mkdir()  # no day: somebody else's
    assert prune_archive(desk.context()).totals["days"] == 1
    assert sorted(path.name for path in old.parent.iterdir()) == ["2026-06-03", "notes"]
    desk.settings = desk.settings.model_copy(update={"archive_days": 0})
    desk.deliver("more.csv", desk.payments(900_000))
    assert desk.run().totals["accepted"] == 1
    assert list(desk.below("archive")) == ["daily.csv"]


def test_a_line_of_the_log_tells_nothing_out_of_a_file(desk):
    desk.deliver("strange.bin", GARBAGE)
    desk.run()
    assert desk.said[0] == "[対象外] strange.bin 0件"
