"""Tables of the seals: the chain over ledger and decisions (封印の表).

``seal_entry`` numbers what happened outside the ledger, in the order of the commits, without gaps;
triggers fill it, so that nothing can be written past it. All three are only ever added to.
``municipality_code`` leads every key (R11).
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED


class SealEntryRow(SQLModel, table=True):
    """封印の対象: a file that came, or an act of a person, in the order in which they were kept.

    ``subject_id`` and ``part_no`` are the key of the row that it stands for: file, case and event,
    slip and event, approval (``part_no`` 0), or closure.
    """

    __tablename__ = "seal_entry"
    __table_args__: ClassVar[Any] = (
        Index(
            "seal_entry_by_subject",
            "municipality_code",
            "kind",
            "subject_id",
            "part_no",
            unique=True,
        ),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    entry_no: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(max_length=20)
    subject_id: int = Field(sa_type=BigInteger)
    part_no: int


class SealRow(SQLModel, table=True):
    """封印: everything up to a journal and an entry, tied to the seal before it by its digest."""

    __tablename__ = "seal"
    __table_args__: ClassVar[Any] = (CheckConstraint("seal_no > 0"), CLUSTERED)
    municipality_code: str = Field(primary_key=True, max_length=5)
    seal_no: int = Field(primary_key=True, sa_type=BigInteger)
    journal_id: int = Field(sa_type=BigInteger)  # the last one it covers
    entry_no: int = Field(sa_type=BigInteger)  # the last one it covers
    previous_sha256: str = Field(max_length=64)
    sha256: str = Field(max_length=64)
    made_utc: str = Field(max_length=27)  # text, because it is hashed just as it is written


class SealPartRow(SQLModel, table=True):
    """封印の内訳: the rows of one table under a seal: how many, how much, and their digest.

    ``marks`` holds the first two bytes of every row's digest. They prove nothing; they tell which
    row is not the one that was sealed.
    """

    __tablename__ = "seal_part"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    seal_no: int = Field(primary_key=True, sa_type=BigInteger)
    part: str = Field(primary_key=True, max_length=20)
    row_count: int = Field(sa_type=BigInteger)
    amount_yen: int = Field(sa_type=BigInteger)
    sha256: str = Field(max_length=64)
    marks: bytes = Field(sa_type=LargeBinary)
