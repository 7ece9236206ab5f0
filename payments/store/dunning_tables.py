"""Tables of the dunning lists: what was known, who decided, what left the building (督促の表).

Rows, sources and files of a list are frozen when it is drawn; everything later is an event or a
row of its own. All are only ever added to. ``municipality_code`` leads
every key (R11).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED

EVENTS = ("drawn", "approved", "printing", "pull_drawn", "pull_confirmed", "dispatched", "dropped")


class DunningListRow(SQLModel, table=True):
    """督促リスト: one draw, with what it rests on.

    ``journal_id`` and ``file_id`` are the last of each that were known; ``terms_json`` says by
    which terms it was drawn; ``rows_sha256`` is the digest of its rows, ``files_sha256`` that of
    its files. ``despite_id`` is the decision of two people to draw it over a red channel.
    """

    __tablename__ = "dunning_list"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    list_no: int = Field(primary_key=True, sa_type=BigInteger)
    as_of_on: date
    cut_off_on: date  # up to which day every source is complete
    terms_json: str
    journal_id: int = Field(sa_type=BigInteger)
    file_id: int = Field(sa_type=BigInteger)
    row_count: int
    listed_count: int
    listed_yen: int = Field(sa_type=BigInteger)
    rows_sha256: str = Field(max_length=64)
    files_sha256: str = Field(max_length=64)
    despite_id: int | None = Field(default=None, sa_type=BigInteger)
    actor: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class DunningSourceRow(SQLModel, table=True):
    """督促リストの資料の基準日: up to which day a source was complete, and what it lacked."""

    __tablename__ = "dunning_source"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    list_no: int = Field(primary_key=True, sa_type=BigInteger)
    source: str = Field(primary_key=True, max_length=60)
    complete_until: date
    lacking: str  # due days that lacked a file, ISO, separated by spaces


class DunningFileRow(SQLModel, table=True):
    """督促リストの根拠資料: a file that had come, with its hash and what had become of it."""

    __tablename__ = "dunning_file"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    list_no: int = Field(primary_key=True, sa_type=BigInteger)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    sha256: str = Field(max_length=64)
    status: str = Field(max_length=12)


class DunningRowRow(SQLModel, table=True):
    """督促リストの一件: an instalment past its due date as it stood when the list was drawn.

    ``ground`` is why it is held back, "" when it is listed; ``grounds`` has a bit for each ground
    that held (:mod:`reconcile.dunning.rules`).
    """

    __tablename__ = "dunning_row"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    list_no: int = Field(primary_key=True, sa_type=BigInteger)
    notice_id: int = Field(primary_key=True, sa_type=BigInteger)
    term: str = Field(primary_key=True, max_length=2)
    obligor_no: str = Field(max_length=15)
    item_code: str = Field(max_length=3)
    due_on: date
    amount_yen: int = Field(sa_type=BigInteger)
    paid_yen: int = Field(sa_type=BigInteger)
    ground: str = Field(max_length=20)
    grounds: int


class DunningEvidenceRow(SQLModel, table=True):
    """留保の根拠: what a ground rested on: a payment, a case, a hold (``kind:number``)."""

    __tablename__ = "dunning_evidence"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    list_no: int = Field(primary_key=True, sa_type=BigInteger)
    notice_id: int = Field(primary_key=True, sa_type=BigInteger)
    term: str = Field(primary_key=True, max_length=2)
    ground: str = Field(primary_key=True, max_length=20)
    subject: str = Field(primary_key=True, max_length=60)


class DunningLimitationRow(SQLModel, table=True):
    """時効の満了日 of what a list looked at: claims whose period has ended, or is near its end."""

    __tablename__ = "dunning_limitation"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    list_no: int = Field(primary_key=True, sa_type=BigInteger)
    notice_id: int = Field(primary_key=True, sa_type=BigInteger)
    term: str = Field(primary_key=True, max_length=2)
    last_on: date


class DunningFeeRow(SQLModel, table=True):
    """督促手数料 of the letters of a list, by 科目 and 納期限."""

    __tablename__ = "dunning_fee"
    __table_args__: ClassVar[Any] = (CheckConstraint("fee_yen >= 0"), CLUSTERED)
    municipality_code: str = Field(primary_key=True, max_length=5)
    list_no: int = Field(primary_key=True, sa_type=BigInteger)
    item_code: str = Field(primary_key=True, max_length=3)
    due_on: date = Field(primary_key=True)
    fee_yen: int = Field(sa_type=BigInteger)


class DunningLetterRow(SQLModel, table=True):
    """督促状: one letter, with its place in the order of the envelopes (``seq``)."""

    __tablename__ = "dunning_letter"
    __table_args__: ClassVar[Any] = (
        Index("dunning_letter_by_instalment", "municipality_code", "notice_id", "term"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    list_no: int = Field(primary_key=True, sa_type=BigInteger)
    seq: int = Field(primary_key=True)
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)


class DunningPullRow(SQLModel, table=True):
    """引抜き: a letter that must be taken out before dispatch, and why.

    ``reason`` is a ground, ``paid``, ``cancelled`` or ``amount_changed``; ``open_yen`` is what was
    still open then.
    """

    __tablename__ = "dunning_pull"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    list_no: int = Field(primary_key=True, sa_type=BigInteger)
    pull_no: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    reason: str = Field(max_length=20)
    open_yen: int = Field(sa_type=BigInteger)


class DunningEventRow(SQLModel, table=True):
    """督促リストの出来事: drawn, approved, printed, second draw, confirmed, dispatched, dropped."""

    __tablename__ = "dunning_event"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('" + "', '".join(EVENTS) + "')"),
        CheckConstraint("(event = 'drawn') = (event_no = 1)"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    list_no: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True)
    event: str = Field(max_length=14)
    happened_on: date
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)
    journal_id: int = Field(sa_type=BigInteger)  # the last that was known
    letters: int  # of the list, of the pull list, or sent
    subject_no: int = Field(sa_type=BigInteger)  # approval, print run or pull list; 0: none
    rows_sha256: str = Field(default="", max_length=64)  # of the pull list
    reason: str = ""


class DunningRecheckRow(SQLModel, table=True):
    """差押え前の再確認: what was asked about a person, and what was found."""

    __tablename__ = "dunning_recheck"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("result IN ('nothing_came', 'something_came')"),
        Index("dunning_recheck_by_person", "municipality_code", "obligor_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    recheck_no: int = Field(primary_key=True, sa_type=BigInteger)
    obligor_no: str = Field(max_length=15)
    asked_on: date
    cut_off_on: date
    journal_id: int = Field(sa_type=BigInteger)
    result: str = Field(max_length=14)
    found_json: str
    actor: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
