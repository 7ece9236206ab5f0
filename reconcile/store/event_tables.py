"""Tables of the outgoing events: what others are to be told (外部通知の表).

``event`` is written in the transaction of the booking it speaks of and only ever added to.
``municipality_code`` leads every key (R11). Who is told, and whether they heard it, stands in
:mod:`web.events.tables`.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index, text
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED

# What is not a payment is rare among the payments, and pages ask for it.
_RARE = text("kind <> 'slip.paid'")


class EventStartRow(SQLModel, table=True):
    """外部通知の開始: from which booking, file and closing on events are written.

    The numbers are the last ones before the first subscription; nothing up to them is announced.
    """

    __tablename__ = "event_start"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    journal_id: int = Field(sa_type=BigInteger)
    file_id: int = Field(sa_type=BigInteger)
    closure_no: int = Field(sa_type=BigInteger)
    begun_at: datetime = Field(sa_type=DateTime(timezone=True))


class EventRow(SQLModel, table=True):
    """外部通知: one thing that happened, numbered without gaps in the order of the bookings.

    A payment's event names the payment (file and line), the instalment that its money settles
    (``term`` 00: 全期) and the slip; ``amount_yen`` is what of it stands there now, or what was
    taken back. An event about a file has line 0; one about a day or year names its closing.
    ``token`` makes the event's id one that no other event ever has, also not after a restore.
    """

    __tablename__ = "event"
    __table_args__: ClassVar[Any] = (
        CheckConstraint(
            "kind IN ('slip.paid', 'slip.payment_withdrawn', 'slip.refunded', 'file.quarantined', "
            "'file.released', 'day.closed', 'day.reopened', 'year.closed', 'year.reopened')",
            name="event_kind",
        ),
        Index("event_by_line", "municipality_code", "file_id", "line_no"),
        Index(
            "event_rare", "municipality_code", "kind", "event_no",
            sqlite_where=_RARE, postgresql_where=_RARE,
        ),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    event_no: int = Field(primary_key=True, sa_type=BigInteger)
    token: str = Field(max_length=8)
    kind: str = Field(max_length=30)
    occurred_at: datetime = Field(sa_type=DateTime(timezone=True))
    state: str = Field(max_length=12)  # stage of the payment, or status of the file
    journal_id: int | None = Field(default=None, sa_type=BigInteger)
    file_id: int | None = Field(default=None, sa_type=BigInteger)
    line_no: int | None = None
    notice_id: int | None = Field(default=None, sa_type=BigInteger)
    term: str | None = Field(default=None, max_length=2)
    slip_id: int | None = Field(default=None, sa_type=BigInteger)
    amount_yen: int | None = Field(default=None, sa_type=BigInteger)
    paid_on: date | None = None
    closure_no: int | None = Field(default=None, sa_type=BigInteger)
