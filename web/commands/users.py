"""``kokin user``: staff (職員)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from payments.store.unit_of_work import reading, unit_of_work
from web import clock, messages
from web.accounts import lockout, second_factor, sessions, staff
from web.commands.session import MUNICIPALITY, Session, say_list, session_of
from web.duties import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = click.argument("name")
ROLE = click.option(
    "--role",
    "roles",
    type=click.Choice(ROLES),
    required=True,
    multiple=True,
    help="役割（slips 納付書担当、collection 収納担当、treasury 会計、approver 承認者、"
    "auditor 監査、admin 管理者）。兼務は何度も書きます。",
)
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
PASSWORD = click.option(
    "--password-stdin",
    is_flag=True,
    help="パスワードを標準入力から読みます（既定: 自動で作り、一度だけ表示）。",
)


@click.group()
def user() -> None:
    """職員の登録。"""


@user.command()
@NAME
@ROLE
@click.option("--display-name", default="", help="画面に出す名前。")
@PASSWORD
@MUNICIPALITY
@session_of
def add(
    session: Session,
    name: str,
    roles: tuple[str, ...],
    display_name: str,
    *,
    password_stdin: bool,
) -> None:
    """職員を登録します。"""
    password = _password(from_stdin=password_stdin)
    with unit_of_work(session.engine, session.municipality) as connection:
        staff.add(
            connection,
            session.municipality,
            name,
            roles=roles,
            display_name=display_name or name,
            password=password,
        )
        staff.record(connection, session.municipality, session.actor, "user_added", name)
    session.out.print(f"職員 {name}（{_words(roles)}）を登録しました。", markup=False)
    _tell(session, password, from_stdin=password_stdin)


@user.command("list")
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, *, as_json: bool) -> None:
    """職員の一覧。"""
    with reading(session.engine, session.municipality) as connection:
        users = staff.everybody(connection, session.municipality)
    say_list(
        session,
        users,
        lambda person: (
            f"{person.user_name}  {_words(person.roles)}  {person.display_name}"
            f"  {_state(disabled=person.disabled)}"
        ),
        as_json=as_json,
    )


@user.command()
@NAME
@MUNICIPALITY
@session_of
def disable(session: Session, name: str) -> None:
    """職員を無効にします。開いている画面もすぐに使えなくなります。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        staff.disable(connection, session.municipality, name)
        staff.record(connection, session.municipality, session.actor, "user_disabled", name)
    session.out.print(f"職員 {name} を無効にしました。", markup=False)


@user.command()
@NAME
@MUNICIPALITY
@session_of
def enable(session: Session, name: str) -> None:
    """無効にした職員を有効に戻します。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        staff.enable(connection, session.municipality, name)
        staff.record(connection, session.municipality, session.actor, "user_enabled", name)
    session.out.print(f"職員 {name} を有効に戻しました。", markup=False)


@user.command("roles")
@NAME
@ROLE
@MUNICIPALITY
@session_of
def set_roles(session: Session, name: str, roles: tuple[str, ...]) -> None:
    """役割を替えます。開いている画面は閉じられます。

    画面では、決定に関わる役割に二人の承認が要ります。この命令は、承認できる人がまだいないとき
    （管理者が一人だけのとき）に、サーバーの運用担当者が使います。操作記録に残ります。
    """
    with unit_of_work(session.engine, session.municipality) as connection:
        staff.set_roles(connection, session.municipality, name, roles, by=session.actor)
        subject = f"{name} {' '.join(roles)}"
        staff.record(connection, session.municipality, session.actor, "user_roles_changed", subject)
    session.out.print(f"職員 {name} の役割を {_words(roles)} にしました。", markup=False)


@user.command()
@NAME
@MUNICIPALITY
@session_of
def unlock(session: Session, name: str) -> None:
    """サインインの失敗が続いて待たされている職員を、すぐに試せるようにします。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        staff.one(connection, session.municipality, name)
        lockout.forget(connection, session.municipality, lockout.Subject("name", name))
        staff.record(connection, session.municipality, session.actor, "user_unlocked", name)
    session.out.print(f"職員 {name} の締め出しを解除しました。", markup=False)


@user.command()
@NAME
@click.option(
    "--second-factor",
    "factors",
    is_flag=True,
    help="二要素認証も解除します（端末も回復用コードも失くしたとき）。",
)
@MUNICIPALITY
@session_of
def reset(session: Session, name: str, *, factors: bool) -> None:
    """一度きりのパスワードにします。本人が最初のサインインで自分のものに替えます。"""
    code, new = session.municipality, staff.random_password()
    with unit_of_work(session.engine, code) as connection:
        staff.set_password(connection, code, name, new, once=True, by=session.actor)
        lockout.forget(connection, code, lockout.Subject("name", name))
        staff.record(connection, code, session.actor, "password_reset", name)
        if factors:
            second_factor.drop_all(connection, code, name)
            staff.record(connection, code, session.actor, "second_factor_dropped", name)
    session.out.print(f"職員 {name} のパスワードを再設定しました。", markup=False)
    _tell(session, new, from_stdin=False)


@user.command("sessions")
@NAME
@click.option("--end", "ending", is_flag=True, help="すべて終了します。")
@JSON
@MUNICIPALITY
@session_of
def list_sessions(session: Session, name: str, *, ending: bool, as_json: bool) -> None:
    """開いているセッションの一覧。"""
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        staff.one(connection, code, name)
        found = sessions.of_person(connection, code, name)
        if ending:
            ended = sessions.end_all(connection, code, name, by=session.actor)
            subject = f"{name} {ended}"
            staff.record(connection, code, session.actor, "sessions_ended", subject)
    say_list(
        session,
        [each for each in found if each.is_open(clock.now())],
        lambda each: (
            f"{each.session_id}  {each.made_at:%Y-%m-%d %H:%M}  {each.source}  {each.device}"
            f"{'  終了しました' if ending else ''}"
        ),
        as_json=as_json,
        empty="開いているセッションはありません。",
    )


@user.command()
@NAME
@PASSWORD
@MUNICIPALITY
@session_of
def password(session: Session, name: str, *, password_stdin: bool) -> None:
    """パスワードを変えます。開いている画面は閉じられます。"""
    new = _password(from_stdin=password_stdin)
    with unit_of_work(session.engine, session.municipality) as connection:
        staff.set_password(connection, session.municipality, name, new)
        staff.record(connection, session.municipality, session.actor, "password_changed", name)
    session.out.print(f"職員 {name} のパスワードを変えました。", markup=False)
    _tell(session, new, from_stdin=password_stdin)


def _words(roles: Iterable[str]) -> str:
    """会計・管理者."""
    return "・".join(messages.label("role", role) for role in ROLES if role in roles)


def _state(*, disabled: bool) -> str:
    """The state of somebody who may sign in."""
    return "無効" if disabled else "有効"


def _password(*, from_stdin: bool) -> str:
    """The password to set; never an argument, so that it stands in no process list."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return staff.random_password()


def _tell(session: Session, password: str, *, from_stdin: bool) -> None:
    if not from_stdin:
        session.out.print(f"パスワード（一度だけ表示）: {password}", markup=False)
