"""サインインとサインアウト of the staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, session, url_for

from payments.store.unit_of_work import reading, unit_of_work
from web import messages
from web.accounts import staff
from web.security import begin_session, limiter, source
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

entrance = Blueprint("entrance", __name__, url_prefix="/staff")
accounts = Blueprint("accounts", __name__, url_prefix="/staff")


def _name_tried() -> str:
    """Attempts are also counted per name, wherever they come from."""
    return "name:" + request.form.get("user_name", "")[:40]


@entrance.get("/sign-in")
def sign_in() -> str:
    """The form."""
    return render_template("accounts/sign_in.html", error="", user_name="")


@entrance.post("/sign-in")
@limiter.limit("10 per minute; 50 per hour")
@limiter.limit("10 per 15 minutes", key_func=_name_tried)
def check_sign_in() -> Response | tuple[str, int]:
    """Open a session, or say the same thing whatever was wrong."""
    user_name = request.form.get("user_name", "")[:40]
    password = request.form.get("password", "")[: staff.PASSWORD_LENGTH_MAX]
    engine, code = services().engine, services().municipality
    with reading(engine, code) as connection:
        found = staff.authenticate(connection, code, user_name, password)
    event = "signed_in" if found else "sign_in_failed"
    with unit_of_work(engine, code) as connection:
        staff.record(connection, code, user_name, event, source=source())
    if found is None:
        page = render_template(
            "accounts/sign_in.html", error=messages.error("sign_in"), user_name=user_name
        )
        return page, 401
    begin_session(*found)
    return redirect(url_for("days.latest"), 303)


@accounts.post("/sign-out")
def sign_out() -> Response:
    """Close the session."""
    with unit_of_work(services().engine, services().municipality) as connection:
        staff.record(
            connection,
            services().municipality,
            g.user.user_name,
            "signed_out",
            source=source(),
        )
    session.clear()
    return redirect(url_for("entrance.sign_in"), 303)
