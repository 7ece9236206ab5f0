"""``kokin intake`` and ``kokin reconcile``: files in, and what is waiting (取込・再照合)."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconcile.day_totals import summarise
from reconcile.waiting import reconcile_waiting
from web import clock, formatting, messages
from web.commands.session import MUNICIPALITY, Session, fail_unless, say_json, session_of
from web.inbox.deliveries import Way
from web.inbox.reception import receive
from web.notifications.outlook import book_rest

if TYPE_CHECKING:
    from datetime import date, datetime

    from rich.console import Console

    from reconcile.model import FileReport, Finding, WaitingReport

DATE = click.DateTime(formats=["%Y-%m-%d"])
FINDINGS_SHOWN = 20


def day_or_today(value: datetime | None) -> date:
    """The day of an option, or today in Japan."""
    return value.date() if value else clock.today()


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--received-on", type=DATE, help="受領日（既定: 今日）。年のない日付はこの日から読みます。"
)
@click.option("--json", "as_json", is_flag=True, help="結果をJSONで出力します。")
@MUNICIPALITY
@session_of
def intake(
    session: Session, files: tuple[Path, ...], received_on: datetime | None, *, as_json: bool
) -> None:
    """届いた資料を、渡した順に取り込み、照合します。

    形式は内容から判定します。一つの資料が保留・対象外になっても、残りの資料は続けて取り込みます。
    すべて良ければ終了コード0、そうでなければ1です。
    """
    day = day_or_today(received_on)
    answers: list[dict[str, Any]] = []
    good = True
    for path in files:
        answer, accepted = _take_in_one(session, path, day, as_json=as_json)
        answers.append(answer)
        good = good and accepted
    _book_notifications(session, as_json=as_json)
    session.seal()
    if as_json:
        say_json(answers)
    fail_unless(good)


def _book_notifications(session: Session, *, as_json: bool) -> None:
    """What operators told while the files were taken in."""
    number = book_rest(session.engine, session.municipality)
    if number and not as_json:
        session.out.print(f"納付通知 {formatting.count(number)}を記帳しました。", markup=False)


def _take_in_one(
    session: Session, path: Path, day: date, *, as_json: bool
) -> tuple[dict[str, Any], bool]:
    """One file of the command; an unreadable path is an answer too, so that the others go on."""
    try:
        data = path.read_bytes()
    except OSError as error:
        if not as_json:
            sentence = messages.error("file_unreadable", {"path": str(path)})
            session.out.print(f"{sentence}（file_unreadable）")
        return {
            "name": path.name,
            "status": "unreadable",
            "reason": error.strerror or str(error),
        }, False
    with session.progress(path.name) as progress:
        report = receive(
            session.settings,
            session.engine,
            session.municipality,
            path.name,
            data,
            Way("command", session.actor),
            received_on=day,
            progress=progress,
        )
    if not as_json:
        show_report(session.out, report, hashlib.sha256(data).hexdigest())
    return report_as_json(report), report.status.is_good


def report_as_json(report: FileReport) -> dict[str, Any]:
    """取込結果 for a program."""
    return {
        "name": report.name,
        "sha256": report.sha256,
        "status": report.status.value,
        "file_id": report.file_id,
        "format": report.format_code,
        "format_label": report.label_ja,
        "channel": report.channel,
        "count": report.count,
        "amount_yen": report.amount_yen,
        "cases_opened": report.cases_opened,
        "outcomes": {code: total._asdict() for code, total in report.outcomes.items()},
        "findings": [
            {**asdict(finding), "file": report.name, "severity": finding.severity.value}
            for finding in report.findings
        ],
    }


def show_report(out: Console, report: FileReport, sha256: str = "") -> None:
    """取込結果 for a person: status, format, counts, outcomes, findings with their places."""
    status = messages.label("file_status", report.status.value)
    head = f"[{status}] {report.name}"
    if report.format_code:
        head += f"  {report.label_ja or report.format_code}"
    head += f"  {formatting.count(report.count)} {formatting.yen(report.amount_yen)}"
    out.print(head, markup=False)
    for code, total in sorted(report.outcomes.items()):
        if report.channel == "register":
            label = messages.label("register_outcome", code)
            out.print(f"    {label} {formatting.count(total.count)}", markup=False)
            continue
        line = f"    {messages.outcome(code).label}（{code}） {formatting.count(total.count)}"
        line += f" {formatting.yen(total.amount_yen)}"
        if total.applied_yen or total.suspense_yen:
            line += f"  消込 {formatting.yen(total.applied_yen)}"
            line += f" 仮受 {formatting.yen(total.suspense_yen)}"
        out.print(line, markup=False)
    for finding in report.findings[:FINDINGS_SHOWN]:
        out.print(f"    {finding_line(report.name, finding)}", markup=False)
    if len(report.findings) > FINDINGS_SHOWN:
        out.print(f"    ほか{len(report.findings) - FINDINGS_SHOWN}件の指摘", markup=False)
    if report.cases_opened:
        out.print(f"    確認事項 {formatting.count(report.cases_opened)}", markup=False)
    if not report.status.is_good and sha256:
        out.print(f"    証拠として保管しました: sha256 {sha256}", markup=False)


def finding_line(name: str, finding: Finding) -> str:
    """指摘: file, line, byte, field, found and expected in one line."""
    place = [name]
    if finding.line_no is not None:
        place.append(f"{finding.line_no}行目")
    if finding.byte_offset is not None:
        place.append(f"{finding.byte_offset}バイト目から")
    if finding.field:
        place.append(f"項目「{finding.field}」")
    text = f"{' '.join(place)}: {messages.finding(finding.code)}（{finding.code}）"
    if finding.found:
        text += f" 値「{finding.found}」"
    if finding.expected:
        text += f" 正「{finding.expected}」"
    return text


@click.command()
@click.option("--as-of", type=DATE, help="基準日（既定: 今日）。")
@click.option("--json", "as_json", is_flag=True, help="結果をJSONで出力します。")
@MUNICIPALITY
@session_of
def reconcile(session: Session, as_of: datetime | None, *, as_json: bool) -> None:
    """待っているものを照合し直します: 入金の充当、期限を過ぎた確報・入金、確認事項。"""
    day = day_or_today(as_of)
    report = reconcile_waiting(session.engine, session.municipality, as_of=day, actor=session.actor)
    summarise(session.engine, session.municipality)
    session.seal()
    if as_json:
        say_json(asdict(report))
    else:
        show_waiting(session.out, report)


def show_waiting(out: Console, report: WaitingReport) -> None:
    """再照合結果 for a person."""
    head = f"基準日 {formatting.full_day(report.as_of)}"
    out.print(f"{head}: 入金の充当 {formatting.count(report.credits_settled)}", markup=False)
    for kind, number in sorted(report.cases_opened.items()):
        text = f"    確認事項 {messages.case(kind).label}（{kind}） {formatting.count(number)}"
        out.print(text, markup=False)
