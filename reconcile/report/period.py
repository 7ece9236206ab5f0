"""日計・月計・年度: everything about a day, a month or a fiscal year (law.md 7.3 and 7.4).

Files are those received in the period, money is what the statements say for its 勘定日, bookings
are those of its 会計日. A check compares two figures that were found independently of each other.
What two people have closed is shown as it was signed: :mod:`reconcile.day_close`.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.fiscal import closing_on
from reconcile import carry_over
from reconcile.cases import waiting_kinds
from reconcile.day_totals import (
    balance_at_mark,
    claimed,
    collected_by_day,
    collects,
    ledger,
    stored_sums,
    sums_now,
    written_off_yen,
)
from reconcile.journal import closed_books
from reconcile.report import blocks
from reconcile.report.arrivals import arrivals, as_date, is_business_day
from reconcile.report.checks import Books, balance, checks
from reconcile.report.lines import lines as lines_of
from reconcile.report.revenue import claimed_lines, left_open, revenue, year_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.carry_over import CarryEvent
    from reconcile.day_totals import LedgerRow, Sums
    from reconcile.report.arrivals import Arrival
    from reconcile.report.blocks import (
        AccountMovement,
        Cash,
        FileSummary,
        Flow,
        Group,
        OutcomeTotal,
    )
    from reconcile.report.checks import Check
    from reconcile.report.lines import LineTotal
    from reconcile.report.revenue import Claimed, Revenue, YearLine

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Signed:
    """締めた日の累計: what the last closed day before a report said of all revenue so far."""

    day: date
    collected_yen: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DayReport:
    """日計: one day, month (月計) or fiscal year (年度) of one municipality."""

    period: str  # day, month or year
    municipality_code: str
    municipality_name: str
    first: date
    day: date  # the day, or the last one of the period
    arrivals: tuple[Arrival, ...]
    flows: tuple[Flow, ...]
    outcomes: tuple[OutcomeTotal, ...]
    cash: tuple[Cash, ...]
    groups: tuple[Group, ...]
    revenue: tuple[Revenue, ...]
    collected_before_yen: int  # 収入 of all years and items before the period
    collected_yen: int  # … in it
    movements: tuple[AccountMovement, ...]
    checks: tuple[Check, ...]
    waiting: tuple[tuple[str, int, int], ...]  # kind, number, yen of the open cases
    sums_journal_id: int  # up to which journal the sums of all books go
    closed_until: date | None  # the last closed day when the report was made
    previous_sha256: str  # of the closed report before this one
    files: tuple[FileSummary, ...] = ()
    previous_day: date | None = None  # the nearest earlier day on which anything came
    next_day: date | None = None
    business_day: bool = True
    fiscal_year: int | None = None  # of a year's report
    days: tuple[tuple[date, int, int], ...] = ()  # 会計日, number, yen of a longer period
    year_lines: tuple[YearLine, ...] = ()
    claimed: tuple[Claimed, ...] = ()  # 調定の異動
    carried: tuple[CarryEvent, ...] = ()  # 滞納繰越 booked in the period
    seal_no: int = 0  # the last seal when it was closed: an anchor outside the database
    seal_sha256: str = ""

    @property
    def missing(self) -> tuple[Arrival, ...]:
        """未着: what was expected and has not come."""
        return tuple(arrival for arrival in self.arrivals if arrival.red)

    @property
    def partial(self) -> tuple[Arrival, ...]:
        """保留あり: something came, but a file of the same source stands aside."""
        return tuple(arrival for arrival in self.arrivals if arrival.state == "partial")

    @property
    def differing(self) -> tuple[Check, ...]:
        """不一致: the checks that do not hold."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def blockers(self) -> tuple[str, ...]:
        """締めを止めるもの: sources that are red, then checks that differ, by their codes."""
        red = [arrival.source.code for arrival in self.missing]
        # T2 says the same as the red sources.
        return (*red, *sorted({check.code for check in self.differing} - {"T2"}))

    @property
    def empty(self) -> bool:
        """Whether nothing at all happened in the period."""
        moved = any(line.debit_yen or line.credit_yen for line in self.movements)
        return not (self.files or self.cash or moved)


def day_report(
    connection: Connection,
    profile: Profile,
    day: date,
    *,
    signed: Signed | None = None,
    sums: Sums | None = None,
) -> DayReport:
    """The report of one day, as the books stand now.

    ``signed`` is the last closed day before it. ``sums`` of all books are those last summed up
    (:func:`reconcile.day_totals.summarise`) unless the caller has counted them again.
    """
    code = profile.municipality_code
    lines = lines_of(connection, code, day, day, again=sums is not None)
    previous_day, next_day = _neighbours(connection, code, day)
    found = _Found(
        lines=lines,
        arrivals=arrivals(connection, profile, day, lines),
        groups=blocks.groups(connection, code, day),
        signed=signed,
        sums=sums,
    )
    return replace(
        _report(connection, profile, "day", day, day, found),
        files=blocks.files(connection, code, day),
        previous_day=previous_day,
        next_day=next_day,
        business_day=is_business_day(day),
    )


def month_report(connection: Connection, profile: Profile, month: date) -> DayReport:
    """月計: the calendar month that ``month`` lies in (例月出納検査, 自治法235条の2)."""
    first = month.replace(day=1)
    last = first.replace(day=monthrange(first.year, first.month)[1])
    code = profile.municipality_code
    found = _Found(lines=lines_of(connection, code, first, last))
    report = _report(connection, profile, "month", first, last, found)
    return replace(report, days=_days(connection, code, first, last))


def year_report(
    connection: Connection, profile: Profile, year: int, *, sums: Sums | None = None
) -> DayReport:
    """年度: 会計年度 ``year`` up to 出納閉鎖, with what was assessed, came in and is still open."""
    first, last = date(year, 4, 1), closing_on(year)
    code = profile.municipality_code
    # What belongs to the year may be booked before it begins and after 出納閉鎖.
    rows = _all_of(ledger(connection, code, first, last))
    closing = ledger(connection, code, date(year + 1, 4, 1), last)
    return replace(
        _report(connection, profile, "year", first, last, _Found(sums=sums)),
        fiscal_year=year,
        revenue=revenue(rows, profile, first, year=year),
        claimed=claimed_lines(claimed(connection, code, date.min, date.max), profile, year=year),
        year_lines=year_lines(
            rows, closing, profile, year, carry_over.carried_into(connection, code, year)
        ),
        days=_days(connection, code, first, last),
    )


def _all_of(rows: tuple[LedgerRow, ...]) -> tuple[LedgerRow, ...]:
    """Every posting as if booked in the period: its year decides, not its day."""
    return tuple(row._replace(when=0) for row in rows)


@dataclass(frozen=True, slots=True)
class _Found:
    """What only some periods look at."""

    lines: tuple[LineTotal, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    groups: tuple[Group, ...] = ()
    signed: Signed | None = None
    sums: Sums | None = None


def _report(
    connection: Connection, profile: Profile, period: str, first: date, last: date, found: _Found
) -> DayReport:
    """The blocks that all three periods share, and the checks over them."""
    code = profile.municipality_code
    rows = ledger(connection, code, first, last)
    cash = blocks.cash(connection, profile, first, last)
    sums = _sums(connection, code, rows, found.sums)
    material = Books(
        first=first,
        last=last,
        arrivals=found.arrivals,
        lines=found.lines,
        cash=cash,
        groups=found.groups,
        ledger=rows,
        carried_forward=_carried_forward(connection, code, rows, first, found.signed),
        carried_over=_carried_over(connection, code, rows),
        **sums,
    )
    return DayReport(
        period=period,
        municipality_code=code,
        municipality_name=profile.name,
        first=first,
        day=last,
        arrivals=found.arrivals,
        flows=blocks.flows(found.lines),
        outcomes=blocks.outcomes(found.lines),
        cash=cash,
        groups=found.groups,
        revenue=revenue(rows, profile, first),
        collected_before_yen=collected(row for row in rows if row.when < 0),
        collected_yen=collected(row for row in rows if row.when == 0),
        movements=blocks.movements(rows),
        checks=checks(connection, code, material, period),
        waiting=tuple(waiting_kinds(connection, code)),
        sums_journal_id=sums["sums"].journal_id,
        closed_until=closed_books(connection, code)[0],
        previous_sha256=found.signed.sha256 if found.signed else "",
        claimed=claimed_lines(claimed(connection, code, first, last), profile),
        carried=carry_over.events_between(connection, code, first, last),
    )


def collected(rows: Iterable[LedgerRow]) -> int:
    """収入: yen that settled instalments, reversals deducted."""
    return sum(row.amount_yen * collects(row.debit, row.credit) for row in rows)


def _sums(
    connection: Connection, code: str, rows: tuple[LedgerRow, ...], sums: Sums | None
) -> dict[str, Any]:
    """The running sums of all books, and the balances they must equal, of the same moment."""
    stored = stored_sums(connection, code) if sums is None else None
    if stored is not None:
        return {
            "sums": stored,
            "reported_yen": balance_at_mark(connection, code, "reported"),
            "assessed_yen": -balance_at_mark(connection, code, "assessed"),
            "receivable_yen": balance_at_mark(connection, code, "receivable"),
            "written_off": (
                balance_at_mark(connection, code, "written_off"),
                written_off_yen(connection, code, stored.journal_id),
            ),
        }
    now = sums or sums_now(connection, code)
    return {
        "sums": now,
        "reported_yen": balance(rows, "reported"),
        "assessed_yen": -balance(rows, "assessed"),
        "receivable_yen": balance(rows, "receivable"),
        "written_off": (
            balance(rows, "written_off"),
            written_off_yen(connection, code, now.journal_id),
        ),
    }


def _carried_forward(
    connection: Connection,
    code: str,
    rows: tuple[LedgerRow, ...],
    first: date,
    signed: Signed | None,
) -> tuple[int, int] | None:
    """収入 before ``first``: as signed with what was booked since, and as the ledger has it."""
    if signed is None or signed.day >= first:
        return None
    since = collected_by_day(connection, code, signed.day + _ONE_DAY, first - _ONE_DAY)
    as_signed = signed.collected_yen + sum(yen for _count, yen in since.values())
    return as_signed, collected(row for row in rows if row.when < 0)


def _carried_over(
    connection: Connection, code: str, rows: tuple[LedgerRow, ...]
) -> tuple[int, int] | None:
    """The last 滞納繰越 in force: as carried, and what its years leave open by the ledger."""
    in_force = carry_over.runs_in_force(connection, code)
    if not in_force:
        return None
    last = max(in_force, key=lambda run: run.from_year)
    return last.amount_yen, sum(left_open(rows, last.from_year).values())


def _days(
    connection: Connection, code: str, first: date, last: date
) -> tuple[tuple[date, int, int], ...]:
    """会計日別の収入 of a longer period."""
    found = collected_by_day(connection, code, first, last)
    return tuple((day, number, yen) for day, (number, yen) in found.items())


def latest_day(connection: Connection, municipality_code: str) -> date | None:
    """The last day on which a file came, or None."""
    found = connection.execute(
        text("SELECT MAX(received_on) FROM source_file WHERE municipality_code = :m"),
        {"m": municipality_code},
    ).scalar_one()
    return as_date(found)


def _neighbours(
    connection: Connection, municipality_code: str, day: date
) -> tuple[date | None, date | None]:
    """The nearest days before and after with files."""
    row: Any = connection.execute(
        text(
            "SELECT (SELECT MAX(received_on) FROM source_file WHERE municipality_code = :m "
            "AND received_on < :day) AS before, (SELECT MIN(received_on) FROM source_file "
            "WHERE municipality_code = :m AND received_on > :day) AS after"
        ),
        {"m": municipality_code, "day": day.isoformat()},
    ).one()
    return as_date(row.before), as_date(row.after)
