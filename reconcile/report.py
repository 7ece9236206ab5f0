"""日計: everything about one day, with the totals that must agree (law.md 7.3 and 7.4).

Files are those received on the day, money is what the statements say for that 勘定日, bookings are
those of that 会計日. A check compares two figures that were found independently of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from reconcile import report_blocks, report_checks
from reconcile.cases import waiting_kinds
from reconcile.report_arrivals import arrivals, as_date, is_business_day

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.report_arrivals import Arrival
    from reconcile.report_blocks import (
        AccountMovement,
        Cash,
        FileSummary,
        Group,
        OutcomeTotal,
        Posting,
    )
    from reconcile.report_checks import Check


@dataclass(frozen=True, slots=True)
class DayReport:
    """日計: one day of one municipality."""

    municipality_code: str
    municipality_name: str
    day: date
    previous_day: date | None  # the nearest earlier day on which anything came
    next_day: date | None
    business_day: bool
    arrivals: tuple[Arrival, ...]
    outcomes: tuple[OutcomeTotal, ...]
    cash: tuple[Cash, ...]
    groups: tuple[Group, ...]
    postings: tuple[Posting, ...]
    movements: tuple[AccountMovement, ...]
    checks: tuple[Check, ...]
    waiting: tuple[tuple[str, int, int], ...]  # kind, number, yen of the open cases
    files: tuple[FileSummary, ...]

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
    def empty(self) -> bool:
        """Whether nothing at all happened on the day."""
        moved = any(line.debit_yen or line.credit_yen for line in self.movements)
        return not (self.files or self.cash or moved)


def day_report(connection: Connection, profile: Profile, day: date) -> DayReport:
    """The report of one day, as the books stand now."""
    code = profile.municipality_code
    came = arrivals(connection, profile, day)
    ledger = report_blocks.ledger(connection, code, day)
    cash = report_blocks.cash(connection, profile, day)
    groups = report_blocks.groups(connection, code, day)
    outcomes = report_blocks.outcomes(connection, code, day)
    previous_day, next_day = _neighbours(connection, code, day)
    return DayReport(
        municipality_code=code,
        municipality_name=profile.name,
        day=day,
        previous_day=previous_day,
        next_day=next_day,
        business_day=is_business_day(day),
        arrivals=came,
        outcomes=outcomes,
        cash=cash,
        groups=groups,
        postings=report_blocks.postings(ledger, profile),
        movements=report_blocks.movements(ledger),
        checks=report_checks.checks(connection, code, day, came, cash, groups, ledger),
        waiting=tuple(waiting_kinds(connection, code)),
        files=report_blocks.files(connection, code, day),
    )


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
            "SELECT MAX(CASE WHEN received_on < :day THEN received_on END) AS before, "
            "MIN(CASE WHEN received_on > :day THEN received_on END) AS after "
            "FROM source_file WHERE municipality_code = :m"
        ),
        {"m": municipality_code, "day": day.isoformat()},
    ).one()
    return as_date(row.before), as_date(row.after)
