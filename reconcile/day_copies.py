"""過去の日計と控え: the report of a day as it was at a past moment, open or closed (as-of).

A closed day is kept as it was signed (:mod:`reconcile.closures`). The report of an open day changes
with every booking; it is made again from the books as they stood (:mod:`reconcile.day_past`), for
any moment, whether or not anybody looked.

Whenever the report of an open day is shown to anybody, and every night, a copy is kept as well,
unless the last one says the same. It is evidence of what people saw: made from nothing but what was
on the screen, it is compared with the report made again for its moment (:attr:`Then.copied`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select, text

from payments.domain.arrivals import JAPAN
from payments.domain.errors import NotFoundError
from payments.store.former import kept_since
from reconcile import closures, day_past
from reconcile.journal import closed_books
from reconcile.report.arrivals import as_date
from reconcile.report.data import canonical_json, report_as_data, sha256
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


# Of moments before former rows were kept these blocks may say what came later.
_NOT_KEPT = ("waiting", "arrivals", "files", "groups", "checks")


class Copy(NamedTuple):
    """控え: when it was kept, and whether the report made again for that moment says the same."""

    made_at: datetime
    agrees: bool


class Then(NamedTuple):
    """過去の日計: as it was signed, or made again for a moment.

    ``made_at``: of which moment it is. ``unsure``: its blocks that may have been different then,
    because the moment lies before former rows were kept. ``copied``: the last copy up to then.
    """

    report: DayReport
    closure: Closure | None
    made_at: datetime
    unsure: tuple[str, ...] = ()
    copied: Copy | None = None

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

    What was being booked at just that moment counts from the instant that it was written with.
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
    report = _made_again(connection, municipality_code, day, at)
    since = kept_since(connection, municipality_code)
    return Then(
        report,
        None,
        at,
        _NOT_KEPT if since is not None and at < since else (),
        _compared(connection, municipality_code, day, at),
    )


def _made_again(
    connection: Connection, municipality_code: str, day: date, at: datetime
) -> DayReport:
    journal_id, file_id = _mark(connection, municipality_code, at)
    if not (journal_id or file_id):
        said = at.astimezone(JAPAN).strftime("%Y-%m-%d %H:%M")
        raise NotFoundError("day_copy", day=day.isoformat(), at=said)
    return day_past.at_moment(connection, municipality_code, day, at, journal_id)


def _compared(
    connection: Connection, municipality_code: str, day: date, at: datetime
) -> Copy | None:
    """控えとの比較: the last copy up to a moment against the report made again for its own."""
    last = _copies(municipality_code, day).where(_table.c.made_at <= at)
    row = connection.execute(last.order_by(_table.c.copy_no.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    made_at = _aware(row.made_at)
    try:
        report = _made_again(connection, municipality_code, day, made_at)
    except NotFoundError:  # shown before anything was in the books
        return Copy(made_at, agrees=False)
    return Copy(made_at, sha256(canonical_json(report_as_data(report))) == row.report_sha256)


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
