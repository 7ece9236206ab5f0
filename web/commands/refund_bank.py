"""``kokin refunds``: batches of refunds for the bank, and what its statement says about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain.answer import explain_place
from reconcile.refunds import another_account, bank, batches, payees, release
from reconcile.refunds.batch_events import batch_events
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.intake import DATE
from web.commands.refunds import JSON, NUMBER, REASON, do, signed_for
from web.commands.session import MUNICIPALITY, Session, say_json, say_list, session_of
from web.commands.signing import USER
from web.commands.writing import write_whole
from web.duties import Do

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.refunds.batches import Batch


@click.command()
@click.option("--on", "transfer_on", type=DATE, required=True, help="振込日。")
@click.option("--reason", default="", help="作り直す理由（その日の振込データがすでにあるとき）。")
@USER
@JSON
@MUNICIPALITY
@session_of
def batch(
    session: Session, transfer_on: datetime, reason: str, user_name: str, *, as_json: bool
) -> None:
    """その日に振り込む還付の振込データを作ります。"""

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        made = batches.build(
            connection, profile, transfer_on.date(), by=person, at=clock.now(),
            today=clock.today(), reason=reason,
        )  # fmt: skip
        return made._asdict() | {"total_yen": made.total_yen}

    do(session, user_name, Do.SEND_REFUNDS, "refund_batch_built", deed, as_json=as_json)


@click.command("batches")
@click.option(
    "--batch", "number", type=click.IntRange(min=1), help="この番号だけを、経過とともに。"
)
@JSON
@MUNICIPALITY
@session_of
def batches_(session: Session, number: int | None, *, as_json: bool) -> None:
    """振込データの一覧（新しい順）、または一つの振込データとその経過。"""
    if number is not None:
        _say_batch(session, number, as_json=as_json)
        return
    with reading(session.engine, session.municipality) as connection:
        found = batches.batches(connection, session.municipality)
    say_list(
        session,
        found,
        _line,
        as_json=as_json,
        data=_data,
        empty="振込データはありません。",
    )


def _say_batch(session: Session, number: int, *, as_json: bool) -> None:
    """One batch, who released its file and who took it, and why it was taken again."""
    code = session.municipality
    with reading(session.engine, code) as connection:
        found = batches.batch(connection, code, number)
        history = batch_events(connection, code, number)
    if as_json:
        say_json(_data(found) | {"history": [each._asdict() for each in history]})
        return
    session.out.print(_line(found), markup=False)
    for each in history:
        session.out.print(
            f"  {formatting.moment(each.made_at)}  {messages.label('batch_state', each.what)}  "
            f"{each.actor}  {each.note}",
            markup=False,
        )


def _line(each: Batch) -> str:
    return (
        f"{each.batch_no} {formatting.long_day(each.transfer_on)} {each.count}件 "
        f"{formatting.yen(each.total_yen)} {messages.label('batch_state', each.state)}"
    )


def _data(each: Batch) -> dict[str, Any]:
    return each._asdict() | {"total_yen": each.total_yen}


@click.command("release")
@NUMBER
@REASON
@USER
@JSON
@MUNICIPALITY
@session_of
def release_(session: Session, number: int, reason: str, user_name: str, *, as_json: bool) -> None:
    """振込データの引渡しを依頼します。別の職員の承認で、一度だけ送れるようになります。"""

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        asked = release.ask_release(
            connection, profile, number, asked_by=person, at=clock.now(), reason=reason
        )
        return {"approvals": [asked.approval_id]}

    do(
        session, user_name, Do.SEND_REFUNDS, "refund_batch_asked", deed, as_json=as_json,
        asks=release.KIND,
    )  # fmt: skip


@click.command("file")
@NUMBER
@click.option("--out", required=True, help="書き出す先（- は標準出力）。")
@click.option("--reason", default="", help="二度目からの理由（必ず）。")
@USER
@MUNICIPALITY
@session_of
def file_(session: Session, number: int, out: str, reason: str, user_name: str) -> None:
    """承認された振込データの全銀ファイル（21）。

    二度目からも同じバイト列です。銀行に二重に送らないよう、理由が要ります。
    """
    person = signed_for(session, user_name, Do.SEND_REFUNDS)
    code = session.municipality
    with unit_of_work(session.engine, code) as connection:
        data = release.hand_out(connection, code, number, by=person, at=clock.now(), reason=reason)
        staff.record(connection, code, person, "refund_batch_taken", str(number))
    if write_whole(data, out):
        session.out.print(f"書き出しました: {out}（{len(data):,}バイト）", markup=False)


@click.command()
@USER
@JSON
@MUNICIPALITY
@session_of
def match(session: Session, user_name: str, *, as_json: bool) -> None:
    """銀行の明細と照合します（出金と組戻し）。はっきりしないものは残します。"""

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        found = bank.match_statement(
            connection, profile, on=clock.today(), by=person, at=clock.now()
        )
        return found._asdict()

    do(session, user_name, Do.WORK_REFUNDS, "refund_bank_matched", deed, as_json=as_json)


@click.command()
@NUMBER
@click.argument("place", metavar="FILE:LINE")
@USER
@JSON
@MUNICIPALITY
@session_of
def returned(session: Session, number: int, place: str, user_name: str, *, as_json: bool) -> None:
    """明細の一行を、この還付の組戻しとします。"""

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        line = explain_place(connection, profile.municipality_code, place)
        bank.take_back(
            connection, profile, number, line, on=clock.today(), by=person, at=clock.now()
        )
        return {"refund_no": number, "state": "returned"}

    do(session, user_name, Do.WORK_REFUNDS, "refund_bank_matched", deed, as_json=as_json)


@click.command()
@NUMBER
@USER
@JSON
@MUNICIPALITY
@session_of
def payee(session: Session, number: int, user_name: str, *, as_json: bool) -> None:
    """戻ってきた還付や、口座が取り消された還付の振込先を、新しく確認された口座に改めます。"""

    def deed(connection: Connection, profile: Profile, person: str) -> dict[str, Any]:
        given = another_account.change_payee(
            connection, profile, number, by=person, at=clock.now(), on=clock.today()
        )
        found = payees.account(connection, profile.municipality_code, given)
        return {"refund_no": number, "account": found.shown}

    do(session, user_name, Do.WORK_REFUNDS, "refund_payee_changed", deed, as_json=as_json)
