"""書込の仕事: what the writer of a municipality's spool does at once for all who wait.

On PostgreSQL it takes two journeys, however many share it: one asks what was there before, one
brings what is new and commits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.store.unit_of_work import ENTER, reading
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


class SpoolWriter:
    """書込の仕事 of one municipality; one thread at a time."""

    def __init__(
        self, store: Callable[[], Engine], books: Engine, municipality_code: str, uses: Uses
    ) -> None:
        """``store`` opens the spool; on PostgreSQL that is ``books``."""
        self._books = books
        self._municipality_code = municipality_code
        self._uses = uses
        self._on_server = books.dialect.name == "postgresql"  # spool and books in one database
        self._store = KeptConnection(store)
        self._last_no = 0  # the last number of the spool when it was last looked at

    def close(self) -> None:
        """Give the connection back."""
        self._store.close()

    def perform(self, works: list[Work]) -> list[Results]:
        """What several asked for, in one transaction; their results, one after the other."""
        arrivals = [each for work in works for each in work if isinstance(each, Arrival)]
        marks = [each for work in works for each in work if isinstance(each, Mark)]
        # On SQLite the books are another file: their writers do not wait for this reader.
        known = {} if self._on_server else self._known_beside(arrivals)
        mine = self._municipality_code
        with self._store.used() as connection, connection.begin():
            new, last_no = self._begin(connection, works, arrivals)
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
            if self._on_server:
                writes.add("COMMIT")
            writes.send()
        found = iter(results)
        return [
            [next(found) for each in work if isinstance(each, Arrival)] if good else None
            for work, good in zip(works, admitted, strict=True)
        ]

    def _begin(
        self, connection: Connection, works: Sequence[Work], arrivals: Sequence[Arrival]
    ) -> tuple[bool, int]:
        """Whether nothing of all this was seen before, and the last number of the spool."""
        mine = self._municipality_code
        first = Journey(connection)
        if self._on_server:
            first.add("BEGIN")
            first.add(ENTER, mine)
            first.add(ALONE, mine)  # On SQLite the transaction sees to that.
        requests = [each for work in works for each in work if isinstance(each, Signed)]
        keys = [arrival.key for arrival in arrivals]
        add_first_look(first, mine, requests, keys, self._last_no)
        new, last_no = first.send()
        self._last_no = last_no
        return bool(new), last_no

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
