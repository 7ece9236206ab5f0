"""計算の問い: what somebody typed becomes values; every deviation names its field.

The command line and the page ask in the same words and get the same refusals. A value that is
left out is "". No book is read: a calculation is about figures, not about a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from payments.domain.accrual import WHOLE, FloorAt, LeftOut
from payments.domain.calendars import bank_business_day, tax_due_on
from payments.domain.errors import InvalidValueError
from payments.domain.instalments import TAX_INSTALMENT_UNIT_YEN, TAX_UNIT_YEN, split
from payments.domain.late_charge import LateCharge, LateChargeRules, PartPayment, late_charge
from payments.domain.late_charge_levies import low_tier_months, shipped_levies
from payments.domain.money import AMOUNT_YEN_MAX, require_yen
from payments.domain.refund_interest import (
    RefundInterest,
    RefundReason,
    interest_starts_on,
    refund_interest,
    unclaimed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from payments.domain.rates import RateTable

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"[0-9]{1,12}")
DAY_FORM = "YYYY-MM-DD"
LINES_MAX = 100
CALENDARS: dict[str, Callable[[date], date]] = {"tax": tax_due_on, "bank": bank_business_day}

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class LateChargeAnswer:
    """延滞金の答え: the calculation, and how its question was meant."""

    found: LateCharge
    levy: str
    statutory_on: date  # the due date as it was typed, before a shift
    parts: tuple[PartPayment, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """還付加算金の答え: the calculation, and where its first day comes from."""

    found: RefundInterest
    reason: RefundReason | None
    paid_on: date | None
    event_on: date | None
    corrected_on: date | None
    left_out: LeftOut | None


@dataclass(frozen=True, slots=True)
class DueDateAnswer:
    """期限の日の答え."""

    day: date
    calendar: str
    moved_on: date


@dataclass(frozen=True, slots=True)
class InstalmentsAnswer:
    """期割の答え."""

    amount_yen: int
    total_yen: int
    unit_yen: int
    total_unit_yen: int
    amounts_yen: tuple[int, ...]


def ask_late_charge(raw: Mapping[str, str], rates: RateTable) -> LateChargeAnswer:
    """延滞金 from ``amount_yen``, ``due``, ``paid`` and what else was typed (``law.md 1.2``).

    Raises :class:`InvalidValueError` with the ``field`` that is wrong.
    """
    amount_yen = whole(raw, "amount_yen")
    statutory_on, paid_on = day(raw, "due"), day(raw, "paid")
    due_on = tax_due_on(statutory_on) if raw.get("shift") else statutory_on
    levy = raw.get("levy") or "tax"
    rules = _rules(raw, levy, due_on)
    parts = tuple(_each(raw, "parts", _part))
    left_out = tuple(_each(raw, "left_out", _period))
    found = late_charge(
        amount_yen, due_on, paid_on, rules=rules, rates=rates, payments=parts, left_out=left_out
    )
    return LateChargeAnswer(found, levy, statutory_on, parts, left_out)


def ask_refund_interest(raw: Mapping[str, str], rates: RateTable) -> RefundAnswer:
    """還付加算金 from ``amount_yen``, ``decided`` and either ``start`` or a ``reason``.

    Raises :class:`InvalidValueError` with the ``field`` that is wrong.
    """
    amount_yen = whole(raw, "amount_yen")
    reason = choice(raw, "reason", RefundReason)
    paid_on = event_on = corrected_on = None
    if reason is None:
        starts_on = day(raw, "start")
    else:
        paid_on = day(raw, "paid_on")
        event_on, corrected_on = maybe_day(raw, "event"), maybe_day(raw, "corrected")
        starts_on = interest_starts_on(
            reason, paid_on, event_on=event_on, corrected_on=corrected_on
        )
    gap = None
    if raw.get("notified") or raw.get("claimed"):
        gap = unclaimed(day(raw, "notified"), day(raw, "claimed"))
    left_out = (gap,) if gap else ()
    found = refund_interest(
        amount_yen, starts_on, day(raw, "decided"), rates=rates, left_out=left_out
    )
    return RefundAnswer(found, reason, paid_on, event_on, corrected_on, gap)


def ask_due_date(raw: Mapping[str, str]) -> DueDateAnswer:
    """期限の日 from ``date`` and ``calendar`` (``law.md 2``)."""
    on = day(raw, "date")
    calendar = raw.get("calendar") or "tax"
    if calendar not in CALENDARS:
        raise _not_one_of("calendar", calendar, CALENDARS)
    return DueDateAnswer(on, calendar, CALENDARS[calendar](on))


def ask_instalments(raw: Mapping[str, str]) -> InstalmentsAnswer:
    """期割 from ``amount_yen`` and ``count`` (``law.md 4``)."""
    amount_yen, count = whole(raw, "amount_yen"), whole(raw, "count")
    unit_yen = whole(raw, "unit_yen", TAX_INSTALMENT_UNIT_YEN)
    total_unit_yen = whole(raw, "total_unit_yen", TAX_UNIT_YEN)
    require_yen(unit_yen, "unit_yen", minimum=1)
    require_yen(total_unit_yen, "total_unit_yen", minimum=1)
    amounts_yen = split(amount_yen, count, unit_yen=unit_yen, total_unit_yen=total_unit_yen)
    return InstalmentsAnswer(amount_yen, sum(amounts_yen), unit_yen, total_unit_yen, amounts_yen)


# ---- single values ----


def whole(raw: Mapping[str, str], field: str, otherwise: int | None = None) -> int:
    """整数: digits, with or without commas between thousands; ``not_whole`` otherwise."""
    text = raw.get(field, "").strip()
    if not text and otherwise is not None:
        return otherwise
    digits = text.replace(",", "")
    if not _WHOLE.fullmatch(digits) or int(digits) > AMOUNT_YEN_MAX:
        raise InvalidValueError(
            "not_whole", field=field, found=text, expected=f"0..{AMOUNT_YEN_MAX}"
        )
    return int(digits)


def day(raw: Mapping[str, str], field: str) -> date:
    """日付: ``YYYY-MM-DD`` and nothing else; ``not_a_day`` otherwise."""
    return _day(raw.get(field, "").strip(), field)


def maybe_day(raw: Mapping[str, str], field: str) -> date | None:
    """日付, or None when nothing was typed."""
    return day(raw, field) if raw.get(field, "").strip() else None


def choice(raw: Mapping[str, str], field: str, kind: type[RefundReason]) -> RefundReason | None:
    """選択肢: one of a closed list, or None when nothing was chosen; ``not_one_of`` otherwise."""
    text = raw.get(field, "")
    if not text:
        return None
    if text not in set(kind):
        raise _not_one_of(field, text, [member.value for member in kind])
    return kind(text)


def _day(text: str, field: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidValueError("not_a_day", field=field, found=text, expected=DAY_FORM)


def _rules(raw: Mapping[str, str], levy: str, due_on: date) -> LateChargeRules:
    """The rules of the levy, or those that were typed in their place."""
    months, floor_at = raw.get("low_tier_months", ""), raw.get("floor_at", "")
    if floor_at and floor_at not in set(FloorAt):
        raise _not_one_of("floor_at", floor_at, [member.value for member in FloorAt])
    rules = shipped_levies().rules(levy, due_on)
    if months:
        rules = replace(rules, low_tier_months=low_tier_months(months))
    return replace(rules, floor_at=FloorAt(floor_at)) if floor_at else rules


def _each(raw: Mapping[str, str], field: str, read: Callable[[str, str], _Value]) -> list[_Value]:
    """Every line of a field that may have several."""
    lines = raw.get(field, "").split()
    if len(lines) > LINES_MAX:
        raise InvalidValueError(
            "not_whole", field=field, found=len(lines), expected=f"0..{LINES_MAX}"
        )
    return [read(line, field) for line in lines]


def _part(text: str, field: str) -> PartPayment:
    """``2025-08-20=30000``."""
    on, _sign, amount = text.partition("=")
    return PartPayment(_day(on, field), whole({field: amount}, field))


def _period(text: str, field: str) -> LeftOut:
    """``2025-09-01/2025-10-31`` or ``2025-09-01/2025-10-31=50``."""
    span, sign, percent = text.partition("=")
    first, _slash, last = span.partition("/")
    share = whole({field: percent}, field) if sign else WHOLE
    return LeftOut(_day(first, field), _day(last, field), share)


def _not_one_of(field: str, found: str, expected: object) -> InvalidValueError:
    listed = " ".join(expected) if isinstance(expected, (list, dict)) else str(expected)
    return InvalidValueError("not_one_of", field=field, found=found, expected=listed)
