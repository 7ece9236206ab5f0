"""閲覧の目的: nobody's account is opened without a purpose, and every purpose is written down.

A purpose holds for one account, one session and half an hour; then it is asked for again. What
stands in an address is the random handle of the record, never a number of the person.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import g, session
from sqlalchemy import select

from payments.domain.errors import InvalidValueError, NotFoundError
from payments.domain.reason import require_reason
from payments.store.unit_of_work import reading
from web import clock
from web.people.tables import AccountViewRow
from web.security import source
from web.services import services

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

PURPOSES = ("counter", "telephone", "payment", "dunning", "refund", "audit", "other")
OTHER = "other"
HOLDS = timedelta(minutes=30)
_SESSION = "people"  # what of a session the record keeps a digest of

table = AccountViewRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class View:
    """閲覧: one purpose for one account."""

    view_id: str
    obligor_no: str
    actor: str
    purpose: str
    note: str
    viewed_at: datetime

    @property
    def until(self) -> datetime:
        """Until when the purpose holds."""
        return self.viewed_at + HOLDS


class Looked(NamedTuple):
    """閲覧した人: who looks, in which session ("" for none), and from where."""

    actor: str
    session_digest: str
    source: str


def check_purpose(purpose: str, note: str) -> str:
    """目的の確認: the note as it is kept.

    Raises :class:`InvalidValueError` ``view_purpose`` without a purpose of the list, and
    ``reason_missing`` or ``reason_long`` where その他 is not explained.
    """
    if purpose not in PURPOSES:
        raise InvalidValueError("view_purpose", field="purpose")
    return require_reason(note) if purpose == OTHER or note.strip() else ""


def begin_view(connection: Connection, obligor_no: str, purpose: str, note: str) -> str:
    """閲覧の記録: written before anything is shown; the handle for the address.

    Raises what :func:`check_purpose` raises.
    """
    looked = Looked(g.user.user_name, _session_digest(), source())
    return write_view(connection, services().municipality, obligor_no, purpose, note, looked)


def write_view(
    connection: Connection,
    municipality_code: str,
    obligor_no: str,
    purpose: str,
    note: str,
    looked: Looked,
) -> str:
    """閲覧の記録 of somebody who looks from anywhere; its handle.

    Raises what :func:`check_purpose` raises.
    """
    view_id = secrets.token_hex(16)
    connection.execute(
        table.insert().values(
            municipality_code=municipality_code,
            view_id=view_id,
            viewed_at=clock.now(),
            actor=looked.actor,
            session_digest=looked.session_digest,
            obligor_no=obligor_no,
            purpose=purpose,
            note=check_purpose(purpose, note),
            source=looked.source[:60],
        )
    )
    return view_id


def require_purpose(view_id: str) -> View | None:
    """目的の要求: the view behind a handle; None when its purpose holds no longer.

    Somebody else's handle is as unknown as none: :class:`NotFoundError` ``account_view``.
    """
    code = services().municipality
    with reading(services().engine, code) as connection:
        row = connection.execute(
            select(table).where(table.c.municipality_code == code, table.c.view_id == view_id)
        ).one_or_none()
    if row is None or row.actor != g.user.user_name:
        raise NotFoundError("account_view")
    view = _view(row)
    return view if row.session_digest == _session_digest() and view.until > clock.now() else None


def person_behind(connection: Connection, view_id: str) -> str:
    """宛名番号 behind a handle of this member of staff; :class:`NotFoundError` ``account_view``."""
    row = connection.execute(
        select(table.c.obligor_no).where(
            table.c.municipality_code == services().municipality,
            table.c.view_id == view_id,
            table.c.actor == g.user.user_name,
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError("account_view")
    return str(row.obligor_no)


def views_in_force(connection: Connection) -> list[View]:
    """有効な閲覧: the accounts that this session has open, newest first, each once."""
    rows = connection.execute(
        select(table)
        .where(
            table.c.municipality_code == services().municipality,
            table.c.viewed_at > clock.now() - HOLDS,
            table.c.actor == g.user.user_name,
            table.c.session_digest == _session_digest(),
        )
        .order_by(table.c.viewed_at.desc(), table.c.view_id)
    )
    found: dict[str, View] = {}
    for row in rows:
        found.setdefault(row.obligor_no, _view(row))
    return list(found.values())


def _view(row: Row[Any]) -> View:
    """A row as a view; SQLite gives instants back without zone."""
    at = clock.in_japan(row.viewed_at)
    return View(row.view_id, row.obligor_no, row.actor, row.purpose, row.note, at)


def _session_digest() -> str:
    """Which session this is: it ends with the sign-out, and is never the next one."""
    if _SESSION not in session:
        session[_SESSION] = secrets.token_hex(16)
    return hashlib.sha256(str(session[_SESSION]).encode()).hexdigest()
