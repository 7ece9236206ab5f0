"""自分の設定: password and sessions of whoever is signed in, and showing who one is once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, make_response, redirect, render_template, request, session, url_for

from payments.domain.errors import InvalidValueError
from payments.store.unit_of_work import reading, side_work
from web import clock, messages
from web.accounts import kept_form, sessions, staff
from web.accounts.record import record
from web.accounts.second_factor import factors_of
from web.accounts.steps import prove_by_code, prove_by_passkey, prove_by_password
from web.security import limiter, renew_session
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse


accounts = Blueprint("accounts", __name__, url_prefix="/staff")


@accounts.post("/sign-out")
def sign_out() -> BaseResponse:
    """Close the session."""
    code, name = services().municipality, g.user.user_name
    with side_work(services().engine, code) as connection:
        sessions.end(connection, code, name, g.staff_session.session_id, by=name)
        record(connection, "signed_out", "")
    session.clear()
    return redirect(url_for("entrance.sign_in"), 303)


@accounts.get("/me")
def mine() -> str:
    """自分の設定."""
    return _page()


@accounts.post("/me/password")
@limiter.limit("10 per minute")
def change_password() -> BaseResponse | tuple[str, int]:
    """パスワードの変更 with the one there is now; other sessions end."""
    chosen, again = (request.form.get(name, "") for name in ("password_new", "password_again"))
    code, name, current = services().municipality, g.user.user_name, g.staff_session
    if not prove_by_password(request.form.get("password", "")):
        return _page(messages.error("password_wrong")), 422
    error, token = "", ""
    with side_work(services().engine, code) as connection:
        if chosen != again:
            error = messages.error("password_differs")
        else:
            try:
                staff.set_password(connection, code, name, chosen, by=name, but=current.session_id)
            except InvalidValueError as wrong:
                error = messages.error(wrong.error_code, wrong.details)
            else:
                token = sessions.prove(connection, code, current, stands=False)
                record(connection, "password_changed", name)
    if error:
        return _page(error), 422
    renew_session(token)
    return redirect(url_for("accounts.mine", done="password"), 303)


@accounts.post("/me/sessions/end-others")
def end_others() -> BaseResponse:
    """この端末以外を終了."""
    code, name = services().municipality, g.user.user_name
    with side_work(services().engine, code) as connection:
        but = g.staff_session.session_id
        ended = sessions.end_all(connection, code, name, by=name, but=but)
        record(connection, "sessions_ended", f"{name} {ended}")
    return redirect(url_for("accounts.mine", done="sessions"), 303)


@accounts.post("/me/sessions/<session_id>/end")
def end_one(session_id: str) -> BaseResponse:
    """One other session of one's own."""
    code, name = services().municipality, g.user.user_name
    with side_work(services().engine, code) as connection:
        sessions.end(connection, code, name, session_id, by=name)
        record(connection, "sessions_ended", f"{name} 1")
    return redirect(url_for("accounts.mine", done="sessions"), 303)


@accounts.get("/prove")
def prove() -> str:
    """直前の本人確認: before what must not be done at a desk that somebody has left."""
    return _prove_page()


@accounts.post("/prove")
@limiter.limit("10 per minute")
def check_proof() -> BaseResponse | tuple[str, int]:
    """A passkey, a code, or the password of whoever has neither; then on to where it was asked."""
    code, name = services().municipality, g.user.user_name
    with reading(services().engine, code) as connection:
        found = factors_of(connection, code, name)
    answer = request.form.get("answer", "")
    if answer:
        factor, wrong = prove_by_passkey(answer), "passkey"
    elif found.any:
        factor, wrong = prove_by_code(request.form.get("code", "")), "code_wrong"
    else:
        factor, wrong = prove_by_password(request.form.get("password", "")), "password_wrong"
    if not factor:
        return _prove_page(messages.error(wrong)), 401
    if kept_form.offered(name) is not None:
        return redirect(url_for("accounts.typed"), 303)
    return redirect(_own_path(request.form.get("back", "")), 303)


@accounts.get("/typed")
def typed() -> BaseResponse:
    """先ほどの入力: what was typed before the session ran out, to be sent or thrown away."""
    kept = kept_form.offered(g.user.user_name)
    if kept is None:
        return redirect(url_for("today.show"), 303)
    response = make_response(render_template("accounts/typed.html", kept=kept))
    kept_form.forget(response)
    return response


def _page(error: str = "") -> str:
    code, name = services().municipality, g.user.user_name
    with reading(services().engine, code) as connection:
        found = sessions.of_person(connection, code, name)
        factors = factors_of(connection, code, name)
    now = clock.now()
    return render_template(
        "accounts/mine.html",
        factors=factors,
        open_sessions=[each for each in found if each.is_open(now)],
        current=g.staff_session.session_id,
        least=staff.PASSWORD_LENGTH_MIN,
        error=error,
        done=request.args.get("done", ""),
    )


def _prove_page(error: str = "") -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        factors = factors_of(connection, code, g.user.user_name)
    back = request.form.get("back") or request.args.get("back", "")
    return render_template("accounts/prove.html", factors=factors, back=back, error=error)


def _own_path(back: str) -> str:
    """A page of ours and nobody else's."""
    ours = back.startswith("/staff/") and "\\" not in back and "//" not in back
    return back if ours else url_for("accounts.mine")
