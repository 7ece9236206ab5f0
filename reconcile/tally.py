"""集計: what the lines of one file ended in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from reconcile.model import OutcomeSum

if TYPE_CHECKING:
    from sqlalchemy import Connection


# Nearly all lines are matched: their amount is what they applied, so that only the others need to
# be joined with their lines. ``{current}`` leaves out revisions that are not in force.
_TALLY = """
SELECT 'matched' AS outcome, COUNT(*) AS lines, SUM(applied_yen) AS yen,
       SUM(applied_yen) AS applied, 0 AS suspense
FROM line_outcome o
WHERE o.municipality_code = :m AND o.file_id = :file_id AND o.outcome = 'matched' {current}
HAVING COUNT(*) > 0
UNION ALL
SELECT o.outcome, COUNT(*) AS lines, COALESCE(SUM(l.amount_yen), 0) AS yen,
       SUM(o.applied_yen) AS applied, SUM(o.suspense_yen) AS suspense
FROM line_outcome o
JOIN source_line l ON l.municipality_code = :m AND l.file_id = o.file_id AND l.line_no = o.line_no
WHERE o.municipality_code = :m AND o.file_id = :file_id AND o.outcome <> 'matched' {current}
GROUP BY o.outcome ORDER BY 1"""
_CURRENT = """AND NOT EXISTS (
    SELECT 1 FROM line_outcome n WHERE n.municipality_code = :m AND n.file_id = o.file_id
      AND n.line_no = o.line_no AND n.revision > o.revision)"""
_REVISED = """
SELECT 1 FROM line_outcome WHERE municipality_code = :m AND file_id = :file_id AND revision > 1
LIMIT 1"""


def tally(connection: Connection, scope: dict[str, Any]) -> dict[str, OutcomeSum]:
    """Count, amount, applied and suspense by outcome: T5 of law.md 7.3 for this file."""
    revised = connection.execute(text(_REVISED), scope).first() is not None
    rows = connection.execute(text(_TALLY.format(current=_CURRENT if revised else "")), scope)
    return {
        r.outcome: OutcomeSum(r.lines, int(r.yen), int(r.applied), int(r.suspense)) for r in rows
    }
