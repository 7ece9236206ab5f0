"""The tables of what is owed beside the tax, and of how it is paid (延滞金・減免・分納・不納欠損).

All are only ever added to: what ends is an event of its own. ``municipality_code`` leads every key
(R11).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, DateTime, Index, UniqueConstraint
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED


class LateChargeBookingRow(SQLModel, table=True):
    """延滞金・督促手数料の調定: one line of a generated register, with what led to its amount.

    Its key is that of the assessment line it explains; ``notice_id`` and ``term`` are the charge's
    own claim, the ``principal_`` ones those of the instalment that bears it.
    """

    __tablename__ = "late_charge_booking"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("kind IN ('late_charge', 'dunning_fee')"),
        CheckConstraint("amount_yen >= 0"),
        Index("late_charge_booking_by_claim", "municipality_code", "notice_id", "term"),
        Index(
            "late_charge_booking_by_principal",
            "municipality_code", "principal_notice_id", "principal_term",
        ),
        CLUSTERED,
    )  # fmt: skip
    municipality_code: str = Field(primary_key=True, max_length=5)
    file_id: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    kind: str = Field(max_length=12)
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    principal_notice_id: int = Field(sa_type=BigInteger)
    principal_term: str = Field(max_length=2)
    amount_yen: int = Field(sa_type=BigInteger)
    basis_json: str  # payments.charges.Basis: what the calculation was made from


class LateChargeRunRow(SQLModel, table=True):
    """延滞金の調定の記録: up to which journal everything has been looked at."""

    __tablename__ = "late_charge_run"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    run_no: int = Field(primary_key=True, sa_type=BigInteger)
    journal_id: int = Field(sa_type=BigInteger)
    waiver_no: int = Field(sa_type=BigInteger)  # up to which waiver
    file_id: int | None = Field(default=None, sa_type=BigInteger)
    booked_count: int
    booked_yen: int = Field(sa_type=BigInteger)  # by how much the claims grew
    made_on: date
    actor: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class ChargeWaiverRow(SQLModel, table=True):
    """延滞金の減免: what two people waived of the charge of an instalment, or took back."""

    __tablename__ = "charge_waiver"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('granted', 'withdrawn')"),
        CheckConstraint("(event = 'withdrawn') = (withdraws_no IS NOT NULL)"),
        CheckConstraint("kind IN ('whole', 'part', 'period')"),
        UniqueConstraint("municipality_code", "withdraws_no"),
        Index("charge_waiver_by_claim", "municipality_code", "notice_id", "term"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    waiver_no: int = Field(primary_key=True, sa_type=BigInteger)
    event: str = Field(max_length=9)
    withdraws_no: int | None = Field(default=None, sa_type=BigInteger)
    notice_id: int = Field(sa_type=BigInteger)  # of the tax itself
    term: str = Field(max_length=2)
    kind: str = Field(max_length=6)
    amount_yen: int = Field(sa_type=BigInteger)  # of a part; else 0
    from_on: date | None = None  # of a period
    until_on: date | None = None
    approval_id: int = Field(sa_type=BigInteger)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class PaymentPlanRow(SQLModel, table=True):
    """分納: what was agreed with a person; how it goes on are its events."""

    __tablename__ = "payment_plan"
    __table_args__: ClassVar[Any] = (
        Index("payment_plan_by_obligor", "municipality_code", "obligor_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    plan_no: int = Field(primary_key=True, sa_type=BigInteger)
    obligor_no: str = Field(max_length=15)
    agreed_on: date
    amount_yen: int = Field(sa_type=BigInteger)
    approval_id: int | None = Field(default=None, sa_type=BigInteger)
    actor: str = Field(max_length=60)
    reason: str
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class PaymentPlanPartRow(SQLModel, table=True):
    """分納の一回分: so much until a day on one instalment, and the slip that asks for it."""

    __tablename__ = "payment_plan_part"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("amount_yen > 0"),
        Index("payment_plan_part_by_claim", "municipality_code", "notice_id", "term"),
        Index("payment_plan_part_by_slip", "municipality_code", "slip_id"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    plan_no: int = Field(primary_key=True, sa_type=BigInteger)
    part_no: int = Field(primary_key=True)
    due_on: date
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    amount_yen: int = Field(sa_type=BigInteger)
    slip_id: int | None = Field(default=None, sa_type=BigInteger)


def is_plan_slip(alias: str) -> str:
    """分納の納付書か: a condition on slip ``alias``; binds ``:m``.

    Beside the current slip of an instalment the slips of its plan stand, each for one part: none
    of them takes the place of another.
    """
    return (
        "EXISTS (SELECT 1 FROM payment_plan_part pps WHERE pps.municipality_code = :m "
        f"AND pps.slip_id = {alias}.slip_id)"
    )


class PaymentPlanEventRow(SQLModel, table=True):
    """分納の出来事: 1 agreed; then at most one of broken, ended (paid) or cancelled."""

    __tablename__ = "payment_plan_event"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('agreed', 'broken', 'ended', 'cancelled')"),
        CheckConstraint("(event = 'agreed') = (event_no = 1)"),
        CheckConstraint("event_no IN (1, 2)"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    plan_no: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True)
    event: str = Field(max_length=9)
    happened_on: date  # the first day without the plan, except of ``agreed``
    reason: str
    actor: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class WriteOffRow(SQLModel, table=True):
    """不納欠損: what two people gave up of an instalment, or took up again."""

    __tablename__ = "write_off"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("event IN ('written_off', 'reversed')"),
        CheckConstraint("(event = 'reversed') = (reverses_no IS NOT NULL)"),
        CheckConstraint("amount_yen > 0"),
        Index("write_off_by_claim", "municipality_code", "notice_id", "term"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    write_off_no: int = Field(primary_key=True, sa_type=BigInteger)
    event: str = Field(max_length=11)
    reverses_no: int | None = Field(default=None, sa_type=BigInteger)
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    amount_yen: int = Field(sa_type=BigInteger)
    ground: str = Field(max_length=20)  # payments.domain.write_off.Ground
    extinguished_on: date  # from this day on the claim is no more; money of it is 誤納金
    approval_id: int | None = Field(default=None, sa_type=BigInteger)  # None: a correction
    journal_id: int = Field(sa_type=BigInteger)
    leg: int
    made_at: datetime = Field(sa_type=DateTime(timezone=True))


class LimitationEventRow(SQLModel, table=True):
    """時効の更新・完成猶予: what made the period begin anew, or stand still."""

    __tablename__ = "limitation_event"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("kind IN ('renewed', 'suspended')"),
        CheckConstraint("(kind = 'suspended') = (until_on IS NOT NULL)"),
        CheckConstraint("until_on IS NULL OR until_on >= from_on"),
        Index("limitation_event_by_claim", "municipality_code", "notice_id", "term"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    event_no: int = Field(primary_key=True, sa_type=BigInteger)
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    kind: str = Field(max_length=9)
    cause: str = Field(max_length=20)  # payments.domain.limitation.Cause
    from_on: date  # renewed: the day of it; suspended: its first day
    until_on: date | None = None  # suspended: its last day
    reason: str
    actor: str = Field(max_length=60)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
