"""Tables of those who are told, and of what became of telling them (購読者・配信の表).

Operational: they are not sealed. ``municipality_code`` leads every key (R11); instants are UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED

_WAITING = text("state = 'waiting'")
_FAILED = text("state = 'failed'")


class EventSubscriberRow(SQLModel, table=True):
    """購読者: where events go, which ones, and what they may say.

    Either a ``webhook`` with a URL and a secret (sealed; the one before holds until ``old_until``),
    or a ``folder`` of this machine. ``next_event_no`` is the first event not looked at yet.
    """

    __tablename__ = "event_subscriber"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("municipality_code", "name"),
        CheckConstraint("channel IN ('webhook', 'folder')", name="event_subscriber_channel"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    subscriber_no: int = Field(primary_key=True, sa_type=BigInteger)
    name: str = Field(max_length=40)
    channel: str = Field(max_length=10)
    address: str = Field(max_length=500)
    kinds: str = Field(max_length=300)  # codes, separated by commas
    numbers: str = Field(max_length=60)  # by which numbers slips may be named
    with_amounts: bool
    disabled: bool
    secret: bytes | None = Field(default=None, sa_type=LargeBinary)
    old_secret: bytes | None = Field(default=None, sa_type=LargeBinary)
    old_until_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    next_event_no: int = Field(sa_type=BigInteger)
    written_file_no: int = Field(default=0, sa_type=BigInteger)  # of a folder: the last one there
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    made_by: str = Field(max_length=60)


class EventDeliveryRow(SQLModel, table=True):
    """配信: one event for one webhook; what waits is claimed by one worker at a time.

    ``subject`` is the slip, so that what is about one slip is sent in its order; 0 for the rest.
    """

    __tablename__ = "event_delivery"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name="event_delivery_state"),
        Index(
            "event_delivery_due", "municipality_code", "due_at", "event_no",
            sqlite_where=_WAITING, postgresql_where=_WAITING,
        ),
        Index(
            "event_delivery_order", "municipality_code", "subscriber_no", "subject", "event_no",
            sqlite_where=_WAITING, postgresql_where=_WAITING,
        ),
        Index(
            "event_delivery_failed", "municipality_code", "event_no",
            sqlite_where=_FAILED, postgresql_where=_FAILED,
        ),
        Index("event_delivery_by_event", "municipality_code", "event_no"),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    subscriber_no: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True, sa_type=BigInteger)
    subject: int = Field(sa_type=BigInteger)
    state: str = Field(max_length=10)
    attempts: int  # since it was last asked for by hand
    due_at: datetime = Field(sa_type=DateTime(timezone=True))
    holder: str = Field(max_length=80)
    lease_until_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    done_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    reason: str = Field(max_length=30)  # of the last attempt, "" before the first


class EventAttemptRow(SQLModel, table=True):
    """配信記録: one attempt at one delivery, append-only."""

    __tablename__ = "event_attempt"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    subscriber_no: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True, sa_type=BigInteger)
    attempt_no: int = Field(primary_key=True)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    duration_ms: int
    status: int | None = None  # of HTTP, when there was an answer
    reason: str = Field(max_length=30)  # "delivered", or why not


class EventDropRow(SQLModel, table=True):
    """外部通知ファイル: which events stand in which file of a folder, append-only."""

    __tablename__ = "event_drop"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    subscriber_no: int = Field(primary_key=True, sa_type=BigInteger)
    file_no: int = Field(primary_key=True, sa_type=BigInteger)
    first_event_no: int = Field(sa_type=BigInteger)
    last_event_no: int = Field(sa_type=BigInteger)
    event_count: int
    sha256: str = Field(max_length=64)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
