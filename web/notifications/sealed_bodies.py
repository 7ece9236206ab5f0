"""通知の本文: the bytes of notifications beside the books, sealed where there are keys.

They lie in the spool, and among what was refused. Whether a body is sealed is told by its hash,
which is that of the plain bytes.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, select, text, update

from payments.domain.errors import ConfigurationError
from payments.store.engine import keys_of
from payments.store.sealed_bytes import key_id_of
from web.notifications.door_tables import refusals
from web.notifications.spool_tables import RESEALING, spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column, Connection, Table

    from web.notifications.spool import Spool

AT_ONCE = 2_000  # bodies of one transaction


class Shelf(NamedTuple):
    """置き場: a table with bodies, its running number, and the name that its seals carry."""

    name: str
    table: Table
    number: Column[int]


SPOOL = Shelf("notification", spool, spool.c.spool_no)
REFUSALS = Shelf("notification_refusal", refusals, refusals.c.refusal_no)


def body_to_keep(
    connection: Connection, shelf: Shelf, municipality_code: str, number: int, body: bytes
) -> bytes:
    """What is written for a body: itself, or sealed with the newest key."""
    keys = keys_of(connection)
    return keys.seal(body, _place(shelf, municipality_code, number)) if keys else body


def plain_body(
    connection: Connection,
    shelf: Shelf,
    municipality_code: str,
    number: int,
    body_sha256: str,
    kept: bytes,
) -> bytes:
    """The bytes as they came.

    Raises :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    if hashlib.sha256(kept).hexdigest() == body_sha256:
        return kept
    return keys_of(connection).open(kept, _place(shelf, municipality_code, number))


def reseal_bodies(
    connection: Connection, shelf: Shelf, municipality_code: str, after: int, *, clear: bool
) -> tuple[int | None, int]:
    """鍵の更新 of the next bodies behind a number: the last one looked at, and how many were left.

    The last is None when none was there. What does not open is left as it is. On PostgreSQL a run
    of :func:`reconcile.store.rekey.rekey` must be open.
    """
    mine = (shelf.table.c.municipality_code == municipality_code,)
    rows = connection.execute(
        select(shelf.number, shelf.table.c.body_sha256, shelf.table.c.body)
        .where(*mine, shelf.number > after)
        .order_by(shelf.number)
        .limit(AT_ONCE)
    ).all()
    keys = keys_of(connection)
    target = "" if clear else keys.newest
    last, left, changes = None, 0, list[dict[str, object]]()
    for number, sha256, body in rows:
        last, kept = number, bytes(body)
        in_clear = hashlib.sha256(kept).hexdigest() == sha256
        if target == ("" if in_clear else key_id_of(kept)):
            continue
        try:
            plain = plain_body(connection, shelf, municipality_code, number, sha256, kept)
        except ConfigurationError:
            left += 1
            continue
        sealed = keys.seal(plain, _place(shelf, municipality_code, number)) if target else plain
        changes.append({"which": number, "sealed": sealed})
    if changes:
        change = update(shelf.table).where(*mine, shelf.number == bindparam("which"))
        with _open_for(connection, municipality_code):
            connection.execute(change.values(body=bindparam("sealed")), changes)
    return last, left


def reseal_all(spool_: Spool, municipality_code: str, *, clear: bool = False) -> int:
    """鍵の更新 of every body beside the books; how many did not open."""
    if spool_.reading(municipality_code) is None:
        return 0
    left = 0
    for shelf in (SPOOL, REFUSALS):
        last: int | None = 0
        while last is not None:
            with spool_.writing(municipality_code) as connection:
                last, stayed = reseal_bodies(
                    connection, shelf, municipality_code, last, clear=clear
                )
            left += stayed
    return left


@contextmanager
def _open_for(connection: Connection, municipality_code: str) -> Iterator[None]:
    """Let the guards of the spool's file see what this transaction is about."""
    if connection.dialect.name != "sqlite":
        yield  # There they see the open run itself.
        return
    mine = {"m": municipality_code}
    connection.execute(text(f"INSERT INTO {RESEALING} (municipality_code) VALUES (:m)"), mine)
    yield
    connection.execute(text(f"DELETE FROM {RESEALING} WHERE municipality_code = :m"), mine)


def _place(shelf: Shelf, municipality_code: str, number: int) -> bytes:
    return f"{shelf.name}|{municipality_code}|{number}".encode()
