"""操作記録の画面: who did what from where, for administrators and auditors."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Blueprint, Response, render_template, request
from sqlalchemy import and_, or_, select

from payments.store.unit_of_work import reading, unit_of_work
from web import clock, messages
from web.accounts import staff
from web.accounts.record import record
from web.csv_download import csv_download
from web.duties import Do
from web.security import may
from web.services import services
from web.texts.labels import LABELS
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Select

logbook = Blueprint("logbook", __name__, url_prefix="/staff/log")

PAGE = 100
DAYS = 30  # as far back as the page looks when nobody says
CSV_DAYS_MAX = 366
WITH_WAYS = {"signed_in", "sign_in_failed", "second_factor_failed", "identity_proved"}
COLUMNS = ("日時", "職員", "氏名", "操作", "対象", "接続元", "コード")


class Asked(NamedTuple):
    """絞り込み: from and until which day, who, what, and behind which entry the page begins."""

    since: date
    until: date
    actor: str
    event: str
    behind: tuple[datetime, str] | None


@logbook.get("")
@may(Do.READ_LOG)
def show() -> str:
    """操作記録, the newest first; a page at a time."""
    asked, code = _asked(), services().municipality
    with reading(services().engine, code) as connection:
        found = list(connection.execute(_question(code, asked).limit(PAGE + 1)).all())
        people = staff.everybody(connection, code)
    last = found[PAGE - 1] if len(found) > PAGE else None
    return render_template(
        "accounts/log.html",
        lines=found[:PAGE],
        subject=_subject,
        asked=asked,
        people=people,
        events=LABELS["staff_event"],
        onward=f"{last.happened_at.isoformat()} {last.event_id}" if last else "",
        kept={
            "since": asked.since.isoformat(),
            "until": asked.until.isoformat(),
            "actor": asked.actor,
            "event": asked.event,
        },
    )


@logbook.get("/export.csv")
@may(Do.READ_LOG)
def export() -> Response:
    """The same as CSV, streamed; that somebody took it away is written down, too."""
    asked, code = _asked(), services().municipality
    since = max(asked.since, asked.until - timedelta(days=CSV_DAYS_MAX))
    wanted = asked._replace(since=since, behind=None)
    engine = services().engine
    with unit_of_work(engine, code) as connection:
        record(connection, "log_exported", f"{since}–{asked.until}")
        names = {user.user_name: user.display_name for user in staff.everybody(connection, code)}

    def rows() -> Iterator[tuple[object, ...]]:
        with reading(engine, code) as connection:
            yield from _rows(connection, code, wanted, names)

    return csv_download(f"log-{since}-{asked.until}.csv", COLUMNS, rows())


def _rows(
    connection: Connection, code: str, asked: Asked, names: dict[str, str]
) -> Iterator[tuple[object, ...]]:
    """One entry a row, as many at a time as fit into memory."""
    found = connection.execution_options(yield_per=1000).execute(_question(code, asked))
    for row in found:
        yield (
            clock.in_japan(row.happened_at).strftime("%Y-%m-%d %H:%M:%S"),
            row.actor,
            names.get(row.actor, ""),
            messages.label("staff_event", row.event),
            _subject(row.event, row.subject),
            row.source,
            row.event,
        )


def _subject(event: str, subject: str) -> str:
    """対象, as people read it: the ways to sign in have names."""
    ways = subject.split() if event in WITH_WAYS else []
    known = LABELS["factor"]
    if not ways or not known.keys() >= set(ways):
        return subject
    return "・".join(messages.label("factor", way) for way in ways)


def _asked() -> Asked:
    """What the address asks for; what is no day is the usual one."""
    until = day_or_none(request.args.get("until", "")) or clock.today()
    since = day_or_none(request.args.get("since", "")) or until - timedelta(days=DAYS)
    event = request.args.get("event", "")
    moment, _, event_id = request.args.get("behind", "").rpartition(" ")
    behind = None
    if event_id:
        try:
            behind = (datetime.fromisoformat(moment), event_id[:32])
        except ValueError:
            behind = None
    return Asked(
        since,
        until,
        request.args.get("actor", "").strip()[:60],
        event if event in LABELS["staff_event"] else "",
        behind,
    )


def _question(code: str, asked: Asked) -> Select[Any]:
    """The entries, by the index of their time."""
    table = staff.events
    conditions = [
        table.c.municipality_code == code,
        table.c.happened_at >= _midnight(asked.since),
        table.c.happened_at < _midnight(asked.until + timedelta(days=1)),
    ]
    if asked.actor:
        conditions.append(table.c.actor == asked.actor)
    if asked.event:
        conditions.append(table.c.event == asked.event)
    if asked.behind:
        moment, event_id = asked.behind
        conditions.append(
            or_(
                table.c.happened_at < moment,
                and_(table.c.happened_at == moment, table.c.event_id < event_id),
            )
        )
    return (
        select(table)
        .where(*conditions)
        .order_by(table.c.happened_at.desc(), table.c.event_id.desc())
    )


def _midnight(day: date) -> datetime:
    """The instant at which a day begins in Japan."""
    return datetime(day.year, day.month, day.day, tzinfo=clock.JST).astimezone(UTC)
