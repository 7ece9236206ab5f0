"""本文の鍵の更新: the bytes of notifications beside the books, sealed anew when the keys turn."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, text, update

from payments.domain.errors import ConfigurationError
from payments.store.engine import keys_of
from payments.store.sealed_bytes import key_id_of
from web.notifications.sealed_bodies import REFUSALS, SPOOL, place_of, plain_body
from web.notifications.spool_tables import RESEALING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from web.notifications.sealed_bodies import Shelf
    from web.notifications.spool import Spool

AT_ONCE = 2_000  # bodies of one transaction


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
        sealed = keys.seal(plain, place_of(shelf, municipality_code, number)) if target else plain
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
