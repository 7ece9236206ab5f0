"""一年の事務 in pieces: a day that was cut off has not been, on the books and beside them."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from datetime import date
from typing import TYPE_CHECKING

import pytest

from benchmarks._year_days import take_back, whole_day
from payments.store.engine import open_engine

if TYPE_CHECKING:
    from pathlib import Path

CODE, DAY = "99999", date(2026, 6, 2)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Books with one row, set up as the service sets them up."""
    address = f"sqlite:///{tmp_path / 'kokin.sqlite3'}"
    _write(address, "before")
    return address


def test_a_day_that_was_killed_is_taken_back_whole(url: str, tmp_path: Path) -> None:
    _killed_in(url, ["during"] * 3)
    beside = tmp_path / "beside"
    shutil.copytree(tmp_path, beside, ignore=shutil.ignore_patterns("beside"))
    copied = _rows(f"sqlite:///{beside / 'kokin.sqlite3'}")
    assert copied == ["before", "during", "during", "during"]  # it was all committed

    take_back(url, tmp_path, CODE, DAY)

    assert _rows(url) == ["before"]


def test_a_day_that_ended_is_in_the_file_itself(url: str, tmp_path: Path) -> None:
    with whole_day(url):
        _write(url, "during")
        assert _in_the_file(tmp_path) == ["before"]
    assert _in_the_file(tmp_path) == ["before", "during"]

    take_back(url, tmp_path, CODE, DAY)  # nothing of it lies beside

    assert _rows(url) == ["before", "during"]


def test_what_a_cut_off_day_has_put_on_the_disk_goes_with_it(url: str, tmp_path: Path) -> None:
    kept = tmp_path / "archive" / CODE / "2026-06-01" / "a.csv"
    gone = [
        tmp_path / "archive" / CODE / f"{DAY}" / "b.csv",
        tmp_path / "quarantine" / CODE / f"{DAY}" / "c.csv",
        tmp_path / "inbox" / CODE / "d.csv",
    ]
    for path in (kept, *gone):
        path.parent.mkdir(parents=True)
        path.touch()

    take_back(url, tmp_path, CODE, DAY)

    assert kept.exists()
    assert not any(path.exists() for path in gone)


def test_a_cut_off_day_on_a_server_cannot_be_taken_back(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2026-06-02 was cut off"):
        take_back("postgresql+psycopg://kokin@127.0.0.1/year", tmp_path, CODE, DAY)


def _killed_in(url: str, words: list[str]) -> None:
    """A process that is killed in the middle of a day, after it has written these."""
    pid = os.fork()
    if pid == 0:
        try:
            with whole_day(url):
                for word in words:
                    _write(url, word)
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def _write(url: str, word: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS said (word TEXT)")
        connection.exec_driver_sql("INSERT INTO said VALUES (?)", (word,))
    engine.dispose()


def _rows(url: str) -> list[str]:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT word FROM said").scalars().all()
    engine.dispose()
    return list(found)


def _in_the_file(folder: Path) -> list[str]:
    """What stands in the file without what lies beside it."""
    copy = folder / "copy.sqlite3"
    # A process of its own: who closes a file gives up all locks that its process has on it.
    subprocess.run(["cp", str(folder / "kokin.sqlite3"), str(copy)], check=True)
    with sqlite3.connect(copy) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        return [row[0] for row in connection.execute("SELECT word FROM said")]
