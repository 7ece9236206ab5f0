"""The table of former rows: what rows that change in place said before (前の値の表).

It is only ever added to. ``municipality_code`` leads every key (R11).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index
from sqlmodel import Field, SQLModel

from payments.store.tables import CLUSTERED


class FormerRow(SQLModel, table=True):
    """前の値: what a row said until ``until_at``; ``null`` when it was not there yet (0046).

    ``row_key`` is what follows the municipality in the key of the row, "" where nothing does.
    ``row_json`` holds those columns that a past moment asks for.
    """

    __tablename__ = "former_row"
    __table_args__: ClassVar[Any] = (
        Index("former_row_until", "municipality_code", "table_name", "until_at"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    table_name: str = Field(primary_key=True, max_length=30)
    row_key: str = Field(primary_key=True, max_length=60)
    former_no: int = Field(primary_key=True)
    until_at: datetime = Field(sa_type=DateTime(timezone=True))
    row_json: str
