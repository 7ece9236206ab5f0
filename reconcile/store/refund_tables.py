"""Tables of money that goes back (過誤納・還付の表).

All are only ever added to but ``sealed_text``, whose bytes are sealed anew when the key changes,
and ``refund_count``, which is derived.
``municipality_code`` leads every key (R11).
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
)
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED

_REFUND = (["municipality_code", "refund_no"], ["refund.municipality_code", "refund.refund_no"])
_BATCH = (
    ["municipality_code", "batch_no"],
    ["refund_batch.municipality_code", "refund_batch.batch_no"],
)

# Of the refund ``x``: whether what was decided still holds.
REFUND_STANDS = """NOT EXISTS (SELECT 1 FROM refund_event v
        WHERE v.municipality_code = :m AND v.refund_no = x.refund_no AND v.event = 'cancelled')"""
# What of the money that waits is decided to go back, and so no longer waits.
_DECIDED = f"""(SELECT COALESCE(SUM(x.amount_yen), 0) FROM refund x
    WHERE x.municipality_code = :m AND {{which}} AND {REFUND_STANDS})"""
DECIDED_OF_RECEIPT = _DECIDED.format(which="x.file_id = r.file_id AND x.line_no = r.line_no")
DECIDED_OF_SURPLUS = _DECIDED.format(
    which="x.file_id = 0 AND x.notice_id = a.notice_id AND x.term = a.term"
)

# 過誤納の待ち: whose money waits to be appropriated or paid back, or who may have paid a wrong
# instalment; a set of ``obligor_no``, each from the few rows that wait. The subject of a wrong
# instalment is its claim, NOTICE/TERM. CROSS JOIN keeps SQLite at the rows that hold anything.
WAITING_OBLIGORS = f"""
SELECT n.obligor_no FROM receipt r CROSS JOIN notice n
WHERE r.municipality_code = :m AND r.suspense_yen > 0 AND r.stage <> 'withdrawn'
  AND n.municipality_code = :m AND n.notice_id = r.notice_id
  AND r.suspense_yen > {DECIDED_OF_RECEIPT}
UNION
SELECT n.obligor_no FROM instalment_account a CROSS JOIN notice n
WHERE a.municipality_code = :m AND a.surplus_yen > 0
  AND n.municipality_code = :m AND n.notice_id = a.notice_id
  AND a.surplus_yen > {DECIDED_OF_SURPLUS}
UNION
SELECT n.obligor_no FROM review_case c CROSS JOIN notice n
WHERE c.municipality_code = :m AND c.kind = 'wrong_instalment_suspected'
  AND c.state IN ('open', 'acknowledged') AND n.municipality_code = :m
  AND n.notice_id = CAST(SUBSTR(c.subject, 1, LENGTH(c.subject) - 3) AS BIGINT)"""


class SealedTextRow(SQLModel, table=True):
    """封をした文: an account number as only the holder of the key reads it; "" is in clear."""

    __tablename__ = "sealed_text"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    text_no: int = Field(primary_key=True, sa_type=BigInteger)
    key_id: str = Field(max_length=40)
    data: bytes = Field(sa_type=LargeBinary)


class PayeeAccountRow(SQLModel, table=True):
    """還付先口座: one account that somebody gave for a person; the newest confirmed one counts."""

    __tablename__ = "payee_account"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("source IN ('resident', 'paper')"),
        Index("payee_account_by_person", "municipality_code", "obligor_no", "account_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    account_no: int = Field(primary_key=True, sa_type=BigInteger)
    obligor_no: str = Field(max_length=15)
    source: str = Field(max_length=8)
    shown: str = Field(max_length=40)  # bank, branch and the last digits
    text_no: int = Field(sa_type=BigInteger)
    registered_by: str = Field(max_length=60)
    registered_on: date
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class PayeeAccountEventRow(SQLModel, table=True):
    """口座の確認・取消: by somebody of the staff, never by who wrote it down."""

    __tablename__ = "payee_account_event"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('confirmed', 'revoked')"),
        ForeignKeyConstraint(
            ["municipality_code", "account_no"],
            ["payee_account.municipality_code", "payee_account.account_no"],
        ),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    account_no: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True)
    event: str = Field(max_length=10)
    actor: str = Field(max_length=60)
    note: str
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class OverpaymentRow(SQLModel, table=True):
    """過誤納の認定: why money must go back; of one subject the last row counts.

    ``file_id`` and ``line_no`` name the payment that holds it; both are 0 for what a correction
    left over on the instalment.
    """

    __tablename__ = "overpayment"
    __table_args__: ClassVar[Any] = (
        Index("overpayment_by_subject", "municipality_code", "subject", "overpayment_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    overpayment_no: int = Field(primary_key=True, sa_type=BigInteger)
    subject: str = Field(max_length=60)
    file_id: int = Field(sa_type=BigInteger)
    line_no: int
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    obligor_no: str = Field(max_length=15)
    reason: str = Field(max_length=20)  # payments.domain.overpayment
    paid_on: date
    arose_on: date
    event_on: date | None = None  # 請求・通知の日, where the reason asks for it
    corrected_on: date | None = None
    interest_from_on: date
    note: str
    actor: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class RefundRow(SQLModel, table=True):
    """還付: what two people decided to pay back to whom, with its interest.

    ``amount_yen`` is 0 where only the interest on what was appropriated is paid.
    """

    __tablename__ = "refund"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("amount_yen >= 0 AND interest_yen >= 0 AND amount_yen + interest_yen > 0"),
        CheckConstraint("asked_by <> decided_by"),
        UniqueConstraint("municipality_code", "approval_id"),
        Index("refund_by_line", "municipality_code", "file_id", "line_no"),
        Index("refund_by_instalment", "municipality_code", "notice_id", "term"),
        Index("refund_by_person", "municipality_code", "obligor_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    refund_no: int = Field(primary_key=True, sa_type=BigInteger)
    approval_id: int = Field(sa_type=BigInteger)
    overpayment_no: int = Field(sa_type=BigInteger)
    file_id: int = Field(sa_type=BigInteger)
    line_no: int
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    obligor_no: str = Field(max_length=15)
    amount_yen: int = Field(sa_type=BigInteger)
    interest_yen: int = Field(sa_type=BigInteger)
    interest_from_on: date
    decided_on: date  # 支出決定の日: the last day that bears interest
    out_from_on: date | None = None  # 除算期間, both inclusive
    out_until: date | None = None
    account_no: int = Field(sa_type=BigInteger)
    journal_id: int = Field(sa_type=BigInteger)
    asked_by: str = Field(max_length=60)
    decided_by: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class RefundEventRow(SQLModel, table=True):
    """還付の経過: decided, sent with a batch, which is paid or withdrawn; returned, … cancelled."""

    __tablename__ = "refund_event"
    __table_args__: ClassVar[Any] = (
        CheckConstraint(
            "event IN ('decided', 'sent', 'paid', 'returned', 'payee_changed', 'cancelled', "
            "'withdrawn')"
        ),
        ForeignKeyConstraint(*_REFUND),
        Index("refund_event_by_line", "municipality_code", "file_id", "line_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    refund_no: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True)
    event: str = Field(max_length=14)
    happened_on: date
    batch_no: int | None = Field(default=None, sa_type=BigInteger)
    account_no: int | None = Field(default=None, sa_type=BigInteger)
    file_id: int = Field(default=0, sa_type=BigInteger)  # the line of the statement
    line_no: int = 0
    journal_id: int | None = Field(default=None, sa_type=BigInteger)
    actor: str = Field(max_length=60)
    note: str
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class RefundBatchRow(SQLModel, table=True):
    """還付の振込データ: one for a day and an account; a further build says why it is there."""

    __tablename__ = "refund_batch"
    __table_args__: ClassVar[Any] = (
        CheckConstraint(
            "count > 0 AND amount_yen >= 0 AND interest_yen >= 0 AND amount_yen + interest_yen > 0"
        ),
        CheckConstraint("(build_no = 1) = (reason = '')"),
        UniqueConstraint("municipality_code", "transfer_on", "account_key", "build_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    batch_no: int = Field(primary_key=True, sa_type=BigInteger)
    transfer_on: date
    account_key: str = Field(max_length=30)
    build_no: int
    order_json: str  # the header as it is written
    count: int
    amount_yen: int = Field(sa_type=BigInteger)
    interest_yen: int = Field(sa_type=BigInteger)
    file_sha256: str = Field(max_length=64)
    difference_json: str  # what differs from the build before
    reason: str
    built_by: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class RefundBatchLineRow(SQLModel, table=True):
    """振込の一件: frozen as it is written into the file."""

    __tablename__ = "refund_batch_line"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(*_BATCH),
        ForeignKeyConstraint(*_REFUND),
        UniqueConstraint("municipality_code", "batch_no", "refund_no"),
        Index("refund_batch_line_by_refund", "municipality_code", "refund_no", "attempt"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    batch_no: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    refund_no: int = Field(sa_type=BigInteger)
    attempt: int  # 1, and one more for every transfer that came back or was withdrawn
    account_no: int = Field(sa_type=BigInteger)
    amount_yen: int = Field(sa_type=BigInteger)
    interest_yen: int = Field(sa_type=BigInteger)
    text_no: int = Field(sa_type=BigInteger)


class RefundBatchEventRow(SQLModel, table=True):
    """振込データの経過: replaced, released by two people, handed out, paid, withdrawn by two."""

    __tablename__ = "refund_batch_event"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('replaced', 'released', 'handed_out', 'paid', 'withdrawn')"),
        ForeignKeyConstraint(*_BATCH),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    batch_no: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True)
    event: str = Field(max_length=10)
    approval_id: int | None = Field(default=None, sa_type=BigInteger)
    file_id: int = Field(default=0, sa_type=BigInteger)
    line_no: int = 0
    actor: str = Field(max_length=60)
    note: str
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class RefundSentRow(SQLModel, table=True):
    """送信済: the lock. An attempt at a refund goes out with one batch and never with another."""

    __tablename__ = "refund_sent"
    __table_args__: ClassVar[Any] = (ForeignKeyConstraint(*_BATCH), CLUSTERED)
    municipality_code: str = Field(primary_key=True, max_length=5)
    refund_no: int = Field(primary_key=True, sa_type=BigInteger)
    attempt: int = Field(primary_key=True)
    batch_no: int = Field(sa_type=BigInteger)


class RefundNoticeRow(SQLModel, table=True):
    """還付・充当の通知: what a person was told, on which day."""

    __tablename__ = "refund_notice"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("kind IN ('refund', 'appropriation', 'both')"),
        Index("refund_notice_by_person", "municipality_code", "obligor_no", "notice_no"),
        Index("refund_notice_by_subject", "municipality_code", "subject", "noticed_on"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    notice_no: int = Field(primary_key=True, sa_type=BigInteger)
    obligor_no: str = Field(max_length=15)
    subject: str = Field(max_length=60)
    kind: str = Field(max_length=14)
    content_json: str
    noticed_on: date
    actor: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class RefundCountRow(SQLModel, table=True):
    """過誤納の集計: what waited when it was counted last (reconcile.refunds.counting).

    Derived from the books and counted again at any time. ``mark`` says where the books stood.
    """

    __tablename__ = "refund_count"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    mark: str = Field(max_length=80)
    counted_at: datetime = Field(sa_type=DateTime(timezone=True))
    content_json: str
