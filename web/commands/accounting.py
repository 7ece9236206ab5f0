"""``kokin accounting``: revenue as the accounting system takes it in."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from payments.domain.errors import ConfigurationError, InvalidValueError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.day_totals import summarise
from reconcile.report.accounting import accounting_layout, entries, written
from reconcile.report.period import latest_day
from web import clock
from web.commands.intake import DATE
from web.commands.session import MUNICIPALITY, Session, session_of
from web.commands.writing import write_whole

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.report.accounting import AccountingLayout


@click.command()
@click.argument("layout", type=click.Path(path_type=Path))
@click.option("--from", "since", type=DATE, help="最初の会計日（既定: 最後に資料が届いた日）。")
@click.option("--to", "until", type=DATE, help="最後の会計日（既定: 最初の会計日）。")
@click.option("--out", metavar="FILE", default="-", help="書き出すファイル。- は標準出力（既定）。")
@MUNICIPALITY
@session_of
def accounting(
    session: Session, *, layout: Path, since: datetime | None, until: datetime | None, out: str
) -> None:
    """収入を款項目節・会計日・収納チャネル別に、財務会計システムへ渡すCSVに書き出します。

    列と科目の対応は様式ファイル（TOML、例: docs/layouts/accounting/sample.toml）に書きます。
    各日の合計は、その日の日計の収入と円単位で一致します。対応のない科目やチャネルがあれば、
    何も書き出さずに、その名前を示します。
    """
    shape = _layout(layout)
    summarise(session.engine, session.municipality)
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        latest = latest_day(connection, session.municipality) or clock.today()
        first = since.date() if since else latest
        rows = entries(connection, profile, first, until.date() if until else first)
    data = written(shape, rows)
    if write_whole(data, out):
        days, yen = len({row.booked_on for row in rows}), sum(row.amount_yen for row in rows)
        session.err.print(
            f"書き出しました: {out}（{days}日、{len(rows)}行、{yen:,}円）", markup=False
        )


def _layout(path: Path) -> AccountingLayout:
    """The layout of a file; ``layout_value`` for one that is no TOML, ``file_unreadable``."""
    try:
        return accounting_layout(tomllib.loads(path.read_text("utf-8")), path.name)
    except InvalidValueError:
        raise
    except OSError as error:
        raise ConfigurationError("file_unreadable", path=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(
            "layout_value", file=path.name, key="TOML", found=str(error), expected="TOML 1.0, UTF-8"
        ) from error
