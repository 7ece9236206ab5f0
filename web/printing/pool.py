"""並行作業: independent tasks in processes of their own; the parent alone sees the results.

Workers start afresh (spawn), so no connection is ever shared. They end with their parent, however
it ends: a worker that has lost its parent would otherwise go on writing beside the next run.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from payments.domain.errors import ConfigurationError, KokinError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Task = TypeVar("Task")
Result = TypeVar("Result")
SHOWN_EVERY = 0.2  # seconds between two looks at how far the workers are

_counter: Any = None  # in a worker: the count of finished steps that all processes share
_stop: Any = None  # in a worker: set when nobody waits for results any more


class StoppedError(Exception):
    """中断: the parent no longer waits for this task."""


@dataclass(frozen=True, slots=True)
class _Done(Generic[Result]):
    """What a worker hands back: a result, or the refusal that ended the task."""

    result: Result | None = None
    code: str = ""
    details: dict[str, object] | None = None


def in_workers(
    work: Callable[[Task, Callable[[int], None]], Result],
    tasks: Sequence[Task],
    workers: int,
    show: Callable[[int], None],
) -> Iterator[Result]:
    """作業を分ける: ``work(task, tick)`` for every task, results as they are finished.

    ``tick(steps)`` in a worker moves the count that ``show`` is given here; called often, also with
    0, it lets a task be stopped soon when nobody waits any more. One worker, or one
    task, needs no further process. After a task that was refused no further one begins; those
    at work are finished and handed over, then the refusal is raised.

    Raises:
        KokinError: what a task raised, :class:`RefusedError` when it came from a worker.
        ConfigurationError: ``print_worker_died``, a worker was killed (memory, most often).
    """
    if min(workers, len(tasks)) <= 1:
        return _here(work, tasks, show)
    return _spread(work, tasks, min(workers, len(tasks)), show)


def _here(
    work: Callable[[Task, Callable[[int], None]], Result],
    tasks: Sequence[Task],
    show: Callable[[int], None],
) -> Iterator[Result]:
    """One task after another in this process."""
    count = 0

    def tick(steps: int) -> None:
        nonlocal count
        count += steps
        show(count)

    for task in tasks:
        yield work(task, tick)


def _spread(
    work: Callable[[Task, Callable[[int], None]], Result],
    tasks: Sequence[Task],
    workers: int,
    show: Callable[[int], None],
) -> Iterator[Result]:
    """Tasks in processes, results in the order in which they are finished."""
    context = multiprocessing.get_context("spawn")
    counter, stop = context.Value("q", 0), context.Event()
    refusal: KokinError | None = None
    with ProcessPoolExecutor(workers, context, _begin, (counter, stop)) as pool:
        waiting = {pool.submit(_run, work, task) for task in tasks}
        try:
            while waiting:
                finished, waiting = wait(waiting, SHOWN_EVERY, FIRST_COMPLETED)
                show(counter.value)
                for done in (future.result() for future in finished):
                    if done.result is not None:
                        yield done.result
                    elif refusal is None:
                        refusal = RefusedError(done.code, **(done.details or {}))
                        waiting = {future for future in waiting if not future.cancel()}
        except BrokenProcessPool as error:
            raise ConfigurationError("print_worker_died") from error
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
    if refusal is not None:
        raise refusal


def _begin(counter: Any, stop: Any) -> None:
    """What a worker does first: it leaves Ctrl-C to its parent, and ends when that ends."""
    global _counter, _stop
    _counter, _stop = counter, stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """Wait for the parent's end, and end at once."""
    wait_for([sentinel])
    os._exit(1)


def _tick(steps: int) -> None:
    """Count steps; raise :class:`StoppedError` when nobody waits for the result any more."""
    if _stop.is_set():
        raise StoppedError
    if not steps:
        return
    with _counter.get_lock():
        _counter.value += steps


def _run(work: Callable[[Task, Callable[[int], None]], Result], task: Task) -> _Done[Result]:
    """One task in a worker; a refusal goes back as data, because its details would be lost."""
    _tick(0)
    try:
        return _Done(work(task, _tick))
    except KokinError as error:
        return _Done(code=error.error_code, details=error.details)
