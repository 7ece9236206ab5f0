"""別プロセスでの読取: a file from outside is read by a process of its own, which may be ended.

Image and PDF libraries unpack what a file asks for, and no check beforehand sees every way in: a
content stream, a mask, a picture in a pattern. So the process that reads has a limit on its memory
(:mod:`qr.scan.worker`), is killed when its time is over, and knows neither the database nor the
environment of this one. It answers in lines of JSON.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from payments.domain.errors import ConfigurationError, InvalidValueError
from qr.scan.limits import Deadline, Source
from qr.scan.slip_reading import SlipReading

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from qr.scan.limits import ScanLimits

# No directory is searched for modules merely because the service was started there.
COMMAND = (sys.executable, "-P", "-W", "ignore", "-m", "qr.scan.worker")
_PATIENCE = 19
_SESSION = 10  # a tenth of a session that is in need itself: something is read on a busy machine
_GRACE = 1.2  # of the time, so that what was found until its end can still be said
_ANSWER_BYTES_MAX = 20_000_000  # a page full of slips has a hundredth of this
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")


def read_apart(data: bytes | Path, name: str, limits: ScanLimits) -> Generator[list[SlipReading]]:
    """The slips of each page as soon as it has been read; ``name`` is what errors say.

    Raises :class:`InvalidValueError` as :func:`qr.scan.files.pictures` does, ``scan_too_slow`` also
    when the process had to be killed and ``scan_too_heavy`` when it fell over its memory or
    crashed; :class:`ConfigurationError` when a library is missing.
    """
    source = Source(data, name, limits, Deadline(limits.seconds_max))
    source.head()
    end = Deadline(limits.seconds_max * _GRACE)
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(),
        start_new_session=True,
    ) as child:
        _let_others_go_first(child.pid)
        killer = threading.Timer(min(end.seconds_left, threading.TIMEOUT_MAX), child.kill)
        killer.daemon = True
        killer.start()
        try:
            _ask(cast("IO[bytes]", child.stdin), source)
            for answer in _answers(cast("IO[bytes]", child.stdout)):
                if "slips" not in answer:
                    _raise_refusal(answer)
                    return
                yield [SlipReading.from_dict(slip) for slip in answer["slips"]]
            status = child.wait()
        finally:
            killer.cancel()
            child.kill()
    if end.passed or status == -signal.SIGXCPU:
        raise source.refusal("scan_too_slow", max=f"{limits.seconds_max:g}")
    if status > 0:
        # No file does this: the module is missing or wrong, and has said so on its own.
        raise subprocess.CalledProcessError(status, COMMAND)
    raise source.refusal("scan_too_heavy")


def _let_others_go_first(pid: int) -> None:
    """Whoever waits for a page goes before whoever waits for a picture, from its first instruction:

    an interpreter that starts and loads its libraries takes as long as many pages. A process that
    is merely nice keeps its turn for milliseconds when somebody wakes; one that runs in idle time
    (SCHED_IDLE, which needs no privilege) gives way at once. Both hold among those of one session
    only where Linux shares the processor among sessions (autogroups, sched(7)): there the session
    of its own is nice as a whole, so that a database of this machine goes first, too. Where there
    is no such thing, or a sandbox forbids it, it is as nice as can be.
    """
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(_SESSION), "ascii")
    with contextlib.suppress(OSError):  # it has ended already
        os.setpriority(os.PRIO_PROCESS, pid, _PATIENCE)
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


def _environment() -> dict[str, str]:
    """What an interpreter needs to start, and none of our secrets."""
    ours = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # Every further arena of the allocator would be charged with address space never used.
    return {**ours, "MALLOC_ARENA_MAX": "1"}


def _ask(child: IO[bytes], source: Source) -> None:
    """One line that says what to read; the bytes of an upload follow it."""
    content = source.content
    request = {
        "name": source.name,
        "path": None if isinstance(content, bytes) else str(content),
        "limits": dataclasses.asdict(source.limits),
    }
    # A process that has died already is asked in vain; how it died is looked at later.
    with contextlib.suppress(BrokenPipeError):
        child.write(json.dumps(request).encode() + b"\n")
        if isinstance(content, bytes):
            child.write(content)
    with contextlib.suppress(BrokenPipeError):
        child.close()


def _answers(child: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Whole lines only: the last one of a killed process may be cut off."""
    while (line := child.readline(_ANSWER_BYTES_MAX)).endswith(b"\n"):
        yield json.loads(line)


def _raise_refusal(answer: dict[str, Any]) -> None:
    """Why nothing more comes; nothing to raise when all pages have been read."""
    if "error" in answer:
        kind = ConfigurationError if answer["configuration"] else InvalidValueError
        raise kind(answer["error"], **answer["details"])
