from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.inbox.names import NAME_MAX, safe_name
from web.inbox.ready import Look, Looks, State, is_unfinished, marked_name, state_of

NOW = datetime(2026, 6, 3, 1, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=10)
PATH = Path("/inbox/daily.csv")


def look(size=100, *, changed=NOW, kind="file"):
    return Look(size, 0, int(changed.timestamp() * 1e9), 7, kind)


def state(name="daily.csv", *, marker="", marked=False, unchanged=SETTLE, seen=None):
    return state_of(
        name,
        seen or look(),
        marker=marker,
        marked=marked,
        unchanged=unchanged,
        settle=SETTLE,
        size_max=1_000,
    )


@pytest.mark.parametrize(
    "name", [".daily.csv", "daily.csv.part", "DAILY.TMP", "a.filepart", "a.writing", "a.partial"]
)
def test_a_name_that_says_so_is_still_being_written(name):
    assert is_unfinished(name)
    assert state(name) is State.UNFINISHED


def test_a_file_has_arrived_when_nothing_has_changed_for_a_while():
    assert state(unchanged=timedelta(seconds=9.9)) is State.SETTLING
    assert state(unchanged=SETTLE) is State.READY
    assert state(seen=look(1_001)) is State.TOO_LARGE
    assert state(seen=look(kind="link")) is State.LINK
    assert state(seen=look(kind="other")) is State.NO_FILE


def test_where_a_marker_is_agreed_it_alone_decides():
    moving = timedelta(0)
    assert state(marker=".done", unchanged=timedelta(days=1)) is State.AWAITS_MARKER
    assert state(marker=".done", marked=True, unchanged=moving) is State.READY
    assert state("daily.csv.done", marker=".done") is State.MARKER
    assert marked_name("daily.csv.done", 12, ".done") == "daily.csv"  # it may say something itself
    assert marked_name("daily.csv.END", 0, "") == "daily.csv"
    assert marked_name("daily.csv.end", 12, "") is None  # not agreed, and it says something


def test_a_slow_sender_is_waited_for_however_long_it_takes():
    looks = Looks()
    for second in range(0, 60, 5):  # it grows between any two looks
        now = NOW + timedelta(seconds=second)
        grown = look(second, changed=now)
        assert looks.unchanged_since(PATH, grown, now) == now
    assert looks.unchanged_since(PATH, grown, now + SETTLE) == now


def test_what_changed_long_ago_is_ready_at_the_first_look():
    old = NOW - timedelta(hours=1)
    assert Looks().unchanged_since(PATH, look(changed=old), NOW) == old


def test_a_clock_that_runs_ahead_only_makes_it_wait_for_two_looks():
    looks, ahead = Looks(), look(changed=NOW + timedelta(hours=9))
    assert looks.unchanged_since(PATH, ahead, NOW) == NOW
    assert looks.unchanged_since(PATH, ahead, NOW + SETTLE) == NOW


def test_a_file_that_shrinks_or_is_replaced_begins_anew():
    looks = Looks()
    looks.unchanged_since(PATH, look(100), NOW)
    later = NOW + SETTLE
    assert looks.unchanged_since(PATH, look(40, changed=later), later) == later
    replaced = look(40, changed=later)._replace(inode=8)
    assert looks.unchanged_since(PATH, replaced, later + SETTLE) == later
    looks.forget_all_but([])
    assert looks.unchanged_since(PATH, look(changed=NOW + SETTLE * 9), later) == later


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("daily.csv", "daily.csv"),
        ("二月分.csv", "二月分.csv"),
        ("a\nb\x00c.csv", "a_b_c.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\x.csv", "x.csv"),
        ("..csv", "csv"),
        ("", "no-name"),
        (b"\x83\x65.csv".decode("utf-8", "surrogateescape"), "_e.csv"),
        ("x" * 300 + ".csv", "x" * (NAME_MAX - 4) + ".csv"),
        ("a\u202eb.csv", "a_b.csv"),  # what turns the order of letters around
    ],
)
def test_a_name_is_one_that_every_system_takes(given_name, shown):
    assert safe_name(given_name) == shown


@given(st.text(max_size=400))
def test_any_name_becomes_a_name(text):
    name = safe_name(text)
    assert 0 < len(name.encode()) <= 200
    assert "/" not in name
    assert not name.startswith(".")
    assert safe_name(name) == name
