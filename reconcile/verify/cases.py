"""検算・確認事項: every case stands as its history says, and is about what it names.

The history is sealed; the case itself is a summary of it, by which the worklist and the day report
count. A case that was closed, handed on or taken away past its history is named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.verify.lines import ENDINGS
from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

# What was undone does not count; the event that undoes names the other one by its number.
_LAST = """(SELECT {value} FROM case_event e
    WHERE e.municipality_code = :m AND e.case_no = c.case_no AND e.event IN ({events})
      AND NOT EXISTS (SELECT 1 FROM case_event u WHERE u.municipality_code = :m
          AND u.case_no = e.case_no AND u.event = 'undone'
          AND u.note = CAST(e.event_no AS VARCHAR(20)))
    ORDER BY e.event_no DESC LIMIT 1)"""
_STATE = _LAST.format(
    value="CASE e.event WHEN 'opened' THEN 'open' WHEN 'reopened' THEN 'open' ELSE e.event END",
    events="'opened', 'reopened', 'acknowledged', 'accepted', 'resolved'",
)
_OWNER = _LAST.format(
    value="CASE e.event WHEN 'acknowledged' THEN e.actor ELSE e.note END",
    events="'acknowledged', 'assigned'",
)
_OPENED = """(SELECT CAST(e.happened_on AS VARCHAR(10)) FROM case_event e
    WHERE e.municipality_code = :m AND e.case_no = c.case_no AND e.event_no = 1)"""
_CASES = f"""
SELECT case_no, state, owner, opened_on, state_then, owner_then, opened_then FROM (
  SELECT c.case_no, c.state, c.owner, CAST(c.opened_on AS VARCHAR(10)) AS opened_on,
         COALESCE({_STATE}, '') AS state_then, COALESCE({_OWNER}, '') AS owner_then,
         COALESCE({_OPENED}, '') AS opened_then
  FROM review_case c WHERE c.municipality_code = :m) told
WHERE state <> state_then OR owner <> owner_then OR opened_on <> opened_then
ORDER BY case_no"""
# A case about a line names it twice, and has the outcome of one of its decisions as its kind.
_ABOUT = """
SELECT c.case_no, c.kind, c.subject, c.file_id, c.line_no FROM review_case c
WHERE c.municipality_code = :m AND c.line_no IS NOT NULL
  AND (c.subject <> CAST(c.file_id AS VARCHAR(20)) || ':' || CAST(c.line_no AS VARCHAR(20))
    OR (c.kind IN :keys AND NOT EXISTS (
        SELECT 1 FROM line_outcome o WHERE o.municipality_code = :m AND o.file_id = c.file_id
          AND o.line_no = c.line_no AND o.outcome = c.kind)))
ORDER BY c.case_no"""
_GONE = """
SELECT DISTINCT e.case_no FROM case_event e
LEFT JOIN review_case c ON c.municipality_code = :m AND c.case_no = e.case_no
WHERE e.municipality_code = :m AND c.case_no IS NULL ORDER BY e.case_no"""


def cases(store: Store) -> Iterator[Difference]:
    """確認事項 against its history and its line."""
    for row in store.rows(_CASES):
        expected = f"{row.state_then} {row.owner_then} {row.opened_then}"
        found = f"{row.state} {row.owner} {row.opened_on}"
        yield Difference("review_case", f"case:{row.case_no}", expected, found)
    for case_no, kind, subject, file_id, line_no in store.among(_ABOUT, [*ENDINGS]):
        found = f"{kind} {subject}"
        yield Difference("review_case", f"case:{case_no}", f"{file_id}:{line_no}", found)
    for row in store.rows(_GONE):
        yield Difference("review_case", f"case:{row.case_no}", "case", "")
