"""``kokin debit``: direct debit, from the register of accounts to the results (口座振替)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from payments.holds import target_of
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.debit import batches as books
from reconcile.debit import build as building
from reconcile.debit import release as releasing
from reconcile.debit.acknowledge import acknowledge as record_answer
from reconcile.debit.answers import take_answers
from reconcile.debit.results import Outcome, outcome_of, results_of
from reconcile.debit.story import debits_of
from reconcile.model import Delivery
from web import formatting, messages
from web.accounts import staff
from web.commands.debit_accounts import accounts
from web.commands.intake import DATE
from web.commands.registers import JSON
from web.commands.session import (
    MUNICIPALITY,
    Session,
    fail_unless,
    say_json,
    say_list,
    session_of,
)
from web.commands.signing import USER, signed
from web.debits.answered import answers_data, answers_lines
from web.debits.asking import act, ask
from web.printing.folder import whole_file

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.debit.batches import Batch
    from reconcile.debit.build import BankPlan, Run

BATCH = click.argument("batch_no", metavar="BATCH", type=click.IntRange(min=1))
REASON = click.option("--reason", required=True, help="理由（記録に残ります）。")
STOPPED = click.option(
    "--stopped", default="", help="送付済みのとき: 初めの依頼を止めたと確認した銀行の相手。"
)


@click.group()
def debit() -> None:
    """口座振替: 口座の登録、依頼の作成・承認・送付、受付と結果。"""


@debit.command()
@click.option("--date", "debit_on", required=True, type=DATE, help="引落日。")
@click.option("--due-from", type=DATE, help="納期限がこの日以降のもの（既定: 引落日のものだけ）。")
@click.option("--bank", "banks", multiple=True, metavar="CODE", help="この銀行だけ（既定: すべて）")
@JSON
@MUNICIPALITY
@session_of
def build(
    session: Session,
    debit_on: datetime,
    due_from: datetime | None,
    banks: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """引落日の依頼を、銀行ごとに一度だけ作ります。

    すでにある束は作り直しません。いまの帳簿と違えば、違いを示して終了コード1で終わります。
    作り直しは kokin debit replace で、二人の承認が要ります。
    """
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        begin = due_from.date() if due_from else None
        run, built = building.build(
            connection, profile, debit_on.date(), act(session.actor), due_from_on=begin,
            banks=banks,
        )  # fmt: skip
    session.seal()
    if as_json:
        say_json({**_run_json(run), "built": [batch.batch_no for batch in built]})
    else:
        _say_run(session, run, {batch.batch_no for batch in built})
    fail_unless(all(plan.state != building.DIFFERENT for plan in run.banks))


@debit.command()
@click.option("--of", "first_on", required=True, type=DATE, help="初めの引落日。")
@click.option("--date", "debit_on", required=True, type=DATE, help="再振替の引落日。")
@click.option("--preview", is_flag=True, help="作らずに、内容と初回との差だけを示します。")
@JSON
@MUNICIPALITY
@session_of
def second(
    session: Session, first_on: datetime, debit_on: datetime, *, preview: bool, as_json: bool
) -> None:
    """再振替の依頼を作ります。初回に振替不能だったものだけを含みます。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        days = first_on.date(), debit_on.date()
        built: list[Batch] = []
        if preview:
            found = building.seconds(connection, profile, *days)
        else:
            found, built = building.build_second(connection, profile, *days, act(session.actor))
    session.seal()
    if as_json:
        say_json([
            {"bank_code": each.first.bank_code, "first": asdict(each.outcome),
             "count": len(each.choice.rows), "amount_yen": each.choice.amount_yen,
             "left": each.choice.left,
             "batch_no": next((b.batch_no for b in built if b.bank_code == each.first.bank_code),
                              None)}
            for each in found
        ])  # fmt: skip
        return
    for each in found:
        session.out.print(
            f"{each.first.bank_code}  初回 {_sum(each.outcome.requested)}  "
            f"振替済 {_sum(each.outcome.paid)}  振替不能 {_sum(each.outcome.failed)}  → "
            f"再振替 {len(each.choice.rows):,}件 {formatting.yen(each.choice.amount_yen)}",
            markup=False,
        )
        _say_left(session, each.choice.left)


@debit.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="件数。")
@JSON
@MUNICIPALITY
@session_of
def list_(session: Session, limit: int, *, as_json: bool) -> None:
    """束の一覧（引落日の新しい順）。"""
    with reading(session.engine, session.municipality) as connection:
        found = books.batches(connection, session.municipality, limit=limit)
    say_list(
        session, found, _line, as_json=as_json, data=books.as_json,
        empty="束はまだありません。kokin debit build で作ります。",
    )  # fmt: skip


@debit.command()
@BATCH
@JSON
@MUNICIPALITY
@session_of
def show(session: Session, batch_no: int, *, as_json: bool) -> None:
    """一つの束の内容、経過と結果。"""
    code = session.municipality
    with reading(session.engine, code) as connection:
        batch = books.batch_of(connection, code, batch_no)
        outcome = outcome_of(connection, code, batch)
    if as_json:
        say_json({**books.as_json(batch), "outcome": asdict(outcome)})
        return
    out = session.out
    out.print(_line(batch), markup=False)
    out.print(f"  {batch.name}  {batch.size_bytes:,}バイト  {batch.file_sha256}", markup=False)
    for event in batch.events:
        said = (
            "" if event.count is None else f" {event.count:,}件 {formatting.yen(event.amount_yen)}"
        )
        name = messages.label("debit_event", event.event)
        out.print(
            f"  {formatting.moment(event.made_at)}  {name}{said}  {event.actor}  {event.reason}",
            markup=False,
        )
    _say_outcome(session, outcome)


def _asked(
    session: Session, kind: str, batch_no: int, user_name: str, reason: str, stopped: str = ""
) -> None:
    """The first of two people, by a command."""
    person = signed(session, user_name, asks=kind)
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        approval = ask(
            connection, profile, kind, batch_no, asked_by=person, reason=reason, stopped=stopped
        )
        staff.record(connection, session.municipality, person, f"{kind}_asked", str(batch_no))
    session.seal()
    session.out.print(f"承認 {approval.approval_id} を依頼しました。別の職員が承認してください。")


@debit.command()
@BATCH
@USER
@click.option("--reason", default="内容を確認", show_default=True, help="理由。")
@MUNICIPALITY
@session_of
def release(session: Session, batch_no: int, user_name: str, reason: str) -> None:
    """束の送付を依頼します。別の職員が承認すると、ファイルを取り出せます。"""
    _asked(session, releasing.RELEASE, batch_no, user_name, reason)


@debit.command()
@BATCH
@USER
@REASON
@STOPPED
@MUNICIPALITY
@session_of
def replace(session: Session, batch_no: int, user_name: str, reason: str, stopped: str) -> None:
    """束の作り直しを依頼します（理由と二人の承認）。"""
    _asked(session, releasing.REPLACE, batch_no, user_name, reason, stopped)


@debit.command()
@BATCH
@USER
@REASON
@STOPPED
@MUNICIPALITY
@session_of
def withdraw(session: Session, batch_no: int, user_name: str, reason: str, stopped: str) -> None:
    """束の取消を依頼します（理由と二人の承認）。"""
    _asked(session, releasing.WITHDRAW, batch_no, user_name, reason, stopped)


@debit.command()
@BATCH
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="出力ファイル。"
)
@click.option("--reason", default="", help="二度目からの理由（必ず）。")
@USER
@MUNICIPALITY
@session_of
def file(session: Session, batch_no: int, out: Path, reason: str, user_name: str) -> None:
    """承認した束のファイルを取り出します。初めの取出しを送付とします。

    二度目からも同じバイト列です。銀行に二重に送らないよう、理由が要ります。
    """
    person = signed(session, user_name, asks=releasing.RELEASE)
    with (
        whole_file(out) as stream,
        unit_of_work(session.engine, session.municipality) as connection,
    ):
        profile = load_profile(connection, session.municipality)
        batch, data = releasing.send(connection, profile, batch_no, act(person), reason=reason)
        staff.record(connection, session.municipality, person, "debit_file_taken", str(batch_no))
        stream.write(data)
    session.seal()
    session.out.print(f"{out}  {batch.count:,}件 {formatting.yen(batch.amount_yen)}", markup=False)
    session.out.print(f"SHA-256 {batch.file_sha256}")


@debit.command()
@BATCH
@click.option("--count", required=True, type=click.IntRange(min=0), help="銀行の受付件数。")
@click.option("--amount", "yen", required=True, type=click.IntRange(min=0), help="受付金額（円）。")
@click.option("--note", default="", help="だれから、どのように聞いたか。")
@USER
@MUNICIPALITY
@session_of
def acknowledge(
    session: Session, batch_no: int, count: int, yen: int, note: str, user_name: str
) -> None:
    """銀行の受付を記録します。送付と異なれば確認事項を開き、終了コード1で終わります。"""
    person = signed(session, user_name, asks=releasing.RELEASE)
    with unit_of_work(session.engine, session.municipality) as connection:
        batch = record_answer(
            connection, session.municipality, batch_no, count, yen, act(person), note=note
        )
        staff.record(connection, session.municipality, person, "debit_acknowledged", str(batch_no))
    session.seal()
    session.out.print(_line(batch), markup=False)
    fail_unless(batch.state == books.ACKNOWLEDGED)


@debit.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@USER
@JSON
@MUNICIPALITY
@session_of
def answers(session: Session, file: Path, user_name: str, *, as_json: bool) -> None:
    """受付結果のファイルを取り込み、銀行ごとに送付と比べます（様式は団体設定の [debit.answers]）。

    送付と異なれば確認事項を開きます。異なるもの、束のないもの、回答のない銀行があれば、終了コード1です。
    """
    person = signed(session, user_name, asks=releasing.RELEASE)
    delivery = Delivery(file.name, file.read_bytes())
    taken = take_answers(session.engine, session.municipality, delivery, act(person))
    with unit_of_work(session.engine, session.municipality) as connection:
        staff.record(
            connection, session.municipality, person, "debit_acknowledged", f"file:{taken.file_id}"
        )
    session.seal()
    if as_json:
        say_json(answers_data(taken))
    else:
        for line in answers_lines(taken):
            session.out.print(line, markup=False)
    fail_unless(taken.good)


@debit.command()
@click.option("--date", "debit_on", required=True, type=DATE, help="引落日。")
@JSON
@MUNICIPALITY
@session_of
def results(session: Session, debit_on: datetime, *, as_json: bool) -> None:
    """銀行ごとの請求と結果（請求＝振替済＋振替不能）。そろわなければ終了コード1で終わります。"""
    code = session.municipality
    with reading(session.engine, code) as connection:
        found = [
            (batch, outcome_of(connection, code, batch), results_of(connection, code, batch))
            for batch in books.batches_on(connection, code, debit_on.date())
        ]
    if as_json:
        say_json([
            {"batch_no": batch.batch_no, "bank_code": batch.bank_code, "round": batch.round,
             **asdict(outcome), "rows": [row._asdict() for row in rows]}
            for batch, outcome, rows in found
        ])  # fmt: skip
    else:
        for batch, outcome, _ in found:
            session.out.print(_line(batch), markup=False)
            _say_outcome(session, outcome)
    fail_unless(bool(found) and all(outcome.agrees for _, outcome, _ in found))


@debit.command()
@click.argument("claim", metavar="科目/賦課年度/通知書番号/期別")
@JSON
@MUNICIPALITY
@session_of
def explain(session: Session, claim: str, *, as_json: bool) -> None:
    """この期別がどの束に入り、何が返ってきたか。"""
    with reading(session.engine, session.municipality) as connection:
        target = target_of(connection, session.municipality, claim)
        found = debits_of(connection, session.municipality, target.notice_id, target.term)
    if as_json:
        say_json([each._asdict() | {"batch": books.as_json(each.batch)} for each in found])
        return
    for each in found:
        result = messages.label("debit_result", each.result)
        session.out.print(
            f"{_line(each.batch)}  {each.row_no}行目 {formatting.yen(each.amount_yen)}  {result}",
            markup=False,
        )
    if not found:
        session.out.print("口座振替の依頼に入ったことはありません。")


debit.add_command(accounts)


def _sum(pot: tuple[int, int]) -> str:
    return f"{pot[0]:,}件 {formatting.yen(pot[1])}"


def _line(batch: Batch) -> str:
    """One batch of the list."""
    return (
        f"{batch.batch_no:>6}  {formatting.long_day(batch.debit_on)}  {batch.bank_code} "
        f"{formatting.wide(batch.head.bank_name).strip()}  "
        f"{messages.label('debit_round', str(batch.round))}  "
        f"{messages.label('debit_state', batch.state)}  {_sum((batch.count, batch.amount_yen))}"
    )


def _say_outcome(session: Session, outcome: Outcome) -> None:
    parts = (("請求", outcome.requested), ("振替済", outcome.paid), ("振替不能", outcome.failed),
             ("未着", outcome.missing), ("請求のない結果", outcome.strange))  # fmt: skip
    said = "  ".join(f"{name} {_sum(pot)}" for name, pot in parts)
    session.out.print(f"  {said}", markup=False)


def _say_left(session: Session, left: dict[str, list[int]]) -> None:
    for ground, (count, yen) in left.items():
        name = messages.label("debit_ground", ground)
        session.out.print(f"    含めない: {name} {_sum((count, yen))}", markup=False)


def _say_run(session: Session, run: Run, built: set[int]) -> None:
    for plan in run.banks:
        new = "（いま作成）" if plan.batch and plan.batch.batch_no in built else ""
        said = _sum((len(plan.choice.rows), plan.choice.amount_yen))
        name = messages.label("debit_plan", plan.state)
        session.out.print(f"{plan.bank_code}  {name}{new}  {said}", markup=False)
        if plan.batch:
            session.out.print(f"    {_line(plan.batch)}", markup=False)
        for change in plan.changes[:20]:
            session.out.print(
                f"    違い {change.notice_id}/{change.term}: "
                f"{formatting.yen(change.before_yen)} → {formatting.yen(change.after_yen)}"
                f"{'（口座の変更）' if change.account_changed else ''}",
                markup=False,
            )
        _say_left(session, plan.choice.left)
    for ground, (count, yen) in run.nowhere.items():
        name = messages.label("debit_ground", ground)
        session.out.print(f"請求できない: {name} {_sum((count, yen))}", markup=False)


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "debit_on": run.debit_on,
        "due_from_on": run.due_from_on,
        "banks": [_plan_json(plan) for plan in run.banks],
        "nowhere": run.nowhere,
    }


def _plan_json(plan: BankPlan) -> dict[str, Any]:
    return {
        "bank_code": plan.bank_code,
        "state": plan.state,
        "batch_no": plan.batch.batch_no if plan.batch else None,
        "count": len(plan.choice.rows),
        "amount_yen": plan.choice.amount_yen,
        "left": plan.choice.left,
        "changes": [change._asdict() for change in plan.changes],
    }
