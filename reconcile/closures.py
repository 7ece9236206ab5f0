"""締めの記録: what was closed and re-opened, read and written down (append-only)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from payments.domain.errors import NotFoundError
from reconcile.announce import announce_closure
from reconcile.day_totals import last_journal
from reconcile.report.data import canonical_json, report_as_data, report_from_data, sha256
from reconcile.store.day_tables import DayClosureRow

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection, Row

    from payments.approve import Approval
    from reconcile.report.period import DayReport

table = DayClosureRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Closure:
    """締めの記録: one closing or re-opening; ``closed_until`` and ``closed_year`` hold after it."""

    closure_no: int
    period: str  # day or year
    event: str  # closed or reopened
    ends_on: date
    closed_until: date | None
    closed_year: int
    asked_by: str
    decided_by: str
    reason: str  # why it was closed all the same, or re-opened
    made_at: datetime
    report_sha256: str  # "" of a re-opening


def history(
    connection: Connection, municipality_code: str, period: str, ends_on: date
) -> tuple[Closure, ...]:
    """What happened to one day or year, oldest first."""
    rows = connection.execute(
        select(table)
        .where(
            table.c.municipality_code == municipality_code,
            table.c.period == period,
            table.c.ends_on == ends_on,
        )
        .order_by(table.c.closure_no)
    )
    return tuple(_closure(row) for row in rows)


def before(connection: Connection, municipality_code: str, closure_no: int) -> Closure | None:
    """The record just before this one, or None."""
    row = connection.execute(
        select(table).where(
            table.c.municipality_code == municipality_code, table.c.closure_no == closure_no - 1
        )
    ).one_or_none()
    return _closure(row) if row else None


def last_no(connection: Connection, municipality_code: str) -> int:
    """The number of the last record, 0 before the first one; they have no gaps."""
    number = connection.execute(
        select(table.c.closure_no)
        .where(table.c.municipality_code == municipality_code)
        .order_by(table.c.closure_no.desc())
        .limit(1)
    ).scalar_one_or_none()
    return int(number or 0)


def signed_report(
    connection: Connection, municipality_code: str, period: str, ends_on: date
) -> tuple[DayReport, Closure] | None:
    """The report as it was signed, or None while the day or year is open."""
    row = connection.execute(
        select(table)
        .where(
            table.c.municipality_code == municipality_code,
            table.c.period == period,
            table.c.ends_on == ends_on,
        )
        .order_by(table.c.closure_no.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.event != "closed":
        return None
    return report_from_data(json.loads(row.report_json)), _closure(row)


def kept_report(
    connection: Connection, municipality_code: str, closure_no: int, ends_on: date
) -> tuple[DayReport, Closure]:
    """The report of one closing, also when it was re-opened afterwards.

    Raises :class:`NotFoundError` ``closure`` when ``ends_on`` was not closed under that number.
    """
    row = connection.execute(
        select(table).where(
            table.c.municipality_code == municipality_code,
            table.c.closure_no == closure_no,
            table.c.ends_on == ends_on,
            table.c.event == "closed",
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError("closure", closure_no=closure_no)
    return report_from_data(json.loads(row.report_json)), _closure(row)


def record(
    connection: Connection,
    municipality_code: str,
    approval: Approval,
    closure: Closure,
    report: DayReport | None,
) -> Closure:
    """Write down what two people decided, with the report that was signed."""
    kept = canonical_json(report_as_data(report)) if report else ""
    signed = replace(closure, report_sha256=sha256(kept) if report else "")
    values: dict[str, Any] = {name: getattr(signed, name) for name in Closure.__dataclass_fields__}
    connection.execute(
        table.insert().values(
            municipality_code=municipality_code,
            journal_id=last_journal(connection, municipality_code),
            report_json=kept,
            approval_id=approval.approval_id,
            **values,
        )
    )
    announce_closure(connection, municipality_code, signed.closure_no)
    return signed


def _closure(row: Row[Any]) -> Closure:
    """A record from its row."""
    return Closure(**{name: getattr(row, name) for name in Closure.__dataclass_fields__})
