"""``kokin slips upload-file`` … ``release``: data to the hub, paper to the post (連絡・引渡し)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payments import print_runs, uploads
from payments.release import KIND
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.session import (
    MUNICIPALITY,
    Session,
    explain,
    fail_unless,
    say_json,
    say_list,
    session_of,
)
from web.commands.signing import USER, signed
from web.slip_release import ask_release
from web.slip_uploads import write_again, write_upload

if TYPE_CHECKING:
    from payments.print_runs import PrintRun
    from payments.uploads import Upload

JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
RUN = click.argument("run_id", metavar="RUN", type=click.IntRange(min=1))
REFUSALS_SHOWN = 20


@click.command("upload-file")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="出力ファイル。"
)
@click.option(
    "--again", type=click.IntRange(min=1), help="この番号の納付書情報をもう一度書きます。"
)
@JSON
@MUNICIPALITY
@session_of
def upload_file(session: Session, out: Path, again: int | None, *, as_json: bool) -> None:
    """共通納税に連絡していない発行と失効を、納付書情報（eltax-slip-upload-1）に書きます。

    --again は前に書いたものと同じバイト列を書きます。
    受付結果は kokin slips upload-accept で登録します。
    """
    if again is not None:
        upload = write_again(session.engine, session.municipality, again, out)
    else:
        with session.progress("納付書情報") as progress:
            upload = write_upload(
                session.engine, session.municipality, out, actor=session.actor, progress=progress
            )
    if as_json:
        say_json(asdict(upload) | {"state": upload.state})
        return
    session.out.print(f"納付書情報 {upload.upload_id} を書きました: {out}", markup=False)
    session.out.print(f"{upload.lines:,}行 {formatting.yen(upload.total_yen)} {upload.sha256}")


@click.command("upload-accept")
@click.argument("upload_id", metavar="UPLOAD", type=click.IntRange(min=1))
@click.option("--count", required=True, type=click.IntRange(min=0), help="受け付けられた件数。")
@click.option(
    "--amount", "amount_yen", type=click.IntRange(min=0), help="受け付けられた金額（円）。"
)
@MUNICIPALITY
@session_of
def upload_accept(session: Session, upload_id: int, count: int, amount_yen: int | None) -> None:
    """納付書情報の受付結果を登録します。件数か金額が異なれば終了コード1で、突合T9は赤のままです。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        upload = uploads.record_answer(
            connection,
            session.municipality,
            upload_id,
            count=count,
            amount_yen=amount_yen,
            actor=session.actor,
            at=clock.now(),
        )
    session.out.print(_upload_line(upload), markup=False)
    fail_unless(upload.state == "accepted")


@click.command("uploads")
@JSON
@MUNICIPALITY
@session_of
def uploads_(session: Session, *, as_json: bool) -> None:
    """納付書情報の一覧と受付結果。"""
    with reading(session.engine, session.municipality) as connection:
        found = uploads.uploads(connection, session.municipality)
    say_list(
        session,
        found,
        _upload_line,
        as_json=as_json,
        data=lambda upload: asdict(upload) | {"state": upload.state},
        empty="納付書情報はまだありません。kokin slips upload-file で作ります。",
    )


@click.command()
@JSON
@MUNICIPALITY
@session_of
def runs(session: Session, *, as_json: bool) -> None:
    """印刷の一覧（新しい順）。"""
    with reading(session.engine, session.municipality) as connection:
        found = print_runs.runs(connection, session.municipality)
    say_list(
        session,
        found,
        _run_line,
        as_json=as_json,
        empty="印刷はまだありません。kokin slips issue で印刷します。",
    )


@click.group()
def run() -> None:
    """一つの印刷。"""


@run.command("show")
@RUN
@JSON
@MUNICIPALITY
@session_of
def show(session: Session, run_id: int, *, as_json: bool) -> None:
    """一つの印刷のファイル、相違、印刷しなかった納付書。"""
    code = session.municipality
    with reading(session.engine, code) as connection:
        found = print_runs.run_of(connection, code, run_id)
        files = print_runs.files_of_run(connection, code, run_id)
        differences = print_runs.differences_of_run(connection, code, run_id)
        refused = print_runs.refusals(connection, code, run_id)
    if as_json:
        say_json({**asdict(found), "files": [asdict(file) for file in files],
                  "differences": [asdict(difference) for difference in differences],
                  "refused": [asdict(refusal) for refusal in refused]})  # fmt: skip
        return
    out = session.out
    out.print(_run_line(found), markup=False)
    out.print(f"  フォルダ {found.folder}  読み戻し {found.read_back}  {found.note}".rstrip())
    for file in files:
        name = f"{file.name or '（なし）'} {file.pages:,}ページ {file.sha256}"
        out.print(f"  {name} 相違 {file.differences:,}", markup=False)
    for at in differences:
        place = f"{at.file_no}ファイル {at.page}ページ {at.slip_no} {at.field}"
        out.print(f"  相違 {place}: 印刷「{at.printed}」 正「{at.expected}」", markup=False)
    for refusal in refused[:REFUSALS_SHOWN]:
        reason = explain(refusal.code, {"found": refusal.found})
        name = refusal.slip_no or f"{refusal.notice_no}/{refusal.term}"
        out.print(f"  印刷せず {name} {refusal.field}: {reason}", markup=False)
    if len(refused) > REFUSALS_SHOWN:
        out.print(f"  ほか {len(refused) - REFUSALS_SHOWN:,}枚（--json ですべて）")


@run.command()
@RUN
@click.option("--reason", required=True, help="理由（記録に残ります）。")
@MUNICIPALITY
@session_of
def discard(session: Session, run_id: int, reason: str) -> None:
    """印刷を破棄します。納付書の番号は残り、次の印刷で使います。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        print_runs.discard(
            connection,
            session.municipality,
            run_id,
            actor=session.actor,
            at=clock.now(),
            reason=reason,
        )
    session.out.print(f"印刷 {run_id} を破棄しました。")


@click.command()
@RUN
@USER
@click.option("--reason", default="発送", show_default=True, help="理由。")
@MUNICIPALITY
@session_of
def release(session: Session, run_id: int, user_name: str, reason: str) -> None:
    """印刷の引渡し（発送）を依頼します。別の職員の kokin approvals approve で引渡済になります。

    印刷と読み戻しが終わって相違がなく、ファイルが記録のとおりで、eL番号のある納付書がすべて
    共通納税に受け付けられている場合だけ依頼できます。
    """
    person = signed(session, user_name, asks=KIND)
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        approval = ask_release(connection, profile, run_id, asked_by=person, reason=reason)
        staff.record(connection, session.municipality, person, "release_asked", str(run_id))
    session.out.print(f"承認 {approval.approval_id} を依頼しました。別の職員が承認してください。")
    for page in approval.content["pull"]:
        where = f"ファイル {page['file_no']} {page['page_no']}ページ {page['slip_no']}"
        session.out.print(f"  抜き取ってください（差替え・失効・金額変更）: {where}", markup=False)


def _upload_line(upload: Upload) -> str:
    """One upload of the list."""
    answer = ""
    if upload.accepted_count is not None:
        yen = "" if upload.accepted_yen is None else f" {formatting.yen(upload.accepted_yen)}"
        answer = f"  受付 {upload.accepted_count:,}件{yen}"
    return (
        f"{upload.upload_id:>6}  {messages.label('upload_state', upload.state)}  "
        f"{formatting.moment(upload.made_at)}  {upload.name}  {upload.lines:,}件 "
        f"{formatting.yen(upload.total_yen)}{answer}"
    )


def _run_line(run: PrintRun) -> str:
    """One run of the list."""
    kind = "見本" if run.sample else "本番"
    return (
        f"{run.run_id:>6}  {messages.label('print_run_state', run.state)}  {kind}  "
        f"{formatting.moment(run.made_at)}  {run.actor}  {run.slips:,}枚 {run.files:,}ファイル"
    )
