"""受領: which files are awaited on a day, and what came for it (T2 of law.md 7.3, 8 C-03).

A source is green, amber or red at a moment (the board), and lacks something or not whatever the
clock says (the report, the close, the list of those who are dunned). A day of which something is
lacking cannot be closed, before the cut-off as little as after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from payments.domain.arrivals import days_between, is_business_day, wait_state
from reconcile.arrivals.belonging import period
from reconcile.arrivals.sources import Source, as_date, sources

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.domain.arrivals import ArrivalRule
    from payments.domain.profile import Profile
    from reconcile.arrivals.belonging import Belonging, Period
    from reconcile.arrivals.files import Nil
    from reconcile.report.lines import LineTotal

__all__ = [
    "Arrival",
    "Expectation",
    "Source",
    "arrivals",
    "as_date",
    "board",
    "is_business_day",
    "red_channels",
    "sources",
]

LOOKED_BACK = timedelta(days=31)  # how far a list that rests on all days looks back
COLOURS = {
    "received": "green",
    "late": "green",
    "nil": "green",
    "partial": "amber",
    "stopped": "amber",
    "overdue": "amber",
    "missing": "red",
    "awaited": "none",
    "not_due": "none",
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """受領: what came from one source for a day.

    ``state``: received, partial, missing, nil, stopped or not_due. ``partial``: a file was taken
    in, but another one of the same source stands aside, and only a person can say whether it was
    a faulty copy or the day's other half (law.md, incident I6); or fewer came than are due, and
    ``short`` says how many lack. ``late_on``: the day on which what was due came at last.
    """

    source: Source
    state: str
    files: int
    count: int
    amount_yen: int
    provisional: tuple[int, int]  # number, yen
    confirmed: tuple[int, int]
    withdrawal: tuple[int, int]
    short: int = 0
    late_on: str = ""  # ISO date

    @property
    def red(self) -> bool:
        """Awaited, and neither all of its files nor a nil report are there."""
        return self.state in {"missing", "stopped"} or self.short > 0


@dataclass(frozen=True, slots=True)
class Expectation:
    """受領予定の一つ: one source and due day, as it stands at a moment.

    ``state``: received, late, nil, partial, stopped, awaited (before the cut-off), overdue (in the
    grace), missing or not_due.
    """

    source: Source
    due_on: date
    rule: ArrivalRule
    state: str
    files: tuple[Belonging, ...]
    short: int
    nil: Nil | None

    @property
    def colour(self) -> str:
        """信号: green, amber, red, or none where nothing is to be said yet."""
        return COLOURS[self.state]

    @property
    def blocks(self) -> bool:
        """締めを止めるか: something that was due is not there, whatever the clock says."""
        return self.state in {"awaited", "overdue", "missing", "stopped"} or self.short > 0

    @property
    def minutes_late(self) -> int:
        """遅れ of the file that came last, in minutes since the cut-off."""
        return max((each.minutes_late for each in self.files if each.file.accepted), default=0)


def board(
    connection: Connection, profile: Profile, first: date, last: date, at: datetime
) -> dict[date, tuple[Expectation, ...]]:
    """受領状況 at a moment: per day of a period every source, due or not, in its order."""
    found = period(connection, profile, first, last)
    return {
        day: tuple(_expectation(found, source, day, at) for source in found.calendar.sources)
        for day in days_between(first, last)
    }


def red_channels(
    connection: Connection, profile: Profile, day: date, at: datetime
) -> tuple[Expectation, ...]:
    """止まる資料: what was due up to ``day`` and is not there; no list of unpaid may be drawn.

    The days since :data:`LOOKED_BACK` count, each source and day by itself, oldest first. A file
    that is still awaited today counts, too: a payment may be in it (design, 「Expected arrivals」).
    """
    days = board(connection, profile, day - LOOKED_BACK, day, at)
    return tuple(each for expected in days.values() for each in expected if each.blocks)


def arrivals(
    connection: Connection, profile: Profile, day: date, lines: tuple[LineTotal, ...] = ()
) -> tuple[Arrival, ...]:
    """受領状況 per source of a due day; from ``lines`` 速報・確報・取消 of what came on the day."""
    found = period(connection, profile, day, day)
    return tuple(
        _arrival(_expectation(found, source, day), lines) for source in found.calendar.sources
    )


def _expectation(
    found: Period, source: Source, day: date, at: datetime | None = None
) -> Expectation:
    """One source and due day; without a moment nothing is late or early."""
    rule = found.calendar.rule(source, day)
    files = found.of(source, day, at)
    nil = found.nils.get((source.code, day))
    accepted = [each for each in files if each.file.accepted]
    new = [each for each in accepted if each.basis != "resent"]
    # The report of a day says what its profile awaits; the board begins when the service did.
    due = rule.is_due(day) and (at is None or found.has_begun(source, day))
    short = max(rule.files - len(new), 0) if accepted and due and nil is None else 0
    if accepted:
        whole = nil is not None or (not short and len(accepted) == len(files))
        late = any(each.minutes_late for each in accepted)
        state = ("late" if late else "received") if whole else "partial"
    elif nil is not None:
        state = "nil"
    elif files:
        state = "stopped"
    elif due:
        state = wait_state(rule, day, at) if at else "missing"
    else:
        state = "not_due"
    return Expectation(source, day, rule, state, files, short, nil)


def _arrival(expected: Expectation, lines: tuple[LineTotal, ...]) -> Arrival:
    """One source's line of the report."""
    accepted = [each.file for each in expected.files if each.file.accepted]
    by_stage = {"provisional": (0, 0), "confirmed": (0, 0), "withdrawal": (0, 0)}
    for line in lines:
        if line.format_code == expected.source.format_code and line.stage in by_stage:
            number, yen = by_stage[line.stage]
            by_stage[line.stage] = (number + line.count, yen + line.amount_yen)
    late = [each.file.received_on for each in expected.files if each.minutes_late]
    return Arrival(
        source=expected.source,
        state="received" if expected.state == "late" else expected.state,
        files=len(expected.files),
        count=sum(file.records for file in accepted),
        amount_yen=sum(file.amount_yen for file in accepted),
        provisional=by_stage["provisional"],
        confirmed=by_stage["confirmed"],
        withdrawal=by_stage["withdrawal"],
        short=expected.short,
        late_on=max(late).isoformat() if late else "",
    )
