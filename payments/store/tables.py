"""Tables of what is owed, what was paid, and the books (調定・納付書・収納・仕訳の表).

Rows do not validate: a SQLModel ``table=True`` class skips its validators, so rules live in
:mod:`payments.domain` and constraints in the database. ``municipality_code`` leads every key
(R11). Large tables are stored clustered on their primary key (``WITHOUT ROWID`` on SQLite), which
is why their keys are natural and ascend in the order of arrival.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlmodel import BigInteger, Field, SQLModel

CLUSTERED = {"sqlite_with_rowid": False}


class MunicipalityRow(SQLModel, table=True):
    """団体: one municipality and its current profile as JSON."""

    __tablename__ = "municipality"
    municipality_code: str = Field(primary_key=True, max_length=5)
    name: str
    profile_json: str
    live: bool = False  # False prints 見本 on every slip
    disabled: bool = False  # True: served no more; the books stay


class NumberBlockRow(SQLModel, table=True):
    """採番: the next free number per name; blocks are taken for bulk work."""

    __tablename__ = "number_block"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    name: str = Field(primary_key=True, max_length=30)
    next_value: int = Field(sa_type=BigInteger)


class ObligorRow(SQLModel, table=True):
    """納付義務者: by 宛名番号 (never a My Number)."""

    __tablename__ = "obligor"
    __table_args__: ClassVar[Any] = (
        Index("obligor_by_kana", "municipality_code", "kana_folded"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    obligor_no: str = Field(primary_key=True, max_length=15)
    name: str
    kana: str
    kana_folded: str  # payments.domain.kana: for suggestions only, never for matching
    postal_code: str
    address: str


class NoticeRow(SQLModel, table=True):
    """通知書: one assessment notice; its instalments share it."""

    __tablename__ = "notice"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("municipality_code", "item_code", "levy_year", "notice_no"),
        Index("notice_by_obligor", "municipality_code", "obligor_no"),
        Index("notice_by_number", "municipality_code", "notice_no"),  # 0022
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    notice_id: int = Field(primary_key=True, sa_type=BigInteger)
    item_code: str = Field(max_length=3)
    levy_year: int = Field(sa_type=SmallInteger)
    notice_no: str = Field(max_length=20)
    whole_year_group: str = Field(max_length=30)
    obligor_no: str = Field(max_length=15)


class InstalmentRow(SQLModel, table=True):
    """期別: what does not change when money moves. ``due_on`` is the shifted 納期限."""

    __tablename__ = "instalment"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "notice_id"],
            ["notice.municipality_code", "notice.notice_id"],
        ),
        # (0024)
        Index("instalment_by_year", "municipality_code", "fiscal_year", "notice_id", "term"),
        Index("instalment_by_due_on", "municipality_code", "due_on"),  # 0034
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    notice_id: int = Field(primary_key=True, sa_type=BigInteger)
    term: str = Field(primary_key=True, max_length=2)
    fiscal_year: int = Field(sa_type=SmallInteger)
    due_on_statutory: date
    due_on: date
    collection_hold: bool
    dunning_hold: bool
    direct_debit: bool
    debit_no: str = Field(max_length=20)  # 顧客番号


class InstalmentAccountRow(SQLModel, table=True):
    """期別残高: the running state of an instalment, derived from events and postings.

    Gross applied money is kept by way: through slips of the instalment itself (``term_yen``) and
    through the 全期 slip (``whole_yen``); ``surplus_yen`` is what a correction moved back out to
    suspense. Outstanding = amount − (term + whole − surplus). ``kokin verify`` recomputes it.
    """

    __tablename__ = "instalment_account"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "notice_id", "term"],
            ["instalment.municipality_code", "instalment.notice_id", "instalment.term"],
        ),
        CheckConstraint("amount_yen >= 0 AND term_yen >= 0 AND whole_yen >= 0"),
        CheckConstraint("surplus_yen >= 0 AND surplus_yen <= term_yen + whole_yen"),
        # What corrections left over: few among many (0024).
        Index(
            "instalment_account_surplus", "municipality_code", "surplus_yen",
            sqlite_where=text("surplus_yen > 0"), postgresql_where=text("surplus_yen > 0"),
        ),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    notice_id: int = Field(primary_key=True, sa_type=BigInteger)
    term: str = Field(primary_key=True, max_length=2)
    in_group: bool  # covered by the 全期 slip of the notice
    amount_yen: int = Field(sa_type=BigInteger)
    term_yen: int = Field(sa_type=BigInteger)
    whole_yen: int = Field(sa_type=BigInteger)
    surplus_yen: int = Field(sa_type=BigInteger)
    # Of term_yen: what was given up (不納欠損, 0025).
    written_off_yen: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}
    )


class AssessmentEventRow(SQLModel, table=True):
    """調定異動: every line of every ``assessments-1`` file, append-only, with what became of it."""

    __tablename__ = "assessment_event"
    __table_args__: ClassVar[Any] = (
        Index("assessment_event_by_instalment", "municipality_code", "notice_id", "term"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    kind: str = Field(max_length=12)
    notice_id: int | None = Field(default=None, sa_type=BigInteger)
    term: str = Field(max_length=2)
    amount_yen: int = Field(sa_type=BigInteger)
    flags: str
    content: bytes = Field(sa_type=LargeBinary)
    outcome: str = Field(max_length=30)  # applied / repeat / error code


class SlipRow(SQLModel, table=True):
    """納付書: one version of one request to pay."""

    __tablename__ = "slip"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "notice_id"],
            ["notice.municipality_code", "notice.notice_id"],
        ),
        UniqueConstraint("municipality_code", "slip_no"),
        Index("slip_by_instalment", "municipality_code", "notice_id", "term"),
        CheckConstraint("amount_yen > 0"),
        CheckConstraint("state IN ('new', 'superseded', 'revoked')"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    slip_id: int = Field(primary_key=True, sa_type=BigInteger)
    slip_no: str = Field(max_length=30)
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)  # 00 = 全期
    version: int
    el_number: str | None = Field(default=None, max_length=34)
    konbini_barcode: str | None = Field(default=None, max_length=44)
    amount_yen: int = Field(sa_type=BigInteger)
    due_on: date
    valid_until: date
    issued_on: date
    state: str = Field(max_length=10)


class PayKeyRow(SQLModel, table=True):
    """照合キー: from a number in a report straight to what it pays, in one look-up.

    ``pay_key`` is ``E`` + 34 digits, ``K`` + 21 digits (``K`` + 21 + ``/`` + 再発行区分 where
    several slips share a free area), or ``D`` + 20 digits. A debit key has no slip amount: what
    it asks for is the current amount of its instalment (outcomes.md 1).
    """

    __tablename__ = "pay_key"
    __table_args__: ClassVar[Any] = (
        Index("pay_key_by_slip", "municipality_code", "slip_id"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    pay_key: str = Field(primary_key=True, max_length=36)
    slip_id: int | None = Field(default=None, sa_type=BigInteger)
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    slip_yen: int | None = Field(default=None, sa_type=BigInteger)
    valid_until: date | None = None
    superseded: bool  # superseded, revoked, or a higher version is current


class JournalRow(SQLModel, table=True):
    """仕訳帳: one booking occasion: a file, a correction, a decision."""

    __tablename__ = "journal"
    __table_args__: ClassVar[Any] = (
        Index("journal_by_day", "municipality_code", "booked_on", "journal_id"),  # 0024
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    journal_id: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(max_length=20)
    file_id: int | None = Field(default=None, sa_type=BigInteger)
    booked_on: date  # 会計日
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)
    reason: str = ""


class PostingRow(SQLModel, table=True):
    """仕訳: one transfer between two accounts, so it cannot be out of balance (R7).

    ``subject_file_id``/``subject_line_no`` name the receipt, credit or event it is about (0 where
    there is none). The database refuses UPDATE and DELETE on this table.
    """

    __tablename__ = "posting"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("amount_yen > 0"),
        CheckConstraint("debit_account <> credit_account"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    journal_id: int = Field(primary_key=True, sa_type=BigInteger)
    subject_file_id: int = Field(primary_key=True, sa_type=BigInteger)
    subject_line_no: int = Field(primary_key=True)
    leg: int = Field(primary_key=True)
    debit_account: str = Field(max_length=20)
    credit_account: str = Field(max_length=20)
    amount_yen: int = Field(sa_type=BigInteger)
    reason: str = Field(max_length=20)
    notice_id: int | None = Field(default=None, sa_type=BigInteger)
    term: str | None = Field(default=None, max_length=2)
    group_id: int | None = Field(default=None, sa_type=BigInteger)


class ReceiptRow(SQLModel, table=True):
    """収納: one payment that a channel reported, named by the line that first booked it.

    ``applied_yen + suspense_yen = amount_yen`` unless withdrawn (then both are 0).
    ``seen`` tells which reports of the payment have come: 1 速報, 2 リアルデータ (81), 4 確報.
    ``journal_id`` and ``leg`` name the postings of the decision in force.
    """

    __tablename__ = "receipt"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("stage IN ('provisional', 'confirmed', 'withdrawn')"),
        CheckConstraint("applied_yen >= 0 AND suspense_yen >= 0"),
        CheckConstraint("stage = 'withdrawn' OR applied_yen + suspense_yen = amount_yen"),
        Index("receipt_by_notice", "municipality_code", "notice_id"),
        # Money that waits: few among many (0024).
        Index(
            "receipt_in_suspense", "municipality_code", "file_id", "line_no",
            sqlite_where=text("suspense_yen > 0"), postgresql_where=text("suspense_yen > 0"),
        ),
        # … in the order of their days, so that a page of them ends with the page (0048).
        Index(
            "receipt_in_suspense_by_day", "municipality_code", "paid_on", "file_id", "line_no",
            sqlite_where=text("suspense_yen > 0"), postgresql_where=text("suspense_yen > 0"),
        ),
        # The payments that a remittance is made of (0024).
        Index(
            "receipt_by_group", "municipality_code", "group_id", "file_id", "line_no",
            sqlite_where=text("group_id IS NOT NULL"),
            postgresql_where=text("group_id IS NOT NULL"),
        ),
        # Finds a payment by its day and amount; it grows at its end, as payments come (0022).
        Index("receipt_by_paid_on", "municipality_code", "paid_on", "amount_yen"),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    stage: str = Field(max_length=11)
    seen: int = Field(sa_type=SmallInteger)
    amount_yen: int = Field(sa_type=BigInteger)
    paid_on: date | None = None
    slip_id: int | None = Field(default=None, sa_type=BigInteger)
    notice_id: int | None = Field(default=None, sa_type=BigInteger)
    term: str | None = Field(default=None, max_length=2)
    superseded: bool  # the slip's state at intake (outcomes.md 9)
    applied_yen: int = Field(sa_type=BigInteger)
    suspense_yen: int = Field(sa_type=BigInteger)
    group_id: int | None = Field(default=None, sa_type=BigInteger)
    journal_id: int = Field(sa_type=BigInteger)
    leg: int  # its postings of that journal are legs leg … leg + LEGS_PER_DECISION - 1
