from __future__ import annotations

import errno
import subprocess
import sys

import pytest
from ending import ending

from payments.domain.errors import ConfigurationError, ConflictError
from web.printing.folder import MARK, Owner, held, unwritable, whole_file

MINE, OTHER = Owner("99999", 1), Owner("99999", 2)


def test_a_claimed_folder_stays_with_its_run(tmp_path):
    with held(tmp_path / "out") as folder:
        assert folder.owner is None
        folder.claim(MINE)
    with held(tmp_path / "out") as folder:
        assert folder.owner == MINE
        folder.claim(MINE)
        with pytest.raises(ConflictError) as refused:
            folder.claim(OTHER)
    assert refused.value.error_code == "print_folder_other"


def test_a_folder_that_was_not_claimed_is_left_as_it_was_found(tmp_path):
    (tmp_path / "before").mkdir()
    for name in ("new/deep", "before"):
        with held(tmp_path / name):
            pass
    assert not (tmp_path / "new" / "deep").exists()
    assert list((tmp_path / "before").iterdir()) == []


@pytest.mark.parametrize("name", ["slips-0007.pdf", "manifest.csv", "report.json"])
def test_printed_files_without_a_mark_are_not_written_over(tmp_path, name):
    (tmp_path / name).write_text("of somebody else", "utf-8")
    (tmp_path / "notes.txt").write_text("may stay", "utf-8")
    with held(tmp_path) as folder, pytest.raises(ConflictError) as refused:
        folder.claim(MINE)
    assert refused.value.error_code == "print_folder_taken"
    assert refused.value.details["found"] == name
    assert not (tmp_path / MARK).exists()


def test_a_mark_that_is_none_of_ours_is_respected(tmp_path):
    (tmp_path / MARK).write_text('{"printer": 3}', "utf-8")
    with held(tmp_path) as folder, pytest.raises(ConflictError) as refused:
        folder.claim(MINE)
    assert refused.value.error_code == "print_folder_taken"
    assert (tmp_path / MARK).read_text("utf-8") == '{"printer": 3}'


HOLD = """
import pathlib, sys
from web.printing.folder import held
with held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_process_at_a_time_and_the_lock_dies_with_its_process(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / "out")]
    with ending(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConflictError) as refused, held(tmp_path / "out"):
            pass
        holder.kill()
    assert refused.value.error_code == "print_folder_busy"
    with held(tmp_path / "out") as folder:
        assert folder.owner is None


def write_half(path):
    with whole_file(path) as stream:
        stream.write(b"half")
        raise RuntimeError


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "slips-0001.pdf"
    with pytest.raises(RuntimeError):
        write_half(path)
    assert list(tmp_path.iterdir()) == []
    with whole_file(path) as stream:
        stream.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_had_begun_is_cleared_away(tmp_path):
    (tmp_path / "slips-0001.pdf.123.unfinished").write_bytes(b"half")
    with held(tmp_path) as folder:
        folder.clear_unfinished()
        folder.claim(MINE)
    assert [path.name for path in tmp_path.iterdir()] == [MARK]


def test_a_full_disk_says_what_is_needed_and_what_is_free(tmp_path):
    path = tmp_path / "not yet" / "slips-0001.pdf"
    with pytest.raises(ConfigurationError) as full, unwritable(path, 4_096):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert full.value.error_code == "disk_full"
    assert full.value.details["needed"] == "4,096"
    assert int(str(full.value.details["free"]).replace(",", "")) > 0


def test_a_folder_that_cannot_be_one_is_named(tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigurationError) as refused, held(tmp_path / "file"):
        pass
    assert refused.value.error_code == "output_unwritable"
