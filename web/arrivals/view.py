"""受領予定の画面の中身: the board of a day and of a month, and what happened with it."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from reconcile.arrivals.belonging import period
from reconcile.report.arrivals import LOOKED_BACK, board
from web import clock
from web.notices.tables import NoticeEventRow, NoticeRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.arrivals.files import Came
    from reconcile.report.arrivals import Expectation

_NOTICES_MAX = 100
notices = NoticeRow.__table__  # type: ignore[attr-defined]
events = NoticeEventRow.__table__  # type: ignore[attr-defined]


class Sent(NamedTuple):
    """お知らせの一行: one recipient's part of a notice; ``state`` is begun, sent or failed."""

    notice_no: int
    made_at: datetime
    subject: str
    channel: str
    recipient: str
    state: str
    error_code: str
    attempts: int


@dataclass(frozen=True, slots=True)
class DayView:
    """受領状況 of one day: its sources, what is open before it, and files nobody sends."""

    day: date
    expected: tuple[Expectation, ...]
    open_before: tuple[Expectation, ...]
    strangers: tuple[Came, ...]
    sent: tuple[Sent, ...]

    def number(self, colour: str) -> int:
        """How many sources of the day have a colour."""
        return sum(each.colour == colour for each in self.expected)


def day_view(connection: Connection, profile: Profile, day: date, at: datetime) -> DayView:
    """受領状況 of one day as it stands at a moment."""
    days = board(connection, profile, day - LOOKED_BACK, day, at)
    aside = period(connection, profile, day, day).strangers
    return DayView(
        day,
        days.pop(day),
        tuple(
            each
            for expected in days.values()
            for each in expected
            if each.colour in {"red", "amber"}
        ),
        tuple(file for file in aside if file.received_on == day),
        sent_on(connection, profile.municipality_code, day),
    )


def month_view(
    connection: Connection, profile: Profile, month: date, at: datetime
) -> dict[date, tuple[Expectation, ...]]:
    """受領状況 of a calendar month, day by day."""
    first = month.replace(day=1)
    last = first.replace(day=monthrange(first.year, first.month)[1])
    return board(connection, profile, first, last, at)


def sent_on(connection: Connection, municipality_code: str, day: date) -> tuple[Sent, ...]:
    """お知らせ of one day in Japan: what was said to whom, and how its last attempt ended."""
    # SQLite compares instants as they are written, which is in UTC.
    begins = datetime(day.year, day.month, day.day, tzinfo=clock.JST).astimezone(UTC)
    rows = connection.execute(
        select(
            notices.c.notice_no, notices.c.made_at, notices.c.subject, events.c.channel,
            events.c.recipient, events.c.state, events.c.error_code, events.c.attempt_no,
        )
        .join(
            events,
            (events.c.municipality_code == notices.c.municipality_code)
            & (events.c.notice_no == notices.c.notice_no),
        )
        .where(
            notices.c.municipality_code == municipality_code,
            notices.c.made_at >= begins,
            notices.c.made_at < begins + timedelta(days=1),
        )
        .order_by(notices.c.notice_no, events.c.channel, events.c.recipient,
                  events.c.attempt_no, events.c.state)
        .limit(_NOTICES_MAX * 10)
    )  # fmt: skip
    last = {(row.notice_no, row.channel, row.recipient): Sent(*row) for row in rows}
    return tuple(last.values())[:_NOTICES_MAX]
