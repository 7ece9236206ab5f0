"""通知の本文: the bytes of notifications beside the books, sealed where there are keys.

They lie in the spool, and among what was refused. Whether a body is sealed is told by its hash,
which is that of the plain bytes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import ConfigurationError
from payments.store.engine import keys_of
from payments.store.sealed_bytes import key_id_of
from web.notifications.door_tables import refusals
from web.notifications.spool_tables import spool

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Table

    from payments.store.sealed_bytes import KeyRing


class Shelf(NamedTuple):
    """置き場: a table with bodies, its running number, and the name that its seals carry."""

    name: str
    table: Table
    number: Column[int]


SPOOL = Shelf("notification", spool, spool.c.spool_no)
REFUSALS = Shelf("notification_refusal", refusals, refusals.c.refusal_no)


def body_to_keep(
    keys: KeyRing, shelf: Shelf, municipality_code: str, number: int, body: bytes
) -> bytes:
    """What is written for a body: itself, or sealed with the newest key."""
    return keys.seal(body, place_of(shelf, municipality_code, number)) if keys else body


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
    return keys_of(connection).open(kept, place_of(shelf, municipality_code, number))


def hash_found(
    connection: Connection,
    shelf: Shelf,
    municipality_code: str,
    number: int,
    body_sha256: str,
    kept: bytes,
) -> str:
    """検算: the hash of the bytes as they came, or the code that says why they do not open.

    Raises :class:`ConfigurationError` ``encryption_key_missing``: without its key nothing can be
    said about the bytes.
    """
    found = hashlib.sha256(kept).hexdigest()
    if found == body_sha256 or not key_id_of(kept):
        return found
    try:
        plain = keys_of(connection).open(kept, place_of(shelf, municipality_code, number))
    except ConfigurationError as error:
        if error.error_code != "encryption_key_wrong":
            raise
        return error.error_code
    return hashlib.sha256(plain).hexdigest()


def place_of(shelf: Shelf, municipality_code: str, number: int) -> bytes:
    """What a seal is bound to: one body on one shelf."""
    return f"{shelf.name}|{municipality_code}|{number}".encode()
