"""Where the files of a run are kept (tests/support/run_place.py)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import run_place


@pytest.fixture
def another_place(tmp_path, monkeypatch):
    """Temporary files are kept somewhere else from here on, and as before afterwards."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_who_says_where_has_it_there(another_place):
    assert run_place.place() == another_place


@pytest.mark.usefixtures("another_place")
@pytest.mark.parametrize("serves", [True, False])
def test_it_is_in_memory_where_that_serves(monkeypatch, serves):
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(run_place, "serves", lambda _folder: serves)
    assert (run_place.place() == run_place.MEMORY) is serves


def test_what_is_no_memory_or_too_small_or_not_there_does_not_serve():
    assert not run_place.serves(Path("/"), room=0)
    assert not run_place.serves(run_place.MEMORY, room=1 << 60)
    assert not run_place.serves(Path("/nowhere"), room=0)


@pytest.mark.parametrize("barred", [os.ST_NOEXEC, os.ST_RDONLY])
def test_where_no_program_can_be_started_or_nothing_written_does_not_serve(
    tmp_path, monkeypatch, barred
):
    ask = os.statvfs
    monkeypatch.setattr(run_place, "_kind_of", lambda _folder: "tmpfs")
    assert run_place.serves(tmp_path, room=0)
    monkeypatch.setattr(
        run_place.os,
        "statvfs",
        lambda folder: os.statvfs_result((*ask(folder)[:8], barred, ask(folder).f_namemax)),
    )
    assert not run_place.serves(tmp_path, room=0)


def test_what_is_started_keeps_its_files_there_until_that_ends(another_place):
    end = run_place.keep_in(another_place / "kept")
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(another_place / "kept")
    end()
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(another_place)


def test_the_files_of_this_run_go_with_its_folder(run_dir):
    assert Path(tempfile.gettempdir()).is_relative_to(run_dir)
