"""お知らせの同意: a mail address that its holder confirmed, until they stop it with one press.

Asked for by who is signed in, confirmed from the mailbox itself (double opt-in), stopped from the
page, from a link in every letter or by the mail program (RFC 8058). The links carry a handle and a
keyed digest over it, so that nobody can make one; they name nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, select, update

from payments.domain.errors import InvalidValueError, NotFoundError
from web import clock
from web.notifications import sealed_secrets
from web.residents.tables import ResidentContactRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row

    from web.config import Settings

KINDS = ("received", "confirmed", "expires")
CONFIRM, STOP = "confirm", "stop"
WAITS = timedelta(days=1)  # for the confirmation
ADDRESS_MAX = 200
# What a mail server may take; whether it is somebody's, the confirmation shows (RFC 5321 4.5.3).
# Without "?", for an encoded word (RFC 2047) in a header could name somebody else.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,180})\.[A-Za-z]{2,}"
)
_CODE, _HANDLE, _MAC = 5, 32, 32

table = ResidentContactRow.__table__  # type: ignore[attr-defined]


class Contact(NamedTuple):
    """お知らせの宛先 as its own holder sees it; the address is masked."""

    contact_id: str
    shown: str
    kinds: tuple[str, ...]
    confirmed: bool


def require_address(typed: str) -> str:
    """メールアドレス as it was typed; :class:`InvalidValueError` ``mail_address``."""
    address = typed.strip()
    if len(address) > ADDRESS_MAX or _ADDRESS.fullmatch(address) is None:
        raise InvalidValueError("mail_address", field="mail")
    return address


def ask(
    connection: Connection,
    settings: Settings,
    code: str,
    resident_id: str,
    address: str,
    kinds: Iterable[str],
    language: str,
) -> str:
    """受取の申込み: the handle of an address that is still to be confirmed; others are stopped.

    Raises :class:`InvalidValueError` ``mail_address`` or ``mail_kinds``.
    """
    address, wanted = require_address(address), [kind for kind in KINDS if kind in set(kinds)]
    if not wanted:
        raise InvalidValueError("mail_kinds", field="kinds")
    stop_all(connection, code, resident_id)
    contact_id = secrets.token_hex(16)
    connection.execute(
        insert(table).values(
            municipality_code=code,
            contact_id=contact_id,
            resident_id=resident_id,
            sealed=sealed_secrets.seal(settings, _place(code, contact_id), address),
            language=language,
            kinds=" ".join(wanted),
            asked_at=clock.now(),
        )
    )
    return contact_id


def confirm(connection: Connection, code: str, contact_id: str) -> bool:
    """受取の確認, in time; False where it was confirmed before: a second press changes nothing.

    Raises :class:`NotFoundError` ``mail_link`` for any other link.
    """
    in_time = (
        *_is(code, contact_id),
        table.c.stopped_at.is_(None),
        table.c.asked_at > clock.now() - WAITS,
    )
    if connection.execute(select(table.c.contact_id).where(*in_time)).first() is None:
        raise NotFoundError("mail_link")
    changed = connection.execute(
        update(table)
        .where(*in_time, table.c.confirmed_at.is_(None))
        .values(confirmed_at=clock.now())
    ).rowcount
    return bool(changed)


def stop(connection: Connection, code: str, contact_id: str) -> None:
    """受取の停止; the address is dropped, and a second press changes nothing."""
    connection.execute(
        update(table)
        .where(*_is(code, contact_id), table.c.stopped_at.is_(None))
        .values(stopped_at=clock.now(), sealed=b"")
    )


def stop_all(connection: Connection, code: str, resident_id: str) -> None:
    """受取の停止 of every address of a person."""
    connection.execute(
        update(table)
        .where(
            table.c.municipality_code == code,
            table.c.resident_id == resident_id,
            table.c.stopped_at.is_(None),
        )
        .values(stopped_at=clock.now(), sealed=b"")
    )


def contact_of(
    connection: Connection, settings: Settings, code: str, resident_id: str
) -> Contact | None:
    """いまの宛先 of a person: confirmed, or waiting for it; None without one."""
    row = connection.execute(
        select(table)
        .where(
            table.c.municipality_code == code,
            table.c.resident_id == resident_id,
            table.c.stopped_at.is_(None),
        )
        .order_by(table.c.asked_at.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    run_out = clock.in_japan(row.asked_at) + WAITS < clock.now()
    if row.confirmed_at is None and run_out:
        return None
    shown = masked(address_of(settings, code, row))
    return Contact(row.contact_id, shown, tuple(row.kinds.split()), row.confirmed_at is not None)


def address_of(settings: Settings, code: str, row: Row[Any]) -> str:
    """メールアドレス of a row, opened."""
    return sealed_secrets.unseal(settings, _place(code, row.contact_id), bytes(row.sealed))


def masked(address: str) -> str:
    """画面の表記: enough for who knows the address.

    >>> masked("hanako@example.jp")
    'h***@example.jp'
    """
    name, _, host = address.partition("@")
    return f"{name[:1]}***@{host}"


def token_of(settings: Settings, purpose: str, code: str, contact_id: str) -> str:
    """リンクの符号: which address a link is about, and that it is one of ours."""
    return f"{code}{contact_id}{_mac(settings, purpose, code, contact_id)}"


def open_token(settings: Settings, purpose: str, token: str) -> tuple[str, str]:
    """団体と宛先 of a link; :class:`NotFoundError` ``mail_link`` for anything that is none."""
    code, rest = token[:_CODE], token[_CODE:]
    contact_id, mac = rest[:_HANDLE], rest[_HANDLE:]
    wanted = _mac(settings, purpose, code, contact_id)
    if not hmac.compare_digest(mac.encode(), wanted.encode()):
        raise NotFoundError("mail_link")
    return code, contact_id


def _mac(settings: Settings, purpose: str, code: str, contact_id: str) -> str:
    key = settings.secret().encode()
    said = f"resident|letter|{purpose}|{code}|{contact_id}".encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest()[:_MAC]


def _place(code: str, contact_id: str) -> str:
    return f"resident_contact|{code}|{contact_id}"


def _is(code: str, contact_id: str) -> tuple[Any, ...]:
    return table.c.municipality_code == code, table.c.contact_id == contact_id
