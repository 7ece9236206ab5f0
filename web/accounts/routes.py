"""サインインとサインアウト of the staff.

A user belongs to a body, and the same name may exist in several. Where an installation has more
than one, signing in asks which: from a list, or by an address of the body's own
(``/staff/sign-in?body=99999``), which a cookie remembers. Whatever is wrong of body, name and
password gets the same answer, and so does whoever has to wait (:mod:`web.accounts.lockout`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    Response,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

from payments.domain.errors import RefusedError
from payments.store.unit_of_work import reading, side_work
from web import messages
from web.accounts import kept_form, lockout, oidc_settings, passkeys, second_factor, sessions, staff
from web.security import begin_session, limiter, source
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from payments.store.municipalities import Body
    from web.accounts.staff import StaffUser

entrance = Blueprint("entrance", __name__, url_prefix="/staff")

REMEMBERED = "kokin-body"
REMEMBERED_SECONDS = 400 * 24 * 3600  # as long as browsers keep a cookie


def body_tried() -> Body | None:
    """団体 that was chosen, or the only one there is; None for what is not served here."""
    code = request.form.get("body", "")
    named = next((body for body in services().bodies if body.code == code), None)
    return named or (None if code else services().sole)


def _source_tried() -> str:
    """Attempts are counted per body and source, …"""
    body = body_tried()
    return f"{body.code if body else ''}|{source()}"


def _name_tried() -> str:
    """… and per name of a body, wherever they come from."""
    body = body_tried()
    return f"name:{body.code if body else ''}:{request.form.get('user_name', '')[:40]}"


@entrance.get("/sign-in")
def sign_in() -> Response:
    """The form; an address of a body is remembered, so that next time nobody has to choose."""
    asked = request.args.get("body", "")
    chosen = asked or request.cookies.get(REMEMBERED, "")
    response = make_response(sign_in_page(chosen=chosen, ended=session.pop("run_out", False)))
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
    engine, body = services().engine, body_tried()
    code = body.code if body else ""  # Nobody is in a body that there is not.
    subjects = (lockout.Subject("name", user_name), lockout.Subject("from", source()))
    with reading(engine, code) as connection:
        found = staff.authenticate(connection, code, user_name, password)
        locked = lockout.is_locked(connection, code, *subjects)
    if locked:
        found = None
    if body is not None and found is None:
        with side_work(engine, code) as connection:
            # What is typed while one has to wait says nothing, and makes it no longer.
            waits = locked or lockout.failed(connection, code, *subjects)
            event = "sign_in_locked" if waits else "sign_in_failed"
            staff.record(connection, code, user_name, event, source=source())
    if found is None or body is None:
        page = sign_in_page(
            chosen=request.form.get("body", ""),
            error=messages.error("sign_in"),
            user_name=user_name,
        )
        return page, 401
    return open_session(found, body, ("password",), forget=subjects)


@entrance.post("/sign-in/passkey/question")
@limiter.limit("30 per minute", key_func=_source_tried)
def passkey_question() -> Response | tuple[str, int]:
    """パスキーだけのサインイン: what a passkey of this body has to sign."""
    body = body_tried()
    if body is None:
        raise RefusedError("sign_in_body")
    with side_work(services().engine, body.code) as connection:
        return json_answer(passkeys.ask_to_sign(connection, body.code, "", site()))


@entrance.post("/sign-in/passkey")
@limiter.limit("10 per minute; 50 per hour", key_func=_source_tried)
def passkey_sign_in() -> BaseResponse | tuple[str, int]:
    """Open a session for whoever's passkey has signed."""
    body = body_tried()
    code = body.code if body else ""
    found = None
    if body is not None:
        with side_work(services().engine, code) as connection:
            try:
                name = passkeys.accept(connection, code, "", site(), request.form.get("answer", ""))
                found = staff.entitled(connection, code, name)
            except RefusedError:
                staff.record(connection, code, "", "sign_in_failed", "passkey", source())
    if found is None or body is None:
        page = sign_in_page(chosen=request.form.get("body", ""), error=messages.error("passkey"))
        return page, 401
    return open_session(found, body, ("passkey",))


def open_session(
    user: StaffUser,
    body: Body,
    factors: tuple[str, ...],
    *,
    forget: tuple[lockout.Subject, ...] = (),
) -> BaseResponse:
    """サインイン: a session for who has shown ``factors``, and the first page they get.

    Where something is still missing they are led to it. ``forget``: their failures are over, unless
    a second factor is still to come.
    """
    with side_work(services().engine, body.code) as connection:
        needs = second_factor.needs_of(connection, body.code, user, factors)
        device = sessions.device_words(request.headers.get("User-Agent", ""))
        how = sessions.SignIn(factors, needs, source(), device)
        token = sessions.begin(connection, body.code, user.user_name, how)
        if "second_factor" not in needs:
            lockout.forget(connection, body.code, *forget)
        staff.record(
            connection, body.code, user.user_name, "signed_in", " ".join(factors), source()
        )
    begin_session(token, body)
    services().enter(body.code)
    response = redirect(first_page(user.user_name), 303)
    if services().sole is None:
        _remember(response, body.code)
    return response


def first_page(user_name: str) -> str:
    """Where somebody goes who has just signed in: to what they had typed before, or to the day."""
    if kept_form.offered(user_name) is not None:
        return url_for("accounts.typed")
    return url_for("today.show")


def site() -> passkeys.Site:
    """The address of our pages, as passkeys know it."""
    return passkeys.Site(request.host.partition(":")[0], request.host_url.rstrip("/"))


def json_answer(text: str) -> Response:
    """What a page's script reads."""
    return Response(text, content_type="application/json; charset=utf-8")


def sign_in_page(*, chosen: str, error: str = "", user_name: str = "", ended: bool = False) -> str:
    """The form with the bodies to choose from, when there is a choice; why one is here again."""
    bodies = [] if services().sole else services().bodies
    return render_template(
        "accounts/sign_in.html",
        bodies=bodies,
        chosen=chosen,
        error=error,
        user_name=user_name,
        ended=ended,
        providers=oidc_settings.offered(services().settings.oidc, services().bodies),
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
