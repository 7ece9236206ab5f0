"""``kokin approvals``: what two people decide (承認)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from payments import approve
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from web import formatting, messages
from web.approval_desk import decide_as, recall_as
from web.approvals.story import kind_words, subject_words, tell
from web.commands.session import MUNICIPALITY, Session, say_json, say_list, session_of
from web.commands.sheets import print_sheet
from web.commands.signing import USER, signer

if TYPE_CHECKING:
    from payments.approve import Approval

NUMBER = click.argument("number", type=click.IntRange(min=1))
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")


@click.group()
def approvals() -> None:
    """承認: 一人が依頼し、別の一人が決めます。"""


@approvals.command("list")
@click.option(
    "--state",
    type=click.Choice(("all", *approve.STATES)),
    default=approve.WAITING,
    show_default=True,
    help="状態。",
)
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, state: str, *, as_json: bool) -> None:
    """承認の一覧（既定: 承認待ち）。"""
    with reading(session.engine, session.municipality) as connection:
        found = approve.approvals(
            connection, session.municipality, state="" if state == "all" else state
        )
    say_list(
        session,
        found,
        _line,
        as_json=as_json,
        data=lambda approval: asdict(approval) | {"state": approval.state},
        empty="該当する承認はありません。",
    )


@approvals.command()
@NUMBER
@JSON
@MUNICIPALITY
@session_of
def show(session: Session, number: int, *, as_json: bool) -> None:
    """一つの承認の内容。"""
    with reading(session.engine, session.municipality) as connection:
        approval = approve.show(connection, session.municipality, number)
        if as_json:
            say_json(asdict(approval) | {"state": approval.state})
            return
        story = tell(connection, load_profile(connection, session.municipality), approval)
    out = session.out
    out.print(_line(approval), markup=False)
    out.print(f"  理由: {approval.reason}", markup=False)
    if approval.decided_by:
        decided = f"{approval.decided_by} {formatting.moment(approval.decided_at)}"
        out.print(f"  決定: {decided} {approval.note}".rstrip(), markup=False)
    for said in (story.stale, *story.warnings, *([] if approval.decision else [story.effect])):
        if said:
            out.print(f"  {said}", markup=False)
    for sheet in story.sheets:
        if sheet.rows:
            print_sheet(out, sheet)
    out.print(f"  内容のSHA-256: {approval.content_sha256}", markup=False)


@approvals.command("approve")
@NUMBER
@USER
@MUNICIPALITY
@session_of
def approve_(session: Session, number: int, user_name: str) -> None:
    """依頼を承認し、その内容を実行します。依頼した本人は承認できません。"""
    _decide(session, number, "approved", user_name, "")


@approvals.command()
@NUMBER
@USER
@click.option("--reason", required=True, help="却下の理由。")
@MUNICIPALITY
@session_of
def reject(session: Session, number: int, user_name: str, reason: str) -> None:
    """依頼を却下します。"""
    _decide(session, number, "rejected", user_name, reason)


@approvals.command()
@NUMBER
@USER
@click.option("--reason", required=True, help="取下げの理由。")
@MUNICIPALITY
@session_of
def recall(session: Session, number: int, user_name: str, reason: str) -> None:
    """自分の依頼を、決定される前に取り下げます。"""
    approval = recall_as(
        session.engine,
        session.municipality,
        number,
        person=signer(session, user_name),
        note=reason,
    )
    session.seal()
    session.out.print(_line(approval), markup=False)


def _decide(session: Session, number: int, decision: str, user_name: str, note: str) -> None:
    """Decide, do what was approved, and write down who did."""
    approval = decide_as(
        session.engine,
        session.municipality,
        number,
        decision,
        person=signer(session, user_name),
        note=note,
    )
    session.seal()
    session.out.print(_line(approval), markup=False)


def _line(approval: Approval) -> str:
    """One approval of the list."""
    return (
        f"{approval.approval_id:>6}  {messages.label('approval_state', approval.state)}  "
        f"{kind_words(approval)}  {subject_words(approval)}  "
        f"依頼 {approval.asked_by} {formatting.moment(approval.asked_at)}"
    )
