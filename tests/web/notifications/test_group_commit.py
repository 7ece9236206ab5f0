"""まとめ書き: one commit for all who wait, and nobody pays for another's mistake."""

from __future__ import annotations

import threading

import pytest

from web.notifications.group_commit import BATCH_MAX, GroupCommit, _Waiting

LONG = 120


class Disk:
    """What is written in one go; items are functions of what has been written."""

    def __init__(self):
        self.commits = []
        self.broken = False

    def perform(self, items):
        rows = []
        results = [item(rows) for item in items]
        if self.broken:
            raise OSError("the disk")
        self.commits.append(rows)
        return results


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def writer(disk):
    found = GroupCommit(disk.perform)
    yield found
    found.close()


def _add(value):
    return lambda rows: rows.append(value) or value


def _while_busy(writer, *works):
    """What becomes of works that arrive while a commit is under way: they wait for the next one."""
    entered, go_on = threading.Event(), threading.Event()

    def first(_rows):
        entered.set()
        assert go_on.wait(LONG)

    busy = threading.Thread(target=writer.run, args=(first,), daemon=True)
    busy.start()
    assert entered.wait(LONG)
    waiting = [_Waiting(work) for work in works]
    for each in waiting:
        writer._waiting.put(each)
    go_on.set()
    busy.join(LONG)
    return waiting


def test_whoever_waits_for_a_commit_shares_the_next_one(writer, disk):
    waiting = _while_busy(writer, *map(_add, range(20)))
    assert [each.wait() for each in waiting] == list(range(20))
    assert disk.commits == [[], list(range(20))]


def test_a_batch_has_its_limit(writer, disk):
    waiting = _while_busy(writer, *map(_add, range(BATCH_MAX + 1)))
    assert waiting[-1].wait() == BATCH_MAX
    assert [len(rows) for rows in disk.commits] == [0, BATCH_MAX, 1]


def test_what_is_large_fills_a_batch_by_itself(disk):
    writer = GroupCommit(disk.perform, lambda _item: BATCH_MAX)
    waiting = _while_busy(writer, _add(1), _add(2))
    assert [each.wait() for each in waiting] == [1, 2]
    assert disk.commits == [[], [1], [2]]
    writer.close()


def test_one_that_fails_rejects_no_neighbour(writer, disk):
    def bad(_rows):
        raise ValueError("bad")

    waiting = _while_busy(writer, _add(1), bad, _add(3))
    assert waiting[0].wait() == 1
    with pytest.raises(ValueError, match="bad"):
        waiting[1].wait()
    assert waiting[2].wait() == 3
    assert disk.commits == [[], [1], [3]]


def test_nobody_is_told_that_something_is_kept_when_the_commit_fails(writer, disk):
    disk.broken = True
    with pytest.raises(OSError, match="the disk"):
        writer.run(_add(1))
    disk.broken = False
    assert writer.run(_add(2)) == 2
    assert disk.commits == [[2]]


def test_closing_commits_what_waits_and_work_may_go_on(writer, disk):
    waiting = _while_busy(writer, _add(1), _add(2))
    writer.close()
    assert [each.wait() for each in waiting] == [1, 2]
    assert writer.run(_add(3)) == 3
    assert disk.commits[-1] == [3]
