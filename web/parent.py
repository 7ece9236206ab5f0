"""親プロセス: a process that helps another one ends with it, however that one ends."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def end_with(gone: Callable[[], object], number: signal.Signals = signal.SIGTERM) -> None:
    """Send this process ``number`` as soon as ``gone`` returns.

    ``gone`` waits for the end of the parent, which the system tells through a closed pipe also when
    the parent was killed.
    """

    def wait() -> None:
        gone()
        os.kill(os.getpid(), number)

    threading.Thread(target=wait, name="parent", daemon=True).start()
