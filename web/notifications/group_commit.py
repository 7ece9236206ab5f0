"""まとめ書き: many who wait, one writer, one commit.

A commit that survives a power cut costs a write to the disk. While one is under way everything that
arrives gathers, and the next commit takes all of it: no timer is needed, and under load many share
one write. Nobody is answered before the commit that holds his work.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

BATCH_MAX = 256

Result = TypeVar("Result")
Work = tuple["Callable[[Connection], Any]", "Future[Any]"]


class GroupCommit:
    """書込係: one thread that runs what others ask for, as many at once as are waiting."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        """``transaction`` opens a write transaction that commits when it is left well."""
        self._transaction = transaction
        self._waiting: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """Run ``work`` in some transaction and return its result once that is committed.

        Work may be run a second time when the transaction that it shared has failed; what it
        raises then is raised here, and concerns nobody else.
        """
        future: Future[Result] = Future()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="spool", daemon=True)
                self._thread.start()
            self._waiting.put((work, future))
        return future.result()

    def close(self) -> None:
        """Commit what is waiting and end the thread; the next work starts another one."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._waiting.put(None)
                thread.join()

    def _write(self) -> None:
        """One batch after the other until :meth:`close`."""
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < BATCH_MAX and (more := self._next()) is not None:
                batch.append(more)
            self._commit(batch)

    def _next(self) -> Work | None:
        """What else is waiting now; the sign to end is left for the next round."""
        try:
            found = self._waiting.get_nowait()
        except queue.Empty:
            return None
        if found is None:
            self._waiting.put(None)
        return found

    def _commit(self, batch: list[Work]) -> None:
        """All of a batch in one transaction; one by one when that fails."""
        try:
            with self._transaction() as connection:
                results = [work(connection) for work, _future in batch]
        except Exception as error:  # noqa: BLE001 - it is raised again where the work came from
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            for each in batch:
                self._commit([each])
            return
        for (_work, future), result in zip(batch, results, strict=True):
            future.set_result(result)
