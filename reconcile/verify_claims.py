"""検算・調定と納付書: what is owed, what is still open, and which number pays what."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from reconcile.verify_walk import Difference, Stream, together, unlike

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.verify_walk import Store

_CLAIMS = frozenset({"assessment", "correction", "cancellation"})
_PLACED = frozenset({"placed", "placed_reversal"})
_FREE_AREA, _REISSUE = slice(8, 29), 29

_ACCOUNTS = """
SELECT notice_id, term, amount_yen, term_yen, whole_yen, surplus_yen FROM instalment_account
WHERE municipality_code = :m ORDER BY notice_id, term"""
# The claim is what the last line about it says; files count in the order they were booked.
_EVENTS = """
SELECT e.notice_id, e.term, e.amount_yen FROM assessment_event e
LEFT JOIN journal j ON j.municipality_code = :m AND j.file_id = e.file_id
WHERE e.municipality_code = :m AND e.outcome = 'applied'
ORDER BY e.notice_id, e.term, j.journal_id, e.file_id, e.line_no"""
# Money through a 全期 slip and money through slips of the instalment are kept apart; what people
# placed is the instalment's own.
_POSTINGS = """
SELECT p.notice_id, p.term, p.debit_account, p.amount_yen, p.reason, r.term AS paid_term
FROM posting p
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.subject_file_id
                   AND r.line_no = p.subject_line_no
WHERE p.municipality_code = :m AND p.notice_id IS NOT NULL AND p.term IS NOT NULL
  AND (p.debit_account = 'receivable' OR p.credit_account = 'receivable')
ORDER BY p.notice_id, p.term"""


def instalments(store: Store) -> Iterator[Difference]:
    """期別: the claim from its events, the balance from its postings."""
    streams = (Stream(store.rows(statement)) for statement in (_ACCOUNTS, _EVENTS, _POSTINGS))
    for (notice_id, term), (accounts, events, postings) in together(*streams):
        subject = f"{notice_id}/{term}"
        account = tuple(accounts[0][2:]) if accounts else (0, 0, 0, 0)
        assessed = events[-1].amount_yen if events else 0
        claimed, by_term, whole, surplus = _moved(postings)
        if account[0] != assessed:
            yield Difference("instalment_amount", subject, str(assessed), str(account[0]))
        if claimed != assessed:
            yield Difference("claim_posting", subject, str(assessed), str(claimed))
        if account[1:] != (by_term, whole, surplus):
            yield Difference(
                "instalment_balance",
                subject,
                f"{by_term} + {whole} − {surplus}",
                f"{account[1]} + {account[2]} − {account[3]}",
            )


def _moved(postings: Iterable[Any]) -> tuple[int, int, int, int]:
    """Of one instalment: claim, money by its own slips, money by the 全期 slip, surplus."""
    claim = by_term = whole = surplus = 0
    for posting in postings:
        yen = posting.amount_yen if posting.debit_account == "receivable" else -posting.amount_yen
        if posting.reason in _CLAIMS:
            claim += yen
        elif posting.reason == "surplus":
            surplus += yen
        elif posting.paid_term == "00" and posting.reason not in _PLACED:
            whole -= yen
        else:
            by_term -= yen
    return claim, by_term, whole, surplus


# ---- keys ----

_SLIPS = """
SELECT s.slip_id, s.notice_id, s.term, s.amount_yen, CAST(s.valid_until AS TEXT) AS valid_until,
       s.el_number, s.konbini_barcode,
       CASE WHEN s.state = 'new' AND s.version = s.newest THEN 0 ELSE 1 END AS superseded
FROM (SELECT slip_id, notice_id, term, version, amount_yen, valid_until, el_number,
             konbini_barcode, state,
             MAX(CASE WHEN state = 'new' THEN version END)
                 OVER (PARTITION BY notice_id, term) AS newest
      FROM slip WHERE municipality_code = :m) s
WHERE {present} ORDER BY {order}, s.notice_id, s.term, s.version"""
_BY_EL_NUMBER = _SLIPS.format(present="s.el_number IS NOT NULL", order="s.el_number")
_BY_FREE_AREA = _SLIPS.format(
    present="s.konbini_barcode IS NOT NULL", order="SUBSTR(s.konbini_barcode, 9, 22)"
)
_BY_DEBIT_NO = """
SELECT notice_id, term, debit_no FROM instalment
WHERE municipality_code = :m AND debit_no <> '' ORDER BY debit_no, notice_id, term"""
_KEYS = """
SELECT pay_key, slip_id, notice_id, term, slip_yen, CAST(valid_until AS TEXT) AS valid_until,
       CASE WHEN superseded THEN 1 ELSE 0 END AS superseded
FROM pay_key WHERE municipality_code = :m AND pay_key LIKE :kind ORDER BY pay_key"""


def pay_keys(store: Store) -> Iterator[Difference]:
    """照合キー: the look-up says what the slips and the instalments say, no more and no less."""
    for kind, expected in (
        ("D", _debit_keys(store)),
        ("E", _el_keys(store)),
        ("K", _konbini_keys(store)),
    ):
        found = store.rows(_KEYS, kind=f"{kind}%")
        for key, should, is_ in unlike(expected, map(tuple, found)):
            yield Difference("pay_key", key, _text(should), _text(is_))


def _text(rows: list[Any]) -> str:
    return "; ".join(", ".join(str(value) for value in row[1:]) for row in rows)


def _row(key: str, slip: Any) -> tuple[Any, ...]:
    """What the key of a slip says."""
    return (
        key, slip.slip_id, slip.notice_id, slip.term, slip.amount_yen, slip.valid_until,
        slip.superseded,
    )  # fmt: skip


def _el_keys(store: Store) -> Iterator[tuple[Any, ...]]:
    """Every eL number; of versions that share one the newest counts."""
    for number, slips in groupby(store.rows(_BY_EL_NUMBER), lambda slip: slip.el_number):
        yield _row(f"E{number}", list(slips)[-1])


def _konbini_keys(store: Store) -> Iterator[tuple[Any, ...]]:
    """Every free area; where slips share one the 再発行区分 joins it (outcomes.md 1)."""
    rows = store.rows(_BY_FREE_AREA)
    for area, sharing in groupby(rows, lambda slip: slip.konbini_barcode[_FREE_AREA]):
        slips = list(sharing)
        if len(slips) == 1:
            yield _row(f"K{area}", slips[0])
            continue
        for reissue, same in groupby(slips, lambda slip: slip.konbini_barcode[_REISSUE]):
            yield _row(f"K{area}/{reissue}", list(same)[-1])


def _debit_keys(store: Store) -> Iterator[tuple[Any, ...]]:
    """Every 顧客番号 that names one instalment; one that several share names none."""
    for number, sharing in groupby(store.rows(_BY_DEBIT_NO), lambda row: row.debit_no):
        named = list(sharing)
        if len(named) == 1:
            yield (f"D{number}", None, named[0].notice_id, named[0].term, None, None, 0)
