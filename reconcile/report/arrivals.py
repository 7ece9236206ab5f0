"""受領: which sources are awaited on a day, and what came from each (T2 of law.md 7.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.calendars import is_bank_business_day
from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.report.lines import LineTotal

STATEMENT_FORMATS = {"03": "zengin_statement", "01": "zengin_credit"}
# What comes on every bank business day; the rest comes when there is something to say.
DAILY = frozenset({"konbini_dsk", "konbini_muf120", "konbini_mizuho120", "eltax"})


@dataclass(frozen=True, slots=True)
class Source:
    """受領予定: one sender or account whose files are awaited."""

    code: str
    format_code: str
    agent: str  # of source_file, "" where the format alone says it
    name: str
    daily: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """受領: what came from one source on a day.

    ``state``: received, partial, missing, nil, stopped or not_due. ``partial``: a file was taken
    in, but another one of the same source stands aside, and only a person can say whether it was
    a faulty copy or the day's other half (law.md, incident I6).
    """

    source: Source
    state: str
    files: int
    count: int
    amount_yen: int
    provisional: tuple[int, int]  # number, yen
    confirmed: tuple[int, int]
    withdrawal: tuple[int, int]

    @property
    def red(self) -> bool:
        """Awaited, and neither its file nor a nil report is there."""
        return self.state in {"missing", "stopped"}


def as_date(value: object) -> date | None:
    """A date, whether the database gave one or its ISO text."""
    if value is None or isinstance(value, date):
        return value
    return date.fromisoformat(str(value))


def is_business_day(day: date) -> bool:
    """銀行営業日; a year whose holidays nobody knows expects files every day."""
    try:
        return is_bank_business_day(day)
    except InvalidValueError:
        return True


def sources(profile: Profile) -> tuple[Source, ...]:
    """The sources that a municipality's profile names, in the order of the report."""
    found = []
    for agent in profile.agents:
        if agent.code == "eltax":
            found += [
                Source("eltax", "eltax_payment", "", agent.payer_name, daily=True),
                Source("eltax_remittance", "eltax_remittance", "", agent.payer_name, daily=False),
            ]
        elif agent.code == "debit":
            found.append(Source("debit", "debit_result", "", agent.payer_name, daily=False))
        else:
            daily = agent.code in DAILY
            found.append(Source(agent.code, agent.code, "", agent.payer_name, daily=daily))
    for account in profile.accounts:
        form = STATEMENT_FORMATS[account.money_kind]
        name = f"{account.bank_name} {account.branch_name} {account.account_no}"
        found.append(Source(f"bank:{account.key}", form, account.key, name, daily=True))
    return tuple(found)


def arrivals(
    connection: Connection, profile: Profile, day: date, lines: tuple[LineTotal, ...] = ()
) -> tuple[Arrival, ...]:
    """受領状況 per source: files, records, amounts; from ``lines`` 速報・確報・取消."""
    values = {"m": profile.municipality_code, "day": day.isoformat()}
    came = connection.execute(
        text(
            "SELECT format_code, agent, status, COUNT(*) AS files, SUM(count) AS lines, "
            "SUM(amount_yen) AS yen FROM source_file "
            "WHERE municipality_code = :m AND received_on = :day "
            "GROUP BY format_code, agent, status"
        ),
        values,
    ).all()
    nil = set(
        connection.execute(
            text("SELECT agent FROM nil_report WHERE municipality_code = :m AND due_on = :day"),
            values,
        ).scalars()
    )
    business_day = is_business_day(day)
    return tuple(
        _arrival(source, came, lines, nil=source.code in nil, due=business_day and source.daily)
        for source in sources(profile)
    )


def _arrival(
    source: Source, came: Any, lines: tuple[LineTotal, ...], *, nil: bool, due: bool
) -> Arrival:
    """One source's line of the report."""
    ours = [
        row
        for row in came
        if row.format_code == source.format_code and source.agent in {"", row.agent}
    ]
    accepted = [row for row in ours if row.status == "accepted"]
    if accepted:
        state = "received" if len(accepted) == len(ours) else "partial"
    elif nil:
        state = "nil"
    elif ours:
        state = "stopped"
    else:
        state = "missing" if due else "not_due"
    by_stage = {"provisional": (0, 0), "confirmed": (0, 0), "withdrawal": (0, 0)}
    for line in lines:
        if line.format_code == source.format_code and line.stage in by_stage:
            number, yen = by_stage[line.stage]
            by_stage[line.stage] = (number + line.count, yen + line.amount_yen)
    return Arrival(
        source=source,
        state=state,
        files=sum(int(row.files) for row in ours),
        count=sum(int(row.lines) for row in accepted),
        amount_yen=sum(int(row.yen) for row in accepted),
        provisional=by_stage["provisional"],
        confirmed=by_stage["confirmed"],
        withdrawal=by_stage["withdrawal"],
    )
