"""証明の表: what was certified, under the digest of the code that is printed on the paper."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index
from sqlmodel import Field, SQLModel


class ConfirmationRow(SQLModel, table=True):
    """確認書: what a paper says, sealed; only whoever holds the paper has its code.

    ``issued_to`` is the resident who took it, or the member of staff who handed it out;
    ``obligor_no`` whose paper it is ("" before 0040).
    """

    __tablename__ = "confirmation"
    __table_args__: ClassVar[Any] = (
        Index("confirmation_by_time", "municipality_code", "issued_at"),
        Index("confirmation_by_person", "municipality_code", "obligor_no", "issued_at"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    code_digest: str = Field(primary_key=True, max_length=64)  # keyed
    kind: str = Field(max_length=20)
    sealed: bytes
    issued_to: str = Field(max_length=60)
    obligor_no: str = Field(default="", max_length=15)
    issued_at: datetime = Field(sa_type=DateTime(timezone=True))
    expires_on: date
