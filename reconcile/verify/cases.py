"""検算・確認事項: every case stands as its history says, and is about what it names.

The history is sealed; the case itself is a summary of it, by which the worklist and the day report
count. A case that was closed, handed on or taken away past its history is named here.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from payments.domain.calendars import add_business_days
from payments.domain.errors import InvalidValueError
from reconcile.verify.lines import ENDINGS
from reconcile.verify.plain import CHANNELS
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
# What a case about a line is about: the suspense of the outcome that it is named after, else all of
# the line; of a line of a register nothing. What was refunded, or waits of a placed credit, is the
# rest that somebody left.
_OWN_YEN = """CASE WHEN o.suspense_yen > 0 THEN o.suspense_yen ELSE COALESCE(l.amount_yen, 0) END"""
_NAMED_AFTER = """FROM line_outcome o WHERE o.municipality_code = :m AND o.file_id = c.file_id
    AND o.line_no = c.line_no AND o.outcome = c.kind"""
_YEN = f"""
SELECT case_no, amount_yen, details, expected_yen, details_then FROM (
  SELECT c.case_no, c.amount_yen, c.details,
    CASE WHEN EXISTS (SELECT 1 {_NAMED_AFTER} AND c.amount_yen = {_OWN_YEN}) THEN c.amount_yen
         ELSE COALESCE((SELECT {_OWN_YEN} {_NAMED_AFTER} ORDER BY o.revision DESC LIMIT 1),
                       l.amount_yen, 0) END AS expected_yen,
    CASE WHEN f.channel IN ({CHANNELS}) THEN '' ELSE c.details END AS details_then
  FROM review_case c
  JOIN source_file f ON f.municipality_code = :m AND f.file_id = c.file_id
  LEFT JOIN source_line l ON l.municipality_code = :m AND l.file_id = c.file_id
      AND l.line_no = c.line_no
  WHERE c.municipality_code = :m AND c.line_no IS NOT NULL
    AND NOT (f.channel = 'bank' AND c.kind = 'placed')
    AND NOT EXISTS (SELECT 1 FROM refund x WHERE x.municipality_code = :m
        AND x.file_id = c.file_id AND x.line_no = c.line_no)) told
WHERE amount_yen <> expected_yen OR details <> details_then
ORDER BY case_no"""
# Until when: by the last step that says so and was not undone. When a step was written down is not
# known of old ones, some of whose days an upgrade has set. Every history is read once, whatever a
# database knows about its rows: asked step by step for a later one, PostgreSQL walked the six
# hundred cases of a table that it took for empty some hundred million times.
_UNTIL = """
SELECT c.case_no, c.kind, CAST(c.due_on AS VARCHAR(10)) AS due_on, s.event, s.said
FROM (
  SELECT case_no, event, event_no, said, made_at,
      MAX(event_no) OVER (PARTITION BY case_no) AS last_no
  FROM (
    SELECT e.case_no, e.event, e.event_no, e.made_at,
        CASE e.event WHEN 'deadline' THEN e.note
                     ELSE CAST(e.happened_on AS VARCHAR(10)) END AS said,
        MAX(CASE e.event WHEN 'undone' THEN 1 ELSE 0 END) OVER (
            PARTITION BY e.case_no, CASE e.event WHEN 'undone' THEN e.note
                                    ELSE CAST(e.event_no AS VARCHAR(20)) END) AS undone
    FROM case_event e
    WHERE e.municipality_code = :m
      AND e.event IN ('opened', 'reopened', 'deadline', 'undone')) step
  WHERE undone = 0) s
JOIN review_case c ON c.municipality_code = :m AND c.case_no = s.case_no
WHERE s.event_no = s.last_no AND s.made_at IS NOT NULL"""
_LATE = f"""
SELECT kind, event, said, due_on
FROM ({_UNTIL}) told GROUP BY kind, event, said, due_on"""
_THOSE = f"""
SELECT case_no FROM ({_UNTIL}) told WHERE kind = :kind AND event = :event AND said = :said
  AND COALESCE(due_on, '') = :due_on ORDER BY case_no"""
# Business days of each kind of case; all others have the last ones. Written down once more on
# purpose: verify shares nothing with the engine but the parsers, so that a day changed there by
# mistake is a difference here. A test holds both to each other (test_verify_cases).
_DAYS = {
    "conflict": 1, "debit_acknowledgement_differs": 1, "settlement_difference": 1,
    "withdrawal_after_confirmation": 1, "advice_difference": 3, "amount_mismatch": 3,
    "confirmed_after_withdrawal": 3, "late_confirmation": 3, "malformed": 3, "refund_returned": 3,
    "remittance_overdue": 3, "unidentified_deposit": 3, "withdrawal_unmatched": 3, "": 5,
}  # fmt: skip
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
    for row in store.rows(_YEN):
        expected, found = (
            f"{yen} {details}".rstrip()
            for yen, details in (
                (row.expected_yen, row.details_then),
                (row.amount_yen, row.details),
            )
        )
        yield Difference("review_case", f"case:{row.case_no}", expected, found)
    yield from _deadlines(store)
    for row in store.rows(_GONE):
        yield Difference("review_case", f"case:{row.case_no}", "case", "")


def _deadlines(store: Store) -> Iterator[Difference]:
    """期限: the business days of its kind, or the day that somebody has set."""
    for row in list(store.rows(_LATE)):
        expected, found = _due(row.kind, row.event, row.said), row.due_on or ""
        if expected == found:
            continue
        those = store.rows(_THOSE, kind=row.kind, event=row.event, said=row.said, due_on=found)
        for case in those:
            yield Difference(
                "review_case", f"case:{case.case_no}", f"due_on={expected}", f"due_on={found}"
            )


def _due(kind: str, event: str, said: str) -> str:
    """Until when a case is to be dealt with; "" in years whose holidays nobody knows."""
    if event == "deadline":
        return said
    try:
        days = _DAYS.get(kind, _DAYS[""])
        return add_business_days(date.fromisoformat(said), days).isoformat()
    except InvalidValueError:
        return ""
