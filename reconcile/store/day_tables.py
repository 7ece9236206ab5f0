"""Tables of the day: totals of the ledger, and what was closed (日別集計・締めの表).

``day_total``, ``delay_total``, ``file_total`` and ``books_mark`` are derived from the books;
``day_closure`` is only ever added to. ``municipality_code`` leads every key (R11).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, SmallInteger
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED


class DayTotalRow(SQLModel, table=True):
    """日別集計: the postings of one 会計日, summed up by what a report asks for.

    ``claim_year`` is the 会計年度 of the instalment and ``open_year`` the year whose books stood
    open on 領収日; 0 where a posting concerns no instalment. ``item_code`` and ``channel`` are ""
    in the same way. ``count`` counts postings.
    """

    __tablename__ = "day_total"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    booked_on: date = Field(primary_key=True)
    item_code: str = Field(primary_key=True, max_length=3)
    claim_year: int = Field(primary_key=True, sa_type=SmallInteger)
    open_year: int = Field(primary_key=True, sa_type=SmallInteger)
    channel: str = Field(primary_key=True, max_length=12)
    debit_account: str = Field(primary_key=True, max_length=20)
    credit_account: str = Field(primary_key=True, max_length=20)
    reason: str = Field(primary_key=True, max_length=20)
    count: int
    amount_yen: int = Field(sa_type=BigInteger)


class DelayTotalRow(SQLModel, table=True):
    """日数の集計: postings that settled instalments, by month of 会計日 and days since 領収日.

    It goes up to the same journal as ``day_total``. ``count`` counts postings.
    """

    __tablename__ = "delay_total"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    month: str = Field(primary_key=True, max_length=7)  # 2026-06
    channel: str = Field(primary_key=True, max_length=12)
    days: int = Field(primary_key=True)
    count: int
    amount_yen: int = Field(sa_type=BigInteger)


class FileTotalRow(SQLModel, table=True):
    """資料別集計: the lines of a file by what they are and the outcome in force.

    It holds for the files that nothing was booked about behind the mark. ``accounted_yen`` is what
    their receipts hold now; of what is no receipt, or is withdrawn, the amount.
    """

    __tablename__ = "file_total"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    stage: str = Field(primary_key=True, max_length=11)
    outcome: str = Field(primary_key=True, max_length=30)
    count: int
    amount_yen: int = Field(sa_type=BigInteger)
    applied_yen: int = Field(sa_type=BigInteger)
    suspense_yen: int = Field(sa_type=BigInteger)
    accounted_yen: int = Field(sa_type=BigInteger)


class BooksMarkRow(SQLModel, table=True):
    """集計の区切り: up to which journal ``day_total`` goes, and the running sums seen with it."""

    __tablename__ = "books_mark"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    journal_id: int = Field(sa_type=BigInteger)
    provisional_yen: int = Field(sa_type=BigInteger)  # 速報 that wait for their 確報
    applied_yen: int = Field(sa_type=BigInteger)  # of all receipts not withdrawn
    outstanding_yen: int = Field(sa_type=BigInteger)  # of all instalments, surplus left out
    surplus_yen: int = Field(sa_type=BigInteger)  # what corrections moved back to suspense


class DayClosureRow(SQLModel, table=True):
    """締め: a day or a year was closed or re-opened by two people, append-only.

    The last row is in force: every day up to ``closed_until`` is closed (none when empty), and so
    is every fiscal year up to ``closed_year`` (0: none). ``report_json`` holds the figures as they
    stood, ``report_sha256`` its hash; the report names the hash of the closure before it.
    """

    __tablename__ = "day_closure"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("period IN ('day', 'year')"),
        CheckConstraint("event IN ('closed', 'reopened')"),
        CheckConstraint("asked_by <> decided_by", name="day_closure_two_people"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    closure_no: int = Field(primary_key=True, sa_type=BigInteger)
    period: str = Field(max_length=4)
    event: str = Field(max_length=8)
    ends_on: date  # the day, or 出納閉鎖日 of the year
    closed_until: date | None = None
    closed_year: int = Field(sa_type=SmallInteger)
    journal_id: int = Field(sa_type=BigInteger)  # the last journal of the books it was made from
    report_json: str
    report_sha256: str = Field(max_length=64)
    approval_id: int = Field(sa_type=BigInteger)
    asked_by: str = Field(max_length=60)
    decided_by: str = Field(max_length=60)
    reason: str
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class DayReportCopyRow(SQLModel, table=True):
    """日計の控え: the report of an open day as it was shown at a moment, append-only (0043)."""

    __tablename__ = "day_report_copy"
    __table_args__: ClassVar[Any] = (CLUSTERED,)

    municipality_code: str = Field(primary_key=True, max_length=5)
    day_on: date = Field(primary_key=True)
    copy_no: int = Field(primary_key=True)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)
    report_json: str
    report_sha256: str = Field(max_length=64)
