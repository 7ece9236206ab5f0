"""ディスクの速さ: seen by the quickest of the last commits."""

from __future__ import annotations

from web.notifications.disk_pace import LOOK_AT, DiskPace


def _noted(pace, *milliseconds):
    for each in milliseconds:
        pace.note(each / 1000)
    return pace.is_slow


def test_a_disk_is_quick_until_it_was_seen_to_be_slow():
    pace = DiskPace()
    assert not _noted(pace, *[6] * (LOOK_AT - 1))
    assert _noted(pace, 6)


def test_one_quick_commit_shows_that_the_machine_is_busy_and_the_disk_is_not_slow():
    assert not _noted(DiskPace(), *[40] * (LOOK_AT - 1), 1)


def test_a_disk_becomes_quick_again_and_does_not_waver():
    pace = DiskPace()
    assert _noted(pace, *[6] * LOOK_AT)
    assert _noted(pace, *[3] * LOOK_AT)  # quicker than what made it slow, and not yet quick
    assert not _noted(pace, 2, *[6] * (LOOK_AT - 1))
    assert not _noted(pace, *[3] * LOOK_AT)
