"""控え: programs of kokin that begin at once, because one process has loaded it before.

A test that starts kokin again and again waits for nothing but its loading, two seconds each. Here
one process a worker loads it, and forks for each program; what it starts is the same program, with
its own session, files and environment. :class:`Loaded` starts them in the place of
:class:`subprocess.Popen`; :class:`Program` has what tests use of that.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import io
import json
import multiprocessing
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
LOADED = ("granian", "web.app", "web.cli", "web.scheduler")
_MOST = 1 << 20  # bytes of a request
_FILES = 4  # that come with it: input, output, errors, and where its end is told
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_ENDS = ("stdin", "stdout", "stderr")


class Program:
    """A program that was started: what tests use of :class:`subprocess.Popen`."""

    def __init__(self, pid: int, status: int, streams: dict[str, IO[Any]]) -> None:
        """``status`` is where its end is told."""
        self.pid = pid
        self.returncode: int | None = None
        self.stdin = streams.get("stdin")
        self.stdout = streams.get("stdout")
        self.stderr = streams.get("stderr")
        self._status = status

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same, as soon as it has ended; :class:`subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            told = os.read(self._status, 16)
            # Without a word the one that started it has been killed, and it with that one.
            self.returncode = int(told) if told else -signal.SIGKILL
            os.close(self._status)
        return self.returncode

    def communicate(
        self,
        input: Any = None,  # noqa: A002 - as there
        timeout: float | None = None,
    ) -> tuple[Any, Any]:
        """Tell it this, and read all that it says until it has ended."""
        heard: dict[str, Any] = {}

        def hear(name: str, stream: IO[Any]) -> None:
            with stream:
                heard[name] = stream.read()

        ears = [
            threading.Thread(target=hear, args=(name, stream), daemon=True)
            for name, stream in (("stdout", self.stdout), ("stderr", self.stderr))
            if stream is not None
        ]
        for ear in ears:
            ear.start()
        if self.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                if input:
                    self.stdin.write(input)
                self.stdin.close()
        for ear in ears:
            ear.join(timeout)
            if ear.is_alive():
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        self.wait(timeout)
        return heard.get("stdout"), heard.get("stderr")

    def send_signal(self, number: int) -> None:
        """A signal, if it still runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Loaded:
    """The process that has loaded kokin."""

    def __init__(self, control: socket.socket) -> None:
        """``control`` leads to one that runs this module."""
        self._control = control
        self._guard = threading.Lock()

    def start(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        text: bool = False,
        start_new_session: bool = True,
        **ends: int,
    ) -> Program:
        """``python -m web …``, ``python -c CODE …`` or ``python SCRIPT …``, like ``Popen``."""
        assert start_new_session  # to be killed as a whole
        asked = {
            "words": [str(word) for word in command][1:],
            "env": dict(os.environ if env is None else env),
            "cwd": str(cwd or Path.cwd()),
        }
        near, far = _pipes(ends)
        status, told = os.pipe()
        with self._guard:
            socket.send_fds(self._control, [json.dumps(asked).encode()], [*far, told])
            pid = self._control.recv(16)
        for handle in (*far, told):
            os.close(handle)
        assert pid, "the process that has loaded kokin is gone"
        streams: dict[str, IO[Any]] = {}
        for name, handle in near.items():
            raw: Any = os.fdopen(handle, "wb" if name == "stdin" else "rb")
            streams[name] = io.TextIOWrapper(raw, "utf-8") if text else raw
        return Program(int(pid), status, streams)


def _pipes(ends: Mapping[str, int]) -> tuple[dict[str, int], list[int]]:
    """Our ends by name, and those of the program in order."""
    near: dict[str, int] = {}
    far: list[int] = []
    for number, name in enumerate(_ENDS):
        asked = ends.get(name)
        if asked == subprocess.PIPE:
            read, write = os.pipe()
            near[name], own = (write, read) if name == "stdin" else (read, write)
        elif asked == subprocess.DEVNULL or name == "stdin":
            own = os.open(os.devnull, os.O_RDWR)
        elif asked == subprocess.STDOUT:
            own = os.dup(far[1])
        else:
            own = os.dup(number)
        far.append(own)
    return near, far


@contextlib.contextmanager
def loaded() -> Iterator[Loaded]:
    """One that has loaded kokin; behind this it is gone with all that it has started."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KOKIN_")}
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST)
    with (
        near,
        subprocess.Popen(
            [sys.executable, __file__, str(far.fileno())],
            cwd=ROOT,
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[far.fileno()],
            start_new_session=True,
        ) as process,
    ):
        far.close()
        try:
            yield Loaded(near)
        finally:
            process.kill()  # Its children die with it.


# ---- the other end ----


def _serve(control: socket.socket) -> dict[str, Any]:
    """Start what is asked for; returns in each child, with what it is to become."""
    running: dict[int, int] = {}
    woken, wake = os.pipe()
    watched: list[Any] = [control, woken]
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    while True:
        ready, _, _ = select.select(watched, [], [])
        if woken in ready:
            os.read(woken, 1 << 10)
            _tell_ends(running)
        if control in ready:
            request, files, _flags, _address = socket.recv_fds(control, _MOST, _FILES)
            if not request:
                sys.exit(0)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for handle in (control.detach(), woken, wake, files.pop(), *running.values()):
                    os.close(handle)
                asked: dict[str, Any] = json.loads(request)
                _become(asked, files)
                return asked
            running[pid] = files.pop()
            for handle in files:
                os.close(handle)
            control.send(str(pid).encode())


def _tell_ends(running: dict[int, int]) -> None:
    """Say of each that has ended how it did."""
    for pid in list(running):
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            handle = running.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(handle, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(handle)


def _become(asked: dict[str, Any], files: list[int]) -> None:
    """The child: alone in its session, with its own files, folder and environment."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.setsid()
    for number, handle in enumerate(files):
        os.dup2(handle, number)
        os.close(handle)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    # The worker of the server is forked too; its parent has closed every connection by then.
    multiprocessing.set_start_method = lambda *_words, **_named: None


def _run(words: list[str]) -> None:
    """What Python does with its command line."""
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[0] == "-c":
        sys.argv = ["-c", *words[2:]]
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - as -c does
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


def _load() -> None:
    """Everything that a command needs."""
    gc.disable()
    for name in LOADED:
        importlib.import_module(name)
    main = importlib.import_module("web.cli").main
    for name in main.list_commands(None):
        main.get_command(None, name)
    gc.freeze()
    gc.enable()


def _end(words: list[str]) -> NoReturn:
    """Run it to its end as Python does, but for the second in which it would tear down all."""
    code: Any = 0
    try:
        _run(words)
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as Python shows what nobody has caught
        sys.excepthook(*sys.exc_info())
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)  # noqa: T201 - as Python does
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError, ValueError):
            stream.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    _load()
    _end(_serve(socket.socket(fileno=int(sys.argv[1])))["words"])
