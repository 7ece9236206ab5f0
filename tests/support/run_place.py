"""置き場: where a run of the tests keeps its files, in memory where there is room for them.

A run makes and removes some hundred thousand files, most of them for databases that live for a
second. A disk takes its time for that: ext4 without a journal, for one, looks at every inode that
was freed in the last seconds before it gives one out, and the processor spent most of a second on
each copy of a PostgreSQL database. Who says otherwise with TMPDIR has it there; `--basetemp=DIR`
keeps what tests write in a folder of one's own, where it stays.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY = Path("/dev/shm")  # noqa: S108 - only this: what is a file system in memory is asked below
_TYPE, _VARIABLE = "tmpfs", "TMPDIR"
# Several times what a run needs at most, and half of what is free, which others need, too.
ROOM_BYTES = 4 << 30


def place() -> Path:
    """The folder for the run's own: in memory, or where temporary files are kept otherwise."""
    return MEMORY if _VARIABLE not in os.environ and serves(MEMORY) else Path(tempfile.gettempdir())


def keep_in(folder: Path) -> Callable[[], None]:
    """Let this process and all that it starts keep their temporary files in a new folder.

    What it gives back ends that.
    """
    folder.mkdir()
    folder.chmod(0o711)  # for the account that runs a cluster for root
    before = os.environ.get(_VARIABLE)

    def end() -> None:
        os.environ.pop(_VARIABLE)
        if before is not None:
            os.environ[_VARIABLE] = before
        tempfile.tempdir = None

    os.environ[_VARIABLE] = str(folder)
    tempfile.tempdir = None
    return end


def serves(folder: Path, room: int = ROOM_BYTES) -> bool:
    """Whether it lies in memory, has that much room, and programs in it may be started."""
    try:
        found = os.statvfs(folder)
        kind = _kind_of(folder)
        free = min(found.f_bavail * found.f_frsize, _free_memory() // 2)
    except OSError:
        return False
    barred = found.f_flag & (os.ST_RDONLY | os.ST_NOEXEC)
    return kind == _TYPE and not barred and os.access(folder, os.W_OK | os.X_OK) and free >= room


def _kind_of(folder: Path) -> str:
    """The file system that is mounted there last; empty when none is."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines())
    return next((kind for _what, at, kind, *_ in reversed([*mounts]) if at == str(folder)), "")


def _free_memory() -> int:
    """What the machine could give to whoever asks, in bytes."""
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return int(found["MemAvailable"].split()[0]) << 10
