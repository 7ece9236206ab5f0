"""還付の画面の共通部: the blueprint, and how its pages say and read values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from payments.domain.errors import InvalidValueError
from payments.domain.overpayment import OverpaymentReason
from payments.domain.reason import REASON_MAX
from web import messages
from web.refunds.words import place_words, reason_words
from web.services import services
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from datetime import date

    from payments.domain.errors import KokinError

refunding = Blueprint("refunds", __name__, url_prefix="/staff/refunds")


def all_words() -> dict[str, Any]:
    """What the templates say values with."""
    profile = services().profile

    def place(row: Any) -> str:
        return place_words(profile, row.item_code, row.levy_year, row.notice_no, row.term)

    def named(text: str) -> str:
        item, year, number, term = text.split("/")
        return place_words(profile, item, int(year), number, term)

    return {"place": place, "named": named, "reason": reason_words, "Reason": OverpaymentReason}


def day(name: str) -> date | None:
    """日付 of a field; None when it is empty; :class:`InvalidValueError` ``not_a_day``."""
    entry = request.form.get(name, "").strip()
    found = day_or_none(entry)
    if entry and found is None:
        raise InvalidValueError("not_a_day", field=name, found=entry, expected="YYYY-MM-DD")
    return found


def reason() -> str:
    """理由 as it was typed."""
    return request.form.get("why", "")[: REASON_MAX + 1]


def said(error: KokinError | None) -> str:
    """誤りの文; "" where there is none."""
    return messages.error(error.error_code, error.details) if error is not None else ""


def typed(error: KokinError | None) -> dict[str, str]:
    """What was typed, for a form that is shown again; never the number of an account."""
    if error is None:
        return {}
    return {name: value for name, value in request.form.items() if name != "account_no"}
