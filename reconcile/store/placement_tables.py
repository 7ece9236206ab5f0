"""Tables of what two people decided about the place of money (充当先の決定の表).

All three are only ever added to, and sealed. ``municipality_code`` leads every key (R11).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED

_APPROVAL = (
    ["municipality_code", "approval_id"],
    ["approval.municipality_code", "approval.approval_id"],
)


class PlacementRow(SQLModel, table=True):
    """充当先の決定: carried out in ``journal_id``; without parts it took a link back (消込取消).

    It is in force as long as its journal is that of the receipt's decision.
    """

    __tablename__ = "placement"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(*_APPROVAL),
        UniqueConstraint("municipality_code", "approval_id"),
        Index("placement_by_line", "municipality_code", "file_id", "line_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    placement_no: int = Field(primary_key=True, sa_type=BigInteger)
    approval_id: int = Field(sa_type=BigInteger)
    file_id: int = Field(sa_type=BigInteger)
    line_no: int
    journal_id: int = Field(sa_type=BigInteger)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class PlacementPartRow(SQLModel, table=True):
    """充当の一部: what of the money settles one instalment, in the order of writing."""

    __tablename__ = "placement_part"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "placement_no"],
            ["placement.municipality_code", "placement.placement_no"],
        ),
        ForeignKeyConstraint(
            ["municipality_code", "notice_id", "term"],
            ["instalment.municipality_code", "instalment.notice_id", "instalment.term"],
        ),
        CheckConstraint("amount_yen > 0"),
        Index("placement_part_by_notice", "municipality_code", "notice_id", "term"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    placement_no: int = Field(primary_key=True, sa_type=BigInteger)
    part_no: int = Field(primary_key=True)
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    amount_yen: int = Field(sa_type=BigInteger)


class LinkBlockRow(SQLModel, table=True):
    """結び付けの禁止: a link that the engine must never make by itself again.

    A receipt's line may not go back to this instalment, a credit's not to this remittance group.
    All three empty: people have decided about the line, and nothing had been linked before. A
    receipt with any block is never decided again by the engine.
    """

    __tablename__ = "link_block"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(*_APPROVAL),
        CheckConstraint("(notice_id IS NULL) = (term IS NULL)"),
        CheckConstraint("notice_id IS NULL OR group_id IS NULL"),
        Index("link_block_by_line", "municipality_code", "file_id", "line_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    block_no: int = Field(primary_key=True, sa_type=BigInteger)
    file_id: int = Field(sa_type=BigInteger)
    line_no: int
    notice_id: int | None = Field(default=None, sa_type=BigInteger)
    term: str | None = Field(default=None, max_length=2)
    group_id: int | None = Field(default=None, sa_type=BigInteger)
    approval_id: int = Field(sa_type=BigInteger)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
