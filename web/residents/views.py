"""本人の閲覧の記録: every page with somebody's figures, written down before it is shown."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from payments.store.unit_of_work import side_work
from web import clock
from web.residents.tables import ResidentViewRow
from web.security import source
from web.services import services

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

SHOWN = 20
table = ResidentViewRow.__table__  # type: ignore[attr-defined]


def record_view(resident_id: str, obligor_no: str, page: str) -> None:
    """閲覧の記録: who looked at whose figures, on which page, from where (as a keyed digest)."""
    code = services().municipality
    with side_work(services().engine, code) as connection:
        connection.execute(
            insert(table).values(
                municipality_code=code,
                view_id=secrets.token_hex(16),
                resident_id=resident_id,
                obligor_no=obligor_no,
                page=page,
                source_digest=source_digest(),
                viewed_at=clock.now(),
            )
        )


def own_views(connection: Connection, code: str, obligor_no: str) -> list[Row[tuple[str]]]:
    """閲覧の記録 of one's own figures, newest first, for their own person."""
    return list(
        connection.execute(
            select(table.c.page, table.c.viewed_at)
            .where(table.c.municipality_code == code, table.c.obligor_no == obligor_no)
            .order_by(table.c.viewed_at.desc(), table.c.view_id)
            .limit(SHOWN)
        )
    )


def source_digest() -> str:
    """送信元 as something that can be counted, and from which nobody gets back to it."""
    key = services().settings.secret().encode()
    return hmac.new(key, f"resident|source|{source()}".encode(), hashlib.sha256).hexdigest()
