"""Tables of the evidence, the lines, their outcomes, the money and the cases.

取込資料・明細・照合結果・入金・確認事項の表. ``municipality_code`` leads every key (R11).
Evidence, lines and outcomes are only ever added; a line that is decided again gets a further
revision.
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
    UniqueConstraint,
    text,
)
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED

LINE = ["municipality_code", "file_id", "line_no"]
SOURCE_LINE = [f"source_line.{name}" for name in LINE]
# What most lines of a large file end in is found by reading on; the rest by index.
FREQUENT = ("matched", "confirms")
RARE = f"outcome NOT IN {FREQUENT}"


class SourceFileRow(SQLModel, table=True):
    """取込資料: one file or notification as it came, with what became of it."""

    __tablename__ = "source_file"
    __table_args__: ClassVar[Any] = (
        # A nil report may come again byte for byte; it then carries its own number here.
        UniqueConstraint("municipality_code", "sha256", "nil_no"),
        Index("source_file_by_day", "municipality_code", "received_on"),
        # What stands aside: few among many (0015).
        Index(
            "source_file_aside", "municipality_code", "received_on",
            sqlite_where=text("status NOT IN ('received', 'accepted')"),
            postgresql_where=text("status NOT IN ('received', 'accepted')"),
        ),
        # What was delivered, without the many notifications and what nobody could read (0015).
        Index(
            "source_file_delivered", "municipality_code", "received_on",
            sqlite_where=text("channel NOT IN ('', 'notification')"),
            postgresql_where=text("channel NOT IN ('', 'notification')"),
        ),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    sha256: str = Field(max_length=64)
    nil_no: int = Field(default=0, sa_type=BigInteger)
    name: str
    size_bytes: int = Field(sa_type=BigInteger)
    format_code: str = Field(max_length=30)
    channel: str = Field(max_length=12)
    agent: str = Field(max_length=60)
    status: str = Field(max_length=12)  # received accepted quarantined refused
    received_on: date
    taken_in_at: datetime = Field(sa_type=DateTime(timezone=True))
    created_on: date | None = None  # データ作成日 of the header
    count: int = 0
    amount_yen: int = Field(default=0, sa_type=BigInteger)
    # When it became what ``status`` says; None while it is received, and unknown before 0046.
    decided_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class EvidenceRow(SQLModel, table=True):
    """証拠: the bytes themselves, in pieces; never changed but for the key over them (R2)."""

    __tablename__ = "evidence"
    municipality_code: str = Field(primary_key=True, max_length=5)
    sha256: str = Field(primary_key=True, max_length=64)
    piece_no: int = Field(primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)
    key_id: str = Field(
        default="", max_length=40, sa_column_kwargs={"server_default": text("''")}
    )  # with which key the data are sealed (reconcile.store.evidence); "": in clear


class FindingRow(SQLModel, table=True):
    """指摘: what was wrong with a file, with its place."""

    __tablename__ = "finding"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    finding_no: int = Field(primary_key=True)
    code: str = Field(max_length=40)
    severity: str = Field(max_length=10)
    line_no: int | None = None
    byte_offset: int | None = Field(default=None, sa_type=BigInteger)
    field: str
    found: str
    expected: str


class SourceLineRow(SQLModel, table=True):
    """報告明細: every data record as read (see reconcile.model.ReportLine)."""

    __tablename__ = "source_line"
    __table_args__: ClassVar[Any] = (
        # No foreign key: a file of a million lines would pay for it line by line (0004).
        # Finds earlier lines of the same record or payment (outcomes.md 3 and 5).
        Index("source_line_by_identity", "municipality_code", "identity", "file_id", "line_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    byte_offset: int = Field(sa_type=BigInteger)
    byte_length: int
    stage: str = Field(max_length=11)
    kind: str = Field(max_length=6)
    identity: str
    record_key: str
    content: bytes = Field(sa_type=LargeBinary)
    payment_key: str | None = None
    key_kind: str = Field(max_length=7)
    slip_key: str | None = Field(default=None, max_length=34)
    reissue: str = Field(max_length=1)
    is_ours: bool
    key_valid: bool
    amount_yen: int | None = Field(default=None, sa_type=BigInteger)
    paid_on: date | None = None
    paid_at: str | None = Field(default=None, max_length=5)
    operator: str
    remittance_ref: str | None = None
    remitted_on: date | None = None
    fault: str | None = Field(default=None, max_length=30)
    occurrence: int = Field(
        default=1, sa_column_kwargs={"server_default": text("1")}
    )  # R3: k-th equal line inside its file


class BankLineRow(SQLModel, table=True):
    """入出金明細: what a statement line says beyond its report line."""

    __tablename__ = "bank_line"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(LINE, SOURCE_LINE),
        Index("bank_line_by_account", "municipality_code", "account_key", "booked_on"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    account_key: str
    source: str = Field(max_length=2)
    direction: str = Field(max_length=6)
    inquiry_no: str
    booked_on: date
    value_on: date | None = None
    payer_code: str
    payer_name: str
    remarks: str
    edi: str


class AdviceLineRow(SQLModel, table=True):
    """払込明細: what an advice line says beyond its report line."""

    __tablename__ = "advice_line"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(LINE, SOURCE_LINE),
        Index("advice_line_by_number", "municipality_code", "remittance_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    remittance_no: str
    remitted_on: date
    channel: str
    item_code: str = Field(max_length=3)
    count: int
    gross_yen: int = Field(sa_type=BigInteger)
    fee_yen: int = Field(sa_type=BigInteger)
    net_yen: int = Field(sa_type=BigInteger)


class LineOutcomeRow(SQLModel, table=True):
    """照合結果: what a line ended in; the highest revision is in force (R5)."""

    __tablename__ = "line_outcome"
    __table_args__: ClassVar[Any] = (
        # What a journal decided again: few among many lines (reconcile.audit.seal).
        Index(
            "line_outcome_again", "municipality_code", "journal_id", "file_id", "line_no",
            "revision", sqlite_where=text("revision > 1"), postgresql_where=text("revision > 1"),
        ),
        # What few lines of a large file ended in (reconcile.file_lines).
        Index(
            "line_outcome_rare", "municipality_code", "file_id", "outcome", "line_no",
            sqlite_where=text(RARE), postgresql_where=text(RARE),
        ),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    outcome: str = Field(max_length=30)
    rule: str = Field(max_length=12)
    applied_yen: int = Field(sa_type=BigInteger)
    suspense_yen: int = Field(sa_type=BigInteger)
    slip_id: int | None = Field(default=None, sa_type=BigInteger)
    partner_file_id: int | None = Field(default=None, sa_type=BigInteger)
    partner_line_no: int | None = None
    journal_id: int = Field(sa_type=BigInteger)


class RemittanceGroupRow(SQLModel, table=True):
    """払込単位: what one bank credit should contain (outcomes.md 7)."""

    __tablename__ = "remittance_group"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("municipality_code", "agent", "ref"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    group_id: int = Field(primary_key=True, sa_type=BigInteger)
    agent: str = Field(max_length=30)
    ref: str = Field(max_length=40)
    remitted_on: date | None = None
    confirmed_count: int = 0
    confirmed_yen: int = Field(default=0, sa_type=BigInteger)
    fee_yen: int = Field(default=0, sa_type=BigInteger)  # as advised
    credited_yen: int = Field(default=0, sa_type=BigInteger)


class RemittancePartRow(SQLModel, table=True):
    """払込単位の内訳: confirmed count and sum by advice line (channel/item); "" elsewhere."""

    __tablename__ = "remittance_part"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    group_id: int = Field(primary_key=True, sa_type=BigInteger)
    part: str = Field(primary_key=True, max_length=30)
    confirmed_count: int
    confirmed_yen: int = Field(sa_type=BigInteger)


class DepositRow(SQLModel, table=True):
    """入金: one credit on the account that is the money, and whether it found its groups."""

    __tablename__ = "deposit"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(LINE, SOURCE_LINE),
        CheckConstraint("state IN ('open', 'settled', 'withdrawn')"),
        Index("deposit_by_state", "municipality_code", "state", "agent"),
        Index("deposit_by_booked_on", "municipality_code", "booked_on", "amount_yen"),  # 0022
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    account_key: str
    agent: str = Field(max_length=30)  # the payer among our agents, "" when it is none of them
    ref: str = Field(max_length=40)  # remittance number named in the EDI field
    amount_yen: int = Field(sa_type=BigInteger)
    booked_on: date
    state: str = Field(max_length=10)


class SettlementRow(SQLModel, table=True):
    """入金充当: this credit paid that group."""

    __tablename__ = "settlement"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(LINE, SOURCE_LINE),
        ForeignKeyConstraint(
            ["municipality_code", "group_id"],
            ["remittance_group.municipality_code", "remittance_group.group_id"],
        ),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    group_id: int = Field(primary_key=True, sa_type=BigInteger)
    amount_yen: int = Field(sa_type=BigInteger)  # net, as credited
    fee_yen: int = Field(sa_type=BigInteger)
    journal_id: int = Field(sa_type=BigInteger)


class ReviewCaseRow(SQLModel, table=True):
    """確認事項: what a person must look at; one life, re-opened under the same number."""

    __tablename__ = "review_case"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("municipality_code", "kind", "subject"),
        CheckConstraint("state IN ('open', 'acknowledged', 'resolved', 'accepted')"),
        Index("review_case_by_state", "municipality_code", "state", "opened_on"),
        # All that the worklist filters and adds up, in one index (0022).
        Index(
            "review_case_desk", "municipality_code", "state", "due_on", "opened_on", "kind",
            "amount_yen", "owner",
        ),
        Index("review_case_by_subject", "municipality_code", "subject"),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    case_no: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(max_length=30)
    subject: str = Field(max_length=60)  # file:line, notice/term, group:no or file:no
    state: str = Field(max_length=12)
    amount_yen: int = Field(sa_type=BigInteger)
    opened_on: date
    owner: str = ""
    file_id: int | None = Field(default=None, sa_type=BigInteger)
    line_no: int | None = None
    details: str = ""  # JSON: values compared, suggestions
    due_on: date | None = None  # until when somebody should have dealt with it (0022)


class CaseEventRow(SQLModel, table=True):
    """経過: the history of a case, append-only."""

    __tablename__ = "case_event"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "case_no"],
            ["review_case.municipality_code", "review_case.case_no"],
        ),
        Index("case_event_by_day", "municipality_code", "happened_on", "event", "case_no"),  # 0024
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    case_no: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True)
    happened_on: date
    actor: str = Field(max_length=60)
    event: str = Field(max_length=20)  # reconcile.case_history
    note: str = ""
    made_at: datetime | None = Field(  # None before 0046: of those only the day is known
        default=None, sa_type=DateTime(timezone=True)
    )


class NilReportRow(SQLModel, table=True):
    """該当なし報告: a person says that a channel had nothing on a day."""

    __tablename__ = "nil_report"
    municipality_code: str = Field(primary_key=True, max_length=5)
    agent: str = Field(primary_key=True, max_length=30)
    due_on: date = Field(primary_key=True)
    entered_by: str = Field(max_length=60)
    note: str = ""
    made_at: datetime | None = Field(  # None before 0046: nobody knows when it was entered
        default=None, sa_type=DateTime(timezone=True)
    )
