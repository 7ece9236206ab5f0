"""検算・明細のより分け: which lines must be looked at one by one.

Nearly all lines are payments that were booked in full or that say again what is known. One
statement sees that such a line, its outcome and its receipt agree, another that the postings about
it do; whatever is not plainly so goes into a temporary table, and :mod:`reconcile.verify.lines`
looks at it from all sides. A line that is plain here has nothing that is looked for there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.formats.delimited import PAYMENT_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from reconcile.verify.walk import Store

PAYMENTS = ("konbini", "eltax", "debit", "notification")
# Outcomes without money and without a case.
_QUIET = ("repeat", "confirms", "withdraws", "debit_failed")
CHANNELS = ", ".join(f"'{name}'" for name in PAYMENTS)
TABLE = "verify_line"

_KEY = "file_id BIGINT NOT NULL, line_no INTEGER NOT NULL, PRIMARY KEY (file_id, line_no)"
# Files first, so that lines come in their own order and find their neighbours beside each other.
_LINES = f"""
SELECT l.file_id, l.line_no
FROM source_file f
CROSS JOIN source_line l
LEFT JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = l.file_id
                        AND o.line_no = l.line_no AND o.revision = 1
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = l.file_id
                   AND r.line_no = l.line_no
LEFT JOIN (SELECT DISTINCT partner_file_id, partner_line_no FROM line_outcome
           WHERE municipality_code = :m AND outcome = 'confirms') c
       ON c.partner_file_id = l.file_id AND c.partner_line_no = l.line_no
WHERE f.municipality_code = :m AND l.municipality_code = :m AND l.file_id = f.file_id
  AND NOT COALESCE(f.status = 'accepted' AND f.channel IN ({CHANNELS}) AND CASE
    WHEN o.outcome = 'matched' THEN
        l.amount_yen > 0 AND o.applied_yen = l.amount_yen AND o.suspense_yen = 0
        AND r.amount_yen = l.amount_yen AND r.applied_yen = l.amount_yen AND r.suspense_yen = 0
        AND r.paid_on = l.paid_on AND COALESCE(r.slip_id, 0) = COALESCE(o.slip_id, 0)
        AND l.stage IN ('provisional', 'confirmed')
        AND r.stage = CASE WHEN c.partner_line_no IS NULL THEN l.stage ELSE 'confirmed' END
        AND NOT r.superseded
        AND r.seen = CASE WHEN l.stage = 'confirmed' THEN 4
                          ELSE CASE WHEN l.kind = '81' THEN 2 ELSE 1 END
                             + CASE WHEN c.partner_line_no IS NULL THEN 0 ELSE 4 END END
    WHEN o.outcome IN ({", ".join(f"'{name}'" for name in _QUIET)}) THEN
        o.applied_yen = 0 AND o.suspense_yen = 0 AND r.line_no IS NULL
        AND c.partner_line_no IS NULL
    END, FALSE)"""
_DECIDED_AGAIN = """
SELECT file_id, line_no FROM line_outcome WHERE municipality_code = :m AND revision <> 1"""
# Payments that were announced by more than one 速報.
_SAID_AGAIN = """
SELECT partner_file_id, partner_line_no FROM line_outcome
WHERE municipality_code = :m AND outcome = 'repeat' AND partner_line_no IS NOT NULL"""
# 確報 that booked a payment once more which had been withdrawn before, with each such payment. The
# few that were withdrawn come first.
TAKEN_UP = """
SELECT t.file_id, t.line_no, o.journal_id AS taken_in, w.file_id AS from_file_id,
    w.line_no AS from_line_no, w.kind AS from_kind
FROM line_outcome d
CROSS JOIN source_line w
CROSS JOIN source_line t
CROSS JOIN line_outcome o
WHERE d.municipality_code = :m AND d.revision > 1 AND d.outcome = 'withdrawn'
    AND w.municipality_code = :m AND w.file_id = d.file_id AND w.line_no = d.line_no
    AND w.stage = 'provisional' AND w.kind <> '12'
    AND t.municipality_code = :m AND t.identity = w.identity
    AND t.payment_key = w.payment_key AND t.stage = 'confirmed'
    AND o.municipality_code = :m AND o.file_id = t.file_id AND o.line_no = t.line_no
    AND o.revision = 1 AND o.applied_yen + o.suspense_yen > 0
    AND d.journal_id <= o.journal_id"""
# What the postings about a line net to, and what its receipt says that they should: a sum of 0 for
# each account. Claims and surpluses belong to instalments, refunds to
# overpayments, and are looked at there.
_POSTINGS = """
SELECT file_id, line_no
FROM (
  SELECT file_id, line_no, applied_yen AS applied, suspense_yen AS suspense,
         CASE stage WHEN 'provisional' THEN amount_yen ELSE 0 END AS reported,
         CASE stage WHEN 'confirmed' THEN amount_yen ELSE 0 END AS confirmed, 0 AS elsewhere
  FROM receipt WHERE municipality_code = :m
  UNION ALL
  SELECT subject_file_id, subject_line_no,
         CASE 'receivable' WHEN debit_account THEN amount_yen
                           WHEN credit_account THEN -amount_yen ELSE 0 END,
         CASE 'suspense' WHEN debit_account THEN amount_yen
                         WHEN credit_account THEN -amount_yen ELSE 0 END,
         CASE 'reported' WHEN debit_account THEN -amount_yen
                         WHEN credit_account THEN amount_yen ELSE 0 END,
         CASE 'confirmed_due' WHEN debit_account THEN -amount_yen
                              WHEN credit_account THEN amount_yen ELSE 0 END,
         CASE WHEN debit_account IN ('receivable', 'suspense', 'reported', 'confirmed_due')
               AND credit_account IN ('receivable', 'suspense', 'reported', 'confirmed_due')
              THEN 0 ELSE 1 END
  FROM posting WHERE municipality_code = :m
    AND reason NOT IN ('assessment', 'correction', 'cancellation', 'surplus',
        'written_off', 'write_off_reversal', 'refund_decided', 'refund_cancelled',
        'refund_paid', 'refund_returned')
) sides
GROUP BY file_id, line_no
HAVING SUM(applied) <> 0 OR SUM(suspense) <> 0 OR SUM(reported) <> 0 OR SUM(confirmed) <> 0
    OR SUM(elsewhere) <> 0"""
_WITHOUT_LINE = """
SELECT file_id, line_no FROM receipt WHERE municipality_code = :m
EXCEPT SELECT file_id, line_no FROM source_line WHERE municipality_code = :m
ORDER BY file_id, line_no"""
_OF_CREDITS = """
SELECT file_id, line_no FROM {table} WHERE municipality_code = :m"""

# 払込単位: the confirmed payments among the plain lines, by the group that they name.
_PART = (
    "CASE "
    + " ".join(
        f"WHEN l.identity LIKE '{name}:%' THEN '{name}/' || SUBSTR(l.slip_key, 32)"
        for name in PAYMENT_CHANNELS
    )
    + " END"
)
_GROUPS = f"""
SELECT agent, ref, part, COUNT(*) AS number, SUM(amount_yen) AS yen
FROM (SELECT CASE WHEN f.channel = 'eltax' THEN 'eltax'
                  WHEN f.channel = 'notification' THEN f.agent
                  WHEN f.channel = 'debit' THEN 'debit' ELSE f.format_code END AS agent,
             COALESCE(l.remittance_ref, '') AS ref,
             CASE WHEN f.channel = 'eltax' OR f.channel = 'notification' AND f.agent = 'eltax'
                  THEN {_PART} ELSE '' END AS part,
             l.amount_yen
      FROM source_file f
      CROSS JOIN source_line l
      JOIN line_outcome o ON o.municipality_code = :m AND o.file_id = l.file_id
                         AND o.line_no = l.line_no AND o.outcome IN ('matched', 'confirms')
      LEFT JOIN {TABLE} k ON k.file_id = l.file_id AND k.line_no = l.line_no
      WHERE f.municipality_code = :m AND l.municipality_code = :m AND l.file_id = f.file_id
        AND l.stage = 'confirmed' AND k.line_no IS NULL) confirmed
GROUP BY agent, ref, part"""
_RECEIVED = f"""
SELECT r.group_id, COUNT(*) AS number, SUM(r.amount_yen) AS yen
FROM receipt r
LEFT JOIN {TABLE} k ON k.file_id = r.file_id AND k.line_no = r.line_no
WHERE r.municipality_code = :m AND r.stage = 'confirmed' AND r.group_id IS NOT NULL
  AND k.line_no IS NULL
GROUP BY r.group_id"""


def set_aside(store: Store) -> None:
    """より分け: put the keys of all lines that are not plain into :data:`TABLE`."""
    taken_up = f"SELECT DISTINCT file_id, line_no FROM ({TAKEN_UP}) t"
    of_credits = (_OF_CREDITS.format(table=table) for table in ("deposit", "settlement"))
    store.make(
        TABLE,
        _KEY,
        (_LINES, _DECIDED_AGAIN, _SAID_AGAIN, taken_up, _POSTINGS, _WITHOUT_LINE, *of_credits),
    )


def plain_groups(store: Store) -> Iterator[Any]:
    """払込単位の合計: agent, ref, part, number and yen of the plain lines that were confirmed."""
    return store.rows(_GROUPS)


def plain_received(store: Store) -> Iterator[Any]:
    """The same money once more, by the groups that the receipts of plain lines name."""
    return store.rows(_RECEIVED)
