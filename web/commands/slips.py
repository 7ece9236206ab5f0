"""``kokin slips``: slips in, printed, and read (納付書)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconcile.registers import import_slips, import_vehicles
from web.commands.intake import DATE, day_or_today
from web.commands.registers import FILE, JSON, RECEIVED_ON, run_import
from web.commands.session import MUNICIPALITY, Session, fail_unless, session_of
from web.commands.slip_reading import read
from web.printing.plan import AUTO, PAGES_PER_FILE

if TYPE_CHECKING:
    from datetime import datetime


@click.group()
def slips() -> None:
    """納付書。"""


@slips.command("import")
@FILE
@RECEIVED_ON
@JSON
@MUNICIPALITY
@session_of
def import_(session: Session, file: Path, received_on: datetime | None, *, as_json: bool) -> None:
    """納付書台帳（slip-register-1）を取り込みます。誤りが一つでもあれば、何も取り込みません。"""
    run_import(session, import_slips, file, day_or_today(received_on), as_json=as_json)


@slips.group()
def vehicles() -> None:
    """軽自動車税の車両（納税証明書に印刷する標識番号と有効期限）。"""


@vehicles.command("import")
@FILE
@RECEIVED_ON
@JSON
@MUNICIPALITY
@session_of
def import_vehicles_(
    session: Session, file: Path, received_on: datetime | None, *, as_json: bool
) -> None:
    """車両台帳（vehicle-register-1）を取り込みます。誤りが一つでもあれば、何も取り込みません。

    調定を先に取り込んでください。内容が変わった行は、前の内容を残したまま新しい内容になります。
    """
    run_import(session, import_vehicles, file, day_or_today(received_on), as_json=as_json)


def _selection(command: Any) -> Any:
    """印刷の対象 as options, in the order of the help."""
    options = (
        click.option("--item", "item_code", default="", help="科目コード。"),
        click.option("--year", "levy_year", type=int, help="賦課年度。"),
        click.option("--notice", "notice_no", default="", help="通知書番号。"),
        click.option("--term", default="", help="期別（00 は全期）。"),
        click.option("--slip", "slip_no", default="", help="納付書番号。"),
        click.option("--obligor", "obligor_no", default="", help="宛名番号。"),
        click.option(
            "--kinds",
            type=click.Choice(["both", "term", "whole"]),
            default="both",
            show_default=True,
            help="期別（term）、全期（whole）、または両方。",
        ),
        click.option("--due-from", type=DATE, help="納期限がこの日から。"),
        click.option("--due-to", type=DATE, help="納期限がこの日まで。"),
        click.option("--limit", type=click.IntRange(min=1), help="枚数の上限。"),
        click.option("--with-direct-debit", is_flag=True, help="口座振替の分も印刷します。"),
        click.option("--with-collection-hold", is_flag=True, help="徴収猶予の分も印刷します。"),
        click.option(
            "--with-revoked", is_flag=True, help="職員が失効させたままの分も、新しく印刷します。"
        ),
        click.option(
            "--order",
            type=click.Choice(["postal", "notice"]),
            default="postal",
            show_default=True,
            help="郵便番号の順（postal）、または通知書番号の順（notice）。",
        ),
        click.option("--printed-too", "again", is_flag=True, help="印刷済みの分も印刷します。"),
    )
    for option in reversed(options):
        command = option(command)
    return command


@slips.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="出力フォルダ。")
@_selection
@click.option(
    "--pages-per-file",
    show_default=f"{PAGES_PER_FILE}",
    type=click.IntRange(1, 10_000),
    help="一つのPDFのページ数。",
)
@click.option(
    "--workers",
    default=os.cpu_count() or 1,
    show_default="CPUの数",
    type=click.IntRange(1, 256),
    help="同時に動かす作業の数。",
)
@click.option(
    "--read-back",
    default="",
    show_default=AUTO,
    metavar="auto|full|N",
    help="記号を画素から読み戻すページ: 枚数に応じて、全ページ、または一ファイルにNページ。",
)
@click.option(
    "--layout",
    default="",
    show_default="科目の様式",
    help="すべてをこの名前の様式で印刷します（団体設定の独自様式も）。",
)
@click.option("--resume", metavar="印刷番号", type=int, help="途中の印刷を続けます。")
@click.option(
    "--again", "again_run", metavar="印刷番号", type=int, help="済んだ印刷のPDFを作り直します。"
)
@click.option(
    "--expired-too", is_flag=True, help="続ける印刷の、支払期限を過ぎた納付書も印刷します。"
)
@click.option("--dry-run", is_flag=True, help="件数と金額を示すだけで、何も書きません。")
@click.option("--verbose", is_flag=True, help="端末でなくても進み具合を出力します。")
@JSON
@MUNICIPALITY
@session_of
def issue(session: Session, /, **options: Any) -> None:
    """納付書に番号を付けてPDFに印刷し、すべて読み戻して確かめます。

    対象は、納める金額が残り、まだ印刷していない納付書です。郵便番号の順に並べます。
    PDFのほかに manifest.csv（一枚ごとの記録）、read-back.csv（相違の一覧）、report.html と
    report.json（報告）を書きます。途中で止まっても、同じ命令で続きから始めます。
    印刷できない納付書は理由とともに除きます。一枚でも印刷できないか台帳と異なれば終了コード1です。
    """
    from web.commands.slip_issue import issue_slips  # noqa: PLC0415 - PDF library

    fail_unless(issue_slips(session, **options))


slips.add_command(read)
