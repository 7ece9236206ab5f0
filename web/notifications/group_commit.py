"""まとめ書き: many who wait share one commit, and one write to the disk.

A commit that survives a power cut costs a write to the disk. While one is under way everything that
arrives gathers, and the next commit takes all of it: no timer is needed, and under load many share
one write. Where a commit and its way to the disk are two steps, and the disk is slow, the next
group is committed while the last one is still on its way. Nobody is answered before his work is on
the disk.
"""

from __future__ import annotations

import queue
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Generic, TypeVar

from payments.store.phases import phase

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH_MAX = 512
SLOW_SECONDS = 0.002  # a disk that takes longer is not waited for to begin the next group

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
    """書込係: does what others ask for, one group at a time, as much at once as is waiting."""

    def __init__(
        self,
        perform: Callable[[list[Item]], list[Result]],
        size: Callable[[Item], int] = lambda _item: 1,
        *,
        settle: Callable[[], None] = lambda: None,
        writers: Callable[[], int] = lambda: 1,
    ) -> None:
        """``perform`` does several in one transaction; ``size`` is how much of a batch each is.

        ``settle`` returns when what the same thread has just performed is on the disk. No two
        threads perform at the same time; as many as ``writers`` says now may settle.
        """
        self._perform = perform
        self._size = size
        self._settle = settle
        self._writers = writers
        self._waiting: queue.SimpleQueue[_Waiting[Item, Result] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # whose thread it is that gathers and performs
        self._threads: list[threading.Thread] = []
        self._settled_last = threading.Event()  # whether the group that was performed last is
        self._settled_last.set()
        self._settling: set[int] = set()  # threads, each of which adds and takes away itself

    def run(self, item: Item) -> Result:
        """Have ``item`` done in some transaction; its result once that is on the disk.

        It may be done a second time when the transaction that it shared has failed; what is raised
        then is raised here, and concerns nobody else. When settling fails all of the group hear of
        it, and nobody knows what is on the disk: that is not tried again.
        """
        mine = _Waiting[Item, Result](item)
        with self._lock:
            if len(self._settling) >= len(self._threads) < self._writers():
                thread = threading.Thread(target=self._write, name="spool", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._waiting.put(mine)
        return mine.wait()

    def close(self) -> None:
        """Commit what is waiting and end the threads; the next work starts another one."""
        with self._lock:
            threads, self._threads = self._threads, []
            for _each in threads:
                self._waiting.put(None)
            for each in threads:
                each.join()

    def _write(self) -> None:
        """One batch after the other until :meth:`close`."""
        while self._round():
            pass

    def _round(self) -> bool:
        """One batch; False at the end, when there is none."""
        settled = threading.Event()
        with self._turn:
            batch = self._gather()
            with phase("notifications.group", count=len(batch)) if batch else nullcontext():
                results = self._performed(batch) if batch else None
            self._settled_last = settled
            if self._writers() == 1:  # Nobody gains by having the turn before all are told.
                self._tell(batch, results, settled)
                return bool(batch)
        self._tell(batch, results, settled)
        return bool(batch)

    def _tell(
        self,
        batch: list[_Waiting[Item, Result]],
        results: list[Result] | None,
        settled: threading.Event,
    ) -> None:
        """Have a batch settled, and let the next group know."""
        if results is not None:
            self._settle_all(batch, results)
        settled.set()

    def _gather(self) -> list[_Waiting[Item, Result]]:
        """What is waiting, as far as it fits into a batch; nothing is the sign to end."""
        first = self._waiting.get()
        if first is None:
            return []
        # Where this takes no time, small groups cost more than they gain.
        self._settled_last.wait(SLOW_SECONDS)
        batch, size = [first], self._size(first.item)
        while size < BATCH_MAX and (more := self._next()) is not None:
            batch.append(more)
            size += self._size(more.item)
        return batch

    def _next(self) -> _Waiting[Item, Result] | None:
        """What else is waiting now; the sign to end is left for the next round."""
        try:
            found = self._waiting.get_nowait()
        except queue.Empty:
            return None
        if found is None:
            self._waiting.put(None)
        return found

    def _performed(self, batch: list[_Waiting[Item, Result]]) -> list[Result] | None:
        """All of a batch in one transaction, one by one when that fails.

        None when nothing is left to settle, because everybody has been told.
        """
        try:
            return self._perform([each.item for each in batch])
        except Exception as error:  # noqa: BLE001 - it is raised again where the work came from
            if len(batch) == 1:
                batch[0].fail(error)
                return None
        for each in batch:
            results = self._performed([each])
            if results is not None:
                self._settle_all([each], results)
        return None

    def _settle_all(self, batch: list[_Waiting[Item, Result]], results: list[Result]) -> None:
        """Tell everybody of a batch that it is on the disk, or why nobody knows."""
        me = threading.get_ident()
        self._settling.add(me)
        try:
            self._settle()
        except Exception as error:  # noqa: BLE001 - it is raised again where the work came from
            self._settling.discard(me)
            for each in batch:
                each.fail(error)
            return
        self._settling.discard(me)
        for each, result in zip(batch, results, strict=True):
            each.succeed(result)
