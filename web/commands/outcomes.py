"""``kokin outcomes export``: every line with its outcome (照合結果の書出し)."""

from __future__ import annotations

import click

from payments.store.unit_of_work import reading
from reconcile.export import write_outcomes
from web.commands.session import MUNICIPALITY, Session, session_of
from web.commands.writing import written


@click.group()
def outcomes() -> None:
    """照合結果。"""


@outcomes.command()
@click.option("--file", "sha256", metavar="SHA256", help="この資料だけを書き出します。")
@click.option("--out", required=True, metavar="FILE", help="書き出すCSV。- は標準出力。")
@MUNICIPALITY
@session_of
def export(session: Session, sha256: str | None, out: str) -> None:
    """明細ごとの照合結果を、現在の状態でCSV（UTF-8、CRLF）に書き出します。"""
    with (
        written(out) as stream,
        session.progress("照合結果の書出し") as progress,
        reading(session.engine, session.municipality) as connection,
    ):
        number = write_outcomes(
            connection, session.municipality, stream, sha256=sha256, progress=progress
        )
    if out != "-":
        session.err.print(f"{number:,}件を書き出しました: {out}", markup=False)
