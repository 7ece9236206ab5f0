"""``kokin day``: the report of a day, a month or a year, and closing them (日計・締め)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from payments.domain.errors import InvalidValueError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close, day_copies
from reconcile.closures import kept_report
from reconcile.day_totals import summarise
from reconcile.report.period import month_report
from web import clock, formatting, messages
from web.accounts import staff
from web.commands.intake import DATE
from web.commands.session import MUNICIPALITY, Session, fail_unless, session_of
from web.commands.signing import USER, signed
from web.commands.writing import write_whole
from web.days.copies import keep_shown
from web.days.exports import FORMATS, export
from web.days.text import as_text, print_report
from web.notifications.outlook import book_rest, require_booked, waiting
from web.typed_days import moment_of, past_moment

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from reconcile.closures import Closure
    from reconcile.report.period import DayReport

YEAR = click.IntRange(2000, 2049)
MONTH = click.DateTime(formats=["%Y-%m"])
SUBJECT = click.argument("date", type=DATE, required=False)
_UNSURE = (
    "（前の値を残し始める前の時点です。待っている件、該当なし報告、納付書と資料と払込の状態は、"
    "残し始めたときのものです）"
)
_DIFFERS = "ただし、{moment} に表示した控えとは異なります。"
OF_YEAR = click.option("--year", type=YEAR, help="日ではなく、この会計年度について。")


@click.group()
def day() -> None:
    """一日・一月・一年の照合（日計）と締め。"""


@day.command()
@click.argument("date", type=DATE, required=False)
@click.option("--month", type=MONTH, help="一日ではなく、この月（YYYY-MM）の月計。")
@click.option("--year", type=YEAR, help="一日ではなく、この会計年度。")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="出力の形式。",
)
@click.option(
    "--closure", type=int, help="この締め番号で締めたときのまま（後で取り消した締めも）。"
)
@click.option(
    "--as-of",
    "at",
    type=click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="この時点の日計（日本時間。日だけなら、その日の終わり）。",
)
@click.option("--json", "as_json", is_flag=True, help="--format json と同じです。")
@click.option("--out", metavar="FILE", help="書き出すファイル。- は標準出力（既定）。")
@MUNICIPALITY
@session_of
def show(
    session: Session,
    /,
    *,
    form: str,
    closure: int | None,
    at: datetime | None,
    as_json: bool,
    out: str | None,
    **period: Any,
) -> None:
    """受領・照合結果・収入・現金・突合を表示します。締めた日は、締めたときのまま表示します。

    --as-of は、過去のどの時点の日計も、そのとき表示したとおりに作り直します。表示したものは控えにも
    残り、作り直したものと比べます。

    突合に不一致があるか、届くべき資料が届いていなければ、終了コードは1です。
    """
    summarise(session.engine, session.municipality)
    with reading(session.engine, session.municipality) as connection:
        report, kept = _report(connection, session.municipality, **period)
        if closure is not None:
            report, kept = kept_report(connection, session.municipality, closure, report.day)
        elif at is not None:
            moment = past_moment(moment_of(at))
            then = day_copies.as_of(connection, session.municipality, report.day, moment)
            report, kept = then.report, then.closure
            said = "" if then.exact else _UNSURE
            session.err.print(f"{formatting.moment(then.made_at)} の日計です{said}。", markup=False)
            if then.copied is not None and not then.copied.agrees:
                shown = formatting.moment(then.copied.made_at)
                session.err.print(_DIFFERS.format(moment=shown), markup=False)
    if closure is None and at is None:
        keep_shown(session.engine, report, kept, session.actor)
    if as_json:
        form = "json"
    if form == "text" and out in {None, "-"}:
        print_report(session.out, report, kept)
        _show_waiting(session, report)
    else:
        data = as_text(report, kept) if form == "text" else export(report, kept, form)
        _write(session, data, out)
    fail_unless(not report.differing)


@day.command()
@SUBJECT
@OF_YEAR
@USER
@click.option("--reason", default="", help="締めの理由（差異があっても締めるときは必ず）。")
@click.option("--despite", is_flag=True, help="未着の資料や不一致があっても締めます。")
@MUNICIPALITY
@session_of
def close(
    session: Session,
    *,
    date: datetime | None,
    year: int | None,
    user_name: str,
    reason: str,
    despite: bool,
) -> None:
    """締めの承認を依頼します。別の職員が kokin approvals approve で承認すると締まります。"""
    kind, subject = _subject(date, year, day_close.CLOSE, day_close.YEAR_CLOSE)
    _ask(session, kind, subject, user_name, reason, despite=despite)


@day.command()
@SUBJECT
@OF_YEAR
@USER
@click.option("--reason", required=True, help="締めを取り消す理由。")
@MUNICIPALITY
@session_of
def reopen(
    session: Session,
    *,
    date: datetime | None,
    year: int | None,
    user_name: str,
    reason: str,
) -> None:
    """締めの取消の承認を依頼します（最後に締めた日・年度だけ）。別の職員の承認で開きます。"""
    kind, subject = _subject(date, year, day_close.REOPEN, day_close.YEAR_REOPEN)
    _ask(session, kind, subject, user_name, reason, despite=False)


def _ask(
    session: Session, kind: str, subject: str, user_name: str, reason: str, *, despite: bool
) -> None:
    """Ask for a closing or re-opening."""
    if kind in day_close.OF_DAYS and subject > clock.today().isoformat():
        raise InvalidValueError("close_future", subject=subject)
    if despite and not reason.strip():
        raise InvalidValueError("reason_missing")
    person = signed(session, user_name, asks=kind)
    if not despite:
        book_rest(session.engine, session.municipality)
        require_booked(session.engine, session.municipality, kind, subject)
    with unit_of_work(session.engine, session.municipality) as connection:
        asked = day_close.ask(
            connection,
            session.municipality,
            kind,
            subject,
            asked_by=person,
            reason=reason or messages.label("close_reason", kind),
            at=clock.now(),
            despite=despite,
        )
        staff.record(connection, session.municipality, person, kind, subject)
    number = asked.approval_id
    name = messages.label("approval_kind", kind)
    text = f"{subject}: {name}の承認を依頼しました（承認番号 {number}）。"
    session.out.print(text, markup=False)
    next_step = f"別の職員が kokin approvals approve {number} --user NAME で承認します。"
    session.out.print(next_step, markup=False)


def _subject(date: datetime | None, year: int | None, of_day: str, of_year: str) -> tuple[str, str]:
    """What a command is about: a day, or a fiscal year."""
    if (date is None) == (year is None):
        raise click.UsageError(messages.error("day_or_year"))
    return (of_day, date.date().isoformat()) if date else (of_year, str(year))


def _report(
    connection: Connection,
    municipality_code: str,
    date: datetime | None,
    month: datetime | None,
    year: int | None,
) -> tuple[DayReport, Closure | None]:
    """The one report that was asked for."""
    if sum(chosen is not None for chosen in (date, month, year)) != 1:
        raise click.UsageError(messages.error("day_or_month_or_year"))
    profile = load_profile(connection, municipality_code)
    if date is not None:
        return day_close.shown_day(connection, profile, date.date())
    if month is not None:
        return month_report(connection, profile, month.date()), None
    return day_close.shown_year(connection, profile, int(year or 0))


def _write(session: Session, data: bytes, out: str | None) -> None:
    """The report as a file, whole or not at all, or into standard output."""
    if write_whole(data, out or "-"):
        session.err.print(f"書き出しました: {out}", markup=False)


def _show_waiting(session: Session, report: DayReport) -> None:
    """Notifications up to the last day that the figures do not hold yet."""
    found = waiting(session.engine, session.municipality, report.day)
    if found.number:
        said = formatting.waiting_notifications(found.number, found.oldest_seconds)
        session.err.print(f"記帳を待つ納付通知: {said}", markup=False)
