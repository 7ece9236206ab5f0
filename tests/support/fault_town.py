"""災いの町: an installation of real processes, those who send it something, and what they keep.

The server, the scheduler and commands run as processes on one database; operators notify, files
come by folder and by command. :meth:`Town.settle` waits until all of it is in the books.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import time_machine
from equal_bills import EqualBills
from fault_ledger import Ledger, M, notification
from kokin_forked import CLOCK, Clock
from signed_requests import URL, headers
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.unit_of_work import reading
from reconcile.audit.seal import is_pending
from web.notifications.checking import verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from random import Random

    import postgres
    from equal_bills import Report
    from fault_disk import Disk
    from kokin_forked import Child, Starter

    from reconcile.verify.walk import Difference

BILLS = EqualBills(1_000)
KEY, SECRET = "pay-1", "a-secret-of-the-tests-and-long-enough"
SENDERS = 4
PATIENCE = 90  # seconds after which what has not been mended is taken for broken
LOOK_EVERY = 0.02
ASK_EVERY = 0.1  # the books, while something still waits: it shall not have to wait for who asks
LATER = (2, 31, 31, 31)  # minutes of the clock that pass while something still waits …
WAITED = (2.5, 5.0, 8.0, 12.0)  # … after so many seconds of ours
JOBS_OFF = ("backup", "statistics", "dunning_preview", "arrivals", "letters")
_RUNS_TWICE = text(
    "SELECT job, slot FROM job_run WHERE municipality_code = :m AND state = 'OK' "
    "AND job NOT IN ('inbox', 'notifications', 'seal', 'outbox') "
    "GROUP BY job, slot HAVING COUNT(*) > 1"
)
_REPORTED = text(
    "SELECT MAX(as_of_on) FROM job_run WHERE municipality_code = :m AND state = 'OK' "
    "AND job = 'day_report'"
)


@dataclass
class Settled:
    """立直り: how long it took until everything was in the books again."""

    seconds: float
    minutes: int  # by the clock of the town; nobody waits them out


@dataclass
class Town:
    """町: one installation, to which anything may happen."""

    folder: Path
    url: str
    starter: Starter
    disk: Disk
    chance: Random
    wire: Any = None  # Wire of a database server
    cluster: postgres.Cluster | None = None
    ledger: Ledger = field(init=False)
    clock: Clock = field(init=False)
    serve: Any = None  # Child, once it was started
    schedule: Any = None

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.chance, BILLS.count)
        self.clock = Clock(self.folder / "clock")
        self.home = self.disk.folder
        self.port = 0
        self.files: list[tuple[str, bytes]] = []  # that are in the books
        self.sent: list[tuple[str, bytes]] = []  # notifications that were answered
        self._left: list[tuple[str, bytes]] = []  # … and those that were not
        self._commands: list[tuple[str, bytes]] = []  # files that a command has to take in again
        self._said = self._named = 0
        self._children: list[Child] = []
        self.inbox = self.home / "inbox" / M / "eltax"
        self.inbox.mkdir(parents=True)

    # ---- processes ----

    def start(self, *words: str) -> Child:
        """A command of the town."""
        self._said += 1
        environment = {
            "KOKIN_HOME": str(self.home),
            "KOKIN_DATABASE_URL": self.url,
            "KOKIN_SECRET_KEY": SECRET,
            "KOKIN_NOTIFICATION_KEYS": f"{KEY}:{SECRET}",
            "KOKIN_SCHEDULE_TICK_SECONDS": "1",
            "KOKIN_SCHEDULE_HEARTBEAT_SECONDS": "1",
            "KOKIN_SCHEDULE_STALE_SECONDS": "60",
            "KOKIN_INBOX_SECONDS": "1",
            "KOKIN_INBOX_SETTLE_SECONDS": "0",
            CLOCK: str(self.clock.path),
        }
        child = self.starter.start(words, environment, self.folder / f"said-{self._said}")
        self._children.append(child)
        return child

    def open(self) -> None:
        """The server and the scheduler run; what has ended by itself is started again."""
        assert self.try_to_open(), self.words()

    def try_to_open(self) -> bool:
        """The same where it may be impossible; whether the server answers."""
        if self.schedule is None or self.schedule.has_ended():
            self.schedule = self.start("schedule")
        if self.serve is None or self.serve.has_ended():
            self.serve = self.start("serve", "--port", "0")
            end = time.monotonic() + PATIENCE
            while not (found := _port(self.serve.words())):
                if self.serve.has_ended() or time.monotonic() > end:
                    return False
                time.sleep(LOOK_EVERY)
            self.port = found
        return True

    def close(self) -> None:
        """Both are gone from one moment to the next."""
        for child in (self.serve, self.schedule):
            if child is not None:
                child.kill()

    def end(self) -> None:
        """Nothing runs any more."""
        for child in self._children:
            child.kill()
            child.forget()

    # ---- what comes ----

    def file(self, reports: Sequence[Report]) -> tuple[str, bytes]:
        """納付情報 with a name of its own; the town must have its reports in the end."""
        self._named += 1
        self.ledger.tell([*reports])
        return f"f{self._named}.csv", BILLS.hub_file(reports)

    def drop(self, name: str, data: bytes) -> None:
        """Into the folder, as senders should do it."""
        draft = self.inbox / f"{name}.part"
        try:
            draft.write_bytes(data)
            draft.rename(self.inbox / name)
        except OSError:  # No room, or read-only: a person will take it in.
            self._commands.append((name, data))
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return
        self.files.append((name, data))

    def intake(self, name: str, data: bytes) -> Child:
        """By command; what has not ended well is run again by :meth:`settle`."""
        self._commands.append((name, data))
        return self._intake(name, data)

    def _intake(self, name: str, data: bytes) -> Child:
        path = self.folder / name
        path.write_bytes(data)
        return self.start("intake", str(path))

    def notifications(self, reports: Sequence[Report]) -> list[tuple[str, bytes]]:
        """納付通知; the town must have what they say in the end."""
        self.ledger.tell([*reports])
        found = []
        for report in reports:
            self._named += 1
            found.append((f"n{self._named}", notification(report, f"n{self._named}")))
        return found

    @contextlib.contextmanager
    def load(self, notes: Sequence[tuple[str, bytes]]) -> Iterator[None]:
        """They are sent while something happens; who got no good answer sends again later."""
        queue: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
        for note in notes:
            queue.put(note)

        def work() -> None:
            with contextlib.suppress(Empty):
                while True:
                    note = queue.get_nowait()
                    good = self.post(note[1]) in {200, 201, 202}
                    (self.sent if good else self._left).append(note)

        threads = [threading.Thread(target=work) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        yield
        for thread in threads:
            thread.join()

    def post(self, body: bytes, nonce: str = "") -> int:
        """One request at the right time; its status, 0 where there was no whole answer."""
        signed = headers(KEY, SECRET, body, at=self.clock.now().timestamp(), nonce=nonce)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", URL, body, signed)
            answer = connection.getresponse()
            json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0
        finally:
            connection.close()
        return answer.status

    # ---- and afterwards ----

    def settle(self) -> Settled:
        """Everything is sent again that nobody has taken; wait until the books hold all of it."""
        began, passed = time.monotonic(), 0
        self.open()
        waits = iter(zip(WAITED, LATER, strict=True))
        later, minutes = next(waits)
        while wrong := self._unsettled():
            seconds = time.monotonic() - began
            assert seconds < PATIENCE, (wrong[:20], self.words())
            if seconds > later:
                self.clock.go_on(minutes * 60)
                passed += minutes
                later, minutes = next(waits, (PATIENCE, 0))
            time.sleep(ASK_EVERY)
            self.open()
        return Settled(time.monotonic() - began, passed)

    def _unsettled(self) -> list[str]:
        """What still waits; told again where nobody has taken it."""
        left, self._left = self._left, []
        with self.load(left):
            commands, self._commands = self._commands, []
            for name, data in commands:
                if self._intake(name, data).wait(PATIENCE) == 0:
                    self.files.append((name, data))
                else:
                    self._commands.append((name, data))
        waiting = [f"{name} is not answered" for name, _body in self._left]
        waiting += [f"{name} cannot be taken in" for name, _data in self._commands]
        waiting += [f"{path.name} lies in the inbox" for path in self.inbox.iterdir()]
        if waiting:
            return waiting
        with self.books() as engine:
            return self.ledger.differences(engine)

    @contextlib.contextmanager
    def books(self) -> Iterator[Any]:
        """The database, as somebody looks at it from outside, past the line that is slow or cut."""
        name = self.url.rpartition("/")[2]
        engine = open_engine(self.url if self.cluster is None else self.cluster.url(name))
        try:
            yield engine
        finally:
            engine.dispose()

    def verify(self) -> list[Difference]:
        """検算 at the time of the town."""
        with self.books() as engine, time_machine.travel(self.clock.now()):
            return verify(engine, M)

    def ran_twice(self) -> list[Any]:
        """Slots of jobs that were run to a good end more than once."""
        with self.books() as engine, reading(engine, M) as connection:
            return [*connection.execute(_RUNS_TWICE, {"m": M})]

    def reported_until(self) -> str:
        """The last day of which the nightly report was made."""
        with self.books() as engine, reading(engine, M) as connection:
            return str(connection.execute(_REPORTED, {"m": M}).scalar())

    def waits_for_seal(self) -> bool:
        """Whether something in the books is not sealed yet."""
        with self.books() as engine, reading(engine, M) as connection:
            return is_pending(connection, M)

    def words(self) -> str:
        """What the two have said at last."""
        children = [child for child in (self.serve, self.schedule) if child is not None]
        return "\n".join(child.words()[-3_000:] for child in children)


def digest(data: bytes) -> str:
    """The name under which evidence is kept."""
    return hashlib.sha256(data).hexdigest()


def _port(words: str) -> int:
    """The port that the server has said, 0 before that."""
    line = next((line for line in words.splitlines() if "127.0.0.1:" in line and "/" in line), "")
    port = line.partition("127.0.0.1:")[2].partition("/")[0]
    return int(port) if port.isdecimal() else 0
