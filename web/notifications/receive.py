"""納付通知の受付: durable first, once per idempotency key, then the same road as a file.

The answer says that the notification is kept, not whose slip it was or whether it was owed: what a
person has paid is a tax secret (地方税法22条), also towards the operator who took the money.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from payments.domain.errors import ConflictError, InvalidValueError, NotFoundError
from payments.store.engine import keys_of, open_engine
from web.notifications.booker import LOCK_WAIT_MS, RETRY_SECONDS, Booker
from web.notifications.booking import Answer, answer_from, known_answer, members
from web.notifications.spool_rows import Arrival

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from web.notifications.known import Key
    from web.notifications.spool import Spool
    from web.notifications.spool_rows import Entry

CONFLICT = 409
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def identifier(header: str | None, body: bytes) -> str:
    """The idempotency key: the header, or ``notification_id`` of the body.

    Raises :class:`InvalidValueError` ``idempotency_key_missing`` or ``idempotency_key_invalid``.
    """
    key = header or _notification_id(body)
    if not key:
        raise InvalidValueError("idempotency_key_missing")
    if IDENTIFIER.fullmatch(key) is None:
        raise InvalidValueError("idempotency_key_invalid")
    return key


def _notification_id(body: bytes) -> str:
    """The member of the body, when there is one to be read."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    value = found.get("notification_id") if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


class Desk:
    """受付窓口 of one municipality: takes notifications in, and has them booked."""

    def __init__(
        self,
        engine: Engine,
        spool: Spool,
        municipality_code: str,
        *,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        """``engine`` opens the books; booking has connections of its own that never wait long."""
        self.spool = spool
        self._engine = engine
        self._municipality_code = municipality_code
        url = engine.url.render_as_string(hide_password=False)
        self._books = open_engine(url, keys=keys_of(engine), lock_wait_ms=LOCK_WAIT_MS)
        self.booker = Booker(
            self._books, self.spool, municipality_code, retry_seconds=retry_seconds
        )

    def close(self) -> None:
        """Finish what is in hand; whatever waits then is booked after the next start."""
        self.booker.close()
        self._books.dispose()

    def receive(self, key_id: str, notification_id: str, body: bytes) -> tuple[Answer, bool]:
        """Take one notification in; the answer, and whether this request was the first.

        It is durable before this returns, and booked when the books are free. Raises
        :class:`ConflictError` ``idempotency_conflict`` for another body; that one is kept, too.
        """
        ((answer, first),) = self.receive_many(key_id, [(notification_id, body)])
        if answer.status == CONFLICT:
            raise ConflictError("idempotency_conflict", notification_id=notification_id)
        return answer, first

    def receive_many(
        self, key_id: str, notifications: Sequence[tuple[str, bytes]]
    ) -> list[tuple[Answer, bool]]:
        """Take several in at once, as (idempotency key, body); per notification as `receive`.

        All of them are durable before this returns, with one commit. Another body under a known key
        is answered 409 ``idempotency_conflict``, and concerns no other.
        """
        arrivals = [
            Arrival(key_id, notification_id, body, sha256(body).hexdigest())
            for notification_id, body in notifications
        ]
        kept = self.spool.append_many(self._municipality_code, arrivals)
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
        shown = {name: answer.members[name] for name in ("id", "status", "sha256", "received_at")}
        return Answer(200, shown)


def _answer(entry: Entry, first: bool, body_sha256: str) -> tuple[Answer, bool]:  # noqa: FBT001
    """What is answered to a body of which this entry counts."""
    if entry.body_sha256 == body_sha256:
        return _known(entry), first
    told = {"id": entry.notification_id, "status": "conflict", "code": "idempotency_conflict"}
    return Answer(CONFLICT, told), False


def _known(entry: Entry) -> Answer:
    """What is known of an entry now: what was booked, or that it is kept and waits."""
    if entry.answer_json is None:
        return Answer(202, members(entry, "received"))
    return answer_from(entry.answer_json)
