"""``kokin slips reissue``, ``correct``, ``revoke``, ``show``: one slip at the counter (窓口)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from payments import issue
from payments.slip_view import slip_view
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from payments.versions import Act
from web import clock, formatting, messages
from web.commands.session import MUNICIPALITY, Session, explain, say_json, session_of

if TYPE_CHECKING:
    from rich.console import Console

    from payments.slip_view import SlipVersion, SlipView

SLIP = click.argument("slip_no")
REASON = click.option("--reason", required=True, help="理由（記録に残ります）。")
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")


@click.command()
@SLIP
@REASON
@JSON
@MUNICIPALITY
@session_of
def reissue(session: Session, slip_no: str, reason: str, *, as_json: bool) -> None:
    """納付書を再発行します。金額は、いま納めるべき残りの額です。

    元の納付書は「再発行済」になり、それで納められた場合も消し込みます。印刷は kokin slips issue
    --slip 新しい番号、共通納税への連絡は kokin slips upload-file で行います。
    """
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        issued = issue.reissue(connection, profile, slip_no, act_of(session), reason=reason)
    if as_json:
        say_json(issued._asdict())
        return
    session.out.print(
        f"再発行しました: {issued.slip_no}（第{issued.version}版） "
        f"{formatting.yen(issued.amount_yen)} 支払期限 {formatting.long_day(issued.valid_until)}",
        markup=False,
    )


@click.command()
@click.option("--item", "item_code", default="", help="科目コード。")
@click.option("--levy-year", type=click.IntRange(1900, 2999), help="賦課年度。")
@click.option("--notice", "notice_no", default="", help="通知書番号。")
@click.option("--reason", default="", help="理由（記録に残ります）。")
@JSON
@MUNICIPALITY
@session_of
def correct(
    session: Session, item_code: str, levy_year: int | None, notice_no: str, reason: str,
    *, as_json: bool,
) -> None:  # fmt: skip
    """金額が変わった納付書を、正しい金額の新しい版に替えます。

    調定が取り消された納付書と、期別で納め始めた通知書の全期の納付書は失効させます（二重納付を防ぐため）。
    納付済の納付書は変えません。印刷は kokin slips issue で行います。何度実行しても同じです。
    """
    scope = issue.CorrectionScope(item_code, levy_year, notice_no)
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        done = issue.correct(connection, profile, act_of(session), scope=scope, reason=reason)
    if as_json:
        say_json(asdict(done))
        return
    if not (done.replaced or done.cancelled or done.unusable):
        session.out.print("金額の変わった納付書はありません。")
        return
    session.out.print(
        f"更正発行 {done.replaced:,}枚  調定取消による失効 {done.cancelled:,}枚  "
        f"使えない全期の失効 {done.unusable:,}枚"
    )


@click.command()
@SLIP
@REASON
@MUNICIPALITY
@session_of
def revoke(session: Session, slip_no: str, reason: str) -> None:
    """納付書を、替わりを出さずに失効させます。"""
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        issue.revoke(connection, profile, slip_no, act_of(session), reason=reason)
    session.out.print(f"納付書 {slip_no} を失効させました。", markup=False)


@click.command()
@SLIP
@JSON
@MUNICIPALITY
@session_of
def show(session: Session, slip_no: str, *, as_json: bool) -> None:
    """納付書の版・経過・印刷・連絡と、同じものを納める別の納付書（全期と期別）。"""
    with reading(session.engine, session.municipality) as connection:
        view = slip_view(connection, session.municipality, slip_no)
    if as_json:
        say_json(asdict(view))
        return
    _show(session.out, view)


def act_of(session: Session) -> Act:
    """Who issues now."""
    return Act(session.actor, clock.now(), clock.today())


def _show(out: Console, view: SlipView) -> None:
    """A slip with its history, for a person."""
    place = (
        f"科目 {view.item_code}  {view.levy_year}年度  通知書 {view.notice_no}  期別 {view.term}"
    )
    out.print(f"{place}  納めるべき残り {formatting.yen(view.to_pay_yen)}", markup=False)
    if view.refusal:
        out.print(f"  {explain(view.refusal, {})}", markup=False)
    for version in view.versions:
        _show_version(out, version)
    for slip_no, term, amount_yen in view.alternatives:
        other = f"{slip_no} 期別 {term} {formatting.yen(amount_yen)}"
        out.print(f"どちらか一方で納める納付書: {other}", markup=False)


def _show_version(out: Console, version: SlipVersion) -> None:
    """One version and what happened to it."""
    out.print(
        f"第{version.version}版 {version.slip_no} "
        f"{messages.label('slip_state', version.state)} {formatting.yen(version.amount_yen)} "
        f"納期限 {version.due_on} 支払期限 {version.valid_until} 発行 {version.issued_on}",
        markup=False,
    )
    if version.el_number:
        out.print(f"  eL番号 {version.el_number}", markup=False)
    for event in version.events:
        kind = messages.label("slip_event", event.kind)
        reason = messages.label("slip_reason", event.reason) if event.reason else ""
        line = f"  {formatting.moment(event.happened_at)} {kind} {event.actor} {reason}"
        out.print(line.rstrip(), markup=False)
    for page in version.printed:
        state = messages.label("print_run_state", page.state)
        where = f"印刷 {page.run_id}（{state}） ファイル {page.file_no} {page.page_no}ページ"
        out.print(f"  {where}", markup=False)
    for state, upload_id in version.uploads:
        what = messages.label("upload_line_state", state)
        out.print(f"  納付書情報 {upload_id}（{what}）", markup=False)
