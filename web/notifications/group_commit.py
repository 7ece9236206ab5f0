"""まとめ書き: many who wait, one writer, one commit.

A commit that survives a power cut costs a write to the disk. While one is under way everything that
arrives gathers, and the next commit takes all of it: no timer is needed, and under load many share
one write. Nobody is answered before the commit that holds his work.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH_MAX = 512

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Waiting(Generic[Item, Result]):
    """待つ人: an item, and what became of it once the lock can be had.

    A plain lock: what else a future can do costs more than the wait itself.
    """

    __slots__ = ("_done", "_error", "_result", "item")

    def __init__(self, item: Item) -> None:
        self.item = item
        self._result: Result
        self._error: Exception | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def succeed(self, result: Result) -> None:
        self._result = result
        self._done.release()

    def fail(self, error: Exception) -> None:
        self._error = error
        self._done.release()

    def wait(self) -> Result:
        self._done.acquire()
        if self._error is not None:
            raise self._error
        return self._result


class GroupCommit(Generic[Item, Result]):
    """書込係: one thread that does what others ask for, as much at once as is waiting."""

    def __init__(
        self,
        perform: Callable[[list[Item]], list[Result]],
        size: Callable[[Item], int] = lambda _item: 1,
    ) -> None:
        """``perform`` does several in one transaction; ``size`` is how much of a batch each is."""
        self._perform = perform
        self._size = size
        self._waiting: queue.SimpleQueue[_Waiting[Item, Result] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, item: Item) -> Result:
        """Have ``item`` done in some transaction; its result once that is committed.

        It may be done a second time when the transaction that it shared has failed; what is raised
        then is raised here, and concerns nobody else.
        """
        mine = _Waiting[Item, Result](item)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="spool", daemon=True)
                self._thread.start()
            self._waiting.put(mine)
        return mine.wait()

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
            batch, size = [first], self._size(first.item)
            while size < BATCH_MAX and (more := self._next()) is not None:
                batch.append(more)
                size += self._size(more.item)
            self._commit(batch)

    def _next(self) -> _Waiting[Item, Result] | None:
        """What else is waiting now; the sign to end is left for the next round."""
        try:
            found = self._waiting.get_nowait()
        except queue.Empty:
            return None
        if found is None:
            self._waiting.put(None)
        return found

    def _commit(self, batch: list[_Waiting[Item, Result]]) -> None:
        """All of a batch in one transaction; one by one when that fails."""
        try:
            results = self._perform([each.item for each in batch])
        except Exception as error:  # noqa: BLE001 - it is raised again where the work came from
            if len(batch) == 1:
                batch[0].fail(error)
                return
            for each in batch:
                self._commit([each])
            return
        for each, result in zip(batch, results, strict=True):
            each.succeed(result)
