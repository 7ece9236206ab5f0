"""Tables of the years: what passed into the arrears of the next one (滞納繰越の表).

Both are only ever added to; a carry-over that is taken back stays, with a run that says so.
``municipality_code`` leads every key (R11).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index, SmallInteger, UniqueConstraint
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED


class CarryRunRow(SQLModel, table=True):
    """繰越: what two people closed a year with, carried into the next one, or taken back.

    One run belongs to one closure. ``carried`` has the rows of ``carry_over`` under its number,
    and ``rows_sha256`` is their digest (:func:`reconcile.carry_over.rows_digest`); ``reversed``
    says the figures of the run that it takes back and has no rows of its own.
    """

    __tablename__ = "carry_run"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('carried', 'reversed')"),
        CheckConstraint("to_year = from_year + 1"),
        CheckConstraint("(event = 'reversed') = (reverses_no IS NOT NULL)"),
        UniqueConstraint("municipality_code", "closure_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    carry_no: int = Field(primary_key=True, sa_type=BigInteger)
    event: str = Field(max_length=8)
    from_year: int = Field(sa_type=SmallInteger)
    to_year: int = Field(sa_type=SmallInteger)
    reverses_no: int | None = Field(default=None, sa_type=BigInteger)
    count: int
    amount_yen: int = Field(sa_type=BigInteger)
    rows_sha256: str = Field(max_length=64)
    booked_on: date  # 会計日 in the new year
    journal_id: int = Field(sa_type=BigInteger)
    closure_no: int = Field(sa_type=BigInteger)
    actor: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class CarryOverRow(SQLModel, table=True):
    """滞納繰越: what was open of one instalment when the books of a year were closed.

    ``claim_year`` is the 会計年度 of the instalment, the closed year or an older one. An amount is
    negative only where more came for a year than was claimed in it.
    """

    __tablename__ = "carry_over"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("amount_yen <> 0"),
        Index("carry_over_by_instalment", "municipality_code", "notice_id", "term"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    carry_no: int = Field(primary_key=True, sa_type=BigInteger)
    notice_id: int = Field(primary_key=True, sa_type=BigInteger)
    term: str = Field(primary_key=True, max_length=2)
    item_code: str = Field(max_length=3)
    claim_year: int = Field(sa_type=SmallInteger)
    amount_yen: int = Field(sa_type=BigInteger)
