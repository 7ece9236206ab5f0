"""``kokin parameters``: the settings of a body, and how two people change them (団体設定)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, formatting
from web.accounts import staff
from web.admin import parameters as changes
from web.admin import toml
from web.admin.differences import change_row, differences
from web.commands.session import MUNICIPALITY, Session, say_json, say_list, session_of
from web.commands.setup import read_profile
from web.commands.signing import USER, signed

if TYPE_CHECKING:
    from datetime import datetime

    from payments.approve import Approval

FILE = click.argument("profile_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def parameters() -> None:
    """団体設定の表示と、二人で行う変更。"""


@parameters.command()
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def show(session: Session, *, as_json: bool) -> None:
    """いまの設定をTOMLで表示します。直して kokin parameters ask に渡せます。"""
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
    if as_json:
        say_json(asdict(profile))
        return
    click.echo(toml.written(profile), nl=False)


@parameters.command()
@FILE
@click.option(
    "--effective-on",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="適用日（既定: 今日）。",
)
@click.option("--reason", required=True, help="理由。")
@USER
@MUNICIPALITY
@session_of
def ask(
    session: Session,
    profile_file: Path,
    user_name: str,
    reason: str,
    effective_on: datetime | None,
) -> None:
    """変更を依頼します。別の職員が kokin approvals approve で承認すると、適用日から有効です。"""
    person = signed(session, user_name, asks=changes.KIND)
    profile = read_profile(profile_file)
    day = effective_on.date() if effective_on else clock.today()
    with unit_of_work(session.engine, session.municipality) as connection:
        before = changes.newest(connection, session.municipality).profile
        approval = changes.ask(
            connection, session.municipality, profile, changes.require_to_come(day, clock.today()),
            asked_by=person, at=clock.now(), reason=reason,
        )  # fmt: skip
        staff.record(
            connection, session.municipality, person, "parameters_asked", str(approval.approval_id)
        )
    for change in differences(asdict(before), asdict(profile)):
        place, name, old, new = change_row(change)
        session.out.print(f"  {place} {name}: {old} → {new}", markup=False)
    session.out.print(
        f"承認 {approval.approval_id} を依頼しました（適用日 {formatting.long_day(day)}）。"
        "別の職員が承認してください。"
    )


@parameters.command()
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def history(session: Session, *, as_json: bool) -> None:
    """二人で決めた変更の一覧（新しい順）。"""
    with reading(session.engine, session.municipality) as connection:
        approvals = [
            one.approval
            for one in changes.decided(connection, session.municipality)
            if one.approval is not None
        ]
    say_list(
        session,
        approvals,
        _line,
        as_json=as_json,
        data=lambda one: {
            "approval_id": one.approval_id, "effective_on": one.content["effective_on"],
            "changes": one.content["changes"], "asked_by": one.asked_by,
            "decided_by": one.decided_by, "reason": one.reason,
        },
        empty="変更はまだありません。",
    )  # fmt: skip


@parameters.command()
@MUNICIPALITY
@session_of
def apply(session: Session) -> None:
    """適用日の来た変更を有効にします。定時処理が毎日行うのと同じです。"""
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        taken = changes.take_effect_as(
            connection, code, clock.today(), actor=session.actor, source="cli"
        )
    none = "適用する変更はありません。"
    session.out.print(none if taken is None else f"承認 {taken.approval_id} の設定を適用しました。")


def _line(approval: Approval) -> str:
    """A change on one line."""
    content = approval.content
    people = f"{approval.asked_by} → {approval.decided_by}"
    return (
        f"承認 {approval.approval_id}  {content['effective_on']}から  "
        f"{len(content['changes'])}件の変更  {people}  {approval.reason}"
    )
