"""職員の管理: who works here, in which roles; for the administrators of the body.

Whatever is changed asks who one is first, ends the person's sessions where it must, and stands in
操作記録. A role that decides takes two people (:mod:`web.accounts.role_change`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for

from payments import approve
from payments.domain.errors import KokinError, RefusedError
from payments.store.municipalities import is_live
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, messages
from web.accounts import lockout, role_change, second_factor, sessions, staff
from web.accounts.record import record
from web.duties import DECIDING, ROLES, Do
from web.errors import status_of
from web.security import may, proven
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

users = Blueprint("users", __name__, url_prefix="/staff/users")


@users.get("")
@may(Do.MANAGE_USERS)
@proven
def listing() -> str:
    """職員の一覧, with a form for somebody new."""
    return _listing()


@users.post("")
@may(Do.MANAGE_USERS)
@proven
def add() -> str | tuple[str, int]:
    """職員の登録: with a password for one sign-in, shown once."""
    code = services().municipality
    name = request.form.get("user_name", "").strip()
    roles = request.form.getlist("role")
    password = staff.random_password()
    try:
        wanted = staff.known_roles(roles)
        waits = role_change.needs_second((), wanted)
        with unit_of_work(services().engine, code) as connection:
            staff.add(
                connection,
                code,
                name,
                roles=wanted,
                display_name=request.form.get("display_name", "").strip() or name,
                password=password,
                once=True,
                waiting=waits,
            )
            record(connection, "user_added", name)
            if waits:
                user = staff.one(connection, code, name)
                _ask(connection, user, roles)
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _listing(error=said, typed=request.form), status_of(error)
    return _page(name, password=password, done="added")


@users.post("/policy")
@may(Do.MANAGE_USERS)
@proven
def policy() -> BaseResponse:
    """認証の方針: a second factor from everybody, or from who wants it."""
    code, asked = services().municipality, request.form.get("second_factor") == "yes"
    with unit_of_work(services().engine, code) as connection:
        second_factor.ask_for(connection, code, asked=asked)
        record(connection, "second_factor_policy", "required" if asked else "optional")
    return redirect(url_for("users.listing"), 303)


@users.get("/<user_name>")
@may(Do.MANAGE_USERS)
@proven
def show(user_name: str) -> str:
    """一人の職員: roles, second factor, lock and sessions."""
    return _page(user_name, done=request.args.get("done", ""))


@users.post("/<user_name>/roles")
@may(Do.MANAGE_USERS)
@proven
def change_roles(user_name: str) -> BaseResponse | tuple[str, int]:
    """役割の変更: at once, or asked for."""
    code = services().municipality
    try:
        with unit_of_work(services().engine, code) as connection:
            user = staff.one(connection, code, user_name)
            approval = _ask(connection, user, request.form.getlist("role"))
    except KokinError as error:
        if error.error_code == "user":
            raise
        said = messages.error(error.error_code, error.details)
        return _page(user_name, error=said, typed=request.form.get("reason", "")), status_of(error)
    if approval is not None:
        return redirect(url_for("approvals.show", approval_id=approval.approval_id), 303)
    return _done(user_name, "roles")


@users.post("/<user_name>/disable")
@may(Do.MANAGE_USERS)
@proven
def disable(user_name: str) -> BaseResponse:
    """無効にする: sessions end, nobody signs in as them any more."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        staff.disable(connection, code, user_name, by=g.user.user_name)
        record(connection, "user_disabled", user_name)
    return _done(user_name, "disabled")


@users.post("/<user_name>/enable")
@may(Do.MANAGE_USERS)
@proven
def enable(user_name: str) -> BaseResponse:
    """有効に戻す; who decides about something comes back by two people."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        user = staff.one(connection, code, user_name)
        if not user.roles or not DECIDING.isdisjoint(user.roles):
            raise RefusedError("user_enable_two", user_name=user_name)
        staff.enable(connection, code, user_name)
        record(connection, "user_enabled", user_name)
    return _done(user_name, "enabled")


@users.post("/<user_name>/reset")
@may(Do.MANAGE_USERS)
@proven
def reset(user_name: str) -> str:
    """パスワードの再設定: one for one sign-in, shown on this page and never again."""
    code, password = services().municipality, staff.random_password()
    with unit_of_work(services().engine, code) as connection:
        by = g.user.user_name
        staff.set_password(connection, code, user_name, password, once=True, by=by)
        record(connection, "password_reset", user_name)
    return _page(user_name, password=password, done="reset")


@users.post("/<user_name>/second-factor/drop")
@may(Do.MANAGE_USERS)
@proven
def drop_factors(user_name: str) -> BaseResponse:
    """二要素認証の解除, for somebody who has lost everything; their sessions end."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        staff.one(connection, code, user_name)
        second_factor.drop_all(connection, code, user_name)
        sessions.end_all(connection, code, user_name, by=g.user.user_name)
        record(connection, "second_factor_dropped", user_name)
    return _done(user_name, "factors")


@users.post("/<user_name>/unlock")
@may(Do.MANAGE_USERS)
@proven
def unlock(user_name: str) -> BaseResponse:
    """締め出しの解除."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        staff.one(connection, code, user_name)
        lockout.forget(connection, code, lockout.Subject("name", user_name))
        record(connection, "user_unlocked", user_name)
    return _done(user_name, "unlocked")


@users.post("/<user_name>/sessions/end")
@may(Do.MANAGE_USERS)
@proven
def end_sessions(user_name: str) -> BaseResponse:
    """すべてのセッションの終了; of oneself all but this one."""
    code, me = services().municipality, g.user.user_name
    but = g.staff_session.session_id if user_name == me else ""
    with unit_of_work(services().engine, code) as connection:
        staff.one(connection, code, user_name)
        ended = sessions.end_all(connection, code, user_name, by=me, but=but)
        record(connection, "sessions_ended", f"{user_name} {ended}")
    return _done(user_name, "sessions")


def _ask(
    connection: Connection, user: staff.StaffUser, roles: list[str]
) -> approve.Approval | None:
    """A change of roles, by who is signed in."""
    code = services().municipality
    approval = role_change.change(
        connection,
        code,
        user,
        roles,
        by=g.user.user_name,
        reason=request.form.get("reason", ""),
    )
    event = "user_roles_changed" if approval is None else "user_roles_asked"
    record(connection, event, f"{user.user_name} {' '.join(roles)}")
    return approval


def _done(user_name: str, done: str) -> BaseResponse:
    return redirect(url_for("users.show", user_name=user_name, done=done), 303)


def _listing(*, error: str = "", typed: Mapping[str, str] | None = None) -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        everybody = staff.everybody(connection, code)
        factors = {
            user.user_name: second_factor.factors_of(connection, code, user.user_name)
            for user in everybody
        }
        asked = second_factor.is_asked_for(connection, code)
        live = is_live(connection, code)
        locked = _locked(connection, everybody)
    return render_template(
        "accounts/users.html",
        people=everybody,
        factors=factors,
        locked=locked,
        asked=asked,
        live=live,
        roles=ROLES,
        alone=not role_change.others_who_decide(everybody, g.user.user_name),
        error=error,
        typed=typed or {},
    )


def _locked(connection: Connection, everybody: list[staff.StaffUser]) -> set[str]:
    """The names of those who have to wait."""
    code = services().municipality
    return {
        user.user_name
        for user in everybody
        if lockout.is_locked(connection, code, lockout.Subject("name", user.user_name))
    }


def _page(
    user_name: str, *, error: str = "", password: str = "", done: str = "", typed: str = ""
) -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        person = staff.one(connection, code, user_name)
        everybody = staff.everybody(connection, code)
        found = sessions.of_person(connection, code, user_name)
        factors = second_factor.factors_of(connection, code, user_name)
        locked = _locked(connection, [person])
        waiting = [
            approval
            for approval in approve.of_subject(connection, code, role_change.KIND, user_name)
            if approval.state == approve.WAITING
        ]
    now = clock.now()
    return render_template(
        "accounts/user.html",
        person=person,
        factors=factors,
        open_sessions=[each for each in found if each.is_open(now)],
        locked=bool(locked),
        waiting=waiting,
        roles=ROLES,
        deciding=DECIDING,
        alone=not role_change.others_who_decide(everybody, g.user.user_name),
        error=error,
        password=password,
        done=done,
        reason=typed,
    )
