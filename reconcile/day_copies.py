"""日計の控え: the report of a day as it was at a past moment, open or closed (as-of).

A closed day is kept as it was signed (:mod:`reconcile.closures`). The report of an open day changes
with every booking; so whenever one is shown to anybody, and every night, it is kept as it stood,
unless the last copy says the same. What was shown once can be shown again for ever, to the byte.
Between two copies the books may have moved unseen: :attr:`Then.exact` says whether they did.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select, text

from payments.domain.arrivals import JAPAN
from payments.domain.errors import NotFoundError
from reconcile import closures
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
    """過去の日計: as it was signed or shown last before a moment.

    ``exact``: nothing was booked or taken in between ``made_at`` and that moment.
    """

    report: DayReport
    closure: Closure | None
    made_at: datetime
    exact: bool


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

    Raises :class:`NotFoundError` ``day_copy`` when it had not been shown or closed by then.
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
        return Then(report, closure, _aware(closure.made_at), exact=True)
    row = connection.execute(
        _copies(municipality_code, day)
        .where(_table.c.made_at <= at)
        .order_by(_table.c.copy_no.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        said = at.astimezone(JAPAN).strftime("%Y-%m-%d %H:%M")
        raise NotFoundError("day_copy", day=day.isoformat(), at=said)
    made_at = _aware(row.made_at)
    exact = _mark(connection, municipality_code, made_at) == _mark(
        connection, municipality_code, at
    ) and not any(made_at < _aware(each.made_at) for each in happened)
    return Then(report_from_data(json.loads(row.report_json)), None, made_at, exact)


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
