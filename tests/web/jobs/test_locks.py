"""Who runs a lane: one, seen by all; a lost or silent holder is followed."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import threading
import time
from contextlib import ExitStack, suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
from apscheduler.jobstores.base import JobLookupError
from rich.console import Console
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web import scheduler as scheduling
from web.doctor import examine
from web.jobs import runner as running
from web.jobs.locks import Lanes, leases_of, noting
from web.jobs.runner import Runner
from web.jobs.table import BOOKS, LANES
from web.notices.recipients import Recipients
from web.scheduler import CLOCK_SECONDS, build, codes_served, keep_time

M = "99999"
_KILL = """SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND pid <> pg_backend_pid()"""


@pytest.fixture
def lanes(books, request):
    """A process that may hold lanes; each has connections of its own, as processes have."""

    def start(holder):
        engine = open_engine(books.settings.database_url)
        found = Lanes(engine, holder, beat_seconds=30, stale_seconds=600)
        request.addfinalizer(engine.dispose)
        request.addfinalizer(found.release)
        return found

    return start


def _holder(books, lane=BOOKS):
    with reading(books.engine, M) as connection:
        return leases_of(connection, M)[lane].holder


def test_a_lane_has_one_holder_until_it_lets_go(books, lanes):
    one, other = lanes("one"), lanes("other")
    assert [one.hold(M, BOOKS), one.hold(M, BOOKS), other.hold(M, BOOKS)] == [True, True, False]
    assert other.hold(M, "checks")  # another lane is another matter
    assert _holder(books) == "one"
    one.release()
    assert other.hold(M, BOOKS)
    assert _holder(books) == "other"


def test_a_session_that_was_lost_is_noticed(books, lanes):
    if books.engine.dialect.name == "sqlite":
        return  # A lock on a file is not lost while its process lives.
    one, other = lanes("one"), lanes("other")
    assert one.hold(M, BOOKS)
    with books.engine.connect() as connection, connection.begin():
        connection.execute(text(_KILL))
    assert other.hold(M, BOOKS)
    assert not one.hold(M, BOOKS)
    one.let_go(M, BOOKS)  # what it has lost it cannot give away
    assert not one.hold(M, BOOKS)


@pytest.mark.parametrize("lost", ["SELECT 1", "pg_try_advisory_lock", "SET "])
def test_a_session_that_is_lost_while_it_is_asked_is_followed_by_another(books, lanes, lost):
    """It was kept, and raised at every look of the scheduler until somebody started it again."""
    if books.engine.dialect.name == "sqlite":
        return  # A lock on a file is not lost while its process lives.
    one = lanes("one")
    if lost != "SET ":
        assert one.hold(M, BOOKS)
        one.let_go(M, BOOKS)
    wall = [lost]

    def cut(connection, _cursor, statement, *_rest):
        if wall and wall[0] in statement:
            wall.clear()
            connection.connection.dbapi_connection.close()

    event.listen(one.engine, "before_cursor_execute", cut)
    with suppress(OperationalError):
        one.hold(M, BOOKS)
    assert not wall
    assert one.hold(M, BOOKS)
    assert not lanes("other").hold(M, BOOKS)


def test_a_lane_is_lent_for_a_look_and_named_by_who_runs_something(books, lanes, monkeypatch):
    one, other = lanes("one"), lanes("other")
    assert one.hold(M, BOOKS)
    one.let_go(M, BOOKS)
    assert other.hold(M, BOOKS)
    assert not one.hold(M, BOOKS)
    assert _holder(books) == "one"  # nobody has run anything since it was heard of
    other.show(M, BOOKS)
    assert _holder(books) == "other"
    other.let_go(M, BOOKS)
    later = clock.now() + timedelta(seconds=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert one.hold(M, BOOKS)  # it is time for a sign of life
    assert _holder(books) == "one"
    other.release()  # no word about what others look after
    with reading(books.engine, M) as connection:
        assert leases_of(connection, M)[BOOKS].released_at is None


@pytest.fixture
def passed(monkeypatch):
    """How many seconds have passed: by the clock of the machine, and by one that nobody sets."""
    begun = clock.now()

    def go_to(wall, steady):
        monkeypatch.setattr(clock, "now", lambda: begun + timedelta(seconds=wall))
        monkeypatch.setattr("web.jobs.locks.monotonic", lambda: float(steady))

    go_to(0, 0)
    return go_to


def test_who_hangs_in_a_look_is_ended_although_others_live(books, lanes, passed):
    one, other = lanes("one"), lanes("other")
    other.hold(M, BOOKS)
    other.let_go(M, BOOKS)
    assert one.hold(M, BOOKS)  # and stops there
    assert _holder(books) == "other"
    passed(600, 600)
    assert not other.hold(M, BOOKS)
    passed(660, 660)
    other.beat()
    assert not other.hold(M, BOOKS)
    assert other.hold(M, BOOKS) is (books.engine.dialect.name != "sqlite")


def test_a_silent_holder_is_ended_where_that_is_possible(books, lanes, passed):
    one, other = lanes("one"), lanes("other")
    assert one.hold(M, BOOKS)
    passed(660, 660)
    assert [other.hold(M, BOOKS), other.hold(M, BOOKS)] == [False, False]  # its first look at it
    passed(720, 720)
    assert not other.hold(M, BOOKS)
    on_sqlite = books.engine.dialect.name == "sqlite"  # there only the process itself can end it
    assert other.hold(M, BOOKS) is not on_sqlite
    assert _holder(books) == ("one" if on_sqlite else "other")


def test_who_lives_is_not_ended_because_the_clock_was_put_forward(books, lanes, passed):
    one, other = lanes("one"), lanes("other")
    assert one.hold(M, BOOKS)
    assert not other.hold(M, BOOKS)
    passed(3_600, 20)  # all signs of life are an hour old
    assert [other.hold(M, BOOKS), other.hold(M, BOOKS)] == [False, False]
    one.beat()
    for seconds in (30, 60, 90, 120):
        passed(3_580 + seconds, seconds)
        one.beat()
        assert not other.hold(M, BOOKS)
    assert one.hold(M, BOOKS)  # it still does
    assert _holder(books) == "one"


def test_a_sign_of_life_from_an_hour_to_come_keeps_nobody_in_his_place(books, lanes, passed):
    one, other = lanes("one"), lanes("other")
    passed(3_600, 0)  # wrongly
    assert one.hold(M, BOOKS)  # and hangs
    passed(10, 10)
    assert not other.hold(M, BOOKS)
    passed(600, 600)
    assert [other.hold(M, BOOKS), other.hold(M, BOOKS)] == [False, False]
    passed(620, 620)
    assert not other.hold(M, BOOKS)
    assert other.hold(M, BOOKS) is (books.engine.dialect.name != "sqlite")


def test_signs_of_life_go_on_after_the_clock_was_put_back(books, lanes, passed):
    """Until the wrong hour came nobody would have heard of a scheduler that works."""

    def heard(lane):
        with reading(books.engine, M) as connection:
            return leases_of(connection, M)[lane].heartbeat_at

    one = lanes("one")
    passed(3_600, 0)  # wrongly
    assert one.hold(M, BOOKS)
    assert one.hold(M, "checks")
    one.let_go(M, "checks")
    one.beat()
    passed(10, 10)
    one.beat()
    assert heard(BOOKS) == clock.now()  # of the lane that it holds
    assert one.hold(M, "checks")
    assert heard("checks") == clock.now()  # … and of one that it takes for a look
    first = clock.now()
    passed(20, 20)
    one.beat()
    assert heard(BOOKS) == first  # not more often than before


def test_a_sign_of_life_is_given_now_and_then(books, lanes, monkeypatch):
    one = lanes("one")
    assert one.hold(M, BOOKS)
    begun = clock.now()

    def beaten(seconds):
        monkeypatch.setattr(clock, "now", lambda: begun + timedelta(seconds=seconds))
        one.beat()
        with reading(books.engine, M) as connection:
            return leases_of(connection, M)[BOOKS].heartbeat_at

    first = beaten(1)
    assert beaten(40) == begun + timedelta(seconds=40) > first
    assert beaten(50) == begun + timedelta(seconds=40)


def test_busy_books_put_a_look_off_and_are_waited_for_at_the_end(books, monkeypatch):
    busy = OperationalError("", {}, sqlite3.OperationalError("database is locked"))
    busy.orig.sqlite_errorcode = sqlite3.SQLITE_BUSY
    runner = Runner(books.settings, books.engine, lambda _line: None)
    tries = []

    def refuse(*_arguments):
        tries.append(1)
        raise busy

    with monkeypatch.context() as locked:
        locked.setattr(runner.lanes, "hold", refuse)
        assert runner.tick(M, BOOKS) == 0
    ended = running.history.end

    def end_later(*arguments):
        if len(tries) < 3:
            refuse()
        return ended(*arguments)

    with unit_of_work(books.engine, M) as connection:
        run_id = running.history.ask(connection, M, "seal", actor="kanri")
    monkeypatch.setattr(running.history, "end", end_later)
    assert runner.run_asked(M, run_id).state == "OK"
    assert len(tries) == 3


def test_another_trouble_of_the_database_is_not_hidden(books, monkeypatch):
    runner = Runner(books.settings, books.engine, lambda _line: None)
    broken = OperationalError("", {}, sqlite3.OperationalError("disk I/O error"))

    def refuse(*_arguments):
        raise broken

    monkeypatch.setattr(runner.lanes, "hold", refuse)
    with pytest.raises(OperationalError):
        runner.tick(M, BOOKS)
    monkeypatch.setattr(running.history, "end", refuse)
    with unit_of_work(books.engine, M) as connection:
        run_id = running.history.ask(connection, M, "seal", actor="kanri")
    with pytest.raises(OperationalError):
        runner.run_asked(M, run_id)


def test_old_runs_are_forgotten(books, monkeypatch):
    with unit_of_work(books.engine, M) as connection:
        run_id = running.history.ask(connection, M, "seal", actor="kanri")
    runner = Runner(books.settings, books.engine, lambda _line: None)
    runner.run_asked(M, run_id)
    later = clock.now() + timedelta(days=401)
    monkeypatch.setattr(clock, "now", lambda: later)
    with noting(books.engine, M) as connection:
        running.history.forget_old(connection, M, timedelta(days=400))
    with reading(books.engine, M) as connection:
        assert running.history.history(connection, M) == []


def test_the_scheduler_looks_at_every_lane_of_every_body(books):
    runner = Runner(books.settings, books.engine, lambda _line: None)
    codes = ["99998", M]
    with ExitStack() as threads:
        scheduler = build(books.settings, runner, lambda: codes, threads)
    jobs = {job.id: job for job in scheduler.get_jobs()}
    assert jobs.keys() == {"beat", "bodies"}
    jobs["bodies"].func()
    names = {job.id for job in scheduler.get_jobs()} - jobs.keys()
    assert names == {f"{code}/{lane}" for code in codes for lane in LANES}
    codes.remove("99998")
    jobs["bodies"].func()
    assert {job.id for job in scheduler.get_jobs()} == {*jobs, *(f"{M}/{lane}" for lane in LANES)}
    assert codes_served(books.engine, books.settings) == [M]
    other = books.settings.model_copy(update={"municipality": "99998"})
    assert codes_served(books.engine, other) == []


def test_the_end_does_not_wait_for_a_look_that_waits_for_the_end(books, monkeypatch):
    """The look at the bodies asks the scheduler for its jobs while the scheduler is ended."""
    built, free = [], []

    def keep(*arguments):
        built.append(build(*arguments))
        return built[0]

    def codes_during_the_end(_engine, _settings):
        os.kill(os.getpid(), signal.SIGTERM)
        end = time.monotonic() + 60
        while built[0].running and time.monotonic() < end:
            time.sleep(0.001)
        # Whoever had the lock of the jobs while waiting for this thread would wait for ever.
        free.append(built[0]._jobstores_lock.acquire(timeout=60))
        if not free[0]:
            os._exit(1)
        built[0]._jobstores_lock.release()
        return [M]

    monkeypatch.setattr(scheduling, "build", keep)
    monkeypatch.setattr(scheduling, "codes_served", codes_during_the_end)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    said = io.StringIO()
    try:
        scheduling.run_scheduler(books.settings, books.engine, Console(file=said))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert free == [True]
    assert "定時処理を終えました" in said.getvalue()


def test_a_failure_to_tell_is_no_failure_of_the_run(books, monkeypatch):
    def refuse(*_arguments, **_options):
        raise OSError

    monkeypatch.setattr(running, "send_notice", refuse)
    monkeypatch.setattr("web.jobs.seal.seal_pending", refuse)
    with unit_of_work(books.engine, M) as connection:
        run_id = running.history.ask(connection, M, "seal", actor="kanri")
    runner = Runner(books.settings, books.engine, lambda _line: None)
    assert runner.run_asked(M, run_id).notes == ("job_raised",)


def test_the_doctor_says_who_is_silent_and_what_keeps_failing(books, lanes, monkeypatch):
    def said():
        found = {finding.code: finding for finding in examine(books.settings)}
        return found["jobs"].problem or found["jobs"].note

    assert said() == "動いていません"
    one = lanes("host/1/x")
    assert one.hold(M, BOOKS)
    assert said() == ""
    begun = clock.now()
    monkeypatch.setattr(clock, "now", lambda: begun - timedelta(minutes=31))
    assert "host/1/x" in said()  # nobody knows when that sign of life was given
    monkeypatch.setattr(clock, "now", lambda: begun + timedelta(minutes=31))
    assert "host/1/x" in said()
    assert ("持ったまま" in said()) == (books.engine.dialect.name == "sqlite")
    for file in one._files.values():
        file.close()  # as when its process ends
    assert "host/1/x" in said()
    assert "持ったまま" not in said()
    one.release()
    monkeypatch.setattr("web.jobs.seal.seal_pending", lambda *_arguments: 1 // 0)
    with unit_of_work(books.engine, M) as connection:
        run_id = running.history.ask(connection, M, "seal", actor="kanri")
    Runner(books.settings, books.engine, lambda _line: None).run_asked(M, run_id)
    assert "封印 99999" in said()


def test_the_doctor_says_who_cannot_be_told(books):
    def said(**more):
        settings = books.settings.model_copy(update=more)
        return next(each.problem for each in examine(settings) if each.code == "notices")

    by_mail = {M: Recipients(mail=("kaikei@example.jp",))}
    by_webhook = {M: Recipients(webhook="https://hooks.example.jp/kokin", webhook_secret="x" * 32)}
    assert said() == ""
    assert "KOKIN_SMTP_HOST" in said(notices=by_mail)
    assert said(notices=by_mail, smtp_host="mail.example.jp") == ""
    assert "KOKIN_WEBHOOK_HOSTS" in said(notices=by_webhook)
    assert said(notices=by_webhook, webhook_hosts="hooks.example.jp") == ""


def test_the_scheduler_wakes_up_after_the_clock_was_put_back(monkeypatch, caplog):
    """It slept until a round that would have been in thirty hours."""
    now, woken, waits = clock.now(), [], iter([False, True])
    shown = [now + timedelta(hours=30)]
    monkeypatch.setattr(clock, "now", lambda: shown[0])

    class Stopping(threading.Event):
        def wait(self, timeout=None):
            shown[0] = now
            return next(waits)

    def gone(**_changes):
        raise JobLookupError("its body was removed")

    jobs = [SimpleNamespace(modify=gone), SimpleNamespace(modify=lambda **to: woken.append(to))]
    keep_time(SimpleNamespace(get_jobs=lambda: jobs, wakeup=lambda: None), Stopping())
    assert woken == [{"next_run_time": now}]
    assert "put back" in caplog.text


def test_the_scheduler_sees_a_clock_put_back_again_while_it_wakes_up(monkeypatch):
    """What fell between two readings was never seen, and files lay in the inbox for an hour."""
    now, woken, waits = clock.now(), [], iter([False, False, True])
    shown = [now]
    monkeypatch.setattr(clock, "now", lambda: shown[0])

    class Stopping(threading.Event):
        def wait(self, timeout=None):
            if not woken:
                shown[0] = now - timedelta(hours=1)
            return next(waits)

    def modify(next_run_time):
        woken.append(next_run_time)
        shown[0] = next_run_time - timedelta(hours=1)

    jobs = [SimpleNamespace(modify=modify)]
    keep_time(SimpleNamespace(get_jobs=lambda: jobs, wakeup=lambda: None), Stopping())
    assert woken == [now - timedelta(hours=1), now - timedelta(hours=2)]


def test_a_signal_that_came_before_the_sleep_is_not_slept_over():
    """The handler runs in the main thread; it ran only at the next job, after half a minute."""
    said: list[object] = []

    class Stopping(threading.Event):
        def wait(self, timeout=None):
            said.append(timeout)
            return len(said) > 4

    keep_time(SimpleNamespace(wakeup=lambda: said.append("woken")), Stopping())
    assert said == [CLOCK_SECONDS, "woken", CLOCK_SECONDS, "woken", CLOCK_SECONDS]
    assert CLOCK_SECONDS <= 1
