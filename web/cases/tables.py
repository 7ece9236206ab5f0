"""Table of the views that people keep of the worklist (一覧の保存の表)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime
from sqlmodel import BigInteger, Field, SQLModel


class CaseViewRow(SQLModel, table=True):
    """保存した一覧: a filter and an order under a name, for one person or for everybody.

    It is a convenience, no record: it may be changed and deleted.
    """

    __tablename__ = "case_view"
    municipality_code: str = Field(primary_key=True, max_length=5)
    view_no: int = Field(primary_key=True, sa_type=BigInteger)
    user_name: str = Field(max_length=40)  # who made it
    name: str = Field(max_length=60)
    shared: bool  # everybody of the municipality sees it
    wanted_json: str  # web.cases.asked
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
