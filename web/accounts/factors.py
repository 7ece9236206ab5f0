"""二要素認証の登録: the authenticator app, passkeys and codes of recovery of whoever is signed in.

Who has to enrol is led here at sign-in; otherwise everything asks who one is first
(:func:`web.security.proven`). With the first factor come the codes of recovery, shown once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from markupsafe import Markup

from payments.domain.errors import RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, side_work
from web import messages
from web.accounts import passkeys, recovery, second_factor, sessions, totp
from web.accounts.record import record
from web.accounts.routes import first_page, json_answer, site
from web.accounts.second_factor import factors_of, is_required
from web.language import translate as _
from web.notifications.sealed_secrets import digest
from web.security import limiter, proven, renew_session
from web.services import services

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

factors = Blueprint("factors", __name__, url_prefix="/staff/me")


@factors.get("/second-factor")
@proven
def choose() -> str:
    """登録の案内: which factors there are, and which one has."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        found = factors_of(connection, code, g.user.user_name)
        required = is_required(connection, code)
    return render_template(
        "accounts/factors.html",
        factors=found,
        required=required,
        enrolling="enrol" in g.staff_session.needs,
        codes=recovery.CODES,
        done=request.args.get("done", ""),
        onward=first_page(g.user.user_name),
        label_max=passkeys.LABEL_MAX,
    )


@factors.get("/authenticator")
@proven
def authenticator() -> str:
    """認証アプリの登録: the code to scan, and its letters to type."""
    return _authenticator_page()


@factors.post("/authenticator")
@proven
@limiter.limit("10 per minute")
def confirm_authenticator() -> BaseResponse | str | tuple[str, int]:
    """The app shows that it has the secret; it is in force from now on."""
    code, name = services().municipality, g.user.user_name
    with side_work(services().engine, code) as connection:
        if not totp.accept(
            connection,
            services().settings,
            code,
            name,
            request.form.get("code", ""),
            enrolling=True,
        ):
            wrong = True
        else:
            wrong = False
            made = _enrolled(connection, "totp")
    if wrong:
        return _authenticator_page(messages.error("code_wrong")), 422
    return _after(made)


@factors.post("/authenticator/remove")
@proven
def remove_authenticator() -> BaseResponse:
    """認証アプリの解除."""
    code, name = services().municipality, g.user.user_name
    with side_work(services().engine, code) as connection:
        totp.drop(connection, code, name)
        _changed(connection, "totp_removed")
    return redirect(url_for("factors.choose", done="authenticator"), 303)


@factors.post("/passkeys/question")
@proven
@limiter.limit("30 per minute")
def question() -> Response:
    """パスキーの登録の問い, for the page's script."""
    code = services().municipality
    with side_work(services().engine, code) as connection:
        options = passkeys.ask_to_register(
            connection, code, g.user, site(), _handle(code, g.user.user_name)
        )
    return json_answer(options)


@factors.post("/passkeys")
@proven
def register_passkey() -> BaseResponse | str:
    """パスキーの登録."""
    code, name = services().municipality, g.user.user_name
    refused = False
    with side_work(services().engine, code) as connection:
        try:
            passkeys.register(
                connection,
                code,
                name,
                site(),
                answer=request.form.get("answer", ""),
                label=request.form.get("label", ""),
            )
        except RefusedError:
            refused = True  # The question is answered all the same.
        else:
            made = _enrolled(connection, "passkey")
    if refused:
        raise RefusedError("passkey")
    return _after(made)


@factors.post("/passkeys/<passkey_id>/remove")
@proven
def remove_passkey(passkey_id: str) -> BaseResponse:
    """パスキーの解除."""
    code, name = services().municipality, g.user.user_name
    with side_work(services().engine, code) as connection:
        found = passkeys.find(connection, code, name, passkey_id)
        passkeys.drop(connection, code, name, found.credential_id)
        _changed(connection, "passkey_removed", found.label)
    return redirect(url_for("factors.choose", done="passkey"), 303)


@factors.post("/recovery-codes")
@proven
def make_recovery_codes() -> str:
    """回復用コードの作り直し: shown on this page and never again."""
    code, name = services().municipality, g.user.user_name
    with side_work(services().engine, code) as connection:
        made = recovery.make(connection, code, name)
        record(connection, "recovery_codes_made", name)
    return _codes_page(made)


def _enrolled(connection: Connection, factor: str) -> list[str]:
    """A factor is there: the session has shown it; new codes of recovery when there are none."""
    code, name = services().municipality, g.user.user_name
    current: sessions.StaffSession = g.staff_session
    token = sessions.prove(connection, code, current, factor=factor, done="enrol")
    record(connection, f"{factor}_added", name)
    renew_session(token)
    if recovery.left(connection, code, name):
        return []
    return recovery.make(connection, code, name)


def _after(made: list[str]) -> BaseResponse | str:
    """The codes of recovery when they are new, else back to the overview."""
    return _codes_page(made) if made else redirect(url_for("factors.choose"), 303)


def _changed(connection: Connection, event: str, subject: str = "") -> None:
    """A factor is gone: written down; the codes of recovery go with the last of them."""
    code, name = services().municipality, g.user.user_name
    if not factors_of(connection, code, name).any:
        if second_factor.is_required(connection, code):
            raise RefusedError("second_factor_last")
        recovery.drop(connection, code, name)
    record(connection, event, subject or name)
    renew_session(sessions.prove(connection, code, g.staff_session))


def _authenticator_page(error: str = "") -> str:
    code, name = services().municipality, g.user.user_name
    with side_work(services().engine, code) as connection:
        if totp.is_enrolled(connection, code, name):
            raise RefusedError("totp_there")
        secret = totp.begin(connection, services().settings, code, name)
        issuer = f"公金 {load_profile(connection, code).name}"
    drawn = totp.drawing(secret, user_name=name, issuer=issuer, title=_("登録用の二次元コード"))
    return render_template(
        "accounts/authenticator.html",
        # segno wrote it and escapes what it is given.
        drawing=Markup(drawn),  # noqa: S704
        letters=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        error=error,
    )


def _codes_page(made: list[str]) -> str:
    return render_template(
        "accounts/recovery_codes.html", codes=made, onward=first_page(g.user.user_name)
    )


def _handle(code: str, user_name: str) -> bytes:
    """What a device knows a person by: always the same, and no name (WebAuthn 14.6.1)."""
    return digest(services().settings, f"passkey {code} {user_name}")
