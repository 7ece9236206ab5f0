"""本人のセッション: short, kept in the database, and never a session of the staff.

The cookie carries the id of a session and a secret that nobody chose; here lies its digest. A
session ends ten minutes after its last request and one hour after it began: it shows secrets of
somebody who may sit at a borrowed machine (地方税法22条; OWASP ASVS 5.0, 7.3).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import g, session
from sqlalchemy import delete, insert, select, update

from payments.store.unit_of_work import reading, side_work
from web import clock
from web.notifications import sealed_secrets
from web.residents.identity import Claims
from web.residents.tables import ResidentSessionRow
from web.services import services

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from web.config import Settings

LASTS = timedelta(hours=1)
IDLE = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=1)
KEPT = timedelta(days=30)
TOKEN, BODY = "resident_token", "resident_body"

table = ResidentSessionRow.__table__  # type: ignore[attr-defined]


class Signed(NamedTuple):
    """サインイン中の本人: whose session it is, and what the provider said of them, if kept."""

    session_id: str
    resident_id: str
    claims: Claims | None


def begin(
    connection: Connection, settings: Settings, code: str, resident_id: str, claims: Claims | None
) -> str:
    """A new session, with ``claims`` where a link is still to be made: what the cookie carries."""
    now = clock.now()
    connection.execute(
        delete(table).where(table.c.municipality_code == code, table.c.made_at < now - KEPT)
    )
    # What the provider has said is kept for no longer than somebody can come back to it.
    connection.execute(
        update(table)
        .where(table.c.municipality_code == code, table.c.made_at < now - LASTS)
        .values(sealed=b"")
    )
    session_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    sealed = b""
    if claims is not None:
        said = json.dumps(claims._asdict(), ensure_ascii=False)
        sealed = sealed_secrets.seal(settings, _place(code, session_id), said)
    connection.execute(
        insert(table).values(
            municipality_code=code,
            session_id=session_id,
            resident_id=resident_id,
            secret_digest=_digest(secret),
            sealed=sealed,
            made_at=now,
            seen_at=now,
        )
    )
    return f"{session_id}.{secret}"


def enter(token: str, code: str) -> None:
    """セッションの開始 in this browser; nothing of the one before survives."""
    session.clear()
    session.update({TOKEN: token, BODY: code})


def signed_in() -> Signed | None:
    """Whose request this is, or None; from here on it is about the body of the session."""
    token, code = session.get(TOKEN), session.get(BODY)
    if not (isinstance(token, str) and isinstance(code, str) and services().serves(code)):
        return None
    if code not in services().settings.residents:
        return None  # It was switched off meanwhile.
    session_id, _, secret = token.partition(".")
    with reading(services().engine, code) as connection:
        row = connection.execute(select(table).where(*_is(code, session_id))).first()
    if row is None or not hmac.compare_digest(row.secret_digest, _digest(secret)):
        return None
    now, seen_at = clock.now(), clock.in_japan(row.seen_at)
    if row.ended_at or clock.in_japan(row.made_at) + LASTS <= now or seen_at + IDLE <= now:
        return None
    services().enter(code)
    if seen_at + SEEN_EVERY <= now:
        with side_work(services().engine, code) as connection:
            connection.execute(update(table).where(*_is(code, session_id)).values(seen_at=now))
    return Signed(session_id, row.resident_id, _claims(services().settings, code, row))


def end(connection: Connection, code: str, resident_id: str) -> None:
    """サインアウト, of every device of the person."""
    connection.execute(
        update(table)
        .where(
            table.c.municipality_code == code,
            table.c.resident_id == resident_id,
            table.c.ended_at.is_(None),
        )
        .values(ended_at=clock.now(), sealed=b"")
    )


def forget_claims(connection: Connection, code: str, resident_id: str) -> None:
    """What the provider said is dropped once it has been compared."""
    connection.execute(
        update(table)
        .where(table.c.municipality_code == code, table.c.resident_id == resident_id)
        .values(sealed=b"")
    )


def me() -> Signed:
    """本人: who is signed in at a page that only they may see."""
    found: Signed = g.resident
    return found


def _claims(settings: Settings, code: str, row: Any) -> Claims | None:
    if not row.sealed:
        return None
    said = sealed_secrets.unseal(settings, _place(code, row.session_id), bytes(row.sealed))
    return Claims(**json.loads(said))


def _place(code: str, session_id: str) -> str:
    return f"resident_session|{code}|{session_id}"


def _is(code: str, session_id: str) -> tuple[Any, ...]:
    return table.c.municipality_code == code, table.c.session_id == session_id


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
