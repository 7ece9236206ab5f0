"""本人のページの表: who signed in, to whom they are linked, what they saw and what they are told.

Rows do not validate and ``municipality_code`` leads every key, as in :mod:`web.tables`. What names
a person at the provider is a keyed digest; what they tell us of themselves is sealed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import BigInteger, Field, SQLModel

_INSTANT = DateTime(timezone=True)


def _of_a_resident() -> ForeignKeyConstraint:
    """The person whose row it is."""
    return ForeignKeyConstraint(
        ["municipality_code", "resident_id"],
        ["resident.municipality_code", "resident.resident_id"],
    )


class ResidentRow(SQLModel, table=True):
    """本人: somebody for whom the provider vouched; ``sub_digest`` is a keyed digest of its sub."""

    __tablename__ = "resident"
    __table_args__: ClassVar[Any] = (UniqueConstraint("municipality_code", "sub_digest"),)
    municipality_code: str = Field(primary_key=True, max_length=5)
    resident_id: str = Field(primary_key=True, max_length=32)  # random
    sub_digest: str = Field(max_length=64)
    made_at: datetime = Field(sa_type=_INSTANT)


class ResidentSessionRow(SQLModel, table=True):
    """セッション of a resident; the cookie carries its id and a secret: here is its digest.

    ``sealed``: what the provider said of the person, for the first link only; empty afterwards.
    """

    __tablename__ = "resident_session"
    __table_args__: ClassVar[Any] = (
        _of_a_resident(),
        Index("resident_session_of", "municipality_code", "resident_id", "made_at"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    session_id: str = Field(primary_key=True, max_length=16)
    resident_id: str = Field(max_length=32)
    secret_digest: str = Field(max_length=64)  # SHA-256
    sealed: bytes
    made_at: datetime = Field(sa_type=_INSTANT)
    seen_at: datetime = Field(sa_type=_INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=_INSTANT)


class ResidentLinkRow(SQLModel, table=True):
    """宛名との結び付け: made or undone, by whom; the newest row of a resident is in force."""

    __tablename__ = "resident_link"
    __table_args__: ClassVar[Any] = (
        _of_a_resident(),
        CheckConstraint("event IN ('linked', 'unlinked')"),
        Index("resident_link_of", "municipality_code", "resident_id", "link_no"),
        Index("resident_link_to", "municipality_code", "obligor_no", "link_no"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    link_no: int = Field(primary_key=True, sa_type=BigInteger)
    resident_id: str = Field(max_length=32)
    event: str = Field(max_length=8)
    obligor_no: str = Field(max_length=15)
    how: str = Field(max_length=10)  # slip, desk, resident
    actor: str = Field(max_length=60)  # a member of staff; "" is the resident
    happened_at: datetime = Field(sa_type=_INSTANT)


class ResidentRequestRow(SQLModel, table=True):
    """結び付けの確認依頼: what did not agree by itself waits for people; decided once.

    ``sealed`` is what the provider said of the person; it is dropped with the decision.
    """

    __tablename__ = "resident_request"
    __table_args__: ClassVar[Any] = (
        _of_a_resident(),
        CheckConstraint("state IN ('waiting', 'linked', 'refused', 'dropped')"),
        Index("resident_request_by_state", "municipality_code", "state", "request_no"),
        Index("resident_request_of", "municipality_code", "resident_id", "request_no"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    request_no: int = Field(primary_key=True, sa_type=BigInteger)
    resident_id: str = Field(max_length=32)
    obligor_no: str = Field(max_length=15)
    name_agrees: bool
    address_agrees: bool
    sealed: bytes
    asked_at: datetime = Field(sa_type=_INSTANT)
    state: str = Field(max_length=8)
    decided_by: str = Field(default="", max_length=60)
    decided_at: datetime | None = Field(default=None, sa_type=_INSTANT)
    note: str = Field(default="", max_length=200)


class ResidentViewRow(SQLModel, table=True):
    """本人の閲覧: every page with somebody's figures that was shown or taken; only added to."""

    __tablename__ = "resident_view"
    __table_args__: ClassVar[Any] = (
        Index("resident_view_by_person", "municipality_code", "obligor_no", "viewed_at"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    view_id: str = Field(primary_key=True, max_length=32)
    resident_id: str = Field(max_length=32)
    obligor_no: str = Field(max_length=15)
    page: str = Field(max_length=20)
    source_digest: str = Field(max_length=64)
    viewed_at: datetime = Field(sa_type=_INSTANT)


class ResidentContactRow(SQLModel, table=True):
    """お知らせの宛先: a mail address, sealed; in force from its confirmation until it is stopped.

    ``sealed`` is emptied when it is stopped.
    """

    __tablename__ = "resident_contact"
    __table_args__: ClassVar[Any] = (
        _of_a_resident(),
        Index("resident_contact_of", "municipality_code", "resident_id", "asked_at"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    contact_id: str = Field(primary_key=True, max_length=32)  # random
    resident_id: str = Field(max_length=32)
    sealed: bytes
    language: str = Field(max_length=8)
    kinds: str = Field(max_length=60)  # between spaces
    asked_at: datetime = Field(sa_type=_INSTANT)
    confirmed_at: datetime | None = Field(default=None, sa_type=_INSTANT)
    stopped_at: datetime | None = Field(default=None, sa_type=_INSTANT)


class ResidentLetterRow(SQLModel, table=True):
    """お知らせの送信: one thing told to one address, once; ``state`` goes from begun to sent."""

    __tablename__ = "resident_letter"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("state IN ('begun', 'sent', 'failed')"),
        ForeignKeyConstraint(
            ["municipality_code", "contact_id"],
            ["resident_contact.municipality_code", "resident_contact.contact_id"],
        ),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    contact_id: str = Field(primary_key=True, max_length=32)
    letter_key: str = Field(primary_key=True, max_length=60)  # kind and what it is about
    state: str = Field(max_length=6)
    attempts: int
    error_code: str = Field(default="", max_length=40)
    happened_at: datetime = Field(sa_type=_INSTANT)
