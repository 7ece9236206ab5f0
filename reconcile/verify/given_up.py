"""検算・不納欠損と減免: what was given up follows from two people, and the books say just that.

Nothing here is shared with what carried it out: approvals, records, postings and accounts are laid
side by side.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

# Each instalment by its account, by the records about it and by its postings.
_SIDES = """
SELECT notice_id, term, SUM(account) AS account, SUM(record) AS record, SUM(posted) AS posted
FROM (
  SELECT notice_id, term, written_off_yen AS account, 0 AS record, 0 AS posted
  FROM instalment_account WHERE municipality_code = :m AND written_off_yen <> 0
  UNION ALL
  SELECT notice_id, term, 0, CASE event WHEN 'written_off' THEN amount_yen ELSE -amount_yen END, 0
  FROM write_off WHERE municipality_code = :m
  UNION ALL
  SELECT notice_id, term, 0, 0,
      CASE debit_account WHEN 'written_off' THEN amount_yen ELSE -amount_yen END
  FROM posting WHERE municipality_code = :m AND 'written_off' IN (debit_account, credit_account)
) sides
GROUP BY notice_id, term
HAVING SUM(account) <> SUM(record) OR SUM(record) <> SUM(posted)
ORDER BY notice_id, term"""
_RECORDS = """
SELECT w.approval_id, w.event, w.notice_id, w.term, SUM(w.amount_yen) AS yen FROM write_off w
WHERE w.municipality_code = :m AND w.approval_id IS NOT NULL
GROUP BY w.approval_id, w.event, w.notice_id, w.term ORDER BY w.approval_id, w.notice_id, w.term"""
_APPROVED = """
SELECT approval_id, kind, content_json, asked_by, decided_by FROM approval
WHERE municipality_code = :m AND kind IN ('write_off', 'write_off_reversal')
  AND decision = 'approved' ORDER BY approval_id"""
# 調定 of what shrank takes a write-off back without a second person: a correction is its reason.
_UNASKED = """
SELECT w.write_off_no FROM write_off w
LEFT JOIN journal j ON j.municipality_code = :m AND j.journal_id = w.journal_id
WHERE w.municipality_code = :m AND w.approval_id IS NULL
  AND (w.event <> 'reversed' OR COALESCE(j.kind, '') <> 'assessments') ORDER BY w.write_off_no"""
_WAIVED = """
SELECT w.waiver_no, a.kind, a.decision, a.asked_by, a.decided_by FROM charge_waiver w
LEFT JOIN approval a ON a.municipality_code = :m AND a.approval_id = w.approval_id
WHERE w.municipality_code = :m ORDER BY w.waiver_no"""


def given_up(store: Store) -> Iterator[Difference]:
    """不納欠損: accounts, records, postings and approvals say the same; waivers had two people."""
    for row in store.rows(_SIDES):
        subject = f"{row.notice_id}/{row.term}"
        found = f"{int(row.account)} / {int(row.posted)}"
        yield Difference("write_off", subject, str(int(row.record)), found)
    recorded: dict[int, list[tuple[int, str, int]]] = {}
    for row in store.rows(_RECORDS):
        recorded.setdefault(row.approval_id, []).append((row.notice_id, row.term, int(row.yen)))
    for row in store.rows(_APPROVED):
        said = json.loads(row.content_json)
        parts = said["parts"] if row.kind == "write_off" else [said]
        expected = sorted((p["notice_id"], p["term"], p["amount_yen"]) for p in parts)
        found_parts = sorted(recorded.pop(row.approval_id, []))
        if expected != found_parts or row.asked_by == row.decided_by:
            yield Difference(
                "write_off_approval", f"approval:{row.approval_id}", str(expected), str(found_parts)
            )
    for approval_id in sorted(recorded):
        yield Difference("write_off_approval", f"approval:{approval_id}", "", "approved by nobody")
    for row in store.rows(_UNASKED):
        yield Difference("write_off_approval", f"write_off:{row.write_off_no}", "two people", "")
    for row in store.rows(_WAIVED):
        asked = (row.kind, row.decision) == ("charge_waiver", "approved")
        if not asked or row.asked_by == row.decided_by:
            yield Difference("charge_waiver", f"waiver:{row.waiver_no}", "two people", "")
