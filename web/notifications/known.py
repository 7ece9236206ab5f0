"""帳簿にある通知: which notifications the books know, whatever became of the spool.

The spool forgets what was booked long ago, and may be lost with its file; the books forget nothing.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - field of a tuple
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, select

from web.tables import PaymentNotificationRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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


# Nearly always nothing is known, which is found out without what a typed row costs.
_ANY_KNOWN = (
    "SELECT 1 FROM payment_notification WHERE municipality_code = {mark} AND key_id = {mark} "
    "AND notification_id {listed} LIMIT 1"
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


def listed(
    connection: Connection, statement: str, fixed: Sequence[object], several: Sequence[object]
) -> list[tuple[Any, ...]]:
    """The rows of a look-up for several values at once, straight from the driver.

    ``statement`` has ``{mark}`` for each fixed value and ends its list of values in ``{listed}``.
    What SQLAlchemy adds to such a look-up costs several times as much as the look-up itself, and
    every notification is looked up three times before it is kept.
    """
    cursor: Any = connection.connection.cursor()
    try:
        if connection.dialect.name == "postgresql":
            text = statement.format(mark="%s", listed="= ANY(%s)")
            cursor.execute(text, (*fixed, list(several)))
        else:
            text = statement.format(mark="?", listed=f"IN ({', '.join('?' * len(several))})")
            cursor.execute(text, (*fixed, *several))
        found: list[tuple[Any, ...]] = cursor.fetchall()
    finally:
        cursor.close()
    return found


def known_to_books(
    connection: Connection, municipality_code: str, keys: Iterable[Key]
) -> dict[Key, Known]:
    """What the books hold of these keys."""
    found: dict[Key, Known] = {}
    for key_id, ids in portions(keys):
        if not listed(connection, _ANY_KNOWN, (municipality_code, key_id), ids):
            continue
        values = {"m": municipality_code, "key_id": key_id, "ids": ids}
        for notification_id, *rest in connection.execute(_KNOWN, values):
            found[key_id, notification_id] = Known(*rest)
    return found
