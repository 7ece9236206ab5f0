"""``kokin day show``: the report of one day (日計)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.table import Table

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from reconcile.report import day_report
from web import formatting, messages
from web.commands.intake import DATE, MUNICIPALITY
from web.commands.session import Session, fail_unless, say_json, session_of

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from reconcile.report import DayReport


@click.group()
def day() -> None:
    """一日の照合（日計）。"""


@day.command()
@click.argument("date", type=DATE)
@click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
@MUNICIPALITY
@session_of
def show(session: Session, date: datetime, *, as_json: bool) -> None:
    """一日の受領・照合結果・現金・記帳・突合を表示します。

    突合に不一致があるか、届くべき資料が届いていなければ、終了コードは1です。
    """
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        report = day_report(connection, profile, date.date())
    if as_json:
        say_json(report_as_json(report))
    else:
        _show(session.out, report)
    fail_unless(not report.differing)


def report_as_json(report: DayReport) -> dict[str, object]:
    """日計 for a program: the blocks with what they work out."""
    plain = asdict(report)
    plain["outcomes"] = [total._asdict() for total in report.outcomes]
    plain["checks"] = [{**asdict(check), "ok": check.ok} for check in report.checks]
    plain["waiting"] = [
        {"kind": kind, "count": number, "amount_yen": yen} for kind, number, yen in report.waiting
    ]
    plain["groups"] = [
        {**asdict(group), "difference_yen": group.difference_yen} for group in report.groups
    ]
    plain["cash"] = [
        {**asdict(line), "computed_yen": line.computed_yen, "ties": line.ties}
        for line in report.cash
    ]
    return plain


def _show(out: Console, report: DayReport) -> None:
    """The report as tables."""
    yen = formatting.yen
    name = f"{report.municipality_name} {formatting.full_day(report.day)}"
    out.print(f"{name}{'' if report.business_day else ' 銀行休業日'}", markup=False)
    table = _table("受領", "資料", "状態", "資料数", "件数", "金額", "速報", "確報")
    for arrival in report.arrivals:
        table.add_row(
            messages.label("format", arrival.source.format_code),
            messages.label("arrival", arrival.state),
            f"{arrival.files:,}",
            f"{arrival.count:,}",
            yen(arrival.amount_yen),
            yen(arrival.provisional[1]),
            yen(arrival.confirmed[1]),
        )
    out.print(table)
    table = _table("照合結果", "チャネル", "結果", "件数", "金額", "消込", "仮受")
    for total in report.outcomes:
        table.add_row(
            messages.label("channel", total.channel),
            messages.outcome(total.outcome).label,
            f"{total.count:,}",
            yen(total.amount_yen),
            yen(total.applied_yen),
            yen(total.suspense_yen),
        )
    out.print(table)
    table = _table("現金", "口座", "前残高", "入金", "出金", "後残高", "一致")
    for line in report.cash:
        table.add_row(
            line.account_key,
            yen(line.opening_yen),
            yen(line.credits_yen),
            yen(line.debits_yen),
            yen(line.closing_yen),
            "○" if line.ties else "×",
        )
    out.print(table)
    table = _table("突合", "項目", "左", "右", "一致")
    for check in report.checks:
        left, right = (f"{side:,}{check.unit}" for side in (check.left, check.right))
        label = f"{check.code} {messages.label('check', check.code)}"
        table.add_row(label, left, right, "○" if check.ok else "×")
    out.print(table)
    for kind, number, amount in report.waiting:
        text = f"確認事項 {messages.case(kind).label}（{kind}） {number:,}件 {yen(amount)}"
        out.print(text, markup=False)


def _table(title: str, *columns: str) -> Table:
    """A plain table, figures to the right."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        figures = number > 0 and column not in {"状態", "結果", "一致"}
        table.add_column(column, justify="right" if figures else "left")
    return table
