"""操作記録 of a page: what the person who is signed in did, in the transaction that did it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g

from web.accounts import staff
from web.security import source
from web.services import services

if TYPE_CHECKING:
    from sqlalchemy import Connection


def record(connection: Connection, event: str, subject: str) -> None:
    """操作記録: append what was done here, by whom and from where."""
    staff.record(connection, services().municipality, g.user.user_name, event, subject, source())
