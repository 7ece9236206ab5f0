"""書込の仕事: what the writer of a municipality's spool does at once for all who wait.

On PostgreSQL it takes two journeys, however many share it: one asks what was there before, one
brings what is new and commits.

Where its disk is slow (:mod:`web.notifications.disk_pace`) a third one waits for the disk. The
commit itself waits for nothing then (``synchronous_commit = off``), so that whoever comes next sees
it and need not wait for the disk to go on: order, idempotency and nonces are decided as by a single
writer, on however many hosts. The log of the server is written in its order: whoever sees an entry
before it is on the disk, and commits something on the strength of it, is on the disk behind it or
not at all.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from payments.store.unit_of_work import ENTER, reading
from web.notifications.disk_pace import DiskPace
from web.notifications.door import Refused, Signed, Uses, admit_all, note_transactions
from web.notifications.first_look import add_first_look, add_look_into_books
from web.notifications.journey import Journey, KeptConnection, driven
from web.notifications.known import known_to_books
from web.notifications.spool_rows import ALONE, Arrival, Entry, Mark, append_all, mark_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

    from web.notifications.known import Key, Known

Work = tuple[Signed | Refused | Arrival | Mark, ...]  # what is asked for at once
Results = list[tuple[Entry, bool]] | None  # None: the nonce of the request was used before

# On PostgreSQL with a slow disk: one commits while the others wait for it (benchmarks/notify.py).
WRITERS = 4
_LAST_NOS = "spool_last_nos"  # the last number of a spool when it was last looked at
_VISIBLE_FIRST = "SET LOCAL synchronous_commit = off"
# A word in the log: a commit that has written nothing waits for nothing.
_ON_DISK = "SELECT pg_logical_emit_message(true, 'kokin', '')"


class SpoolWriter:
    """書込の仕事 of one municipality: one thread at a time performs, each on its own connection."""

    def __init__(
        self, store: Callable[[], Engine], books: Engine, municipality_code: str, uses: Uses
    ) -> None:
        """``store`` opens the spool; on PostgreSQL that is ``books``."""
        self._books = books
        self._municipality_code = municipality_code
        self._uses = uses
        self._on_server = books.dialect.name == "postgresql"  # spool and books in one database
        self._open = store
        self._mine = threading.local()
        self._stores: list[KeptConnection] = []
        self._pace = DiskPace()

    def writers(self) -> int:
        """How many threads are worth having now."""
        return WRITERS if self._pace.is_slow else 1

    def close(self) -> None:
        """Give the connections back; no thread works any more."""
        for store in self._stores:
            store.close()

    @property
    def _store(self) -> KeptConnection:
        """The connection of this thread."""
        found: KeptConnection | None = getattr(self._mine, "store", None)
        if found is None:
            found = self._mine.store = KeptConnection(self._open)
            self._stores.append(found)
        return found

    def perform(self, works: list[Work]) -> list[Results]:
        """What several asked for, in one transaction; their results, one after the other."""
        arrivals = [each for work in works for each in work if isinstance(each, Arrival)]
        marks = [each for work in works for each in work if isinstance(each, Mark)]
        # On SQLite the books are another file: their writers do not wait for this reader.
        known = {} if self._on_server else self._known_beside(arrivals)
        mine = self._municipality_code
        ahead = self._mine.is_ahead = self._pace.is_slow
        with self._store.used() as connection, connection.begin():
            new, last_no = self._begin(connection, works, arrivals, ahead=ahead)
            writes = Journey(connection)
            admitted = admit_all(connection, mine, works, self._uses, writes, new=new)
            if not all(admitted):
                fresh = [work for work, good in zip(works, admitted, strict=True) if good]
                arrivals = [each for work in fresh for each in work if isinstance(each, Arrival)]
            if self._on_server and not new:
                known = known_to_books(connection, mine, [each.key for each in arrivals])
            results = append_all(connection, mine, arrivals, known, writes, last_no, new=new)
            note_transactions(writes, mine, arrivals, results)
            mark_all(writes, mine, marks)
            self._commit(writes, ahead=ahead)
        found = iter(results)
        return [
            [next(found) for each in work if isinstance(each, Arrival)] if good else None
            for work, good in zip(works, admitted, strict=True)
        ]

    def settle(self) -> None:
        """Return when what this thread has performed last survives a power cut.

        It waits on the very connection that has committed. A server that fell over meanwhile, and
        may have lost it, has ended that one: then this raises.
        """
        if not self._mine.is_ahead:
            return  # The commit has waited for the disk.
        with self._store.same() as connection:
            word = Journey(connection)
            word.add(_ON_DISK)
            self._timed(word)

    def _commit(self, writes: Journey, *, ahead: bool) -> None:
        """Bring what is new; unless it goes ahead of the disk, it is on the disk after this."""
        if not self._on_server:
            writes.send()  # SQLAlchemy commits.
            return
        if not (writes or ahead):
            # What is repeated here may be another host's, and still on its way.
            writes.add(_ON_DISK)
        writes.add("COMMIT")
        if ahead:
            writes.send()
        else:
            self._timed(writes)

    def _timed(self, journey: Journey) -> None:
        """A journey that waits for the disk."""
        begun = time.perf_counter()
        journey.send()
        self._pace.note(time.perf_counter() - begun)

    def _begin(
        self,
        connection: Connection,
        works: Sequence[Work],
        arrivals: Sequence[Arrival],
        *,
        ahead: bool,
    ) -> tuple[bool, int]:
        """Whether nothing of all this was seen before, and the last number of the spool."""
        mine = self._municipality_code
        first = Journey(connection)
        if self._on_server:
            first.add("BEGIN")
            if ahead:
                first.add(_VISIBLE_FIRST)
            first.add(ENTER, mine)
            first.add(ALONE, mine)  # On SQLite the transaction sees to that.
        requests = [each for work in works for each in work if isinstance(each, Signed)]
        keys = [arrival.key for arrival in arrivals]
        # Kept with the connection: a server that fell over may have lost what it showed before.
        last_nos: dict[str, int] = connection.info.setdefault(_LAST_NOS, {})
        add_first_look(first, mine, requests, keys, last_nos.get(mine, 0))
        new, last_nos[mine] = first.send()
        return bool(new), last_nos[mine]

    def _known_beside(self, arrivals: Sequence[Arrival]) -> dict[Key, Known]:
        """What the books beside the spool hold of these, which it may have forgotten."""
        mine = self._municipality_code
        keys = [arrival.key for arrival in arrivals]
        if not keys:
            return {}
        with self._books.connect() as connection, driven(connection):
            look = Journey(connection)
            add_look_into_books(look, mine, keys)
            (new,) = look.send()
        if new:
            return {}
        with reading(self._books, mine) as connection:
            return known_to_books(connection, mine, keys)
