"""計算の画面: the same calculations as the books use, for any figures, line by line.

Forms are sent by GET, so that a calculation can be printed, kept as a bookmark and repeated; what
they hold is figures and days of nobody in particular. No data of any municipality is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for

from payments.domain.errors import InvalidValueError
from web import clock, messages
from web.calc.forms import FIELDS, given, place_of
from web.calc.questions import (
    ask_due_date,
    ask_instalments,
    ask_late_charge,
    ask_refund_interest,
)
from web.calc.tables import rates_of
from web.calc.working import (
    rates_sheet,
    tell_due_date,
    tell_instalments,
    tell_late_charge,
    tell_refund_interest,
)
from web.services import services
from web.texts import calc as words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from payments.domain.rates import RateTable
    from web.calc.working import Working

FIRST = "late-charge"

calculating = Blueprint("calc", __name__, url_prefix="/staff/calc")


@calculating.get("")
def first() -> Response:
    """The calculator that is asked for most."""
    return redirect(url_for("calc.show", calculator=FIRST), 303)


@calculating.get("/<calculator>")
def show(calculator: str) -> str | tuple[str, int]:
    """One calculator: its form, and the working of what was typed."""
    if calculator not in FIELDS:
        abort(404)
    fields = FIELDS[calculator]
    # The address may say more, as the language that was switched to: that is no question.
    names = {field.name for field in fields}
    typed = {name: value for name, value in request.args.items() if name in names}
    rates = rates_of(services().settings)
    working, error = None, None
    if typed:
        try:
            working = _tell(calculator, typed, rates)
        except InvalidValueError as wrong:
            error = wrong
    values = typed or {f.name: f.otherwise for f in fields} | {"paid": f"{clock.today()}"}
    page = render_template(
        "calc/show.html",
        calculator=calculator,
        fields=fields,
        values=values,
        given=given(fields, typed) if working else [],
        asked_on=clock.today(),
        working=working,
        error=messages.error(error.error_code, error.details) if error else "",
        wrong=place_of(error, fields) if error else "",
        rates=rates_sheet(rates) if calculator in {"late-charge", "refund-interest"} else None,
        words=words,
    )
    return (page, 422) if error else page


def _tell(calculator: str, typed: Mapping[str, str], rates: RateTable) -> Working:
    """The working of one question."""
    if calculator == "late-charge":
        return tell_late_charge(ask_late_charge(typed, rates), rates)
    if calculator == "refund-interest":
        return tell_refund_interest(ask_refund_interest(typed, rates), rates)
    if calculator == "due-date":
        return tell_due_date(ask_due_date(typed))
    return tell_instalments(ask_instalments(typed))
