"""日計の画面: the treasury's page of one day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, redirect, render_template, request, url_for

from payments.domain.calendars import FIRST_YEAR, LAST_YEAR
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.report import day_report, latest_day
from web import messages
from web.accounts import staff
from web.days.nil_reports import enter_nil_report
from web.security import roles, source
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

days = Blueprint("days", __name__, url_prefix="/staff")


@days.get("/")
def latest() -> Response | str:
    """The last day on which anything came, or a page that says what to do first."""
    with reading(services().engine, services().municipality) as connection:
        day = latest_day(connection, services().municipality)
    if day is None:
        return render_template("days/nothing.html")
    return redirect(url_for("days.show", day=day.isoformat()), 303)


@days.get("/days")
def choose() -> Response:
    """Go to the day of the date field."""
    day = _day(request.args.get("day", ""))
    return redirect(url_for("days.show", day=day.isoformat()), 303)


@days.get("/days/<day>")
def show(day: str) -> str:
    """Everything about one day."""
    with reading(services().engine, services().municipality) as connection:
        report = day_report(connection, services().profile, _day(day))
    return render_template("days/show.html", report=report, messages=messages)


@days.post("/days/<day>/nil-reports")
@roles("treasury", "tax", "admin")
def nil_report(day: str) -> Response:
    """該当なし: a person says that a source had nothing on the day."""
    due_on = _day(day)
    agent = request.form.get("agent", "")
    with unit_of_work(services().engine, services().municipality) as connection:
        enter_nil_report(
            connection,
            services().profile,
            agent,
            due_on,
            entered_by=g.user.user_name,
            note=request.form.get("note", ""),
        )
        staff.record(
            connection,
            services().municipality,
            g.user.user_name,
            "nil_report",
            f"{agent} {due_on}",
            source(),
        )
    return redirect(url_for("days.show", day=due_on.isoformat()) + "#arrivals", 303)


def _day(value: str) -> date:
    """A day of the address; anything else is not found."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        abort(404)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        abort(404)
    return day
