"""The table of who looked at whose account, and for what purpose (閲覧の記録の表).

It is only ever added to. ``municipality_code`` leads every key (R11).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index
from sqlmodel import Field, SQLModel


class AccountViewRow(SQLModel, table=True):
    """閲覧: one purpose for which one person opened the account of another, for a time.

    ``view_id`` is random: it stands in addresses in the place of 宛名番号. ``session_digest`` is
    of the session that opened it; another session asks for a purpose of its own.
    """

    __tablename__ = "account_view"
    __table_args__: ClassVar[Any] = (
        Index("account_view_by_time", "municipality_code", "viewed_at"),
        Index("account_view_by_person", "municipality_code", "obligor_no", "viewed_at"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    view_id: str = Field(primary_key=True, max_length=32)
    viewed_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)
    session_digest: str = Field(max_length=64)
    obligor_no: str = Field(max_length=15)
    purpose: str = Field(max_length=12)
    note: str = Field(default="", max_length=200)
    source: str = Field(default="", max_length=60)
