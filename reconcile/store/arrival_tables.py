"""The table of arrivals: which file came for which due day (受領の記録の表).

Only ever added to. The last record of a file is in force: what a person says about a file comes
after what the service found. ``municipality_code`` leads every key (R11).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED

BASES = ("dated", "oldest_open", "resent", "early", "extra", "person")


class ArrivalRecordRow(SQLModel, table=True):
    """受領の記録: one file, the day it was due, and how late it was.

    ``minutes_late`` counts from the cut-off; 0 when it came in time, the grace included.
    """

    __tablename__ = "arrival_record"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("basis IN ('" + "', '".join(BASES) + "')"),
        CheckConstraint("minutes_late >= 0"),
        Index("arrival_record_by_day", "municipality_code", "due_on"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    record_no: int = Field(primary_key=True)
    source: str = Field(max_length=60)
    due_on: date
    received_on: date
    arrived_at: datetime = Field(sa_type=DateTime(timezone=True))
    minutes_late: int
    basis: str = Field(max_length=12)
    actor: str = Field(max_length=60)
    reason: str = ""
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class NilReportChangeRow(SQLModel, table=True):
    """該当なし報告の訂正: taken back, or entered again; the last word stands (0055)."""

    __tablename__ = "nil_report_change"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('withdrawn', 'entered')"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    agent: str = Field(primary_key=True, max_length=30)
    due_on: date = Field(primary_key=True)
    change_no: int = Field(primary_key=True)
    event: str = Field(max_length=10)
    actor: str = Field(max_length=60)
    note: str
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
