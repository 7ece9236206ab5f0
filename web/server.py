"""HTTPサーバー: how the WSGI application is put behind a port (adr/0009).

One worker process answers, with a pool of threads: the spool has one writer, and the limits of
requests are counted in one place. The process that was started waits for signals and ends the
worker with itself.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import multiprocessing
import signal
import socket
import sys
import threading
from functools import partial
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from payments.domain.errors import ConfigurationError
from web.parent import end_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication

THREADS = 16
SWITCH_SECONDS = 0.0005
STOP_SECONDS = 30  # what requests in hand get at the end
LOOK_EVERY = 0.02

Load = "Callable[[], tuple[WSGIApplication, Callable[[], None]]]"


def free_port(host: str, port: int) -> int:
    """The port when it is free, any free one for 0.

    Raises :class:`ConfigurationError` ``port_in_use``.
    """
    family, _kind, _protocol, _name, address = _resolve(host, port)
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise ConfigurationError("port_in_use", port=port) from error
        return int(probe.getsockname()[1])


def run(
    load: Callable[[], tuple[WSGIApplication, Callable[[], None]]],
    host: str,
    port: int,
    ready: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT; what was begun is answered first.

    ``load`` makes the application and what is to be called at its end, in the worker (so it must
    be importable); ``ready`` is called once the port answers.
    """
    from granian import Granian  # noqa: PLC0415 - only a server needs it
    from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415 - the same
    from granian.log import LogLevels  # noqa: PLC0415 - the same

    # A forked worker would share open connections of the database, which neither kind bears.
    multiprocessing.set_start_method("spawn", force=True)
    server = Granian(
        "kokin",
        address=str(_resolve(host, port)[4][0]),
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        http=HTTPModes.http1,
        websockets=False,
        # Addresses of people and what they ask for stand in no log.
        log_access=False,
        log_level=LogLevels.error,
        log_dictconfig=_logging(),
        workers_kill_timeout=STOP_SECONDS,
    )
    ended = threading.Event()
    threading.Thread(target=_tell_when_ready, args=(host, port, ready, ended), daemon=True).start()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.serve(target_loader=partial(_in_worker, load), wrap_loader=False)
    finally:
        ended.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_worker(
    load: Callable[[], tuple[WSGIApplication, Callable[[], None]]],
) -> WSGIApplication:
    """The application, in the process that answers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        end_with(parent.join, signal.SIGKILL)
    application, close = load()
    Finalize(None, close, exitpriority=1)
    _answer_promptly()
    return application


def _answer_promptly() -> None:
    """Keep what stops all threads at once short (benchmarks/notify_beside_import.py)."""
    # A full collection walks through everything that is loaded: up to 0.1 s in which nobody is
    # answered. What is there now stays to the end and need not be looked at again.
    gc.collect()
    gc.freeze()
    # What is frozen is not cleared away at the end, of which libraries would complain there.
    Finalize(None, gc.unfreeze, exitpriority=0)
    # How long the thread that books may keep the interpreter while requests wait for it.
    sys.setswitchinterval(SWITCH_SECONDS)


def _tell_when_ready(
    host: str, port: int, ready: Callable[[], None], ended: threading.Event
) -> None:
    """Try the port until it answers."""
    while not ended.wait(LOOK_EVERY):
        with contextlib.suppress(OSError):
            socket.create_connection((host, port), timeout=1).close()
            ready()
            return


def _resolve(host: str, port: int) -> tuple[Any, Any, int, str, Any]:
    """The first address of a name."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]


def _logging() -> dict[str, Any]:
    """What the server says goes where everything else is said that is no answer."""
    return {
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "generic",
                "stream": "ext://sys.stderr",
            }
        },
        "loggers": {"_granian": {"handlers": ["console"], "propagate": False}},
    }
