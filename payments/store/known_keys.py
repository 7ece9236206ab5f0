"""知られた鍵: which keys a municipality's rows are sealed with, each with a probe that tries it.

A key is written down here before it seals anything. So a key that is missing is named before the
start, and another key under a known name is refused before two keys of one name exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.domain.errors import ConfigurationError
from payments.store.engine import keys_of
from payments.store.sealed_bytes import key_id_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.store.sealed_bytes import KeyRing

_ASKED = "kokin_evidence_key"  # in the notes of a connection: for which transaction


def open_piece(keys: KeyRing, key_id: str, data: bytes, place: bytes) -> bytes:
    """The plain bytes of what is sealed under ``key_id``, or in clear under "".

    Raises :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    if not key_id:
        return data
    if key_id in keys and key_id_of(data) != key_id:
        raise ConfigurationError("encryption_key_wrong", found=key_id)
    if key_id not in keys:
        raise ConfigurationError("encryption_key_missing", found=key_id)
    return keys.open(data, place)


def remember_key(connection: Connection, municipality_code: str, keys: KeyRing) -> None:
    """What is kept sealed needs the newest key from now on.

    Raises :class:`ConfigurationError` ``encryption_key_wrong`` when it needed another key of that
    name before: under one name there must never be two.
    """
    # Asked once per transaction: a batch of notifications is one evidence each.
    asked = (municipality_code, keys.newest, connection.get_transaction())
    if connection.info.get(_ASKED) == asked:
        return
    scope = {"m": municipality_code, "key_id": keys.newest}
    place = _probe_place(municipality_code, keys.newest)
    probe = connection.execute(
        text("SELECT probe FROM evidence_key WHERE municipality_code = :m AND key_id = :key_id"),
        scope,
    ).scalar_one_or_none()
    if probe is not None:
        keys.open(bytes(probe), place)
    else:
        connection.execute(
            text(
                "INSERT INTO evidence_key (municipality_code, key_id, probe) "
                "VALUES (:m, :key_id, :probe)"
            ),
            {**scope, "probe": keys.seal(b"", place)},
        )
    connection.info[_ASKED] = asked


def require_keys(connection: Connection, municipality_code: str) -> list[str]:
    """必要な鍵: the ids of all keys that something may be sealed with; each is tried.

    Raises :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    found = connection.execute(
        text("SELECT key_id, probe FROM evidence_key WHERE municipality_code = :m ORDER BY key_id"),
        {"m": municipality_code},
    ).all()
    keys = keys_of(connection)
    for key_id, probe in found:
        open_piece(keys, key_id, bytes(probe), _probe_place(municipality_code, key_id))
    return [key_id for key_id, _ in found]


def _probe_place(municipality_code: str, key_id: str) -> bytes:
    return f"evidence-key|{municipality_code}|{key_id}".encode()
