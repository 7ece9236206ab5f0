"""``kokin arrivals``: what was awaited and what came, and the calendar of it (受領予定)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from payments.domain.arrivals import ArrivalRule
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.arrivals import rules
from reconcile.arrivals.belonging import assign
from reconcile.arrivals.learning import MONTHS_MAX, propose
from web import clock, formatting, messages
from web.accounts import staff
from web.arrivals import words
from web.arrivals.view import day_view, month_view, sent_on
from web.commands.intake import DATE, day_or_today
from web.commands.session import MUNICIPALITY, Session, fail_unless, say_json, session_of
from web.commands.sheets import print_sheet
from web.commands.signing import USER, signed
from web.days.nil_reports import enter_nil_report, withdraw_nil_report
from web.days.sheet import columns_of, sheet_of
from web.jobs.contract import JobContext
from web.notices.send import send_notice
from web.texts import arrivals as texts
from web.texts import notices as notice_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from payments.approve import Approval
    from reconcile.arrivals.learning import Proposal
    from reconcile.report.arrivals import Expectation
    from web.arrivals.view import Sent

MONTH = click.DateTime(formats=["%Y-%m"])
JSON = click.option("--json", "as_json", is_flag=True, help="JSONで出力します。")
REASON = click.option("--reason", required=True, help="理由。")
MONTHS = click.option(
    "--months",
    type=click.IntRange(1, MONTHS_MAX),
    default=6,
    show_default=True,
    help="さかのぼる月数。",
)
FROM = click.option("--from", "begins", type=DATE, help="適用する日（既定: 明日）。")


@click.group()
def arrivals() -> None:
    """受領予定: 届くべき資料、届いたもの、未着。"""


@arrivals.command()
@click.argument("date", type=DATE, required=False)
@click.option("--month", type=MONTH, help="一日ではなく、この月（YYYY-MM）の一覧。")
@JSON
@MUNICIPALITY
@session_of
def show(session: Session, date: datetime | None, month: datetime | None, *, as_json: bool) -> None:
    """受領状況を表示します（既定: 今日）。未着（赤）があれば、終了コードは1です。"""
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        if month is not None:
            days = month_view(connection, profile, month.date(), clock.now())
            shown = [each for expected in days.values() for each in expected]
        else:
            view = day_view(connection, profile, day_or_today(date), clock.now())
            shown = [*view.open_before, *view.expected]
    shown = [each for each in shown if each.state != "not_due"]
    if as_json:
        say_json([_data(each) for each in shown])
    elif shown:
        _print_board(session, shown)
    else:
        session.out.print("受け取る予定の資料はありません。")
    fail_unless(not any(each.colour == "red" for each in shown))


@arrivals.command("rules")
@JSON
@MUNICIPALITY
@session_of
def rules_(session: Session, *, as_json: bool) -> None:
    """今日の受領予定の定めを表示します。"""
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        calendar = rules.calendar_of(connection, profile)
    found = [(source, calendar.rule(source, clock.today())) for source in calendar.sources]
    if as_json:
        say_json([asdict(rule) for _source, rule in found])
        return
    head = columns_of("送付元", "資料", *(texts.FIELDS[name] for name in words.FIELDS))
    rows = [
        (source.code, words.source_words(source), *words.rule_words(rule).values())
        for source, rule in found
    ]
    print_sheet(session.out, sheet_of("rules", "受領予定の定め", head, rows, adds_up=False))


@arrivals.command("propose")
@MONTHS
@FROM
@JSON
@MUNICIPALITY
@session_of
def propose_(session: Session, months: int, begins: datetime | None, *, as_json: bool) -> None:
    """届いた資料の実績から、受領予定を提案します。何も変えません。"""
    found = _proposals(session, months, begins)
    if as_json:
        say_json([{**asdict(each), "changes": each.changes} for each in found])
        return
    for each in found:
        session.out.print(
            f"{each.source.code}  {words.source_words(each.source)}", markup=False, style="bold"
        )
        session.out.print(f"  {words.evidence_words(each)}", markup=False)
        if each.proposed is not None and each.changes:
            for field, before, after in words.changes(each.now, each.proposed):
                session.out.print(f"  {field}: {before} → {after}", markup=False)
        elif each.proposed is not None:
            session.out.print("  いまの定めのままで合っています。")
    session.out.print("採用は kokin arrivals accept 送付元… で依頼します。", markup=False)


@arrivals.command()
@click.argument("sources", nargs=-1, required=True)
@MONTHS
@FROM
@USER
@REASON
@MUNICIPALITY
@session_of
def accept(
    session: Session,
    sources: tuple[str, ...],
    months: int,
    begins: datetime | None,
    user_name: str,
    reason: str,
) -> None:
    """提案の採用を依頼します。別の職員が承認すると、適用する日から定めになります。"""
    person = signed(session, user_name, asks=rules.KIND)
    found = _proposals(session, months, begins)
    chosen = [each.proposed for each in found if each.proposed and each.source.code in sources]
    _ask(session, chosen, person, reason)


@arrivals.command("set")
@click.argument("source")
@click.option(
    "--days",
    required=True,
    help="受領予定日: business_days, every_day, weekdays:mon,thu, monthly:3,-1, "
    "dates:YYYY-MM-DD, on_demand（随時）。",
)
@click.option("--cut-off", default="12:00", show_default=True, help="締切（HH:MM）。")
@click.option("--grace", type=int, default=60, show_default=True, help="猶予（分）。")
@click.option("--files", type=int, default=1, show_default=True, help="資料数。")
@click.option("--nil/--no-nil", default=True, help="該当なしを登録できるか。")
@click.option(
    "--dated", type=int, default=0, show_default=True,
    help="資料の作成日が予定日の何営業日前か。-1は作成日を使いません。",
)  # fmt: skip
@FROM
@USER
@REASON
@MUNICIPALITY
@session_of
def set_(
    session: Session,
    /,
    source: str,
    begins: datetime | None,
    user_name: str,
    reason: str,
    **rule: Any,
) -> None:
    """受領予定の定めを、値を決めて依頼します。別の職員が承認します。"""
    person = signed(session, user_name, asks=rules.KIND)
    made = ArrivalRule(
        source,
        rule["days"],
        cut_off=rule["cut_off"],
        grace_minutes=rule["grace"],
        files=rule["files"],
        nil_allowed=rule["nil"],
        dated_days_before=rule["dated"],
        effective_on=_begins(begins).isoformat(),
    )
    _ask(session, [made], person, reason)


@arrivals.command()
@click.argument("source")
@click.argument("date", type=DATE)
@click.option("--note", required=True, help="確かめた方法。")
@USER
@MUNICIPALITY
@session_of
def nil(session: Session, source: str, date: datetime, note: str, user_name: str) -> None:
    """該当なし（一部が届いた日には、残りなし）を登録します。"""
    person = signed(session, user_name)
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        enter_nil_report(connection, profile, source, date.date(), entered_by=person, note=note)
        staff.record(
            connection, session.municipality, person, "nil_report", f"{source} {date.date()}"
        )
    session.out.print(f"{source} {date.date()}: 該当なしを登録しました。", markup=False)


@arrivals.command("nil-withdraw")
@click.argument("source")
@click.argument("date", type=DATE)
@USER
@REASON
@MUNICIPALITY
@session_of
def nil_withdraw(
    session: Session, source: str, date: datetime, user_name: str, reason: str
) -> None:
    """誤って登録した該当なしを取り消します。記録は残ります。"""
    person = signed(session, user_name)
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        withdraw_nil_report(
            connection, profile, source, date.date(), withdrawn_by=person, reason=reason
        )
        staff.record(
            connection, session.municipality, person, "nil_report_withdrawn",
            f"{source} {date.date()}",
        )  # fmt: skip
    session.out.print(f"{source} {date.date()}: 該当なしの登録を取り消しました。", markup=False)


@arrivals.command()
@click.argument("file_id", type=click.IntRange(min=1))
@click.argument("date", type=DATE)
@USER
@REASON
@MUNICIPALITY
@session_of
def move(session: Session, file_id: int, date: datetime, user_name: str, reason: str) -> None:
    """届いた資料を、別の受領予定日の分とします。前の記録は残ります。"""
    person = signed(session, user_name)
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        assign(
            connection, profile, file_id, date.date(), actor=person, at=clock.now(), reason=reason
        )
        staff.record(
            connection, session.municipality, person, "arrival_moved", f"{file_id} {date.date()}"
        )
    session.out.print(f"資料 {file_id} を {date.date()} の分としました。", markup=False)


@arrivals.command("notices")
@click.argument("date", type=DATE, required=False)
@JSON
@MUNICIPALITY
@session_of
def notices_(session: Session, date: datetime | None, *, as_json: bool) -> None:
    """お知らせの一覧（既定: 今日）。送れていないものがあれば、終了コードは1です。"""
    with reading(session.engine, session.municipality) as connection:
        found = sent_on(connection, session.municipality, day_or_today(date))
    if as_json:
        say_json([each._asdict() for each in found])
    else:
        _print_notices(session, found)
    fail_unless(all(each.state == "sent" for each in found))


@arrivals.command("test-notice")
@MUNICIPALITY
@session_of
def test_notice(session: Session) -> None:
    """試しのお知らせを、設定したすべての宛先に送ります。"""
    now = clock.now()
    context = JobContext(
        session.settings, session.engine, session.municipality, now, session.actor,
        lambda _line: None,
    )  # fmt: skip
    with reading(session.engine, session.municipality) as connection:
        name = load_profile(connection, session.municipality).name
    key = f"test:{now.isoformat(timespec='microseconds')}"
    subject = notice_texts.SUBJECTS["test"].format(municipality=name)
    good = send_notice(context, "test", subject, (notice_texts.LINES["test"],), key=key)
    with reading(session.engine, session.municipality) as connection:
        today = sent_on(connection, session.municipality, clock.in_japan(now).date())
    last = max(each.notice_no for each in today)
    _print_notices(session, [each for each in today if each.notice_no == last])
    fail_unless(good)


def _print_notices(session: Session, found: Sequence[Sent]) -> None:
    head = columns_of("時刻", "お知らせ", "手段:word", "宛先", "送信:word", "理由")
    rows = [
        (
            formatting.moment(each.made_at),
            each.subject,
            messages.label("notice_channel", each.channel),
            each.recipient,
            messages.label("notice_state", each.state),
            notice_texts.ERRORS.get(each.error_code, each.error_code) or "—",
        )
        for each in found
    ]
    print_sheet(session.out, sheet_of("notices", "お知らせ", head, rows, adds_up=False))


def _begins(begins: datetime | None) -> date:
    return begins.date() if begins else clock.today() + timedelta(days=1)


def _proposals(session: Session, months: int, begins: datetime | None) -> tuple[Proposal, ...]:
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        return propose(
            connection, profile, months=months, today=clock.today(), effective_on=_begins(begins)
        )


def _ask(session: Session, chosen: Sequence[ArrivalRule], person: str, reason: str) -> None:
    """Ask for new rules; a second person decides."""
    with unit_of_work(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
        asked: Approval = rules.ask(
            connection, profile, chosen, asked_by=person, at=clock.now(), reason=reason
        )
        number = asked.approval_id
        staff.record(connection, session.municipality, person, rules.KIND, str(number))
    session.out.print(f"受領予定の変更の承認を依頼しました（承認番号 {number}）。", markup=False)
    next_step = f"別の職員が kokin approvals approve {number} --user NAME で承認します。"
    session.out.print(next_step, markup=False)


def _print_board(session: Session, shown: Sequence[Expectation]) -> None:
    head = columns_of("何日分", "状態:word", "締切", "送付元", "資料", "資料数:count", "遅れ")
    rows = [
        (
            formatting.short_day(each.due_on),
            f"{words.shape(each.state)} {words.state_word(each.state)}",
            f"{each.rule.cut_off}＋{each.rule.grace_minutes}分",
            each.source.code,
            words.source_words(each.source),
            len(each.files),
            words.late_words(each.minutes_late) if each.minutes_late else "—",
        )
        for each in shown
    ]
    print_sheet(session.out, sheet_of("arrivals", "受領予定", head, rows, adds_up=False))


def _data(each: Expectation) -> dict[str, Any]:
    """受領予定の一つ for a program."""
    return {
        "source": each.source.code,
        "due_on": each.due_on,
        "state": each.state,
        "colour": each.colour,
        "blocks": each.blocks,
        "short": each.short,
        "cut_off_at": each.rule.cut_off_at(each.due_on),
        "red_at": each.rule.red_at(each.due_on),
        "nil": each.nil._asdict() if each.nil else None,
        "files": [
            {
                "file_id": one.file.file_id,
                "status": one.file.status,
                "received_on": one.file.received_on,
                "arrived_at": one.file.arrived_at,
                "basis": one.basis,
                "minutes_late": one.minutes_late,
            }
            for one in each.files
        ],
    }
