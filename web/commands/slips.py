"""``kokin slips``: slips in, printed, and read (納付書)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import text

from payments.domain.errors import ConfigurationError, NotFoundError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.registers import import_slips
from web.commands.intake import MUNICIPALITY, day_or_today
from web.commands.registers import FILE, JSON, RECEIVED_ON, run_import
from web.commands.session import Session, explain, fail_unless, say_json, session_of
from web.commands.slip_reading import read

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


@slips.command()
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="出力フォルダ。"
)
@click.option("--limit", type=click.IntRange(min=1), help="枚数の上限。")
@click.option("--item", "item_code", default="", help="科目コード。")
@click.option("--notice", "notice_no", default="", help="通知書番号。")
@click.option("--term", default="", help="期別（00 は全期）。")
@click.option("--slip", "slip_no", default="", help="納付書番号。")
@JSON
@MUNICIPALITY
@session_of
def issue(session: Session, /, out: Path, *, as_json: bool, **chosen: Any) -> None:
    """台帳の有効な納付書をPDFに印刷し、すべて読み戻して確かめます。

    PDFのほかに manifest.csv（一枚ごとの記録）と read-back.csv（相違の一覧）を書きます。
    印刷できない納付書は理由とともに除きます。一枚でも印刷できないか読み戻せなければ終了コード1です。
    """
    from web.slip_printing import Choice, print_slips, slip_pages  # noqa: PLC0415 - PDF library

    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        pages = slip_pages(connection, profile, Choice(**chosen))
        live = connection.execute(
            text("SELECT live FROM municipality WHERE municipality_code = :m"),
            {"m": session.municipality},
        ).scalar_one()
    if not pages:
        raise NotFoundError("slips_none")
    try:
        with session.progress("納付書の印刷と読み戻し", len(pages)) as progress:
            run = print_slips(pages, out, sample=not live, progress=progress)
    except OSError as error:
        raise ConfigurationError("output_unwritable", path=str(out), found=str(error)) from error
    if as_json:
        say_json({"pages": run.pages, "files": run.files,
                  "differences": [asdict(d) for d in run.differences],
                  "refused": [asdict(fault) for fault in run.refused]})  # fmt: skip
    else:
        session.out.print(f"{run.pages:,}枚を印刷し、読み戻しました: {out}", markup=False)
        for difference in run.differences:
            place = f"{difference.page}ページ {difference.slip_no} {difference.field}"
            values = f"印刷「{difference.printed}」 正「{difference.expected}」"
            session.out.print(f"相違 {place}: {values}", markup=False)
        for fault in run.refused:
            reason = explain(fault.code, {"found": fault.found})
            session.out.print(f"印刷せず {fault.slip_no} {fault.field}: {reason}", markup=False)
    fail_unless(run.good)


slips.add_command(read)
