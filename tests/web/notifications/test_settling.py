"""まとめ書き: the next group is committed while one is on its way to the disk, by more writers."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from web.notifications.group_commit import GroupCommit, _Waiting

LONG = 60


class SlowDisk:
    """Commits can be seen at once, and are on the disk when somebody lets them be."""

    def __init__(self):
        self.commits = []
        self.on_their_way = queue.SimpleQueue()
        self.ways = []
        self.is_quick = False
        self.writers = 3
        self.performing = threading.Lock()

    def perform(self, items):
        assert self.performing.acquire(blocking=False), "two perform at the same time"
        try:
            rows = []
            results = [item(rows) for item in items]
            self.commits.append(rows)
            return results
        finally:
            self.performing.release()

    def settle(self):
        go_on = queue.SimpleQueue()
        self.ways.append(go_on)  # first, so that whoever lets all go finds it
        if self.is_quick:
            return
        self.on_their_way.put(go_on)
        error = go_on.get(timeout=LONG)
        if error is not None:
            raise error

    def let_all_go(self):
        self.is_quick = True
        for way in self.ways:
            way.put(None)


def _add(value):
    return lambda rows: rows.append(value) or value


@pytest.fixture
def disk():
    return SlowDisk()


@pytest.fixture
def writers(disk):
    found = GroupCommit(disk.perform, settle=disk.settle, writers=lambda: disk.writers)
    yield found
    found.close()


@pytest.fixture
def people(disk):
    with ThreadPoolExecutor(8) as found:
        yield found
        disk.let_all_go()


def test_the_next_group_is_committed_while_one_is_on_its_way_to_the_disk(writers, disk, people):
    first = people.submit(writers.run, _add(1))
    one = disk.on_their_way.get(timeout=LONG)
    second = people.submit(writers.run, _add(2))
    other = disk.on_their_way.get(timeout=LONG)
    assert disk.commits == [[1], [2]]
    assert not first.done()
    assert not second.done()
    other.put(None)
    assert second.result(LONG) == 2
    assert not first.done()
    one.put(None)
    assert first.result(LONG) == 1


def test_no_more_are_on_their_way_than_there_are_writers(writers, disk, people):
    first, ways = [], []
    for number in range(3):
        first.append(people.submit(writers.run, _add(number)))
        ways.append(disk.on_their_way.get(timeout=LONG))
    waiting = [_Waiting(_add(number)) for number in (3, 4)]
    for each in waiting:
        writers._waiting.put(each)
    assert len(writers._threads) == 3
    assert disk.commits == [[0], [1], [2]]
    ways.pop().put(None)
    last = disk.on_their_way.get(timeout=LONG)
    assert disk.commits == [[0], [1], [2], [3, 4]]
    for way in (*ways, last):
        way.put(None)
    assert [each.wait() for each in waiting] == [3, 4]
    assert [each.result(LONG) for each in first] == [0, 1, 2]


def test_who_comes_alone_needs_one_writer(writers, disk, people):
    for number in range(3):
        mine = people.submit(writers.run, _add(number))
        disk.on_their_way.get(timeout=LONG).put(None)
        assert mine.result(LONG) == number
    assert len(writers._threads) == 1


def test_a_group_that_does_not_reach_the_disk_fails_alone(writers, disk, people):
    first = people.submit(writers.run, _add(1))
    one = disk.on_their_way.get(timeout=LONG)
    second = people.submit(writers.run, _add(2))
    other = disk.on_their_way.get(timeout=LONG)
    one.put(OSError("the disk"))
    with pytest.raises(OSError, match="the disk"):
        first.result(LONG)
    other.put(None)
    assert second.result(LONG) == 2
    assert disk.commits == [[1], [2]]  # Nobody knows whether it is kept: not done again.


def test_what_is_done_one_by_one_goes_to_the_disk_one_by_one(writers, disk, people):
    def bad(_rows):
        raise ValueError("bad")

    waiting = [_Waiting(work) for work in (_add(1), bad, _add(3))]
    for each in waiting:
        writers._waiting.put(each)
    last = people.submit(writers.run, _add(4))  # starts the thread that takes all of them
    for expected in ([[1]], [[1], [3]], [[1], [3], [4]]):
        way = disk.on_their_way.get(timeout=LONG)
        assert disk.commits == expected
        way.put(None)
    with pytest.raises(ValueError, match="bad"):
        waiting[1].wait()
    assert [waiting[0].wait(), waiting[2].wait(), last.result(LONG)] == [1, 3, 4]


def test_closing_waits_for_the_disk(writers, disk, people):
    mine = people.submit(writers.run, _add(1))
    way = disk.on_their_way.get(timeout=LONG)
    closing = people.submit(writers.close)
    assert not closing.done()
    way.put(None)
    closing.result(LONG)
    assert mine.result(LONG) == 1


def test_on_a_quick_disk_one_writer_is_enough(writers, disk, people):
    """More wait while one is on its way, and nobody else takes them."""
    disk.writers = 1
    first = people.submit(writers.run, _add(1))
    way = disk.on_their_way.get(timeout=LONG)
    waiting = [_Waiting(_add(number)) for number in (2, 3)]
    for each in waiting:
        writers._waiting.put(each)
    assert disk.commits == [[1]]
    assert len(writers._threads) == 1
    disk.let_all_go()
    assert way is disk.ways[0]
    assert [first.result(LONG), *(each.wait() for each in waiting)] == [1, 2, 3]
    assert disk.commits == [[1], [2, 3]]


def test_a_disk_that_has_become_quick_again_leaves_the_turn_with_one(writers, disk, people):
    """Writers that are there already end with the others when all is closed."""
    ways = []
    for number in range(2):
        people.submit(writers.run, _add(number))
        ways.append(disk.on_their_way.get(timeout=LONG))
    disk.writers = 1
    disk.let_all_go()
    assert [people.submit(writers.run, _add(number)).result(LONG) for number in (7, 8)] == [7, 8]
    writers.close()
    assert writers._threads == []
