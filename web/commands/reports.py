"""``kokin reports``: the year's account, fees, waiting money and figures, as tables or files."""

from __future__ import annotations

import click

from payments.domain.fiscal import fiscal_year
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.day_totals import summarise
from reconcile.report.period import latest_day
from web import clock
from web.commands.session import MUNICIPALITY, Session, session_of
from web.commands.sheets import print_sheet
from web.commands.writing import write_whole
from web.reports.catalogue import REPORTS, make
from web.reports.files import document_file

YEAR = click.IntRange(2001, 2048)


@click.command()
@click.argument("report", type=click.Choice(list(REPORTS)))
@click.option("--year", type=YEAR, help="会計年度（既定: 最後に資料が届いた日の年度）。")
@click.option("--json", "form", flag_value="json", help="JSONで出力します。")
@click.option("--csv", "form", flag_value="csv", help="CSVで出力します。")
@click.option("--xlsx", "form", flag_value="xlsx", help="Excelのブックで出力します。")
@click.option("--pdf", "form", flag_value="pdf", help="印刷用のPDF（A4）で出力します。")
@click.option("--out", metavar="FILE", default="-", help="書き出すファイル。- は標準出力（既定）。")
@MUNICIPALITY
@session_of
def reports(session: Session, *, report: str, year: int | None, form: str | None, out: str) -> None:
    """報告を表示し、またはファイルに書き出します。

    year（歳入）fees（手数料）suspense（仮受・未入金）overpaid（過誤納）credits（未照合の入金）
    figures（経営の数字）。
    """
    summarise(session.engine, session.municipality)
    today = clock.today()
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        chosen = year or fiscal_year(latest_day(connection, session.municipality) or today)
        document = make(connection, profile, report, year=chosen, as_of=today)
    if form is None:
        session.out.print(f"{document.head.municipality} {document.head.title}", markup=False)
        for sheet in document.sheets:
            print_sheet(session.out, sheet)
            if sheet.note:
                session.out.print(sheet.note, markup=False)
        return
    if write_whole(document_file(document, form), out):
        session.err.print(f"書き出しました: {out}", markup=False)
