"""請求の経過: every 調定異動 with what it changed, what holds the claim back, how it passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.holds import Target, holds_of_target
from reconcile.explain.evidence import instant, plain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.explain.model import Facts, Value

WHOLE_YEAR = "00"
_ASSESSMENTS = """
SELECT e.file_id, f.name AS file_name, f.received_on, j.booked_on, j.made_at, j.actor, j.reason,
    e.line_no, e.term, e.kind, e.amount_yen, e.flags, e.outcome
FROM assessment_event e
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = e.notice_id
 AND a.term = e.term
LEFT JOIN source_file f ON f.municipality_code = :m AND f.file_id = e.file_id
LEFT JOIN journal j ON j.municipality_code = :m AND j.file_id = e.file_id
WHERE e.municipality_code = :m AND e.notice_id = :notice_id AND {covered}
ORDER BY j.journal_id, e.file_id, e.line_no"""
_CARRIED = """
SELECT r.carry_no, r.event, r.from_year, r.to_year, r.booked_on, r.actor, o.term, o.amount_yen
FROM carry_over o
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = o.notice_id
 AND a.term = o.term
JOIN carry_run r ON r.municipality_code = :m AND o.carry_no IN (r.carry_no, r.reverses_no)
WHERE o.municipality_code = :m AND o.notice_id = :notice_id AND {covered}
ORDER BY r.carry_no, o.term"""


def assessments_of(
    connection: Connection, municipality_code: str, notice_id: int, term: str
) -> tuple[Facts, ...]:
    """調定異動 of what a slip covers, in the order of booking; ``before_yen`` is what it changed.

    ``term`` 00 is the 全期 slip, "" the whole notice. A line that changed nothing (a repeat, an
    error) has no ``before_yen``; neither has the first one.
    """
    found: list[Facts] = []
    standing: dict[Value, Value] = {}
    for row in _rows(connection, municipality_code, _ASSESSMENTS, notice_id, term):
        applied = row["outcome"] == "applied"
        found.append({**row, "before_yen": standing.get(row["term"]) if applied else None})
        if applied:
            standing[row["term"]] = row["amount_yen"]
    return tuple(found)


def holds_about(
    connection: Connection, municipality_code: str, notice_id: int, term: str
) -> tuple[Facts, ...]:
    """猶予・停止 of an instalment, or of the whole notice (term 00 or ""), by people and files."""
    target = Target(notice_id, term or WHOLE_YEAR)
    return tuple(
        {
            "hold_no": hold.hold_no,
            "term": hold.term,
            "kind": hold.kind,
            "by": hold.by,
            "from_on": _day(hold.span.from_on),
            "until_on": _day(hold.span.until_on),
            "lifted_on": _day(hold.span.lifted_on),
            "reason": hold.reason,
            "actor": hold.actor,
            "lift_reason": hold.lift_reason,
            "lift_actor": hold.lift_actor,
        }
        for hold in holds_of_target(connection, municipality_code, target)
    )


def carried_about(
    connection: Connection, municipality_code: str, notice_id: int, term: str
) -> tuple[Facts, ...]:
    """滞納繰越 of what a slip covers: carried from year to year, or taken back."""
    return tuple(_rows(connection, municipality_code, _CARRIED, notice_id, term))


def _rows(
    connection: Connection, municipality_code: str, statement: str, notice_id: int, term: str
) -> Iterable[Facts]:
    covered = {WHOLE_YEAR: "a.in_group", "": "1 = 1"}.get(term, "a.term = :term")
    scope: dict[str, Any] = {"m": municipality_code, "notice_id": notice_id, "term": term}
    for row in connection.execute(text(statement.format(covered=covered)), scope):
        yield {
            name: instant(value) if name == "made_at" else plain(value)
            for name, value in row._mapping.items()  # noqa: SLF001 - SQLAlchemy's public name
        }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
