"""通知用の鍵: which operators may send notifications, and the secrets they sign with.

A key has an id, unique over the installation, and one secret or several: when it is changed
(:func:`rotate`) the old one holds on until a stated time, so that the operator changes over without
a gap. A secret is shown once and lies sealed in the database.
"""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import datetime  # noqa: TC003 - field of a tuple
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, or_, select, update

from payments.domain.errors import ConflictError, InvalidValueError, NotFoundError
from web import clock
from web.bodies import municipality_of_key
from web.notifications.sealed_secrets import pending, seal, unseal
from web.tables import ApiKeyRow, ApiSecretRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from web.config import Settings

KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
NAMED_NO = 0  # number of a secret that comes from the environment, or is derived from a salt

api_keys = ApiKeyRow.__table__  # type: ignore[attr-defined]
api_secrets = ApiSecretRow.__table__  # type: ignore[attr-defined]


class KeySecret(NamedTuple):
    """鍵の秘密 without the secret: its number, since when, until when, and when it last signed."""

    secret_no: int
    made_at: datetime
    ends_at: datetime | None
    used_at: datetime | None


class ApiKey(NamedTuple):
    """鍵 without its secrets."""

    key_id: str
    operator_name: str
    disabled: bool
    secrets: tuple[KeySecret, ...]

    @property
    def used_at(self) -> datetime | None:
        """When the key last signed anything, to the minute."""
        return max((each.used_at for each in self.secrets if each.used_at), default=None)


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
    mine = _is(municipality_code, key_id)
    known = connection.execute(select(api_keys.c.key_id).where(*mine)).first()
    if known or key_id in settings.named_keys() or municipality_of_key(connection, key_id):
        raise ConflictError("key_exists", key_id=key_id)
    connection.execute(
        insert(api_keys).values(
            municipality_code=municipality_code,
            key_id=key_id,
            operator_name=operator_name[:60],
            salt="",
            disabled=False,
            made_at=clock.now(),
        )
    )
    return _new_secret(connection, settings, municipality_code, key_id)


def rotate(
    connection: Connection,
    settings: Settings,
    municipality_code: str,
    key_id: str,
    *,
    ends_at: datetime,
) -> str:
    """鍵の更新: a new secret; what held until now holds on until ``ends_at`` at most.

    Raises :class:`NotFoundError` ``key``, also for one that is disabled.
    """
    row = connection.execute(
        select(api_keys.c.salt, api_keys.c.made_at).where(
            *_is(municipality_code, key_id), api_keys.c.disabled.is_(False)
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError("key", key_id=key_id)
    if row.salt:  # From now on its first secret lies sealed like all others.
        first = derive(settings, key_id, row.salt)
        _keep(connection, settings, (municipality_code, key_id, 1), first, row.made_at)
        connection.execute(update(api_keys).where(*_is(municipality_code, key_id)).values(salt=""))
    connection.execute(
        update(api_secrets)
        .where(
            *_of(municipality_code, key_id),
            or_(api_secrets.c.ends_at.is_(None), api_secrets.c.ends_at > ends_at),
        )
        .values(ends_at=ends_at)
    )
    return _new_secret(connection, settings, municipality_code, key_id)


def disable(connection: Connection, municipality_code: str, key_id: str) -> None:
    """Accept nothing more that is signed with this key; :class:`NotFoundError` ``key``."""
    changed = connection.execute(
        update(api_keys).where(*_is(municipality_code, key_id)).values(disabled=True)
    )
    if not changed.rowcount:
        raise NotFoundError("key", key_id=key_id)


def everybody(
    connection: Connection,
    municipality_code: str,
    used: Mapping[tuple[str, int], datetime] | None = None,
) -> list[ApiKey]:
    """All keys, by id; ``used``: when each secret last signed (:mod:`web.notifications.door`)."""
    used = used or {}
    found: dict[str, list[KeySecret]] = {}
    for row in connection.execute(
        select(api_secrets)
        .where(api_secrets.c.municipality_code == municipality_code)
        .order_by(api_secrets.c.secret_no)
    ):
        found.setdefault(row.key_id, []).append(
            KeySecret(
                row.secret_no, row.made_at, row.ends_at, used.get((row.key_id, row.secret_no))
            )
        )
    keys = connection.execute(
        select(api_keys)
        .where(api_keys.c.municipality_code == municipality_code)
        .order_by(api_keys.c.key_id)
    )
    return [
        ApiKey(
            row.key_id,
            row.operator_name,
            bool(row.disabled),
            tuple(found.get(row.key_id, ()))
            or (KeySecret(NAMED_NO, row.made_at, None, used.get((row.key_id, NAMED_NO))),),
        )
        for row in keys
    ]


def secrets_of(
    connection: Connection, settings: Settings, municipality_code: str, key_id: str
) -> list[tuple[int, str, datetime | None]]:
    """The secrets of a key in force, as (number, secret, valid until), the newest first.

    None of a key that is unknown or disabled. A secret whose time is over is among them
    until somebody looks at the time.
    """
    row = connection.execute(
        select(api_keys.c.salt).where(
            *_is(municipality_code, key_id), api_keys.c.disabled.is_(False)
        )
    ).one_or_none()
    if row is None:
        return []
    kept = connection.execute(
        select(api_secrets)
        .where(*_of(municipality_code, key_id))
        .order_by(api_secrets.c.secret_no.desc())
    )
    found = [
        (
            each.secret_no,
            unseal(settings, _place(municipality_code, key_id, each.secret_no), each.sealed),
            each.ends_at,
        )
        for each in kept
    ]
    return found or [(NAMED_NO, derive(settings, key_id, row.salt), None)]


def require_open(connection: Connection, settings: Settings, municipality_code: str) -> int:
    """秘密が開けること of every key that is in force; how many keys those are.

    Raises :class:`ConfigurationError` ``encryption_key_missing`` or ``encryption_key_wrong``.
    """
    found = [key for key in everybody(connection, municipality_code) if not key.disabled]
    for key in found:
        secrets_of(connection, settings, municipality_code, key.key_id)
    return len(found)


def reseal(
    connection: Connection, settings: Settings, municipality_code: str, *, clear: bool = False
) -> int:
    """封をし直す: every secret with the newest key of the installation; how many there were.

    Behind it no secret needs an older key, and with ``clear`` none of the key ring at all. Raises
    as :func:`require_open`.
    """
    rows = connection.execute(
        select(api_secrets).where(api_secrets.c.municipality_code == municipality_code)
    ).all()
    for row in rows:
        place = _place(municipality_code, row.key_id, row.secret_no)
        secret = unseal(settings, place, row.sealed)
        sealed = seal(settings, place, secret, derived=clear)
        connection.execute(
            update(api_secrets)
            .where(*_of(municipality_code, row.key_id), api_secrets.c.secret_no == row.secret_no)
            .values(sealed=sealed)
        )
    return len(rows)


def secrets_pending(
    connection: Connection, settings: Settings, municipality_code: str, *, clear: bool = False
) -> int:
    """未更新: how many secrets lie under another key than :func:`reseal` would use."""
    mine = api_secrets.c.municipality_code == municipality_code
    kept = connection.execute(select(api_secrets.c.sealed).where(mine)).scalars()
    return pending(settings, kept, clear=clear)


def derive(settings: Settings, key_id: str, salt: str) -> str:
    """The secret that belongs to a key id and its salt (HKDF's extract step)."""
    text = f"payment-notification|{key_id}|{salt}"
    return hmac.new(settings.secret().encode(), text.encode(), sha256).hexdigest()


def _new_secret(
    connection: Connection, settings: Settings, municipality_code: str, key_id: str
) -> str:
    """A secret nobody has chosen, under the next number of its key."""
    last = connection.execute(
        select(func.coalesce(func.max(api_secrets.c.secret_no), 0)).where(
            *_of(municipality_code, key_id)
        )
    ).scalar_one()
    secret = secrets.token_hex(32)
    _keep(connection, settings, (municipality_code, key_id, last + 1), secret, clock.now())
    return secret


def _keep(
    connection: Connection,
    settings: Settings,
    place: tuple[str, str, int],
    secret: str,
    made_at: datetime,
) -> None:
    municipality_code, key_id, secret_no = place
    connection.execute(
        insert(api_secrets).values(
            municipality_code=municipality_code,
            key_id=key_id,
            secret_no=secret_no,
            sealed=seal(settings, _place(*place), secret),
            made_at=made_at,
        )
    )


def _place(municipality_code: str, key_id: str, secret_no: int) -> str:
    return f"api_secret|{municipality_code}|{key_id}|{secret_no}"


def _is(municipality_code: str, key_id: str) -> tuple[Any, ...]:
    """The row of a key."""
    return (api_keys.c.municipality_code == municipality_code, api_keys.c.key_id == key_id)


def _of(municipality_code: str, key_id: str) -> tuple[Any, ...]:
    """The rows of its secrets."""
    return (api_secrets.c.municipality_code == municipality_code, api_secrets.c.key_id == key_id)
