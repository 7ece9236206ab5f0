"""一目: whether anything of what has just arrived was ever seen before.

Nearly always nothing was. One statement says so for all who share a commit, instead of one each
for nonces, for the spool and for the books; on PostgreSQL each of them would be a journey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from web.notifications.known import Key

_NONCE = (
    "EXISTS (SELECT 1 FROM notification_nonce "
    "WHERE municipality_code = {mark} AND slot {0} AND fingerprint {1})"
)
_KEY = (
    "EXISTS (SELECT 1 FROM {table} "
    "WHERE municipality_code = {mark} AND key_id {0} AND notification_id {1})"
)


def all_new(
    connection: Connection,
    municipality_code: str,
    nonces: Sequence[tuple[int, bytes]],
    keys: Sequence[Key],
    *,
    with_books: bool,
) -> bool:
    """Whether none of these was seen before; False where that has to be looked at one by one.

    ``nonces``: slot and fingerprint; ``with_books``: whether the books lie in the same database.
    """
    slots = sorted({slot + step for slot, _fingerprint in nonces for step in (-1, 0, 1)})
    owners = sorted({key_id for key_id, _name in keys})
    names = [name for _key_id, name in keys]
    looks: list[tuple[str, Sequence[object], Sequence[object]]] = []
    if nonces:
        looks.append((_NONCE, slots, [fingerprint for _slot, fingerprint in nonces]))
    if keys:
        looks.append((_KEY.replace("{table}", "notification_spool"), owners, names))
    if keys and with_books:
        looks.append((_KEY.replace("{table}", "payment_notification"), owners, names))
    if not looks:
        return True
    postgresql = connection.dialect.name == "postgresql"
    parts: list[str] = []
    values: list[object] = []
    for statement, *lists in looks:
        values.append(municipality_code)
        if postgresql:
            parts.append(str(statement).format("= ANY(%s)", "= ANY(%s)", mark="%s"))
            values += [list(each) for each in lists]
        else:
            several = [f"IN ({', '.join('?' * len(each))})" for each in lists]
            parts.append(str(statement).format(*several, mark="?"))
            values += [value for each in lists for value in each]
    cursor: Any = connection.connection.cursor()
    try:
        cursor.execute(f"SELECT NOT ({' OR '.join(parts)})", values)
        return bool(cursor.fetchone()[0])
    finally:
        cursor.close()
