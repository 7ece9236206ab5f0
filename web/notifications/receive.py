"""納付通知の受付: durable first, once per idempotency key, then the same road as a file.

The answer says that the notification is kept, not whose slip it was or whether it was owed: what a
person has paid is a tax secret (地方税法22条), also towards the operator who took the money.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import ConflictError, NotFoundError
from payments.store.engine import keys_of, open_engine
from web.notifications.booker import LOCK_WAIT_MS, RETRY_SECONDS, Booker
from web.notifications.booking import Answer, answer_from, known_answer, members
from web.notifications.door import of_transaction
from web.notifications.spool_rows import Arrival

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from web.notifications.door import Refused, Signed
    from web.notifications.known import Key
    from web.notifications.spool import Spool
    from web.notifications.spool_rows import Entry

CONFLICT = 409
RECEIPT = ("id", "status", "outcome", "sha256", "received_at")


class Told(NamedTuple):
    """届いた通知: the id it counts under, its bytes, and the operator's transaction."""

    notification_id: str
    body: bytes
    transaction_id: str = ""


def for_booking(engine: Engine) -> Engine:
    """The same books with connections that never wait long for a lock."""
    url = engine.url.render_as_string(hide_password=False)
    return open_engine(url, keys=keys_of(engine), lock_wait_ms=LOCK_WAIT_MS)


class Desk:
    """受付窓口 of one municipality: takes notifications in, and has them booked."""

    def __init__(
        self,
        engine: Engine,
        spool: Spool,
        municipality_code: str,
        *,
        books: Engine | None = None,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        """``engine`` opens the books; booking has connections of its own (:func:`for_booking`).

        ``books``: those, where several desks share them; whoever made them closes them.
        """
        self.spool = spool
        self._engine = engine
        self._municipality_code = municipality_code
        self._shared = books is not None
        self._books = for_booking(engine) if books is None else books
        self.booker = Booker(
            self._books, self.spool, municipality_code, retry_seconds=retry_seconds
        )

    def close(self) -> None:
        """Finish what is in hand; whatever waits then is booked after the next start."""
        self.booker.close()
        if not self._shared:
            self._books.dispose()

    def receive(self, key_id: str, notification_id: str, body: bytes) -> tuple[Answer, bool]:
        """Take one notification in; the answer, and whether this request was the first.

        It is durable before this returns, and booked when the books are free. Raises
        :class:`ConflictError` ``idempotency_conflict`` for another body; that one is kept, too.
        """
        ((answer, first),) = self.receive_many(key_id, [Told(notification_id, body)])
        if answer.status == CONFLICT:
            raise ConflictError("idempotency_conflict", notification_id=notification_id)
        return answer, first

    def receive_many(
        self,
        key_id: str,
        notifications: Sequence[Told],
        signed: Signed | None = None,
        refused: Sequence[Refused] = (),
    ) -> list[tuple[Answer, bool]]:
        """Take several in at once; per notification as :meth:`receive`.

        All of them are durable before this returns, with one commit, and so is what is refused.
        Another body under a known key is answered 409 ``idempotency_conflict``, and concerns no
        other. Raises :class:`RefusedError` ``nonce_used`` when ``signed`` was here before.
        """
        arrivals = [
            Arrival(key_id, told.notification_id, told.body, sha256(told.body).hexdigest(),
                    told.transaction_id)
            for told in notifications
        ]  # fmt: skip
        kept = self.spool.append_many(self._municipality_code, arrivals, signed, refused)
        waiting = [entry.spool_no for entry, _first in kept if entry.answer_json is None]
        booked: dict[Key, Entry] = {}
        if waiting and self.booker.wait_for(max(waiting)):
            keys = [arrival.key for arrival in arrivals]
            booked = self.spool.find_many(self._municipality_code, keys)
        return [
            _answer(booked.get(arrival.key, entry), first, arrival.body_sha256)
            for arrival, (entry, first) in zip(arrivals, kept, strict=True)
        ]

    def show(self, key_id: str, notification_id: str) -> Answer:
        """What became of a notification.

        :class:`NotFoundError` ``notification`` also for other people's keys.
        """
        entry = self.spool.find(self._municipality_code, key_id, notification_id)
        answer = (
            known_answer(self._engine, self._municipality_code, key_id, notification_id)
            if entry is None
            else _known(entry)
        )
        if answer is None:
            raise NotFoundError("notification", notification_id=notification_id)
        if entry is not None and entry.answer_json is None:
            self.spool.settle(self._municipality_code)  # What is said to be kept is on the disk.
        shown = {name: answer.members[name] for name in RECEIPT if name in answer.members}
        return Answer(200, shown)

    def find(self, key_id: str, transaction_id: str) -> list[Answer]:
        """取引番号から: what became of each notification about a transaction of one's own."""
        store = self.spool.reading(self._municipality_code)
        if store is None:
            return []
        with store as connection:
            ids = of_transaction(connection, self._municipality_code, key_id, transaction_id)
        return [self.show(key_id, notification_id) for notification_id in ids]

    def use_up(self, signed: Signed) -> None:
        """Let this request be the only one with its nonce; raises ``nonce_used`` as above."""
        self.spool.append_many(self._municipality_code, (), signed)


def _answer(entry: Entry, first: bool, body_sha256: str) -> tuple[Answer, bool]:  # noqa: FBT001
    """What is answered to a body of which this entry counts."""
    if entry.body_sha256 == body_sha256:
        return _known(entry), first
    told = {"id": entry.notification_id, "status": "conflict", "code": "idempotency_conflict"}
    return Answer(CONFLICT, told), False


def _known(entry: Entry) -> Answer:
    """What is known of an entry now: what was booked, or that it is kept and waits."""
    if entry.answer_json is None:
        return Answer(202, members(entry, "received") | {"outcome": "pending"})
    return answer_from(entry.answer_json)
