"""Tables of the people, keys and jobs around the books (利用者・鍵・定時処理の表).

As in :mod:`payments.store.tables`, rows do not validate and ``municipality_code`` leads every
key. Instants are UTC. Nothing here holds a password, a secret or a number of a slip in clear.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index
from sqlmodel import BigInteger, Field, SQLModel


class StaffUserRow(SQLModel, table=True):
    """職員: somebody who may sign in; one that is disabled may not.

    ``password_once``: somebody else has set the password; it is to be changed at the next sign-in.
    """

    __tablename__ = "staff_user"
    municipality_code: str = Field(primary_key=True, max_length=5)
    user_name: str = Field(primary_key=True, max_length=40)
    display_name: str = Field(max_length=60)
    password_hash: str = Field(max_length=200)  # argon2id
    password_once: bool = False
    disabled: bool = False
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class StaffRoleRow(SQLModel, table=True):
    """役割: one that a member of staff holds; a person may hold several."""

    __tablename__ = "staff_role"
    __table_args__: ClassVar[Any] = (
        CheckConstraint(
            "role IN ('slips', 'collection', 'treasury', 'approver', 'auditor', 'admin')"
        ),
        ForeignKeyConstraint(
            ["municipality_code", "user_name"],
            ["staff_user.municipality_code", "staff_user.user_name"],
        ),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    user_name: str = Field(primary_key=True, max_length=40)
    role: str = Field(primary_key=True, max_length=10)


class StaffEventRow(SQLModel, table=True):
    """操作記録: who did what from where, append-only; the history of a case is its own table."""

    __tablename__ = "staff_event"
    __table_args__: ClassVar[Any] = (
        Index("staff_event_by_time", "municipality_code", "happened_at"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    event_id: str = Field(primary_key=True, max_length=32)
    happened_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)
    source: str = Field(default="", max_length=60)  # address of the terminal, "cli"
    event: str = Field(max_length=30)
    subject: str = Field(default="", max_length=80)


class ApiKeyRow(SQLModel, table=True):
    """通知用の鍵: what a payment operator signs with; its id is unique over the installation.

    ``salt`` is from before secrets were kept: the secret of such a key is derived from the
    installation's secret key and the salt (:mod:`web.notifications.keys`). Else it is empty.
    """

    __tablename__ = "api_key"
    __table_args__: ClassVar[Any] = (Index("api_key_id", "key_id", unique=True),)
    municipality_code: str = Field(primary_key=True, max_length=5)
    key_id: str = Field(primary_key=True, max_length=40)
    operator_name: str = Field(max_length=60)
    salt: str = Field(max_length=32)
    disabled: bool = False
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class ApiSecretRow(SQLModel, table=True):
    """鍵の秘密: several of one key hold side by side while it is being changed.

    Sealed (:mod:`web.notifications.sealed_secrets`), so that a copy of the database signs nothing.
    """

    __tablename__ = "api_secret"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "key_id"], ["api_key.municipality_code", "api_key.key_id"]
        ),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    key_id: str = Field(primary_key=True, max_length=40)
    secret_no: int = Field(primary_key=True)
    sealed: bytes
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    ends_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class PaymentNotificationRow(SQLModel, table=True):
    """納付通知: which notification became which evidence, and the answer that was given.

    ``answer_json`` is None while the first request is being worked on (or was interrupted); a
    retry with the same body then finishes the work.
    """

    __tablename__ = "payment_notification"
    municipality_code: str = Field(primary_key=True, max_length=5)
    key_id: str = Field(primary_key=True, max_length=40)
    notification_id: str = Field(primary_key=True, max_length=64)  # the idempotency key
    body_sha256: str = Field(max_length=64)
    file_id: int | None = Field(default=None, sa_type=BigInteger)
    answer_json: str | None = None
    received_at: datetime = Field(sa_type=DateTime(timezone=True))


class JobLeaseRow(SQLModel, table=True):
    """定時処理の占有: one row per job and slot, so that two processes never run one slot twice."""

    __tablename__ = "job_lease"
    municipality_code: str = Field(primary_key=True, max_length=5)
    job: str = Field(primary_key=True, max_length=30)
    slot: str = Field(primary_key=True, max_length=80)
    holder: str = Field(max_length=80)
    taken_at: datetime = Field(sa_type=DateTime(timezone=True))
    done_at: datetime | None = Field(
        default=None,
        sa_type=DateTime(timezone=True),
    )
    result: str = Field(default="", max_length=30)  # done, failed


class EnquiryLogRow(SQLModel, table=True):
    """照会記録: every question about a slip; number and source only as keyed digests."""

    __tablename__ = "enquiry_log"
    __table_args__: ClassVar[Any] = (
        Index("enquiry_log_by_number", "municipality_code", "number_digest", "asked_on"),
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    enquiry_id: str = Field(primary_key=True, max_length=32)
    asked_on: date
    asked_at: datetime = Field(sa_type=DateTime(timezone=True))
    number_digest: str = Field(max_length=64)
    source_digest: str = Field(max_length=64)
    answer: str = Field(max_length=20)
    way: str = Field(default="", max_length=10)  # number, several, photo, code (0029)
    proven: bool = False  # whether a proof of work came with it (0029)


class EnquiryCountRow(SQLModel, table=True):
    """照会の回数: how often was asked, shared by every process of the service.

    ``subject`` is what is counted and its keyed digest; ``ends`` is the end of the day that a row
    counts, ``minute`` and ``hour`` say which of them it counts (seconds since 1970). Rows are
    forgotten two days after their end.
    """

    __tablename__ = "enquiry_count"
    __table_args__: ClassVar[Any] = ({"sqlite_with_rowid": False},)
    municipality_code: str = Field(primary_key=True, max_length=5)
    ends: int = Field(primary_key=True, sa_type=BigInteger)
    subject: str = Field(primary_key=True, max_length=80)
    minute: int = Field(sa_type=BigInteger)
    hour: int = Field(sa_type=BigInteger)
    minute_asked: int
    hour_asked: int
    day_asked: int
    minute_unproven: int
    hour_unproven: int
    day_unproven: int
    hour_missed: int
    day_missed: int
