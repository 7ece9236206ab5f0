"""サインインの続き: the second factor, and a password of one's own, before anything else is shown.

Whoever has given the right password but not the second factor sees these pages and no others
(:data:`web.security.STEP_PAGES`). Wrong codes count as wrong passwords do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, redirect, render_template, request, url_for

from payments.domain.errors import InvalidValueError, RefusedError
from payments.store.unit_of_work import reading, side_work
from web import messages
from web.accounts import lockout, passkeys, recovery, second_factor, sessions, staff, totp
from web.accounts.record import record
from web.accounts.routes import first_page, json_answer, site
from web.security import limiter, renew_session, source
from web.services import services

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

steps = Blueprint("steps", __name__, url_prefix="/staff/sign-in")
TRIES = "10 per minute"


@steps.get("/second-factor", endpoint="second_factor")
def show_second_factor() -> str | BaseResponse:
    """二つ目の要素: a code, a passkey or a code of recovery."""
    if not _is_needed("second_factor"):
        return redirect(url_for("today.show"), 303)
    return _page()


@steps.post("/second-factor")
@limiter.limit(TRIES)
def check_second_factor() -> BaseResponse | tuple[str, int]:
    """A code of the app, or one from paper; whoever is wrong too often waits."""
    factor = prove_by_code(request.form.get("code", ""))
    return _on_or_again(factor, "code_wrong")


@steps.post("/second-factor/passkey/question")
@limiter.limit("30 per minute")
def question() -> Response:
    """パスキーの問い: what this person's passkey has to sign."""
    code = services().municipality
    with side_work(services().engine, code) as connection:
        return json_answer(passkeys.ask_to_sign(connection, code, g.user.user_name, site()))


@steps.post("/second-factor/passkey")
@limiter.limit(TRIES)
def check_passkey() -> BaseResponse | tuple[str, int]:
    """A passkey as the second factor."""
    factor = prove_by_passkey(request.form.get("answer", ""))
    return _on_or_again(factor, "passkey")


@steps.get("/new-password")
def new_password() -> str | BaseResponse:
    """自分のパスワード: in the place of one that somebody else has set."""
    if not _is_needed("new_password"):
        return redirect(url_for("today.show"), 303)
    return render_template("accounts/new_password.html", error="", least=staff.PASSWORD_LENGTH_MIN)


@steps.post("/new-password")
def set_password() -> BaseResponse | tuple[str, int]:
    """Keep it, if it is long enough, no common one, and not the one that was given."""
    chosen, again = (request.form.get(name, "") for name in ("password", "password_again"))
    code, name, current = services().municipality, g.user.user_name, g.staff_session
    error = None
    with side_work(services().engine, code) as connection:
        if chosen != again:
            error = messages.error("password_differs")
        elif staff.authenticate(connection, code, name, chosen) is not None:
            error = messages.error("password_same")
        else:
            try:
                staff.set_password(connection, code, name, chosen, by=name, but=current.session_id)
            except InvalidValueError as wrong:
                error = messages.error(wrong.error_code, wrong.details)
            else:
                token = sessions.prove(connection, code, current, done="new_password")
                record(connection, "password_changed", name)
    if error:
        page = render_template(
            "accounts/new_password.html", error=error, least=staff.PASSWORD_LENGTH_MIN
        )
        return page, 422
    renew_session(token)
    return redirect(first_page(name), 303)


def prove_by_code(code: str) -> str:
    """本人確認 by a code: the factor it is, or nothing; the session is renewed with it."""
    body, name = services().municipality, g.user.user_name
    subject = lockout.Subject("name", name)
    factor = ""
    with side_work(services().engine, body) as connection:
        locked = lockout.is_locked(connection, body, subject)
        if not locked:
            if totp.accept(connection, services().settings, body, name, code):
                factor = "totp"
            elif recovery.accept(connection, body, name, code):
                factor = "recovery"
        _count(connection, subject, factor, locked=locked)
        token = _proved(connection, factor)
    if factor:
        renew_session(token)
    return factor


def prove_by_passkey(answer: str) -> str:
    """本人確認 by a passkey: "passkey", or nothing; the session is renewed with it."""
    body, name = services().municipality, g.user.user_name
    factor = ""
    with side_work(services().engine, body) as connection:
        try:
            passkeys.accept(connection, body, name, site(), answer)
            factor = "passkey"
        except RefusedError:
            record(connection, "second_factor_failed", "passkey")
        token = _proved(connection, factor)
    if factor:
        renew_session(token)
    return factor


def prove_by_password(password: str) -> str:
    """本人確認 by the password again, counted like a sign-in.

    It stands for the next minutes only where somebody has nothing stronger to show.
    """
    body, name = services().municipality, g.user.user_name
    subjects = (lockout.Subject("name", name), lockout.Subject("from", source()))
    with side_work(services().engine, body) as connection:
        right = staff.authenticate(connection, body, name, password[: staff.PASSWORD_LENGTH_MAX])
        locked = lockout.is_locked(connection, body, *subjects)
        factor = "password" if right and not locked else ""
        _count(connection, subjects[0], factor, locked=locked)
        strong = second_factor.factors_of(connection, body, name).any
        token = _proved(connection, factor, stands=not strong)
    if factor:
        renew_session(token)
    return factor


def _count(connection: Connection, subject: lockout.Subject, factor: str, *, locked: bool) -> None:
    """A failure, or the end of failures, with what is written down about it."""
    body = services().municipality
    if factor:
        lockout.forget(connection, body, subject)
        record(connection, "identity_proved", factor)
        return
    waits = locked or lockout.failed(connection, body, subject)
    record(connection, "sign_in_locked" if waits else "second_factor_failed", "")


def _proved(connection: Connection, factor: str, *, stands: bool = True) -> str:
    """The session's new content of the cookie, when something was shown."""
    if not factor:
        return ""
    current: sessions.StaffSession = g.staff_session
    done = "second_factor" if factor != "password" else ""
    code = services().municipality
    return sessions.prove(connection, code, current, factor=factor, done=done, stands=stands)


def _is_needed(step: str) -> bool:
    current: sessions.StaffSession = g.staff_session
    return current.needs[:1] == (step,)


def _on_or_again(factor: str, wrong: str) -> BaseResponse | tuple[str, int]:
    """To the first page, or the same page again with what was wrong.

    Whoever had to take a code of recovery has perhaps lost a device: they are led to where it is
    removed, unless a password of their own is still to come.
    """
    if factor == "recovery" and not g.staff_session.needs[1:]:
        return redirect(url_for("factors.choose", done="recovery"), 303)
    if factor:
        return redirect(first_page(g.user.user_name), 303)
    return _page(messages.error(wrong)), 401


def _page(error: str = "") -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        factors = second_factor.factors_of(connection, code, g.user.user_name)
    return render_template("accounts/second_factor.html", factors=factors, error=error)
