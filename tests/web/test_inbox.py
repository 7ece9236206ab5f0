from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger

from web import clock, leases
from web.inbox import DONE, FAILED, waiting_files
from web.scheduler import Jobs, build

NOW = datetime(2026, 6, 3, 1, 0, tzinfo=UTC)


@pytest.fixture
def said():
    return []


@pytest.fixture
def jobs(city, said, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    settings = city.settings.model_copy(update={"inbox": city.settings.home / "inbox"})
    settings.inbox_folder.mkdir()
    return Jobs(settings, city.engine, "99999", said.append)


def _deliver(jobs, city, prefix, name=None):
    source = next(
        p
        for p in sorted((city.files / "inbox" / "2026-06-01").iterdir())
        if p.name.startswith(prefix)
    )
    path = jobs.settings.inbox_folder / (name or source.name)
    path.write_bytes(source.read_bytes())
    return path


def test_files_are_taken_in_and_moved(jobs, city, said):
    good = _deliver(jobs, city, "konbini_dsk")
    bad = jobs.settings.inbox_folder / "strange.bin"
    bad.write_bytes(b"\x00\x01")
    assert jobs.watch_inbox() == 2
    inbox = jobs.settings.inbox_folder
    assert (inbox / DONE / "2026-06-03" / good.name).exists()
    assert (inbox / FAILED / "2026-06-03" / "strange.bin").exists()
    assert waiting_files(inbox) == []
    assert any("対象外" in line for line in said)
    assert jobs.watch_inbox() == 0


def test_a_file_that_is_still_being_written_is_left_alone(jobs):
    for name in (".hidden.csv", "half.csv.part", "half.tmp"):
        (jobs.settings.inbox_folder / name).write_bytes(b"x")
    assert jobs.watch_inbox() == 0


def test_the_same_name_again_overwrites_nothing(jobs, city):
    for number in range(2):
        path = _deliver(jobs, city, "konbini_dsk", "daily.csv")
        os.utime(path, ns=(number, number))
        assert jobs.watch_inbox() == 1
    done = jobs.settings.inbox_folder / DONE / "2026-06-03"
    assert sorted(p.name for p in done.iterdir()) == ["daily-2.csv", "daily.csv"]


def test_a_failed_file_that_is_put_back_is_tried_again(jobs, said):
    bad = jobs.settings.inbox_folder / "strange.bin"
    bad.write_bytes(b"\x00\x01")
    assert jobs.watch_inbox() == 1
    failed = jobs.settings.inbox_folder / FAILED / "2026-06-03" / "strange.bin"
    failed.rename(bad)
    assert jobs.watch_inbox() == 1
    assert failed.exists()
    assert sum("対象外" in line for line in said) == 2
    assert not (jobs.settings.inbox_folder / DONE).exists()


def test_a_file_that_cannot_be_read_holds_back_no_other(jobs, city, monkeypatch):
    closed = jobs.settings.inbox_folder / "a-closed.csv"
    closed.write_bytes(b"x")
    good = _deliver(jobs, city, "konbini_dsk")
    read = type(closed).read_bytes

    def refuse(path):
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(type(closed), "read_bytes", refuse)
    assert jobs.watch_inbox() == 1
    assert not good.exists()
    assert closed.exists()


def test_a_file_that_another_process_has_is_left_to_it(jobs, city, monkeypatch):
    path = _deliver(jobs, city, "konbini_dsk")
    other = Jobs(jobs.settings, city.engine, "99999", lambda _line: None)

    def die(*_arguments, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("web.inbox.take_in", die)
        dying.setattr(leases, "finish", lambda *_a, **_o: None)
        with pytest.raises(KeyboardInterrupt):
            jobs.watch_inbox()  # with the lease in its hand
    assert other.watch_inbox() == 0
    assert path.exists()
    monkeypatch.setattr(clock, "now", lambda: NOW + leases.STALE_AFTER + timedelta(seconds=1))
    assert other.watch_inbox() == 1
    assert not path.exists()


def test_a_lease_goes_to_one_holder_until_it_is_stale_or_failed(books):
    key = (books.engine, "99999", "job", "slot")
    assert leases.take(*key, "a", NOW)
    assert not leases.take(*key, "b", NOW + timedelta(minutes=29))
    assert leases.take(*key, "b", NOW + timedelta(minutes=31))
    leases.finish(*key, "b", result="failed", at=NOW)
    assert leases.take(*key, "c", NOW + timedelta(minutes=32))
    leases.finish(*key, "c", result="done", at=NOW)
    assert leases.is_done(*key)
    assert not leases.take(*key, "d", NOW + timedelta(days=1))


def test_the_reconciliation_of_a_day_runs_once(jobs, city):
    other = Jobs(jobs.settings, city.engine, "99999", lambda _line: None)
    assert [jobs.reconcile_daily(), other.reconcile_daily(), jobs.reconcile_daily()] == [
        True,
        False,
        False,
    ]


def test_the_schedule_has_its_jobs(jobs):
    scheduler = build(jobs.settings, jobs)
    found = {job.id: job.trigger for job in scheduler.get_jobs()}
    assert found.keys() == {"book_notifications", "watch_inbox", "reconcile_daily"}
    assert isinstance(found["reconcile_daily"], CronTrigger)
