"""先読み: what is read from a file is read ahead, while the database still writes what came before.

Reading costs this process its time, writing costs PostgreSQL's, so that each need not wait for the
other.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_AHEAD = 12  # portions that may wait: what is read while the server takes over one transfer


def read_ahead(portions: Iterable[T]) -> Iterator[T]:
    """先読み: the same portions in the same order, read by a thread of its own.

    Whatever the reading raises is raised here, in the place of the portion that is missing. When
    nobody asks for the rest, the reading stops.
    """
    waiting: queue.Queue[T | None] = queue.Queue()
    room = threading.Semaphore(_AHEAD)
    given_up = threading.Event()
    failed: list[BaseException] = []

    def read() -> None:
        try:
            for portion in portions:
                waiting.put(portion)
                room.acquire()
                if given_up.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asked
            failed.append(error)
        finally:
            waiting.put(None)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while (portion := waiting.get()) is not None:
            room.release()
            yield portion
    finally:
        given_up.set()
        room.release()
        thread.join()
    if failed:
        raise failed[0]
