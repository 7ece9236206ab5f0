"""受付簿の本文: the bytes of a notification as they lie in the spool, sealed where there are keys.

Whether a body is sealed is told by its hash, which is that of the plain bytes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from payments.store.engine import keys_of

if TYPE_CHECKING:
    from sqlalchemy import Connection


def body_to_keep(
    connection: Connection, municipality_code: str, spool_no: int, body: bytes
) -> bytes:
    """What is written for a body: itself, or sealed with the newest key."""
    keys = keys_of(connection)
    return keys.seal(body, _place(municipality_code, spool_no)) if keys else body


def plain_body(
    connection: Connection, municipality_code: str, spool_no: int, body_sha256: str, kept: bytes
) -> bytes:
    """The bytes as they came.

    Raises :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    if hashlib.sha256(kept).hexdigest() == body_sha256:
        return kept
    return keys_of(connection).open(kept, _place(municipality_code, spool_no))


def _place(municipality_code: str, spool_no: int) -> bytes:
    return f"notification|{municipality_code}|{spool_no}".encode()
