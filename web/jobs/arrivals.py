"""受領予定の見張り: what has come is entered for its day, and the treasury told what has not.

Run as often as one likes: what was entered or said once is not entered or said again (R8).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from payments.domain.arrivals import is_business_day
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.arrivals.belonging import period, record_new
from reconcile.report.arrivals import LOOKED_BACK, board
from web import clock
from web.arrivals import telling
from web.jobs.contract import JobResult, JobState
from web.notices.send import said_since, send_again, send_notice

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.report.arrivals import Expectation
    from web.arrivals.telling import Telling
    from web.jobs.contract import JobContext

# What turned red longer ago is no news; the morning's summary still names it.
NEWS = timedelta(days=4)
REMEMBERED = LOOKED_BACK + timedelta(days=14)  # what is asked about was said within this time


def arrivals(context: JobContext) -> JobResult:
    """受領予定: enter what has come, say what is red, what came at last and what stands aside."""
    code = context.municipality_code
    today = clock.in_japan(context.now).date()
    with unit_of_work(context.engine, code) as connection:
        profile = load_profile(connection, code)
        entered = record_new(connection, profile, at=context.now, actor=context.actor)
    with reading(context.engine, code) as connection:
        days = board(connection, profile, today - LOOKED_BACK, today, context.now)
        news = _news(context, connection, profile, days, today)
    for told in news:
        send_notice(context, told.kind, told.subject, told.lines, key=told.key)
        context.say(told.subject)
    unsent = send_again(context)
    everything = [each for expected in days.values() for each in expected]
    totals = {
        "entered": len(entered),
        "late": sum(bool(each.minutes_late) for each in entered),
        "red": sum(each.colour == "red" for each in everything),
        "amber": sum(each.colour == "amber" for each in everything),
        "told": len(news),
        "unsent": unsent,
    }
    if unsent:
        return JobResult(JobState.INCOMPLETE, totals, ("notice_unsent",))
    return JobResult(JobState.OK, totals)


def _news(
    context: JobContext,
    connection: Connection,
    profile: Profile,
    days: dict[date, tuple[Expectation, ...]],
    today: date,
) -> list[Telling]:
    """What the treasury does not know yet, in the order in which it should read it."""
    since = today - NEWS
    said = said_since(connection, context.municipality_code, context.now - REMEMBERED)
    everything = [each for expected in days.values() for each in expected]
    found = [
        telling.red(profile, each)
        for each in everything
        if each.colour == "red" and each.due_on >= since
    ]
    found += [
        telling.came(profile, each)
        for each in everything
        if not each.blocks and each.state != "not_due" and telling.red_key(each) in said
    ]
    recent = period(connection, profile, since, today)
    found += telling.files_aside(connection, profile, recent.calendar, since)
    found += [
        telling.foreign(profile, recent.calendar, file)
        for file in recent.strangers
        if file.accepted and file.received_on >= since
    ]
    if is_business_day(today) and _morning_has_come(context):
        found.append(telling.summary(profile, days, today, context.now))
    return [told for told in found if told.key not in said]


def _morning_has_come(context: JobContext) -> bool:
    return clock.in_japan(context.now).strftime("%H:%M") >= context.settings.summary_at
