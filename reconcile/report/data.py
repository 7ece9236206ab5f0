"""日計のデータ: a report as plain data and back, so that what was signed can be shown for ever.

The data carry what the report works out (differences, totals), for programs that only read; coming
back, those are left out and worked out again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from reconcile.carry_over import CarryEvent
from reconcile.report.arrivals import Arrival, Source
from reconcile.report.blocks import AccountMovement, Cash, FileSummary, Flow, Group, OutcomeTotal
from reconcile.report.checks import Check
from reconcile.report.period import DayReport
from reconcile.report.revenue import Claimed, Revenue, YearLine

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATES = ("first", "day", "previous_day", "next_day", "closed_until")
# What each block's rows work out from their own figures.
_WORKED_OUT = {
    "arrivals": ("red",),
    "cash": ("computed_yen", "ties"),
    "groups": ("difference_yen",),
    "revenue": ("total_count", "total_yen"),
    "movements": ("closing_yen",),
    "checks": ("ok",),
    "year_lines": ("outstanding_yen",),
}
_ROWS: Mapping[str, Any] = {
    "flows": Flow,
    "outcomes": OutcomeTotal,
    "cash": Cash,
    "revenue": Revenue,
    "movements": AccountMovement,
    "checks": Check,
    "files": FileSummary,
    "year_lines": YearLine,
    "claimed": Claimed,
    "carried": CarryEvent,
}


def report_as_data(report: DayReport) -> dict[str, Any]:
    """日計 for a program: dates as ISO text, every block a list of objects."""
    data: dict[str, Any] = asdict(report)
    for name in ("flows", "outcomes", "carried"):
        data[name] = [row._asdict() for row in getattr(report, name)]
    for name, worked_out in _WORKED_OUT.items():
        for row, plain in zip(getattr(report, name), data[name], strict=True):
            plain.update({key: getattr(row, key) for key in worked_out})
    data["waiting"] = [
        {"kind": kind, "count": number, "amount_yen": yen} for kind, number, yen in report.waiting
    ]
    data["days"] = [
        {"booked_on": day, "count": number, "amount_yen": yen} for day, number, yen in report.days
    ]
    found: dict[str, Any] = json.loads(json.dumps(data, default=date.isoformat))
    return found


def report_from_data(data: Mapping[str, Any]) -> DayReport:
    """The report that :func:`report_as_data` made the data of."""
    plain = dict(data)
    for name in _DATES:
        plain[name] = _date(plain[name])
    for name, kind in _ROWS.items():
        # A report from before a block existed does not have it.
        plain[name] = tuple(kind(**_own(name, row)) for row in plain.get(name, ()))
    plain["groups"] = tuple(
        Group(**{**_own("groups", row), "remitted_on": _date(row["remitted_on"])})
        for row in data["groups"]
    )
    plain["carried"] = tuple(
        event._replace(booked_on=_date(str(event.booked_on))) for event in plain["carried"]
    )
    plain["arrivals"] = tuple(_arrival(row) for row in data["arrivals"])
    plain["waiting"] = tuple((r["kind"], r["count"], r["amount_yen"]) for r in data["waiting"])
    plain["days"] = tuple(
        (date.fromisoformat(r["booked_on"]), r["count"], r["amount_yen"]) for r in data["days"]
    )
    return DayReport(**plain)


def canonical_json(data: Mapping[str, Any]) -> str:
    """One spelling of the data: what is kept of a closed day, and what its hash is of."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sha256(text: str) -> str:
    """The hash of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def _own(block: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without what it works out itself."""
    return {key: row[key] for key in row if key not in _WORKED_OUT.get(block, ())}


def _arrival(row: Mapping[str, Any]) -> Arrival:
    pairs = {name: tuple(row[name]) for name in ("provisional", "confirmed", "withdrawal")}
    return Arrival(**{**_own("arrivals", row), "source": Source(**row["source"]), **pairs})


def _date(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
