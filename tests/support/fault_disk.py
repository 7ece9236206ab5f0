"""悪い媒体: a disk that is full or read-only, and a line to the database that is slow or cut."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM = 512 << 20
TRIES = 20
SWITCH_SECONDS = 0.0005  # nobody on a quick line waits for who computes beside it


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


class Wire:
    """回線: a line to the database server that can be slow, cut or down."""

    def __init__(self, port: int) -> None:
        """It leads to ``port`` of this machine."""
        self._to = ("127.0.0.1", port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.delay = 0.0  # seconds, of every piece of what is said
        self.down = False  # nobody is let in
        self._guard = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        threading.Thread(target=self._let_in, daemon=True).start()

    def cut(self) -> None:
        """Every conversation ends in the middle of a word."""
        with self._guard:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            _hang_up(pair)

    def close(self) -> None:
        """Nobody comes any more."""
        self.down = True
        self._door.close()
        self.cut()
        sys.setswitchinterval(self._before)

    def _let_in(self) -> None:
        while True:
            try:
                near = self._door.accept()[0]
            except OSError:
                return
            if self.down:
                near.close()
                continue
            try:
                pair = near, socket.create_connection(self._to)
            except OSError:
                near.close()
                continue
            with self._guard:
                self._pairs.add(pair)
            for source, target in (pair, pair[::-1]):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(
                    target=self._carry, args=(source, target, pair), daemon=True
                ).start()

    def _carry(
        self, source: socket.socket, target: socket.socket, pair: tuple[socket.socket, ...]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if self.delay:
                    time.sleep(self.delay)
                target.sendall(data)
        _hang_up(pair)
        with self._guard:
            self._pairs.discard((pair[0], pair[1]))


def _hang_up(pair: tuple[socket.socket, ...]) -> None:
    for end in pair:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
