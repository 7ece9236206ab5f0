"""通知の形: the bodies of the interface as models, which validate and from which OpenAPI is made.

What is checked here is what can be checked without the books: form, range, dates that cannot be.
Whether there is such a slip is no question of form; a payment for an unknown one is taken in,
because the money was taken. Old notifications that lie as evidence are read by
:mod:`reconcile.formats.notification` alone and need not fit these models.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from payments.domain.money import AMOUNT_YEN_MAX
from web import clock
from web.texts.api import FIELDS

BATCH_MAX = 1_000
KONBINI_YEN_MAX = 999_999  # the barcode has six digits for the amount
EARLIEST = date(2000, 1, 1)
REMITTANCE_DAYS = 366
# No control character: JSON can name what no database column holds.
_TEXT = r"^[^\u0000-\u001f\u007f-\u009f]*$"


@lru_cache(maxsize=512)  # All day long the same few days are named.
def _day(text: str) -> date:
    """A day that exists."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("not_a_day", "no such day") from None


def _a_day(text: str) -> str:
    """A day that exists, as text."""
    _day(text)
    return text


def _a_past_day(text: str, info: ValidationInfo) -> str:
    """A day on which somebody can have paid; today is the context, where there is one."""
    day, today = _day(text), info.context or clock.today()
    if day > today:
        raise PydanticCustomError("day_future", "in the future", {"expected": today.isoformat()})
    if day < EARLIEST:
        expected = f"{EARLIEST.isoformat()}〜{today.isoformat()}"
        raise PydanticCustomError("day_range", "out of range", {"expected": expected})
    return text


def said(name: str, **more: Any) -> Any:
    """A field with its Japanese description."""
    return Field(description=FIELDS[name], **more)


_DAY_FORM: dict[str, Any] = {
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "json_schema_extra": {"format": "date"},
}
IDENTIFIER = r"^[A-Za-z0-9_-]{1,64}$"
TRANSACTION_ID = r"^[A-Za-z0-9-]{1,40}$"
TransactionId = Annotated[str, said("transaction_id", pattern=TRANSACTION_ID)]
PaidOn = Annotated[str, AfterValidator(_a_past_day), said("paid_on", **_DAY_FORM)]
RemittanceOn = Annotated[str, AfterValidator(_a_day), said("remittance_on", **_DAY_FORM)]
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Members(BaseModel):
    """本文: exactly the members that are named, each of its own type; none may be null."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Notification(Members):
    """通知に共通の項目."""

    notification_id: Annotated[str, said("notification_id", pattern=IDENTIFIER)] = ""


class UnifiedNotification(Notification):
    """統一収納の通知に共通の項目."""

    el_number: Annotated[str, said("el_number", pattern="^[0-9]{34}$")]
    amount_yen: Annotated[int, said("amount_yen", ge=1, le=AMOUNT_YEN_MAX)]
    paid_on: PaidOn
    paid_at: Annotated[str, said("paid_at", pattern=_CLOCK)] = ""
    channel: Annotated[
        Literal["counter", "app", "credit", "internet_banking", "direct_debit", "payeasy"],
        said("channel"),
    ]
    operator_code: Annotated[str, said("operator_code", min_length=1, max_length=10, pattern=_TEXT)]
    operator_name: Annotated[str, said("operator_name", max_length=60, pattern=_TEXT)] = ""
    transaction_id: TransactionId


class UnifiedPayment(UnifiedNotification):
    """eL番号で納付された、または取り消された."""

    kind: Annotated[Literal["paid", "cancelled"], said("kind")] = "paid"


def _require_remitted(paid_on: str, remittance_on: str) -> None:
    """資金化日 lies behind 領収日, and not years behind."""
    paid = _day(paid_on)
    last = paid + timedelta(days=REMITTANCE_DAYS)
    if not paid <= _day(remittance_on) <= last:
        raise PydanticCustomError(
            "remittance_range",
            "out of range",
            {"expected": f"{paid.isoformat()}〜{last.isoformat()}"},
        )


class UnifiedConfirmation(UnifiedNotification):
    """eL番号の納付が確定した."""

    kind: Annotated[Literal["confirmed"], said("kind")]
    remittance_on: RemittanceOn
    remittance_no: Annotated[str, said("remittance_no", min_length=1, max_length=20, pattern=_TEXT)]

    @model_validator(mode="after")
    def _remitted_after_payment(self) -> Self:
        _require_remitted(self.paid_on, self.remittance_on)
        return self


class KonbiniNotification(Notification):
    """コンビニ納付の通知に共通の項目."""

    konbini_barcode: Annotated[str, said("konbini_barcode", pattern="^[0-9]{44}$")]
    agent: Annotated[Literal["konbini_dsk", "konbini_muf120", "konbini_mizuho120"], said("agent")]
    cvs_code: Annotated[str, said("cvs_code", pattern="^[0-9]{3,6}$")]
    shop_code: Annotated[str, said("shop_code", pattern="^[0-9]{6,7}$")]
    amount_yen: Annotated[int, said("amount_yen", ge=1, le=KONBINI_YEN_MAX)]
    paid_on: PaidOn
    paid_at: Annotated[str, said("paid_at", pattern=_CLOCK)]
    transaction_id: Annotated[str, said("transaction_id", pattern=TRANSACTION_ID)] = ""


class KonbiniPayment(KonbiniNotification):
    """コンビニエンスストアで納付された、または取り消された."""

    kind: Annotated[Literal["paid", "cancelled"], said("kind")] = "paid"


class KonbiniConfirmation(KonbiniNotification):
    """コンビニエンスストアでの納付が確定した."""

    kind: Annotated[Literal["confirmed"], said("kind")]
    remittance_on: Annotated[str, AfterValidator(_a_day), said("remitted_konbini", **_DAY_FORM)]

    @model_validator(mode="after")
    def _remitted_after_payment(self) -> Self:
        _require_remitted(self.paid_on, self.remittance_on)
        return self


def _which(body: Any) -> str:
    """Which of the models a body means, by what it names."""
    members = body if isinstance(body, dict) else {}
    step = "confirmation" if members.get("kind") == "confirmed" else "payment"
    return f"konbini_{step}" if "konbini_barcode" in members else step


AnyNotification = Annotated[
    Annotated[UnifiedPayment, Tag("payment")]
    | Annotated[UnifiedConfirmation, Tag("confirmation")]
    | Annotated[KonbiniPayment, Tag("konbini_payment")]
    | Annotated[KonbiniConfirmation, Tag("konbini_confirmation")],
    Discriminator(_which),
]


class Batch(Members):
    """まとめて送る通知."""

    notifications: Annotated[
        list[AnyNotification], said("notifications", min_length=1, max_length=BATCH_MAX)
    ]


class BodyError(BaseModel):
    """本文の誤り."""

    pointer: Annotated[str, said("pointer")]
    code: Annotated[str, said("error_code")]
    detail: Annotated[str, said("error_detail")]
    found: Annotated[str, said("found")]


class Finding(BaseModel):
    """保留の理由."""

    code: str
    field: str
    found: str
    expected: str
    message: str


class Problem(BaseModel):
    """問題 (RFC 9457)."""

    type: Annotated[str, said("type", json_schema_extra={"format": "uri-reference"})]
    title: Annotated[str, said("title")]
    status: Annotated[int, said("problem_status", ge=400, le=599)]
    detail: Annotated[str, said("detail")]
    instance: Annotated[str, said("instance", json_schema_extra={"format": "uri-reference"})]
    code: Annotated[str, said("code", pattern="^[a-z0-9_]+$")]
    errors: Annotated[list[BodyError], said("errors")] = []
    findings: Annotated[list[Finding], said("findings")] = []


class Receipt(BaseModel):
    """受付の答え."""

    id: Annotated[str, said("id", pattern=IDENTIFIER)]
    status: Annotated[Literal["accepted", "received", "quarantined"], said("status")]
    outcome: Annotated[
        Literal["recorded", "repeated", "unknown_slip", "pending"], said("outcome")
    ] = "pending"
    sha256: Annotated[str, said("sha256", pattern="^[0-9a-f]{64}$")]
    received_at: Annotated[str, said("received_at", json_schema_extra={"format": "date-time"})]


class Result(BaseModel):
    """一件の結果: with a receipt or with a problem."""

    index: Annotated[int, said("index", ge=0, lt=BATCH_MAX)]
    status: Annotated[Literal[201, 202, 409, 422], said("result_status")]
    receipt: Annotated[Receipt, said("receipt")] = None  # type: ignore[assignment] # absent
    problem: Annotated[Problem, said("problem")] = None  # type: ignore[assignment] # absent


class Results(BaseModel):
    """まとめて送った通知の結果."""

    accepted: Annotated[int, said("accepted_count", ge=0)]
    refused: Annotated[int, said("refused_count", ge=0)]
    results: Annotated[list[Result], said("results", min_length=1, max_length=BATCH_MAX)]


class Found(BaseModel):
    """取引番号の通知."""

    notifications: Annotated[list[Receipt], said("found_notifications")]


ONE: TypeAdapter[UnifiedPayment | UnifiedConfirmation | KonbiniPayment | KonbiniConfirmation] = (
    TypeAdapter(AnyNotification)
)
