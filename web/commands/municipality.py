"""``kokin municipality``: the bodies of this installation, and 見本 or live (団体の状態)."""

from __future__ import annotations

from pathlib import Path

import click

from payments import approve
from payments.domain.errors import ConflictError
from payments.domain.reason import require_reason
from payments.store.municipalities import bodies, is_live, load_profile, set_disabled, set_live
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.accounts import staff
from web.approval_effects import LIVE, live_content
from web.commands.session import MUNICIPALITY, Session, say_json, say_list, session_of
from web.commands.setup import enter, read_profile
from web.commands.signing import USER, signed

CODE = click.argument("code")
REASON = click.option("--reason", required=True, help="理由。")


@click.group()
def municipality() -> None:
    """団体の登録・一覧・停止、見本か本番か。"""


@municipality.command()
@click.argument("profile_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@session_of
def add(session: Session, profile_file: Path) -> None:
    """団体を加えます（PROFILE_FILE は団体設定のTOML）。動いているサービスは次の照会から扱います。

    登録済みの団体の設定を改めるときは kokin init --profile を使います。
    """
    profile = read_profile(profile_file)
    with reading(session.engine) as connection:
        known = {body.code for body in bodies(connection)}
    if profile.municipality_code in known:
        raise ConflictError("municipality_exists", municipality_code=profile.municipality_code)
    enter(session, profile)
    session.out.print(
        f"団体を登録しました: {profile.municipality_code} {profile.name}", markup=False
    )


@municipality.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@session_of
def list_(session: Session, *, as_json: bool) -> None:
    """このシステムの団体の一覧。"""
    with reading(session.engine) as connection:
        found = bodies(connection)
    say_list(
        session,
        found,
        lambda body: f"{body.code}  {body.name}  {'停止中' if body.disabled else '稼働中'}",
        as_json=as_json,
        empty="団体は登録されていません。",
    )


@municipality.command()
@CODE
@REASON
@session_of
def disable(session: Session, code: str, reason: str) -> None:
    """団体を停止します: サインイン・通知の受付・照会・定時処理が止まり、台帳はそのまま残ります。"""
    _serve(session, code, reason, disabled=True)
    session.out.print(f"団体 {code} を停止しました。台帳は残っています。", markup=False)


@municipality.command()
@CODE
@REASON
@session_of
def enable(session: Session, code: str, reason: str) -> None:
    """停止した団体を再開します。"""
    _serve(session, code, reason, disabled=False)
    session.out.print(f"団体 {code} を再開しました。", markup=False)


@municipality.command()
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def show(session: Session, *, as_json: bool) -> None:
    """団体と、納付書に「見本」を印字するかどうか。"""
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        live = is_live(connection, session.municipality)
    if as_json:
        say_json(
            {"code": profile.municipality_code, "name": profile.name, "live": live,
             "profile_version": profile.version, "effective_on": profile.effective_on}
        )  # fmt: skip
        return
    state = "本番" if live else "見本（納付書に見本と印字）"
    session.out.print(f"{profile.municipality_code} {profile.name}: {state}", markup=False)


@municipality.command()
@USER
@REASON
@MUNICIPALITY
@session_of
def live(session: Session, user_name: str, reason: str) -> None:
    """本番への切替を依頼します。別の職員が kokin approvals approve で承認すると切り替わります。"""
    person = signed(session, user_name, asks=LIVE)
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        approval = approve.ask(
            connection,
            session.municipality,
            LIVE,
            f"municipality:{session.municipality}",
            live_content(profile),
            asked_by=person,
            at=clock.now(),
            reason=reason,
        )
        staff.record(connection, session.municipality, person, "live_asked", reason)
    session.out.print(f"承認 {approval.approval_id} を依頼しました。別の職員が承認してください。")


@municipality.command()
@USER
@REASON
@MUNICIPALITY
@session_of
def sample(session: Session, user_name: str, reason: str) -> None:
    """見本に戻します。これは一人でできます。"""
    reason = require_reason(reason)
    person = signed(session, user_name)
    with unit_of_work(session.engine, session.municipality) as connection:
        set_live(connection, session.municipality, live=False)
        staff.record(connection, session.municipality, person, "sample_again", reason)
    session.out.print("見本に戻しました。これから印刷する納付書には「見本」と印字します。")


def _serve(session: Session, code: str, reason: str, *, disabled: bool) -> None:
    """Serve a body or no more, with the reason in its own record."""
    reason = require_reason(reason)
    event = "body_disabled" if disabled else "body_enabled"
    with unit_of_work(session.engine, code) as connection:
        set_disabled(connection, code, disabled=disabled)
        staff.record(connection, code, session.actor, event, reason)
