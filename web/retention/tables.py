"""保存年限の表: what was archived, and what two people then let go. Both are only ever added to."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint
from sqlmodel import Field, SQLModel


class RetentionArchiveRow(SQLModel, table=True):
    """保管: rows of a table older than ``before_at``, as they were written to a file."""

    __tablename__ = "retention_archive"
    municipality_code: str = Field(primary_key=True, max_length=5)
    archive_no: int = Field(primary_key=True, sa_type=BigInteger)
    table_name: str = Field(max_length=40)
    before_at: datetime = Field(sa_type=DateTime(timezone=True))
    row_count: int = Field(sa_type=BigInteger)
    rows_sha256: str = Field(max_length=64)  # the chain over the rows (web.retention.rows)
    file_name: str = Field(max_length=120)
    file_sha256: str = Field(max_length=64)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    made_by: str = Field(max_length=60)


class RetentionDeletionRow(SQLModel, table=True):
    """廃棄: an archive whose rows are no longer in the database, and the approval for it."""

    __tablename__ = "retention_deletion"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "archive_no"],
            ["retention_archive.municipality_code", "retention_archive.archive_no"],
        ),
        ForeignKeyConstraint(
            ["municipality_code", "approval_id"],
            ["approval.municipality_code", "approval.approval_id"],
        ),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    archive_no: int = Field(primary_key=True, sa_type=BigInteger)
    table_name: str = Field(max_length=40)
    before_at: datetime = Field(sa_type=DateTime(timezone=True))
    row_count: int = Field(sa_type=BigInteger)
    approval_id: int = Field(sa_type=BigInteger)
    deleted_at: datetime = Field(sa_type=DateTime(timezone=True))
