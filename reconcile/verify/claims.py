"""検算・調定と納付書: what is owed, what is still open, and which number pays what."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from reconcile.verify.walk import Difference, unlike

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.verify.walk import Store

# Each instalment by its account, by the last event about it and by its postings, side by side: one
# pass finds whatever any of the three has and another has not. The claim is what the last line
# about it says; files count in the order they were booked. Money through a 全期 slip and money
# through slips of the instalment are kept apart; what people placed is the instalment's own.
_INSTALMENTS = """
SELECT notice_id, term, SUM(amount) AS amount, SUM(by_term) AS by_term, SUM(whole) AS whole,
       SUM(surplus) AS surplus, SUM(assessed) AS assessed, SUM(claimed) AS claimed,
       SUM(term_moved) AS term_moved, SUM(whole_moved) AS whole_moved,
       SUM(surplus_moved) AS surplus_moved
FROM (
  SELECT notice_id, term, amount_yen AS amount, term_yen AS by_term, whole_yen AS whole,
         surplus_yen AS surplus, 0 AS assessed, 0 AS claimed, 0 AS term_moved, 0 AS whole_moved,
         0 AS surplus_moved
  FROM instalment_account WHERE municipality_code = :m
  UNION ALL
  SELECT notice_id, term, 0, 0, 0, 0, amount_yen, 0, 0, 0, 0
  FROM (SELECT e.notice_id, e.term, e.amount_yen, ROW_NUMBER() OVER (
            PARTITION BY e.notice_id, e.term
            ORDER BY COALESCE(j.journal_id, 0) DESC, e.file_id DESC, e.line_no DESC) AS place
        FROM assessment_event e
        LEFT JOIN (SELECT file_id, MIN(journal_id) AS journal_id FROM journal
                   WHERE municipality_code = :m GROUP BY file_id) j ON j.file_id = e.file_id
        WHERE e.municipality_code = :m AND e.outcome = 'applied') events
  WHERE place = 1
  UNION ALL
  SELECT notice_id, term, 0, 0, 0, 0, 0,
         CASE kind WHEN 'claim' THEN owed_yen ELSE 0 END,
         CASE kind WHEN 'term' THEN -owed_yen ELSE 0 END,
         CASE kind WHEN 'whole' THEN -owed_yen ELSE 0 END,
         CASE kind WHEN 'surplus' THEN owed_yen ELSE 0 END
  FROM (SELECT p.notice_id, p.term,
               CASE WHEN p.debit_account = 'receivable' THEN p.amount_yen
                    ELSE -p.amount_yen END AS owed_yen,
               CASE WHEN p.reason IN ('assessment', 'correction', 'cancellation') THEN 'claim'
                    WHEN p.reason = 'surplus' THEN 'surplus'
                    WHEN r.term = '00' AND p.reason NOT IN ('placed', 'placed_reversal')
                    THEN 'whole' ELSE 'term' END AS kind
        FROM posting p
        LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.subject_file_id
                           AND r.line_no = p.subject_line_no
        WHERE p.municipality_code = :m AND p.notice_id IS NOT NULL AND p.term IS NOT NULL
          AND (p.debit_account = 'receivable' OR p.credit_account = 'receivable')) moved
) sides
GROUP BY notice_id, term
HAVING SUM(amount) <> SUM(assessed) OR SUM(claimed) <> SUM(assessed)
    OR SUM(by_term) <> SUM(term_moved) OR SUM(whole) <> SUM(whole_moved)
    OR SUM(surplus) <> SUM(surplus_moved)
ORDER BY notice_id, term"""


def instalments(store: Store) -> Iterator[Difference]:
    """期別: the claim from its events, the balance from its postings."""
    for row in store.rows(_INSTALMENTS):
        subject = f"{row.notice_id}/{row.term}"
        amount, assessed, claimed = int(row.amount), int(row.assessed), int(row.claimed)
        if amount != assessed:
            yield Difference("instalment_amount", subject, str(assessed), str(amount))
        if claimed != assessed:
            yield Difference("claim_posting", subject, str(assessed), str(claimed))
        expected = _balance(row.term_moved, row.whole_moved, row.surplus_moved)
        found = _balance(row.by_term, row.whole, row.surplus)
        if expected != found:
            yield Difference("instalment_balance", subject, expected, found)


def _balance(by_term: Any, whole: Any, surplus: Any) -> str:
    return f"{by_term} + {whole} − {surplus}"


# ---- keys ----

_TABLE = "verify_key"
# Every number that names something: an eL number, a free area, a 顧客番号.
_COLUMNS = "slip_id, notice_id, term, version, amount_yen, valid_until, state"
_EL_NUMBERS = f"""
SELECT 'E' || el_number AS number, '' AS reissue, {_COLUMNS}
FROM slip WHERE municipality_code = :m AND el_number IS NOT NULL"""
_FREE_AREAS = f"""
SELECT 'K' || SUBSTR(konbini_barcode, 9, 21) AS number, SUBSTR(konbini_barcode, 30, 1) AS reissue,
       {_COLUMNS}
FROM slip WHERE municipality_code = :m AND konbini_barcode IS NOT NULL"""
_DEBIT_NUMBERS = """
SELECT 'D' || debit_no AS number, notice_id, term
FROM instalment WHERE municipality_code = :m AND debit_no <> ''"""
# The slips of a plan stand beside the others, whatever their version.
_OF_PLAN = """EXISTS (SELECT 1 FROM payment_plan_part g WHERE g.municipality_code = :m
    AND g.slip_id = {slip}.slip_id)"""
_SUPERSEDED = f"""CASE WHEN s.state = 'new' AND (NOT EXISTS (
    SELECT 1 FROM slip o WHERE o.municipality_code = :m AND o.notice_id = s.notice_id
      AND o.term = s.term AND o.state = 'new' AND o.version > s.version
      AND NOT {_OF_PLAN.format(slip="o")})
    OR {_OF_PLAN.format(slip="s")}) THEN 0 ELSE 1 END"""

# Nearly every number has a key that says just what its slip says, and no key has another number.
# All that does not is put aside, by its number, and looked at as a whole.
_NOT_SO = f"""
SELECT s.number FROM ({{numbers}}) s
LEFT JOIN pay_key k ON k.municipality_code = :m AND k.pay_key = s.number AND k.slip_id = s.slip_id
 AND k.notice_id = s.notice_id AND k.term = s.term AND k.slip_yen = s.amount_yen
 AND k.valid_until = s.valid_until AND CASE WHEN k.superseded THEN 1 ELSE 0 END = {_SUPERSEDED}
WHERE k.pay_key IS NULL"""
_NO_DEBIT_KEY = f"""
SELECT s.number FROM ({_DEBIT_NUMBERS}) s
LEFT JOIN pay_key k ON k.municipality_code = :m AND k.pay_key = s.number AND k.slip_id IS NULL
 AND k.notice_id = s.notice_id AND k.term = s.term AND k.slip_yen IS NULL
 AND k.valid_until IS NULL AND NOT k.superseded
WHERE k.pay_key IS NULL"""
_NUMBER = "CASE WHEN k.pay_key LIKE 'K%' THEN SUBSTR(k.pay_key, 1, 22) ELSE k.pay_key END"
_NO_NUMBER = f"""
SELECT {_NUMBER} FROM pay_key k
LEFT JOIN slip s ON s.municipality_code = :m AND s.slip_id = k.slip_id
LEFT JOIN instalment i ON i.municipality_code = :m AND i.notice_id = k.notice_id
                      AND i.term = k.term AND k.slip_id IS NULL
WHERE k.municipality_code = :m AND k.pay_key <> COALESCE('E' || s.el_number, '')
  AND k.pay_key <> COALESCE('K' || SUBSTR(s.konbini_barcode, 9, 21), '')
  AND k.pay_key <> COALESCE('D' || i.debit_no, '')"""

# Where slips share a free area the 再発行区分 joins it (outcomes.md 1), and of versions that share
# all of it the newest counts. A 顧客番号 that several instalments share names none.
_EXPECTED = f"""
SELECT pay_key, slip_id, notice_id, term, amount_yen, valid_until, superseded FROM (
  SELECT s.pay_key, s.slip_id, s.notice_id, s.term, s.amount_yen,
         CAST(s.valid_until AS TEXT) AS valid_until, {_SUPERSEDED} AS superseded,
         ROW_NUMBER() OVER (PARTITION BY s.pay_key
             ORDER BY s.notice_id DESC, s.term DESC, s.version DESC) AS place
  FROM (SELECT n.*, n.number || CASE WHEN n.reissue <> '' AND COUNT(*) OVER (PARTITION BY n.number)
                                          > 1 THEN '/' || n.reissue ELSE '' END AS pay_key
        FROM ({_EL_NUMBERS} UNION ALL {_FREE_AREAS}) n
        JOIN {_TABLE} v ON v.number = n.number) s) named
WHERE place = 1
UNION ALL
SELECT d.number, NULL, MIN(d.notice_id), MIN(d.term), NULL, NULL, 0
FROM ({_DEBIT_NUMBERS}) d JOIN {_TABLE} v ON v.number = d.number
GROUP BY d.number HAVING COUNT(*) = 1"""
_FOUND = f"""
SELECT k.pay_key, k.slip_id, k.notice_id, k.term, k.slip_yen,
       CAST(k.valid_until AS TEXT) AS valid_until, CASE WHEN k.superseded THEN 1 ELSE 0 END
FROM pay_key k JOIN {_TABLE} v ON v.number = {_NUMBER} WHERE k.municipality_code = :m"""


def pay_keys(store: Store) -> Iterator[Difference]:
    """照合キー: the look-up says what the slips and the instalments say, no more and no less."""
    unlike_numbers = (_NOT_SO.format(numbers=numbers) for numbers in (_EL_NUMBERS, _FREE_AREAS))
    store.make(
        _TABLE,
        "number VARCHAR(40) NOT NULL PRIMARY KEY",
        (*unlike_numbers, _NO_DEBIT_KEY, _NO_NUMBER),
    )
    for key, should, is_ in unlike(_rows(store, _EXPECTED), _rows(store, _FOUND)):
        yield Difference("pay_key", key, _text(should), _text(is_))


def _rows(store: Store, statement: str) -> Iterator[tuple[Any, ...]]:
    """Rows in the order of the bytes of their keys, whatever language the database sorts by."""
    ordered = f"SELECT * FROM ({statement}) keys ORDER BY pay_key{store.binary}"
    return chain.from_iterable(store.portions(ordered))


def _text(rows: Sequence[tuple[Any, ...]]) -> str:
    return "; ".join(", ".join(str(value) for value in row[1:]) for row in rows)
