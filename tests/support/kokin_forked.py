"""分身: processes of kokin that begin at once, because the program was loaded before.

Run as a program it loads kokin, and forks for each command that it reads from its standard input.
What it starts is the real command line in a process group of its own, to be killed as a whole;
only its wall clock is given by a file (:class:`Clock`), so that it can be made to jump. All end
when its input ends. :class:`Starter` is the other end.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
CLOCK = "KOKIN_TEST_CLOCK"  # the file of the clock, in the environment of a command
BEGINS_AT = datetime(2026, 6, 17, 1, 0, tzinfo=UTC)  # ten in the morning in Japan
LOOK_EVERY = 0.05
LISTEN_EVERY = 0.1  # who talks much is heard while somebody waits for his end
PIPE_BYTES = 1 << 20
LOADED = ("granian", "web.app", "web.scheduler")  # what the commands load when they need it
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class Clock:
    """時計: what time it is for the processes, and for who sends them something.

    It began at ten on 2026-06-17 and goes as fast as any other; ``jump`` is what it is wrong by.
    """

    def __init__(self, path: Path) -> None:
        """``path`` is where the processes look."""
        self.path = path
        self._began, self._later, self._jump = time.monotonic(), 0.0, 0.0
        self._tell()

    def now(self) -> datetime:
        """The right time."""
        return BEGINS_AT + timedelta(seconds=time.monotonic() - self._began + self._later)

    def go_on(self, seconds: float) -> None:
        """So much time passes, for everybody."""
        self._later += seconds
        self._tell()

    def jump(self, seconds: float) -> None:
        """The processes are wrong by so much from now on; 0 puts them right."""
        self._jump = seconds
        self._tell()

    def _tell(self) -> None:
        draft = self.path.with_suffix(".draft")
        draft.write_text(f"{self._began} {self._later + self._jump}")
        draft.replace(self.path)


class Child:
    """子: one command that was started, and what it says."""

    def __init__(self, starter: Starter, pid: int, said: int) -> None:
        """``said`` is the near end of its output, a pipe: that takes words when no disk does."""
        self.pid = pid
        self.status: int | None = None
        self._starter, self._said, self._words = starter, said, b""
        self._end = os.pidfd_open(pid)  # It is there, at least as a zombie, until it is asked for.

    def has_ended(self) -> bool:
        """Whether it has; ``status`` is its exit code then, negative for a signal."""
        self.words()  # nobody who talks much has to wait for a listener
        if self.status is None:
            self.status = self._starter.ask({"ended": self.pid})["status"]
        return self.status is not None

    def wait(self, seconds: float) -> int:
        """Its exit code; AssertionError when it takes longer."""
        end = time.monotonic() + seconds
        while not self.has_ended():
            assert time.monotonic() < end, f"it has not ended: {self.words()}"
            select.select([self._end], [], [], LISTEN_EVERY)
        assert self.status is not None
        return self.status

    def kill(self) -> None:
        """SIGKILL for it and all that it has started; gone when this returns."""
        if not self.has_ended():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.wait(60)

    def words(self) -> str:
        """What it has said so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._words += os.read(self._said, 1 << 16)
        return self._words.decode("utf-8", "replace")

    def forget(self) -> None:
        """Nobody asks what it has said any more."""
        os.close(self._said)
        os.close(self._end)


class Starter:
    """元: the process that starts the others."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """One that runs this module."""
        self.pid = process.pid
        self._process = process
        self._guard = threading.Lock()

    def ask(self, what: dict[str, Any]) -> dict[str, Any]:
        """One request and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._guard:
            self._process.stdin.write(f"{json.dumps(what)}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        assert answer, "the starter has gone"
        found: dict[str, Any] = json.loads(answer)
        return found

    def start(self, words: Sequence[str], environment: dict[str, str], said: Path) -> Child:
        """A command in a process group of its own."""
        os.mkfifo(said)
        near = os.open(said, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(near, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        answer = self.ask({"start": list(words), "env": environment, "said": str(said)})
        return Child(self, int(answer["pid"]), near)


@contextlib.contextmanager
def starter() -> Iterator[Starter]:
    """A starter; behind this it is gone with all that it has started."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KOKIN_")}
    with subprocess.Popen(
        [sys.executable, __file__],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Starter(process)
        finally:
            process.kill()  # Its children die with it.


def _serve_requests() -> tuple[list[str], str]:
    """Answer requests; returns in each child, with its words and its clock."""
    ended: dict[int, int] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            pid = os.fork()
            if pid == 0:
                _become(asked)
                return asked["start"], asked["env"].get(CLOCK, "")
            ended.pop(pid, None)  # The system gives numbers again: that was another's end.
            answer: dict[str, Any] = {"pid": pid}
        else:
            pid = asked["ended"]
            if pid not in ended:
                gone, status = os.waitpid(pid, os.WNOHANG)
                if gone:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            answer = {"status": ended.get(pid)}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()
    sys.exit(0)


def _become(asked: dict[str, Any]) -> None:
    """The child: alone in its group, with its own files and settings."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    said = os.open(asked["said"], os.O_WRONLY)
    for number, handle in enumerate((nothing, said, said)):
        os.dup2(handle, number)
    os.environ.update(asked["env"])


def _follow(path: Path) -> None:
    """Set the wall clock of this process, and of those it forks, by the file."""
    import time_machine  # noqa: PLC0415 - the other end needs none

    def difference() -> float:
        began, more = map(float, path.read_text().split())
        return time.monotonic() - began + more

    def keep_right() -> None:
        threading.Thread(target=look, daemon=True).start()

    def look() -> None:
        while True:
            time.sleep(LOOK_EVERY)
            wrong = BEGINS_AT.timestamp() + difference() - time.time()
            if abs(wrong) > 1:
                machine.shift(wrong)

    begins = BEGINS_AT + timedelta(seconds=difference())
    machine = time_machine.travel(begins, tick=True).start()
    keep_right()
    os.register_at_fork(after_in_child=keep_right)


def _run() -> None:
    import importlib  # noqa: PLC0415 - as above
    import multiprocessing  # noqa: PLC0415 - as above

    from web.cli import main  # noqa: PLC0415 - as above

    for name in LOADED:
        importlib.import_module(name)

    for name in main.list_commands(None):  # type: ignore[arg-type] # commands are listed without it
        main.get_command(None, name)  # type: ignore[arg-type] # as above
    gc.collect()
    gc.freeze()  # What all share is looked through, and thereby copied, by nobody.
    words, clock = _serve_requests()
    # The worker of the server is forked too; its parent has closed every connection by then.
    multiprocessing.set_start_method = lambda *_arguments, **_options: None
    if clock:
        _follow(Path(clock))
    main(words)


if __name__ == "__main__":
    _run()
