"""帳簿にある通知: which notifications the books know, whatever became of the spool.

The spool forgets what was booked long ago, and may be lost with its file; the books forget nothing.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - field of a tuple
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, select

from web.tables import PaymentNotificationRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

Key = tuple[str, str]  # key id of the operator, idempotency key
KEYS_MAX = 500  # keys in one statement: every database takes so many parameters

notifications = PaymentNotificationRow.__table__  # type: ignore[attr-defined]
_KNOWN = select(
    notifications.c.notification_id,
    notifications.c.body_sha256,
    notifications.c.received_at,
    notifications.c.file_id,
    notifications.c.answer_json,
).where(
    notifications.c.municipality_code == bindparam("m"),
    notifications.c.key_id == bindparam("key_id"),
    notifications.c.notification_id.in_(bindparam("ids", expanding=True)),
)


class Known(NamedTuple):
    """帳簿の記録 of one notification."""

    body_sha256: str
    received_at: datetime
    file_id: int | None
    answer_json: str | None


def portions(keys: Iterable[Key]) -> Iterator[tuple[str, list[str]]]:
    """The keys by operator, at most :data:`KEYS_MAX` at a time."""
    by_operator: dict[str, list[str]] = {}
    for key_id, notification_id in dict.fromkeys(keys):
        by_operator.setdefault(key_id, []).append(notification_id)
    for key_id, ids in by_operator.items():
        for start in range(0, len(ids), KEYS_MAX):
            yield key_id, ids[start : start + KEYS_MAX]


def known_to_books(
    connection: Connection, municipality_code: str, keys: Iterable[Key]
) -> dict[Key, Known]:
    """What the books hold of these keys."""
    found: dict[Key, Known] = {}
    for key_id, ids in portions(keys):
        values = {"m": municipality_code, "key_id": key_id, "ids": ids}
        for notification_id, *rest in connection.execute(_KNOWN, values):
            found[key_id, notification_id] = Known(*rest)
    return found
