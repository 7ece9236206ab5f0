"""Tables of the notices to people (お知らせの表): what was said, and to whom it was sent.

Both are only ever added to. ``municipality_code`` leads every key (R11).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index, UniqueConstraint
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED

CHANNELS = ("mail", "webhook", "file")
STATES = ("begun", "sent", "failed")


class NoticeRow(SQLModel, table=True):
    """お知らせ: one thing said once; ``notice_key`` names what it is about."""

    __tablename__ = "notice_sent"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("municipality_code", "notice_key"),
        Index("notice_sent_by_time", "municipality_code", "made_at"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    notice_no: int = Field(primary_key=True, sa_type=BigInteger)
    notice_key: str = Field(max_length=120)
    kind: str = Field(max_length=30)
    subject: str = Field(max_length=200)
    body: str
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class NoticeEventRow(SQLModel, table=True):
    """送信の記録: an attempt to one recipient begins, and ends as sent or failed."""

    __tablename__ = "notice_event"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("channel IN ('" + "', '".join(CHANNELS) + "')"),
        CheckConstraint("state IN ('" + "', '".join(STATES) + "')"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    notice_no: int = Field(primary_key=True, sa_type=BigInteger)
    channel: str = Field(primary_key=True, max_length=10)
    recipient: str = Field(primary_key=True, max_length=200)
    attempt_no: int = Field(primary_key=True)
    state: str = Field(primary_key=True, max_length=10)
    error_code: str = Field(default="", max_length=40)
    happened_at: datetime = Field(sa_type=DateTime(timezone=True))
