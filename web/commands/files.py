"""``kokin files``: what came, its original, and trying once more (資料)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payments.domain.errors import ConfigurationError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.file_view import Wanted, list_files
from web import formatting, messages
from web.accounts import staff
from web.commands.intake import DATE, day_or_today, report_as_json, show_report
from web.commands.session import (
    MUNICIPALITY,
    Session,
    fail_unless,
    say_json,
    say_list,
    session_of,
)
from web.inbox.reception import original, retry

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.file_view import FileHead

STATES = ("accepted", "quarantined", "refused", "stopped", "received")
MOST = 200


@click.group()
def files() -> None:
    """届いた資料の一覧、原本、取り込み直し。"""


@files.command("list")
@click.option("--status", type=click.Choice(STATES), help="この状態の資料だけを示します。")
@click.option("--limit", type=click.IntRange(1), default=MOST, help="新しいものから何件まで。")
@click.option("--json", "as_json", is_flag=True, help="結果をJSONで出力します。")
@MUNICIPALITY
@session_of
def listing(session: Session, status: str | None, limit: int, *, as_json: bool) -> None:
    """届いた資料を、新しいものから示します（納付通知を除く）。"""
    with reading(session.engine, session.municipality) as connection:
        page = list_files(connection, session.municipality, Wanted(status or ""), limit=limit)
    say_list(
        session, page.files, _line, as_json=as_json, data=_data, empty="該当する資料はありません。"
    )


@files.command("retry")
@click.argument("file_ids", nargs=-1, required=True, type=click.IntRange(1))
@click.option("--received-on", type=DATE, help="受領日（既定: 今日）。")
@click.option("--json", "as_json", is_flag=True, help="結果をJSONで出力します。")
@MUNICIPALITY
@session_of
def again(
    session: Session, file_ids: tuple[int, ...], received_on: datetime | None, *, as_json: bool
) -> None:
    """保留・対象外・中止の資料を、保管したバイト列からもう一度取り込みます。

    原因（団体設定、口座など）を直したあとに使います。置かれたフォルダや宛先の検査は、人が確かめた
    ものとして繰り返しません。うまくいけば、保留の置き場の控えは除かれます。
    """
    answers, good = [], True
    for file_id in file_ids:
        report = retry(
            session.settings,
            session.engine,
            session.municipality,
            file_id,
            actor=session.actor,
            received_on=day_or_today(received_on),
        )
        _record(session, "file_retried", file_id)
        good = good and report.status.is_good
        answers.append(report_as_json(report))
        if not as_json:
            show_report(session.out, report, report.sha256)
    session.seal()
    if as_json:
        say_json(answers)
    fail_unless(good)


@files.command("get")
@click.argument("file_id", type=click.IntRange(1))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="書き出す先。あれば断ります。"
)
@MUNICIPALITY
@session_of
def get(session: Session, file_id: int, out: Path) -> None:
    """資料の原本を、届いたときのバイト列のまま書き出します。"""
    found = original(session.engine, session.municipality, file_id)
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(found.pieces)
    except OSError as error:
        raise ConfigurationError(
            "output_unwritable", path=str(out), found=error.strerror or str(error)
        ) from error
    _record(session, "file_downloaded", file_id)
    session.out.print(
        f"{out} {formatting.count(found.size_bytes, 'バイト')} sha256 {found.sha256}",
        markup=False,
    )


def _line(file: FileHead) -> str:
    """One file for a person."""
    status = messages.label("file_status", file.status)
    figures = f"{formatting.count(file.records)} {formatting.yen(file.amount_yen)}"
    findings = f" 指摘{formatting.count(file.findings)}" if file.findings else ""
    return f"{file.file_id:>6} [{status}] {file.received_on} {file.name} {figures}{findings}"


def _data(file: FileHead) -> dict[str, object]:
    """One file for a program."""
    return file._asdict()


def _record(session: Session, event: str, file_id: int) -> None:
    """操作記録: who did what with a file."""
    with unit_of_work(session.engine, session.municipality) as connection:
        staff.record(
            connection, session.municipality, session.actor, event, subject=f"file:{file_id}"
        )
