"""悪い媒体: a disk that is full or read-only."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM = 512 << 20
TRIES = 20


class Disk(Protocol):
    """媒体: what a home or a database lies on."""

    folder: Path

    def leave(self, size: int) -> None:
        """No more than about so many bytes can be written."""

    def forbid(self) -> None:
        """Nothing can be written; who has opened something for writing must have gone before."""

    def mend(self) -> None:
        """Everything can be written again."""

    def close(self) -> None:
        """It is needed no more."""


class Mounted:
    """小さな媒体: a file system of its own in memory, for which one has to be root."""

    def __init__(self, folder: Path, owner: int | None = None) -> None:
        """``folder`` lies on it from now on; ``owner`` may write there."""
        self.folder = folder
        folder.mkdir(exist_ok=True)
        _mount("-t", "tmpfs", "-o", f"size={ROOM},mode=700", "kokin-soak", str(folder))
        if owner is not None:
            os.chown(folder, owner, -1)

    def leave(self, size: int) -> None:
        for _try in range(TRIES):
            found = os.statvfs(self.folder)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            with contextlib.suppress(subprocess.CalledProcessError):  # more came meanwhile
                return self._remount(f"size={used + size}")
        raise AssertionError(self.folder)

    def forbid(self) -> None:
        for _try in range(TRIES):
            with contextlib.suppress(subprocess.CalledProcessError):  # somebody is just leaving
                return self._remount("ro")
            time.sleep(0.05)
        raise AssertionError(self.folder)

    def mend(self) -> None:
        self._remount(f"rw,size={ROOM}")

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)

    def _remount(self, options: str) -> None:
        _mount("-o", f"remount,{options}", str(self.folder))


class Two:
    """二つの媒体: the home, and what the files of the database server lie on."""

    def __init__(self, home: Disk, data: Disk) -> None:
        """``home`` is the one that everybody means."""
        self.folder, self._home, self._data = home.folder, home, data

    def leave(self, size: int) -> None:
        self._home.leave(size)
        self._data.leave(size)

    def forbid(self) -> None:
        """The home alone: the server keeps its files open."""
        self._home.forbid()

    def mend(self) -> None:
        self._home.mend()
        self._data.mend()

    def close(self) -> None:
        self._home.close()
        self._data.close()


class Limited:
    """書込の制限: the same for processes that nobody may mount a disk for: their files end there.

    The system refuses with another reason (EFBIG), SQLite with «disk I/O error».
    """

    def __init__(self, folder: Path, starter: int) -> None:
        """``starter``: the process by which all others are started."""
        self.folder, self.starter = folder, starter
        folder.mkdir(exist_ok=True)

    def leave(self, size: int) -> None:
        largest = max((path.stat().st_size for path in self.folder.rglob("*")), default=0)
        self._limit(min(size, largest))

    def forbid(self) -> None:
        self._limit(0)

    def mend(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def close(self) -> None:
        """Nothing has been taken."""

    def _limit(self, size: int) -> None:
        for process in _descendants(self.starter):
            with contextlib.suppress(ProcessLookupError):
                hard = resource.prlimit(process, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))


def can_mount() -> bool:
    """Whether this process may mount a file system."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        try:
            Mounted(Path(folder)).close()
        except subprocess.CalledProcessError:
            return False
    return True


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)


def _descendants(process: int) -> Iterator[int]:
    """A process, and all that it and those have started."""
    yield process
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _descendants(int(child))
