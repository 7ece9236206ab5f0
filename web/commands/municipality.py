"""``kokin municipality``: 見本 or live (団体の状態)."""

from __future__ import annotations

import click

from payments import approve
from payments.domain.reason import require_reason
from payments.store.municipalities import is_live, load_profile, set_live
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.accounts import staff
from web.approval_effects import LIVE, live_content
from web.commands.session import MUNICIPALITY, Session, say_json, session_of
from web.commands.signing import USER, signed

REASON = click.option("--reason", required=True, help="理由。")


@click.group()
def municipality() -> None:
    """団体の状態: 見本か本番か。"""


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
