"""記帳係: a request waits for its booking only as long as that is short."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from sqlalchemy.exc import SQLAlchemyError

from web.notifications import booker as module
from web.notifications.booker import BEHIND_FROM, Booker
from web.notifications.booking import BooksBusyError, Step

LONG = 120
SOON = 0.0001


@pytest.fixture
def rounds(monkeypatch):
    """What happens in each round; the last one is repeated."""
    plans = [lambda: iter(())]
    seen = SimpleNamespace(plans=plans, begun=0)

    def book_waiting(*_args, begin, **_more):
        seen.begun += 1
        for number, step in plans[min(seen.begun, len(plans)) - 1]():
            begin(number)
            yield step

    monkeypatch.setattr(module, "book_waiting", book_waiting)
    monkeypatch.setattr(module, "book_again", Mock())
    return seen


@pytest.fixture
def booker(rounds):  # noqa: ARG001 - before the booker reads it
    found = Booker(Mock(), Mock(), "99999", retry_seconds=SOON)
    yield found
    found.close()


def _step(number, together=1):
    return together, Step([Mock(spool_no=number)], booked=1)


def _busy():
    raise BooksBusyError


def _returns(booker, spool_no):
    """Whether waiting for an entry ends by itself."""
    waiting = threading.Thread(target=booker.wait_for, args=(spool_no,), daemon=True)
    waiting.start()
    waiting.join(LONG)
    return not waiting.is_alive()


def _then_stay(step, go_on):
    def plan():
        yield step
        assert go_on.wait(LONG)

    return plan


def test_a_request_goes_on_once_its_entry_was_looked_at(booker, rounds):
    go_on = threading.Event()
    rounds.plans[:] = [_then_stay(_step(7), go_on)]
    assert _returns(booker, 7)
    go_on.set()


def test_a_request_goes_on_when_another_process_booked_its_entry(booker, rounds):
    assert _returns(booker, 7)
    assert rounds.begun == 1


def test_a_request_does_not_sit_through_a_backlog(booker, rounds, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", None)
    go_on = threading.Event()
    rounds.plans[:] = [_then_stay(_step(1, BEHIND_FROM + 1), go_on)]
    assert _returns(booker, 9)
    assert _returns(booker, 10)
    go_on.set()
    assert booker.wait_until_idle(LONG)


def test_a_request_does_not_wait_for_busy_books_and_they_are_tried_again(
    booker, rounds, monkeypatch
):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", None)
    rounds.plans[:] = [_busy, _busy, lambda: iter([_step(1)])]
    assert _returns(booker, 1)
    assert booker.wait_until_idle(LONG)
    assert rounds.begun >= 3


@pytest.mark.parametrize("error", [ValueError, SQLAlchemyError])
def test_trouble_ends_no_booker(booker, rounds, caplog, error):
    def broken():
        raise error

    rounds.plans[:] = [broken, lambda: iter([_step(1)])]
    assert _returns(booker, 1)
    assert booker.wait_until_idle(LONG)
    assert "the spool cannot be booked" in caplog.text


def test_trouble_that_lasts_is_asked_about_less_and_less_often(booker, rounds, monkeypatch):
    """A disk that was full for a moment kept what came in it waiting for five seconds."""
    left, pauses, fail = [7], [], booker._fail

    def fail_so_often():
        if left[0]:
            left[0] -= 1
            raise SQLAlchemyError
        return iter([_step(1)])

    def note(pause):
        pauses.append(round(pause / SOON))
        fail(pause)

    monkeypatch.setattr(booker, "_fail", note)
    rounds.plans[:] = [fail_so_often]
    assert _returns(booker, 1)
    assert booker.wait_until_idle(LONG)
    assert pauses == [1, 2, 4, 8, 16, 20, 20]
    left[0] = 1
    assert _returns(booker, 2)
    assert booker.wait_until_idle(LONG)
    assert pauses[7:] == [1]  # it begins anew behind a round that went well


def test_books_that_stay_busy_are_asked_less_often(booker, rounds, monkeypatch):
    """Of many bodies on two servers each tried four times a second while the other one booked."""
    pauses, fail = [], booker._fail

    def note(pause):
        pauses.append(round(pause / SOON))
        fail(pause)

    monkeypatch.setattr(booker, "_fail", note)
    rounds.plans[:] = [*(6 * [_busy]), lambda: iter([_step(1)])]
    assert _returns(booker, 1)
    assert booker.wait_until_idle(LONG)
    assert pauses == [1, 2, 4, 8, 8, 8]


def test_after_the_end_nobody_waits(booker):
    booker.close()
    assert _returns(booker, 1)


def test_of_many_bodies_a_few_book_at_a_time(rounds, booker, monkeypatch):
    """Whoever books holds connections of the requests; nobody waits for one that has to wait."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", None)
    monkeypatch.setattr(module, "_SEATS", threading.BoundedSemaphore(1))
    go_on, inside = threading.Event(), threading.Event()

    def stay():
        inside.set()
        assert go_on.wait(LONG)
        return iter([_step(1)])

    rounds.plans[:] = [stay, lambda: iter([_step(1)])]
    other = Booker(Mock(), Mock(), "99998", retry_seconds=SOON)
    other.start(1)
    assert inside.wait(LONG)
    assert _returns(booker, 1)
    assert rounds.begun == 1
    go_on.set()
    assert booker.wait_until_idle(LONG)
    assert other.wait_until_idle(LONG)
    assert rounds.begun == 2
    other.close()
