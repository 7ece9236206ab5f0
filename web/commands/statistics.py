"""``kokin statistics``: figures for statistics as Parquet files, and questions over many bodies."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click
from rich.table import Table

from payments.store.municipalities import load_profile, municipality_codes
from payments.store.unit_of_work import reading
from reconcile.report.period import day_report
from web import clock
from web.commands.intake import DATE
from web.commands.session import MUNICIPALITY, Session, say_json, session_of

DAYS_MAX = 400
FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="ファイルの置き場所（既定: 書出し先の statistics）。",
)


@click.group()
def statistics() -> None:
    """統計用の数字（Parquet）の書出しと照会。氏名・住所・番号は含みません。"""


@statistics.command("export")
@click.option("--day", type=DATE, help="会計日（既定: きのう）。")
@click.option("--until", type=DATE, help="この日まで（--day から続けて書き出すとき）。")
@click.option("--all", "everybody", is_flag=True, help="稼働中のすべての団体。")
@FOLDER
@click.option("--json", "as_json", is_flag=True, help="JSONで表示します。")
@MUNICIPALITY
@session_of
def export_(
    session: Session,
    day: datetime | None,
    until: datetime | None,
    folder: Path | None,
    *,
    everybody: bool,
    as_json: bool,
) -> None:
    """会計日の収入を科目・収納経路別に書き出します。同じ日を書き出し直すと置き換わります。

    10件未満の数は、公開データと同じ方法で伏せます。
    """
    # What writes Parquet takes a quarter of a second to load.
    from web.statistics.cells import rows_of  # noqa: PLC0415
    from web.statistics.files import write_day  # noqa: PLC0415

    first = day.date() if day else clock.today() - timedelta(days=1)
    last = until.date() if until else first
    days = (last - first).days + 1
    if not 1 <= days <= DAYS_MAX:
        raise click.BadParameter(f"1〜{DAYS_MAX}日にしてください。", param_hint="--until")
    codes = [session.municipality]
    if everybody:
        with reading(session.engine) as connection:
            codes = municipality_codes(connection)
    done = []
    with session.progress("統計", days * len(codes)) as progress:
        for code in codes:
            for each in (first + timedelta(days=number) for number in range(days)):
                with reading(session.engine, code) as connection:
                    report = day_report(connection, load_profile(connection, code), each)
                rows = rows_of(code, report)
                path = write_day(folder or session.settings.statistics_folder, code, each, rows)
                withheld = sum(row.withheld for row in rows)
                done.append({"municipality_code": code, "day": each, "file": path,
                             "rows": len(rows), "withheld": withheld})  # fmt: skip
                progress(len(done))
    if as_json:
        say_json(done)
        return
    session.out.print(f"{len(codes):,}団体、{days:,}日分を書き出しました。", markup=False)


@statistics.command()
@click.argument("question", default="months")
@FOLDER
@click.option("--json", "as_json", is_flag=True, help="JSONで表示します。")
@session_of
def query(session: Session, question: str, folder: Path | None, *, as_json: bool) -> None:
    """書き出したファイルに問い合わせます。台帳には触れません。

    QUESTION は months（月別）・bodies（団体別）・channels（収納経路別）・levies（科目別）、
    または表 collections へのSQL（DuckDB）です。伏せた数は合計に入りません。
    """
    from web.statistics.files import ask  # noqa: PLC0415

    names, rows = ask(folder or session.settings.statistics_folder, question)
    if as_json:
        say_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    table = Table(*names)
    for row in rows:
        table.add_row(*("" if value is None else f"{value}" for value in row))
    session.out.print(table)
