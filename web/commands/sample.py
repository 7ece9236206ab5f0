"""``kokin sample make``: a deterministic synthetic city (見本の市)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sample_data.city import generate
from web.commands.intake import DATE
from web.commands.session import Session, session_of

if TYPE_CHECKING:
    from datetime import datetime


@click.group()
def sample() -> None:
    """見本の市（すべて架空の値）。"""


@sample.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--obligors", type=click.IntRange(min=1), required=True, help="納付義務者の人数。")
@click.option("--days", type=click.IntRange(min=1), required=True, help="資料を作る営業日数。")
@click.option(
    "--seed", type=int, required=True, help="乱数の種。同じ種なら同じファイルになります。"
)
@click.option("--start", type=DATE, help="最初の日（既定: 見本の標準の日）。")
@session_of
def make(
    session: Session, out: Path, obligors: int, days: int, seed: int, start: datetime | None
) -> None:
    """調定・納付書台帳・各チャネルの資料と、正しい結果の一覧 truth.csv を OUT に作ります。"""
    with session.progress("見本の市を作成", obligors) as progress:
        summary = generate.make(
            out,
            obligors=obligors,
            days=days,
            seed=seed,
            start=start.date() if start else None,
            progress=lambda done, _total: progress(done),
        )
    numbers = f"期別 {summary.instalments:,}件 納付書 {summary.slips:,}件"
    numbers += f" 資料 {summary.files:,}件 明細 {summary.lines:,}件"
    session.out.print(f"見本の市を作りました: {out}（{numbers}）", markup=False)
