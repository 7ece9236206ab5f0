"""The table of holds: set and lifted by people, with reasons (猶予・停止の表).

It is only ever added to. ``municipality_code`` leads every key (R11).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED

WHOLE_NOTICE = "00"


class HoldEventRow(SQLModel, table=True):
    """猶予・停止の出来事: event 1 sets a hold from one day to another, event 2 lifts it.

    ``term`` 00 is the whole notice. ``from_on`` of ``lifted`` is the first day without the hold;
    its ``until_on`` is empty.
    """

    __tablename__ = "hold_event"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('set', 'lifted')"),
        CheckConstraint("(event = 'set') = (event_no = 1)"),
        CheckConstraint("event_no IN (1, 2)"),
        CheckConstraint("until_on IS NULL OR until_on >= from_on"),
        Index("hold_event_by_notice", "municipality_code", "notice_id", "term"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    hold_no: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True)
    event: str = Field(max_length=6)
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    kind: str = Field(max_length=20)  # payments.domain.holds.HoldKind
    from_on: date
    until_on: date | None = None
    reason: str
    actor: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


def held_by_people(kind: str) -> str:
    """人による猶予・停止: a condition on instalment ``a`` for the day ``:held_on`` (ISO text)."""
    return f"""EXISTS (SELECT 1 FROM hold_event h WHERE h.municipality_code = :m
        AND h.notice_id = a.notice_id AND h.term IN (a.term, '{WHOLE_NOTICE}')
        AND h.event = 'set' AND h.kind = '{kind}' AND h.from_on <= :held_on
        AND (h.until_on IS NULL OR h.until_on >= :held_on)
        AND NOT EXISTS (SELECT 1 FROM hold_event e WHERE e.municipality_code = :m
            AND e.hold_no = h.hold_no AND e.event = 'lifted' AND e.from_on <= :held_on))"""
