"""Tables beside the evidence (証拠の鍵・更新・受付の表): which keys sealed it, and how it came."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index, LargeBinary
from sqlmodel import BigInteger, Field, SQLModel


class EvidenceKeyRow(SQLModel, table=True):
    """証拠の鍵: a key that has sealed evidence, which is lost without it.

    ``probe`` is sealed with it, so that another key under its name is found out at once.
    """

    __tablename__ = "evidence_key"
    municipality_code: str = Field(primary_key=True, max_length=5)
    key_id: str = Field(primary_key=True, max_length=40)
    probe: bytes = Field(sa_type=LargeBinary)


class EvidenceRekeyRow(SQLModel, table=True):
    """鍵の更新: a run that seals the evidence with another key, and how far it has come.

    The database lets the bytes of the evidence change only towards the key of a run that is not
    finished (migration 0013).
    """

    __tablename__ = "evidence_rekey"
    municipality_code: str = Field(primary_key=True, max_length=5)
    rekey_no: int = Field(primary_key=True, sa_type=BigInteger)
    key_id: str = Field(max_length=40)  # "": in clear
    actor: str = Field(max_length=60)
    started_at: datetime = Field(sa_type=DateTime(timezone=True))
    at_sha256: str = Field(default="", max_length=64)  # done up to here
    at_piece_no: int = 0
    pieces: int = Field(default=0, sa_type=BigInteger)
    size_bytes: int = Field(default=0, sa_type=BigInteger)
    finished_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class FileDeliveryRow(SQLModel, table=True):
    """受付: one arrival of a file, by which way it came and what became of it that time.

    The same bytes may come again: one file of the books, several deliveries.
    """

    __tablename__ = "file_delivery"
    __table_args__: ClassVar[Any] = (
        Index("file_delivery_by_file", "municipality_code", "file_id"),
        Index("file_delivery_by_time", "municipality_code", "arrived_at"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    delivery_no: int = Field(primary_key=True, sa_type=BigInteger)
    file_id: int = Field(sa_type=BigInteger)
    name: str = Field(max_length=200)
    came_by: str = Field(max_length=10)  # inbox upload command retry
    folder: str = Field(default="", max_length=60)  # of the inbox: what the sender claims
    actor: str = Field(max_length=60)
    arrived_at: datetime = Field(sa_type=DateTime(timezone=True))
    status: str = Field(max_length=14)
    kept_as: str = Field(default="", max_length=300)  # the copy, below the data folder; "": none
