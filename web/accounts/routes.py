"""サインインとサインアウト of the staff.

A user belongs to a body, and the same name may exist in several. Where an installation has more
than one, signing in asks which: from a list, or by an address of the body's own
(``/staff/sign-in?body=99999``), which a cookie remembers. Whatever is wrong of body, name and
password gets the same answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    Response,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

from payments.store.unit_of_work import reading, unit_of_work
from web import messages
from web.accounts import staff
from web.security import begin_session, limiter, source
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from payments.store.municipalities import Body

entrance = Blueprint("entrance", __name__, url_prefix="/staff")
accounts = Blueprint("accounts", __name__, url_prefix="/staff")

REMEMBERED = "kokin-body"
REMEMBERED_SECONDS = 400 * 24 * 3600  # as long as browsers keep a cookie


def _body_tried() -> Body | None:
    """団体 that was chosen, or the only one there is; None for what is not served here."""
    code = request.form.get("body", "")
    named = next((body for body in services().bodies if body.code == code), None)
    return named or (None if code else services().sole)


def _source_tried() -> str:
    """Attempts are counted per body and source, …"""
    body = _body_tried()
    return f"{body.code if body else ''}|{source()}"


def _name_tried() -> str:
    """… and per name of a body, wherever they come from."""
    body = _body_tried()
    return f"name:{body.code if body else ''}:{request.form.get('user_name', '')[:40]}"


@entrance.get("/sign-in")
def sign_in() -> Response:
    """The form; an address of a body is remembered, so that next time nobody has to choose."""
    asked = request.args.get("body", "")
    response = make_response(_form(chosen=asked or request.cookies.get(REMEMBERED, "")))
    if asked in {body.code for body in services().bodies}:
        _remember(response, asked)
    return response


@entrance.post("/sign-in")
@limiter.limit("10 per minute; 50 per hour", key_func=_source_tried)
@limiter.limit("10 per 15 minutes", key_func=_name_tried)
def check_sign_in() -> BaseResponse | tuple[str, int]:
    """Open a session, or say the same thing whatever was wrong."""
    user_name = request.form.get("user_name", "")[:40]
    password = request.form.get("password", "")[: staff.PASSWORD_LENGTH_MAX]
    engine, body = services().engine, _body_tried()
    code = body.code if body else ""  # Nobody is in a body that there is not.
    with reading(engine, code) as connection:
        found = staff.authenticate(connection, code, user_name, password)
    if body is not None:
        event = "signed_in" if found else "sign_in_failed"
        with unit_of_work(engine, code) as connection:
            staff.record(connection, code, user_name, event, source=source())
    if found is None or body is None:
        page = _form(
            chosen=request.form.get("body", ""),
            error=messages.error("sign_in"),
            user_name=user_name,
        )
        return page, 401
    begin_session(*found, body)
    response = redirect(url_for("days.latest"), 303)
    if services().sole is None:
        _remember(response, code)
    return response


@accounts.post("/sign-out")
def sign_out() -> BaseResponse:
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


def _form(*, chosen: str, error: str = "", user_name: str = "") -> str:
    """The form with the bodies to choose from, when there is a choice."""
    return render_template(
        "accounts/sign_in.html",
        bodies=[] if services().sole else services().bodies,
        chosen=chosen,
        error=error,
        user_name=user_name,
    )


def _remember(response: BaseResponse, code: str) -> None:
    """Which body was chosen, for the next time; it opens nothing."""
    response.set_cookie(
        REMEMBERED,
        code,
        max_age=REMEMBERED_SECONDS,
        path=url_for("entrance.sign_in"),
        secure=services().settings.https,
        httponly=True,
        samesite="Lax",
    )
