"""過去の見え方: the views of :mod:`reconcile.day_past`, one for each table that changes in place.

``{m}`` is the municipality, ``{s}`` the schema of the tables themselves, ``{at}`` the moment and
``{last}`` the last journal before it; what else stands in braces is filled in where it is used.
"""

from __future__ import annotations

# A receipt as the outcome of its line had it; there is one once anything was booked about it.
RECEIPTS = """
SELECT r.municipality_code, r.file_id, r.line_no, r.amount_yen, r.paid_on,
    (SELECT CASE WHEN o.outcome = 'withdrawn' THEN 'withdrawn' ELSE 'booked' END {of}) AS stage,
    (SELECT o.applied_yen {of}) AS applied_yen, (SELECT o.suspense_yen {of}) AS suspense_yen
FROM {s}.receipt r"""
OF = """FROM line_outcome o WHERE o.municipality_code = r.municipality_code
    AND o.file_id = r.file_id AND o.line_no = r.line_no ORDER BY o.revision DESC LIMIT 1"""
# A settlement that was undone is gone; its postings tell it.
SETTLED = """
SELECT municipality_code, file_id, line_no, group_id, SUM(yen) AS amount_yen
FROM (SELECT municipality_code, file_id, line_no, group_id, amount_yen AS yen
    FROM {s}.settlement WHERE municipality_code = '{m}'
    UNION ALL
    SELECT municipality_code, subject_file_id, subject_line_no, group_id,
        CASE reason WHEN 'settled' THEN -amount_yen ELSE amount_yen END
    FROM {s}.posting
    WHERE municipality_code = '{m}' AND journal_id > {last} AND group_id IS NOT NULL
        AND reason IN ('settled', 'reversal') AND 'unidentified' IN (debit_account, credit_account)
    ) w
GROUP BY 1, 2, 3, 4 HAVING SUM(yen) > 0"""
# 確認事項: what the events up to the moment add up to (reconcile.case_history).
CASES = """
SELECT c.municipality_code, c.case_no, c.kind, c.subject,
    CASE WHEN e.event IN ('opened', 'reopened') THEN 'open' ELSE e.event END AS state,
    {amount} AS amount_yen
FROM {s}.review_case c
JOIN (SELECT municipality_code, case_no, MAX(event_no) AS event_no FROM case_event x
    WHERE municipality_code = '{m}'
        AND event IN ('opened', 'reopened', 'acknowledged', 'accepted', 'resolved')
        AND NOT EXISTS (SELECT 1 FROM case_event u WHERE u.municipality_code = '{m}'
            AND u.case_no = x.case_no AND u.event = 'undone'
            AND u.note = CAST(x.event_no AS VARCHAR(10)))
    GROUP BY municipality_code, case_no) l
  ON l.municipality_code = c.municipality_code AND l.case_no = c.case_no
JOIN {s}.case_event e ON e.municipality_code = c.municipality_code AND e.case_no = c.case_no
    AND e.event_no = l.event_no"""
BATCHES = """
SELECT {columns}, NOT EXISTS (SELECT 1 FROM debit_event e
    WHERE e.municipality_code = b.municipality_code AND e.batch_no = b.batch_no
      AND e.event IN ('replaced', 'withdrawn')) AS in_force
FROM {s}.debit_batch b"""
SLIPS = """
SELECT v.municipality_code, v.slip_id, v.notice_id, v.term, v.el_number,
    CASE WHEN EXISTS (SELECT 1 FROM {s}.slip_event e
        WHERE e.municipality_code = v.municipality_code AND e.slip_id = v.slip_id
          AND e.kind IN ('superseded', 'revoked') AND {later}) THEN 'new' ELSE v.state END AS state
FROM {s}.slip v"""
# A place has its slip once the run has been numbered up to it, its page once the file is done.
PLACES = """
SELECT p.municipality_code, p.run_id, p.seq, p.notice_id, p.term, p.file_no,
    CASE WHEN p.seq <= r.numbered_seq THEN p.slip_id END AS slip_id,
    CASE WHEN EXISTS (SELECT 1 FROM print_run_file d
        WHERE d.municipality_code = p.municipality_code AND d.run_id = p.run_id
          AND d.file_no = p.file_no) THEN p.page_no END AS page_no
FROM {s}.print_run_slip p
JOIN print_run r ON r.municipality_code = p.municipality_code AND r.run_id = p.run_id"""
# What was summed up after the moment is taken out of the sums again, as it was put in.
TOTALS = """
SELECT t.municipality_code, t.booked_on, t.item_code,
    t.claim_year, t.open_year, t.channel, t.debit_account, t.credit_account, t.reason,
    SUM(t.count) AS count, SUM(t.amount_yen) AS amount_yen
FROM (SELECT municipality_code, booked_on, item_code, claim_year,
        open_year, channel, debit_account, credit_account, reason, count, amount_yen
    FROM {s}.day_total
    UNION ALL
    SELECT j.municipality_code, j.booked_on, COALESCE(n.item_code, ''),
        COALESCE(i.fiscal_year, 0), {open_year}, COALESCE(f.channel, ''), p.debit_account,
        p.credit_account, p.reason, -1, -p.amount_yen
    FROM {s}.journal j
    JOIN {s}.posting p ON p.municipality_code = j.municipality_code AND p.journal_id = j.journal_id
    LEFT JOIN {s}.source_file f ON f.municipality_code = j.municipality_code
        AND f.file_id = p.subject_file_id
    LEFT JOIN {s}.receipt r ON r.municipality_code = j.municipality_code
        AND r.file_id = p.subject_file_id AND r.line_no = p.subject_line_no
    LEFT JOIN {s}.notice n ON n.municipality_code = j.municipality_code
        AND n.notice_id = p.notice_id
    LEFT JOIN {s}.instalment i ON i.municipality_code = j.municipality_code
        AND i.notice_id = p.notice_id AND i.term = p.term
    WHERE j.municipality_code = '{m}' AND j.journal_id > {from_mark} AND j.journal_id <= {mark}) t
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 HAVING SUM(t.count) <> 0"""
# 締めた年度: each change, and up to which journal the summaries went when they first knew of it.
CLOSED_YEARS = """
SELECT c.closed_year, CASE WHEN {made_at} < COALESCE((SELECT {until_at} FROM {s}.former_row k
        WHERE k.municipality_code = '{m}' AND k.table_name = 'books'), '') THEN c.journal_id END
    AS journal_id,
    (SELECT k.row_json FROM {s}.former_row k WHERE k.municipality_code = '{m}'
        AND k.table_name = 'books_mark' AND {until_at} >= {made_at}
        ORDER BY k.former_no LIMIT 1) AS before
FROM {s}.day_closure c WHERE c.municipality_code = '{m}' AND c.period = 'year'
ORDER BY c.closure_no"""
# What rows that changed after the moment said at it (payments.store.former).
LEFT = """(SELECT f.row_key, f.row_json FROM {s}.former_row f
    JOIN (SELECT k.row_key, MIN(k.former_no) AS former_no FROM {s}.former_row k
        WHERE k.municipality_code = '{m}' AND k.table_name = '{table}' AND {until_at} > '{at}'
        GROUP BY k.row_key) n ON n.row_key = f.row_key AND n.former_no = f.former_no
    WHERE f.municipality_code = '{m}' AND f.table_name = '{table}')"""
GROUP = ("confirmed_count", "confirmed_yen", "fee_yen", "credited_yen")
GROUPS = """
SELECT g.municipality_code, g.group_id, g.agent, g.ref, g.remitted_on, {figures}
FROM {s}.remittance_group g LEFT JOIN {left} k ON k.row_key = CAST(g.group_id AS VARCHAR(60))
WHERE g.municipality_code = '{m}' AND COALESCE(k.row_json, '') <> 'null'"""
# A file was received until it was decided; what it said before a later try was left.
UNDECIDED = {
    "status": "'received'", "format_code": "''", "channel": "''", "agent": "''",
    "created_on": "NULL", "count": "0", "amount_yen": "0",
}  # fmt: skip
FINDINGS = """
SELECT d.municipality_code, d.file_id FROM {s}.finding d
JOIN source_file f ON f.municipality_code = d.municipality_code AND f.file_id = d.file_id
WHERE d.municipality_code = '{m}' AND f.status <> 'received'"""
COUNTED = """
UNION ALL SELECT '{m}', {file_id} FROM (
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number})
    SELECT i FROM n) findings_{file_id}"""
