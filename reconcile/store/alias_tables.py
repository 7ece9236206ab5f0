"""Table of the names that people have tied to obligors (振込名義の表); only ever added to."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED


class PayerAliasRow(SQLModel, table=True):
    """振込名義: a payer's folded name learned for an obligor by an approved link, or revoked.

    Of one name and obligor the last event counts, until it expires.
    """

    __tablename__ = "payer_alias"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('learned', 'revoked')"),
        CheckConstraint("(event = 'learned') = (approval_id IS NOT NULL)"),
        CheckConstraint("payer_folded <> ''"),
        ForeignKeyConstraint(
            ["municipality_code", "obligor_no"],
            ["obligor.municipality_code", "obligor.obligor_no"],
        ),
        ForeignKeyConstraint(
            ["municipality_code", "approval_id"],
            ["approval.municipality_code", "approval.approval_id"],
        ),
        Index("payer_alias_by_name", "municipality_code", "payer_folded"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    alias_no: int = Field(primary_key=True, sa_type=BigInteger)
    event: str = Field(max_length=10)
    payer_folded: str  # payments.domain.kana: for suggestions only, never for matching
    obligor_no: str = Field(max_length=15)
    approval_id: int | None = Field(default=None, sa_type=BigInteger)
    happened_on: date
    expires_on: date
    actor: str = Field(max_length=60)
    reason: str
