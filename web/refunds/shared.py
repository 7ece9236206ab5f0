"""還付の画面の共通部: the blueprint, and how its pages say and read values."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from payments.domain.errors import InvalidValueError
from payments.domain.overpayment import OverpaymentReason
from payments.domain.reason import REASON_MAX
from reconcile.refunds.appropriate import Consent, not_due
from reconcile.refunds.found import overpayment
from web import clock, messages
from web.refunds.words import place_words, reason_words
from web.services import services
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from sqlalchemy import Connection

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


def consent(connection: Connection, subject: str) -> Consent | None:
    """委託納付の同意 as the form has it, of instalments that its page offers; None without one."""
    named, consented_on = set(request.form.getlist("entrusted")), day("consented_on")
    if not named and consented_on is None:
        return None
    today, profile = clock.today(), services().profile
    found = overpayment(connection, profile, subject, today)
    places = frozenset(
        (each.notice_id, each.term)
        for each in not_due(connection, profile.municipality_code, found, today)
        if f"{each.notice_id}/{each.term}" in named
    )
    return Consent(consented_on or date.max, places)


def said(error: KokinError | None) -> str:
    """誤りの文; "" where there is none."""
    return messages.error(error.error_code, error.details) if error is not None else ""


def typed(error: KokinError | None) -> dict[str, str]:
    """What was typed, for a form that is shown again; never the number of an account."""
    if error is None:
        return {}
    return {name: value for name, value in request.form.items() if name != "account_no"}
