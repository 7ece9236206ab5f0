"""記帳係: books notifications behind the requests that brought them, in the server process.

A request waits for its booking only as long as the booker keeps up. Once the books are busy (an
import is writing them) or more wait than a request should sit through, requests are answered at
once, and the booker tries again until nothing waits. While more arrives than it books it also rests
between its steps: whoever brings a notification is answered first, and what waits is durable.

Of many bodies in one process a few are booked at a time: whoever books holds connections, and those
of the requests must never run out.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from web.notifications.booking import BooksBusyError, book_again, book_waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from web.notifications.booking import Step
    from web.notifications.spool import Spool

LOCK_WAIT_MS = 20  # what booking waits for the books' lock
BEHIND_FROM = 4  # so many waiting are more than a request sits through
RETRY_SECONDS = 0.25
TROUBLE_RETRIES = 20  # … in the end so many times longer when something stays wrong
BUSY_RETRIES = 8  # … and while the books, or the turn to write them, stay somebody else's
REST = 9  # while more arrives than is booked: so many times as long as the step took
BODIES_AT_ONCE = 3  # so many book in one process; each holds two connections of the requests' pool
PATIENCE_SECONDS = 1  # a request never waits longer, whatever happens to the booker

_SEATS = threading.BoundedSemaphore(BODIES_AT_ONCE)

log = logging.getLogger(__name__)


class Booker:
    """記帳係: one thread; ``books`` should not wait long for a lock."""

    def __init__(
        self,
        books: Engine,
        spool: Spool,
        municipality_code: str,
        *,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        """Nothing runs before :meth:`start`, or before the first request waits."""
        self._books = books
        self._spool = spool
        self._municipality_code = municipality_code
        self._retry_seconds = self._pause = retry_seconds
        self._troubles = 0  # rounds in a row in which something was wrong, or somebody else's
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._work = False  # something may wait that no round has looked for
        self._keeps_up = True  # False while the books are busy or too many wait
        self._arrived = 0  # the last entry that a request brought
        self._handled = 0  # the last entry that was looked at
        self._begun = self._done = 0  # rounds
        self._whole = False  # whether the books hold what the spool calls booked

    def start(self, arrived: int = 0) -> int:
        """Book what waits, from now on; the number of the round that will have looked at it.

        ``arrived``: the number of an entry that is known to wait.
        """
        with self._changed:
            self._work = True
            self._arrived = max(self._arrived, arrived)
            if self._thread is None and not self._closed.is_set():
                name = f"booker-{self._municipality_code}"  # what its lines in the log begin with
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return self._begun + 1

    def wait_for(self, spool_no: int) -> bool:
        """Whether this entry was looked at; False when it is better not to wait for that."""
        # First this, then the look at what the booker says of itself: it does so the other way
        # round, so that nothing is left lying. Nobody who need not wait takes the lock.
        self._work = True
        if not self._keeps_up:
            self._arrived = max(self._arrived, spool_no)
            return self._handled >= spool_no
        own_round = self.start(spool_no)

        def looked_at() -> bool:
            return self._handled >= spool_no or self._done >= own_round

        with self._changed:
            self._changed.wait_for(
                lambda: looked_at() or not self._keeps_up or self._closed.is_set(),
                timeout=PATIENCE_SECONDS,
            )
            return looked_at()

    def wait_until_idle(self, timeout: float) -> bool:
        """Whether everything that waits was looked at, within ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._keeps_up and not self._work and self._done == self._begun,
                timeout=timeout,
            )

    def close(self) -> None:
        """Finish the entry in hand and end the thread, for good."""
        with self._changed:
            self._closed.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        """Round after round while there is work; again soon when the books are busy."""
        while self._begin():
            try:
                self._round()
            except BooksBusyError:
                self._fail(self._longer_each_time(BUSY_RETRIES))
            except SQLAlchemyError as error:
                # The statement may carry numbers of slips: only the kind of error is logged.
                log.error("the spool cannot be booked: %s", type(error).__name__)  # noqa: TRY400
                self._fail(self._longer_each_time(TROUBLE_RETRIES))
            except Exception:
                log.exception("the spool cannot be booked")
                self._fail(self._longer_each_time(TROUBLE_RETRIES))

    def _longer_each_time(self, most: int) -> float:
        """A pause behind trouble: what was wrong for a moment is not waited for as long again."""
        times: int = min(2**self._troubles, most)
        self._troubles += times < most
        return times * self._retry_seconds

    def _fail(self, pause: float) -> None:
        """Let nobody wait for this round, and begin the next one after ``pause`` seconds."""
        self._pause = pause
        self._tell(keeps_up=False)

    def _begin(self) -> bool:
        """Wait for work, or out the pause after a round that failed; False at the end."""
        with self._changed:
            if self._keeps_up:
                self._changed.wait_for(lambda: self._work or self._closed.is_set())
            else:
                self._changed.wait_for(self._closed.is_set, timeout=self._pause)
            self._work = False
            self._begun += 1
            return not self._closed.is_set()

    def _round(self) -> None:
        """Everything that waits now, and what arrives meanwhile."""
        if not self._whole:
            with self._seat():
                book_again(self._books, self._spool, self._municipality_code)
            self._whole = True
        # What could not be booked before is left to the scheduler, or to the next start.
        begun, arrived = time.monotonic(), self._arrived
        steps = book_waiting(
            self._books,
            self._spool,
            self._municipality_code,
            after=self._handled,
            begin=lambda number: self._tell(keeps_up=number <= BEHIND_FROM),
        )
        while (step := self._next(steps)) is not None:
            self._tell(keeps_up=self._keeps_up, handled=step.entries[-1].spool_no)
            if self._arrived - arrived > len(step.entries):
                self._closed.wait(REST * (time.monotonic() - begun))
            if self._closed.is_set():
                return
            begun, arrived = time.monotonic(), self._arrived
        self._troubles = 0
        self._tell(keeps_up=True, done=self._begun)

    def _next(self, steps: Iterator[Step]) -> Step | None:
        with self._seat():
            return next(steps, None)

    @contextmanager
    def _seat(self) -> Iterator[None]:
        """記帳の席: one of the few that book at a time; no request waits for one to get free."""
        while not _SEATS.acquire(timeout=self._retry_seconds):
            self._tell(keeps_up=False)
        try:
            yield
        finally:
            _SEATS.release()

    def _tell(self, *, keeps_up: bool, handled: int = 0, done: int = 0) -> None:
        """What the requests that wait need to know."""
        with self._changed:
            self._keeps_up = keeps_up
            self._handled = max(self._handled, handled)
            self._done = max(self._done, done)
            self._changed.notify_all()
