"""職員の認証の表: sessions, second factors, what was tried in vain, and what a body asks for.

Rows do not validate and ``municipality_code`` leads every key, as in :mod:`web.tables`. What opens
anything is kept as a digest or sealed, never in clear.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, ForeignKeyConstraint, Index
from sqlmodel import BigInteger, Field, SQLModel

_INSTANT = DateTime(timezone=True)


def _of_a_person() -> ForeignKeyConstraint:
    """The person whose row it is."""
    return ForeignKeyConstraint(
        ["municipality_code", "user_name"],
        ["staff_user.municipality_code", "staff_user.user_name"],
    )


class StaffSessionRow(SQLModel, table=True):
    """セッション: one sign-in of one person on one device.

    ``needs``: what is still to be done before anything else is shown, between spaces. The cookie
    carries the id and a secret, of which the digest is here.
    """

    __tablename__ = "staff_session"
    __table_args__: ClassVar[Any] = (
        _of_a_person(),
        Index("staff_session_of_person", "municipality_code", "user_name", "made_at"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    session_id: str = Field(primary_key=True, max_length=16)
    user_name: str = Field(max_length=40)
    secret_digest: str = Field(max_length=64)  # SHA-256
    factors: str = Field(max_length=60)  # password, totp, passkey, recovery, provider
    needs: str = Field(default="", max_length=40)  # second_factor, new_password, enrol
    source: str = Field(max_length=60)
    device: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=_INSTANT)
    seen_at: datetime = Field(sa_type=_INSTANT)
    proved_at: datetime = Field(sa_type=_INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=_INSTANT)
    ended_by: str = Field(default="", max_length=60)


class StaffTotpRow(SQLModel, table=True):
    """認証アプリ: its shared secret, sealed; in force once a code has been shown to fit."""

    __tablename__ = "staff_totp"
    __table_args__: ClassVar[Any] = (_of_a_person(),)
    municipality_code: str = Field(primary_key=True, max_length=5)
    user_name: str = Field(primary_key=True, max_length=40)
    sealed: bytes
    made_at: datetime = Field(sa_type=_INSTANT)
    confirmed_at: datetime | None = Field(default=None, sa_type=_INSTANT)
    last_step: int = Field(default=0, sa_type=BigInteger)  # the newest time step that was used


class StaffPasskeyRow(SQLModel, table=True):
    """パスキー: the public half of a key that a person's device keeps (WebAuthn)."""

    __tablename__ = "staff_passkey"
    __table_args__: ClassVar[Any] = (_of_a_person(),)
    municipality_code: str = Field(primary_key=True, max_length=5)
    credential_id: str = Field(primary_key=True, max_length=1400)  # base64url
    user_name: str = Field(max_length=40)
    public_key: bytes
    sign_count: int = Field(sa_type=BigInteger)
    label: str = Field(max_length=40)
    made_at: datetime = Field(sa_type=_INSTANT)
    used_at: datetime | None = Field(default=None, sa_type=_INSTANT)


class StaffRecoveryRow(SQLModel, table=True):
    """回復用コード: works once, when neither app nor passkey is at hand."""

    __tablename__ = "staff_recovery"
    __table_args__: ClassVar[Any] = (_of_a_person(),)
    municipality_code: str = Field(primary_key=True, max_length=5)
    user_name: str = Field(primary_key=True, max_length=40)
    secret_digest: str = Field(primary_key=True, max_length=64)  # SHA-256 of 79 random bits
    made_at: datetime = Field(sa_type=_INSTANT)
    used_at: datetime | None = Field(default=None, sa_type=_INSTANT)


class StaffAttemptRow(SQLModel, table=True):
    """失敗の数: how often in a row somebody was not let in, by name or by where they came from."""

    __tablename__ = "staff_attempt"
    municipality_code: str = Field(primary_key=True, max_length=5)
    subject: str = Field(primary_key=True, max_length=80)
    failures: int
    failed_at: datetime = Field(sa_type=_INSTANT)
    opens_at: datetime | None = Field(default=None, sa_type=_INSTANT)


class StaffChallengeRow(SQLModel, table=True):
    """問い: what a passkey has to sign; each is asked once and answered once."""

    __tablename__ = "staff_challenge"
    municipality_code: str = Field(primary_key=True, max_length=5)
    challenge: str = Field(primary_key=True, max_length=90)  # base64url
    purpose: str = Field(max_length=10)  # register, second, alone
    user_name: str = Field(default="", max_length=40)
    made_at: datetime = Field(sa_type=_INSTANT)


class StaffPolicyRow(SQLModel, table=True):
    """認証の方針 of a body: a second factor from everybody, also before it is live."""

    __tablename__ = "staff_policy"
    municipality_code: str = Field(primary_key=True, max_length=5)
    second_factor: bool
