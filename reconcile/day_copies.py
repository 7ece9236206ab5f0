"""日計の控え: the report of a day as it was at a past moment, open or closed (as-of).

A closed day is kept as it was signed (:mod:`reconcile.closures`). The report of an open day changes
with every booking; so whenever one is shown to anybody, and every night, it is kept as it stood,
unless the last copy says the same. What was shown once can be shown again for ever, to the byte.
Where the books moved after the last copy, unseen, the report is made again from the books as they
stood at the moment (:mod:`reconcile.day_past`); :attr:`Then.unsure` names what that cannot tell.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select, text

from payments.domain.arrivals import JAPAN
from payments.domain.errors import NotFoundError
from payments.store.municipalities import load_profile
from reconcile import closures, day_close, day_past
from reconcile.journal import closed_books
from reconcile.report.arrivals import as_date
from reconcile.report.data import canonical_json, report_as_data, report_from_data, sha256
from reconcile.store.day_tables import DayReportCopyRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from reconcile.closures import Closure
    from reconcile.report.period import DayReport

FOLLOWED = timedelta(days=40)  # how far back open days are kept every night
_table = DayReportCopyRow.__table__  # type: ignore[attr-defined]
_DAYS = """
SELECT DISTINCT CAST(received_on AS VARCHAR(10)) FROM source_file
WHERE municipality_code = :m AND received_on BETWEEN :first AND :last
UNION SELECT DISTINCT CAST(booked_on AS VARCHAR(10)) FROM journal
WHERE municipality_code = :m AND booked_on BETWEEN :first AND :last"""
_MARK = """
SELECT (SELECT COALESCE(MAX(journal_id), 0) FROM journal
        WHERE municipality_code = :m AND made_at <= :at) AS journal_id,
    (SELECT COALESCE(MAX(file_id), 0) FROM source_file
        WHERE municipality_code = :m AND taken_in_at <= :at) AS file_id"""


class Then(NamedTuple):
    """過去の日計: as it was signed, as it was shown, or made again for a moment.

    ``made_at``: of which moment it is. ``unsure``: its blocks that may have been different then,
    because what they rest on keeps no moment and changed before the next copy: waiting, arrivals,
    files or checks.
    """

    report: DayReport
    closure: Closure | None
    made_at: datetime
    unsure: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether every block is known to be as it was."""
        return not self.unsure


def keep(
    connection: Connection, municipality_code: str, report: DayReport, *, at: datetime, by: str
) -> bool:
    """控えの記録 of an open day; False when the last copy says the same already."""
    kept = canonical_json(report_as_data(report))
    digest = sha256(kept)
    last = connection.execute(
        _copies(municipality_code, report.day).order_by(_table.c.copy_no.desc()).limit(1)
    ).one_or_none()
    if last is not None and last.report_sha256 == digest:
        return False
    connection.execute(
        _table.insert().values(
            municipality_code=municipality_code,
            day_on=report.day,
            copy_no=last.copy_no + 1 if last is not None else 1,
            made_at=at.astimezone(UTC),
            actor=by,
            report_json=kept,
            report_sha256=digest,
        )
    )
    return True


def as_of(connection: Connection, municipality_code: str, day: date, at: datetime) -> Then:
    """過去の日計: the report of a day as it stood at a moment.

    Raises :class:`NotFoundError` ``day_copy`` when the books had not begun by then.
    """
    at = at.astimezone(UTC)
    happened = [
        each
        for each in closures.history(connection, municipality_code, "day", day)
        if _aware(each.made_at) <= at
    ]
    if happened and happened[-1].event == "closed":
        number = happened[-1].closure_no
        report, closure = closures.kept_report(connection, municipality_code, number, day)
        return Then(report, closure, _aware(closure.made_at))
    copies = _copies(municipality_code, day)
    last, following = copies.where(_table.c.made_at <= at), copies.where(_table.c.made_at > at)
    row = connection.execute(last.order_by(_table.c.copy_no.desc()).limit(1)).one_or_none()
    mark = _mark(connection, municipality_code, at)
    before = report_from_data(json.loads(row.report_json)) if row is not None else None
    if row is not None and before is not None:
        made_at = _aware(row.made_at)
        if _mark(connection, municipality_code, made_at) == mark and not any(
            made_at < _aware(each.made_at) for each in happened
        ):
            return Then(before, None, made_at)
    elif not mark[0]:
        said = at.astimezone(JAPAN).strftime("%Y-%m-%d %H:%M")
        raise NotFoundError("day_copy", day=day.isoformat(), at=said)
    profile = load_profile(connection, municipality_code)
    later = day_past.decided_later(connection, municipality_code, at, mark[0])
    past = day_past.at_moment(connection, profile, day, at, mark[0])
    row = connection.execute(following.order_by(_table.c.copy_no).limit(1)).one_or_none()
    after = (
        report_from_data(json.loads(row.report_json))
        if row is not None
        else day_close.shown_day(connection, profile, day)[0]
    )
    report, unsure = day_past.settled(connection, past, before, after, later)
    return Then(report, None, at, unsure)


def moments(connection: Connection, municipality_code: str, day: date) -> Sequence[datetime]:
    """控えのある時点 of a day, oldest first."""
    rows = connection.execute(_copies(municipality_code, day).order_by(_table.c.copy_no))
    return tuple(_aware(row.made_at) for row in rows)


def open_days(connection: Connection, municipality_code: str, today: date) -> tuple[date, ...]:
    """未締めの日 with files or bookings in the last weeks, oldest first."""
    closed_until, _year = closed_books(connection, municipality_code)
    first = today - FOLLOWED
    if closed_until is not None:
        first = max(first, closed_until + timedelta(days=1))
    span = {"m": municipality_code, "first": first.isoformat(), "last": today.isoformat()}
    found = (as_date(day) for day in connection.execute(text(_DAYS), span).scalars())
    return tuple(sorted(day for day in found if day is not None))


def _copies(municipality_code: str, day: date) -> Any:
    return select(_table).where(
        _table.c.municipality_code == municipality_code, _table.c.day_on == day
    )


def _mark(connection: Connection, municipality_code: str, at: datetime) -> tuple[int, int]:
    """Up to which journal and file the books went at a moment."""
    said = at.isoformat(timespec="microseconds")
    row = connection.execute(text(_MARK), {"m": municipality_code, "at": said}).one()
    return int(row.journal_id), int(row.file_id)


def _aware(moment: datetime) -> datetime:
    """SQLite gives instants back without their zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
