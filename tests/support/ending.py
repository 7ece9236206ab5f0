"""期限: a process of a test, which outlives nothing and keeps nobody waiting for ever."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

# Seconds; less than what pyproject.toml gives a test, so that it can say itself what went wrong.
PATIENCE = 200


@contextlib.contextmanager
def ending(
    command: Sequence[str | Path],
    *,
    start: Callable[..., Any] = subprocess.Popen,
    **options: Any,
) -> Iterator[subprocess.Popen[Any]]:
    """A process in a session of its own: behind this it is gone with all that it has started.

    ``start``: what starts it; :meth:`loaded.Loaded.start` is quick with programs of kokin.

    Whoever reads from it or waits for it does so for ``PATIENCE`` at most: then all are killed,
    which ends every such wait, and the test fails (AssertionError) even if it does not notice.
    """
    process = start(command, start_new_session=True, **options)
    late = threading.Event()

    def end() -> None:
        late.set()
        kill_all(process)

    watchdog = threading.Timer(PATIENCE, end)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        kill_all(process)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):  # what was written last to one that has gone
                if stream is not None:
                    stream.close()
    assert not late.is_set(), f"it had not ended after {PATIENCE} seconds"


def kill_all(process: subprocess.Popen[Any]) -> None:
    """SIGKILL for it and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
