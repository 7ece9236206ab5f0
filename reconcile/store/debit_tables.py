"""口座振替の表: payers' accounts; batches for the banks, their rows, and what happened to them.

Accounts, rows and events are only ever added to; of a batch only ``in_force`` ends. What the
database refuses beyond keys and checks stands in migration 0027: rows after a batch was built, an
instalment in two batches of one round, a second debit of what was not in the first, sending what
was not released.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED

_BATCH = ["debit_batch.municipality_code", "debit_batch.batch_no"]


class DebitAccountRow(SQLModel, table=True):
    """口座振替の口座: set or ended for a payer and an item ("" for all items), from a day on.

    ``text_no`` is the sealed text (JSON) of the number and the holder; None for an end.
    """

    __tablename__ = "debit_account"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('set', 'ended')"),
        CheckConstraint("(event = 'set') = (bank_code <> '')"),
        CheckConstraint("(event = 'set') = (text_no IS NOT NULL)"),
        Index(
            "debit_account_by_payer", "municipality_code", "obligor_no", "item_code", "from_on",
            "entry_no",
        ),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    entry_no: int = Field(primary_key=True, sa_type=BigInteger)
    obligor_no: str = Field(max_length=15)
    item_code: str = Field(max_length=3)
    event: str = Field(max_length=5)
    from_on: date
    bank_code: str = Field(max_length=4)
    bank_name: str = Field(max_length=15)
    branch_code: str = Field(max_length=3)
    branch_name: str = Field(max_length=15)
    account_type: str = Field(max_length=1)
    text_no: int | None = Field(default=None, sa_type=BigInteger)
    file_id: int | None = Field(default=None, sa_type=BigInteger)
    reason: str
    actor: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class DebitBatchRow(SQLModel, table=True):
    """振替の束: one file for one day, bank and round, with the hash of its bytes.

    ``head_json`` is the header of the file, ``left_json`` what was left out and why (counts and yen
    by reason). ``round`` 2 is a second debit; ``first_batch_no`` is what it takes up.
    """

    __tablename__ = "debit_batch"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("count > 0 AND amount_yen > 0"),
        CheckConstraint("round IN (1, 2)"),
        CheckConstraint("(round = 1) = (first_batch_no IS NULL)"),
        CheckConstraint("replaces_no IS NULL OR approval_id IS NOT NULL"),
        Index(
            "debit_batch_once", "municipality_code", "debit_on", "bank_code", "round", unique=True,
            sqlite_where=text("in_force"), postgresql_where=text("in_force"),
        ),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    batch_no: int = Field(primary_key=True, sa_type=BigInteger)
    debit_on: date  # 引落日
    bank_code: str = Field(max_length=4)
    round: int = Field(sa_type=SmallInteger)
    first_batch_no: int | None = Field(default=None, sa_type=BigInteger)
    replaces_no: int | None = Field(default=None, sa_type=BigInteger)
    due_from_on: date  # instalments due from this day to the day of the debit
    head_json: str
    left_json: str
    count: int
    amount_yen: int = Field(sa_type=BigInteger)
    file_sha256: str = Field(max_length=64)
    size_bytes: int = Field(sa_type=BigInteger)
    built_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)
    approval_id: int | None = Field(default=None, sa_type=BigInteger)
    reason: str
    in_force: bool


class DebitRow(SQLModel, table=True):
    """振替の明細: one debit of an instalment, by an entry of the register of accounts."""

    __tablename__ = "debit_row"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("amount_yen > 0"),
        CheckConstraint("new_code IN ('0', '1', '2')"),
        ForeignKeyConstraint(["municipality_code", "batch_no"], _BATCH),
        ForeignKeyConstraint(
            ["municipality_code", "entry_no"],
            ["debit_account.municipality_code", "debit_account.entry_no"],
        ),
        UniqueConstraint("municipality_code", "batch_no", "customer_no"),
        Index("debit_row_by_instalment", "municipality_code", "notice_id", "term"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    batch_no: int = Field(primary_key=True, sa_type=BigInteger)
    row_no: int = Field(primary_key=True)
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    amount_yen: int = Field(sa_type=BigInteger)
    customer_no: str = Field(max_length=20)
    entry_no: int = Field(sa_type=BigInteger)
    new_code: str = Field(max_length=1)  # 新規コード


class DebitEventRow(SQLModel, table=True):
    """振替の出来事: built, released, sent, taken again, acknowledged, replaced, withdrawn."""

    __tablename__ = "debit_event"
    __table_args__: ClassVar[Any] = (
        CheckConstraint(
            "event IN ('built', 'released', 'sent', 'taken_again', 'acknowledged', 'replaced', "
            "'withdrawn')"
        ),
        CheckConstraint("(event = 'acknowledged') = (count IS NOT NULL)"),
        CheckConstraint(
            "event NOT IN ('released', 'replaced', 'withdrawn') OR approval_id IS NOT NULL"
        ),
        ForeignKeyConstraint(["municipality_code", "batch_no"], _BATCH),
        *(
            Index(
                f"debit_{event}_once", "municipality_code", "batch_no", unique=True,
                sqlite_where=text(f"event = '{event}'"),
                postgresql_where=text(f"event = '{event}'"),
            )
            for event in ("released", "sent")
        ),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    batch_no: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True)
    event: str = Field(max_length=12)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)
    reason: str
    approval_id: int | None = Field(default=None, sa_type=BigInteger)
    file_sha256: str = Field(max_length=64)
    count: int | None = None  # 受付件数
    amount_yen: int | None = Field(default=None, sa_type=BigInteger)


class DebitCountRow(SQLModel, table=True):
    """振替日の集計: what a large day came to when it was counted last (reconcile.debit.counts).

    Derived from the books and counted again at any time. ``mark`` says where the books stood.
    """

    __tablename__ = "debit_count"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    debit_on: date = Field(primary_key=True)
    mark: str = Field(max_length=80)
    counted_at: datetime = Field(sa_type=DateTime(timezone=True))
    content_json: str
