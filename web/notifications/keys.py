"""通知用の鍵: which operators may send notifications, and how their signature is checked.

The signature is the hexadecimal HMAC-SHA256 of ``timestamp + "." + body``, keyed with the secret of
the key that ``X-Kokin-Key`` names. A secret is derived from the installation's secret and a salt
(HKDF's extract step): it is shown once, stored nowhere, and a copy of the database signs nothing.
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, update

from payments.domain.errors import ConflictError, InvalidValueError, NotFoundError
from web import clock
from web.tables import ApiKeyRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from web.config import Settings

KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
WINDOW_SECONDS = 300

api_keys = ApiKeyRow.__table__  # type: ignore[attr-defined]


class ApiKey(NamedTuple):
    """鍵 without its secret."""

    key_id: str
    operator_name: str
    disabled: bool


def add(
    connection: Connection,
    settings: Settings,
    municipality_code: str,
    key_id: str,
    *,
    operator_name: str,
) -> str:
    """Enter a key and return its secret; ``key_id`` or ``key_exists``."""
    if KEY_ID.fullmatch(key_id) is None:
        raise InvalidValueError("key_id", found=key_id)
    known = select(api_keys).where(
        api_keys.c.municipality_code == municipality_code, api_keys.c.key_id == key_id
    )
    if connection.execute(known).first() is not None or key_id in settings.named_keys():
        raise ConflictError("key_exists", key_id=key_id)
    salt = secrets.token_hex(16)
    connection.execute(
        api_keys.insert().values(
            municipality_code=municipality_code,
            key_id=key_id,
            operator_name=operator_name[:60],
            salt=salt,
            disabled=False,
            made_at=clock.now(),
        )
    )
    return derive(settings, key_id, salt)


def everybody(connection: Connection, municipality_code: str) -> list[ApiKey]:
    """All keys, by id."""
    rows = connection.execute(
        select(api_keys.c.key_id, api_keys.c.operator_name, api_keys.c.disabled)
        .where(api_keys.c.municipality_code == municipality_code)
        .order_by(api_keys.c.key_id)
    )
    return [ApiKey(row.key_id, row.operator_name, bool(row.disabled)) for row in rows]


def disable(connection: Connection, municipality_code: str, key_id: str) -> None:
    """Accept nothing more that is signed with this key; :class:`NotFoundError` ``key``."""
    changed = connection.execute(
        update(api_keys)
        .where(api_keys.c.municipality_code == municipality_code, api_keys.c.key_id == key_id)
        .values(disabled=True)
    )
    if not changed.rowcount:
        raise NotFoundError("key", key_id=key_id)


def secret_of(
    connection: Connection, settings: Settings, municipality_code: str, key_id: str
) -> str | None:
    """The secret of a key in force, or None."""
    named = settings.named_keys().get(key_id)
    if named is not None:
        return named
    salt = connection.execute(
        select(api_keys.c.salt).where(
            api_keys.c.municipality_code == municipality_code,
            api_keys.c.key_id == key_id,
            api_keys.c.disabled.is_(False),
        )
    ).scalar_one_or_none()
    return None if salt is None else derive(settings, key_id, salt)


def derive(settings: Settings, key_id: str, salt: str) -> str:
    """The secret that belongs to a key id and its salt."""
    text = f"payment-notification|{key_id}|{salt}"
    return hmac.new(settings.secret().encode(), text.encode(), sha256).hexdigest()


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature that belongs to a body at a time."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()


def signature_holds(secret: str, timestamp: str, body: bytes, signature: str) -> bool:
    """Whether the signature is right; how long it takes tells nothing."""
    expected = sign(secret, timestamp, body)
    return hmac.compare_digest(expected.encode(), signature.lower().encode("utf-8", "replace"))
