"""検算・年度: what was carried from year to year, and what holds a claim back.

Which postings belong to the years up to a close is told here by their 領収日 (or 会計日) and by the
closings that stood when they were booked; a carry-over must be what all of them leave open,
instalment by instalment.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from reconcile.verify.walk import Difference, Stream, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.verify.walk import Store

_RUNS = """
SELECT carry_no, event, from_year, to_year, reverses_no, count, amount_yen, rows_sha256, journal_id,
    closure_no FROM carry_run WHERE municipality_code = :m ORDER BY carry_no"""
_YEARS = """
SELECT closure_no, event, journal_id, closed_year, CAST(ends_on AS VARCHAR(10)) AS ends_on
FROM day_closure WHERE municipality_code = :m AND period = 'year' ORDER BY closure_no"""
_ROWS = """
SELECT notice_id, term, item_code, claim_year, amount_yen FROM carry_over
WHERE municipality_code = :m AND carry_no = :carry_no ORDER BY notice_id, term"""
_STRAY = """
SELECT COUNT(*) FROM carry_over o WHERE o.municipality_code = :m AND NOT EXISTS (
    SELECT 1 FROM carry_run r WHERE r.municipality_code = :m AND r.carry_no = o.carry_no
      AND r.event = 'carried')"""
# What all postings of the years up to one leave open: those of a day that
# they take, booked while they were open.
_LEFT_OPEN = """
SELECT notice_id, term, item_code, fiscal_year, SUM(yen) AS yen FROM (
    SELECT p.notice_id, p.term, n.item_code, i.fiscal_year, p.journal_id,
        CAST(COALESCE(r.paid_on, j.booked_on) AS VARCHAR(10)) AS day,
        CASE WHEN p.debit_account = 'receivable' THEN p.amount_yen ELSE -p.amount_yen END AS yen
    FROM posting p
    JOIN journal j ON j.municipality_code = :m AND j.journal_id = p.journal_id
    JOIN instalment i ON i.municipality_code = :m AND i.notice_id = p.notice_id
        AND i.term = p.term
    JOIN notice n ON n.municipality_code = :m AND n.notice_id = p.notice_id
    LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.subject_file_id
        AND r.line_no = p.subject_line_no
    WHERE p.municipality_code = :m AND p.journal_id <= :journal_id AND i.fiscal_year <= :year
      AND (p.debit_account = 'receivable' OR p.credit_account = 'receivable')) moved
WHERE day <= :last_day AND {open}
GROUP BY notice_id, term, item_code, fiscal_year HAVING SUM(yen) <> 0
ORDER BY notice_id, term"""
# The few instalments that are held, or ever were, with every line about them.
_HELD = """
SELECT k.notice_id, k.term, CASE WHEN i.collection_hold THEN 1 ELSE 0 END AS collection_hold,
    CASE WHEN i.dunning_hold THEN 1 ELSE 0 END AS dunning_hold, e.flags
FROM (SELECT notice_id, term FROM instalment
      WHERE municipality_code = :m AND (collection_hold OR dunning_hold)
      UNION SELECT notice_id, term FROM assessment_event
      WHERE municipality_code = :m AND outcome = 'applied' AND flags LIKE '%hold%') k
LEFT JOIN instalment i ON i.municipality_code = :m AND i.notice_id = k.notice_id
    AND i.term = k.term
LEFT JOIN assessment_event e ON e.municipality_code = :m AND e.notice_id = k.notice_id
    AND e.term = k.term AND e.outcome = 'applied'
LEFT JOIN journal j ON j.municipality_code = :m AND j.file_id = e.file_id
ORDER BY k.notice_id, k.term, j.journal_id, e.file_id, e.line_no"""


def years(store: Store) -> Iterator[Difference]:
    """滞納繰越と猶予: every run against the postings, every flag against its lines."""
    runs, closings = list(store.rows(_RUNS)), list(store.rows(_YEARS))
    yield from _records(runs, closings)
    stray = store.number(_STRAY)
    if stray:
        yield Difference("carry_run", "carry_over", "0", str(stray))
    for run in runs:
        if run.event == "carried":
            yield from _carried(store, run, closings)
    yield from _flags(store)


def _records(runs: list[Any], closings: list[Any]) -> Iterator[Difference]:
    """繰越の記録: no gap, each with its close; what is taken back was there, and says the same."""
    closed = {row.closure_no: row for row in closings}
    known: dict[int, Any] = {}
    of_closures = {run.closure_no for run in runs}
    standing = closings[-1].closed_year if closings else 0
    for row in closings:
        year = int(row.ends_on[:4]) - 1
        last = max(c.closure_no for c in closings if c.ends_on == row.ends_on)
        if row.closure_no == last and year <= standing and last not in of_closures:
            yield Difference("carry_run", f"closure:{last}", f"carried {year}", "")
    for number, run in enumerate(runs, start=1):
        subject = f"carry:{run.carry_no}"
        if run.carry_no != number:
            yield Difference("carry_run", subject, str(number), str(run.carry_no))
        closure = closed.get(run.closure_no)
        wanted = {"carried": "closed", "reversed": "reopened"}[run.event]
        made_with = (closure.event, int(closure.ends_on[:4]) - 1) if closure else ("", 0)
        if made_with != (wanted, run.from_year):
            found = f"{made_with[0]} {made_with[1]}"
            yield Difference("carry_run", subject, f"{wanted} {run.from_year}", found)
        if run.event == "reversed":
            made = known.pop(run.reverses_no, None)
            if made is None or made[5:8] != run[5:8]:
                found = "" if made is None else f"{made.count} {made.amount_yen}"
                yield Difference("carry_run", subject, found, f"{run.count} {run.amount_yen}")
        else:
            known[run.carry_no] = run


def _carried(store: Store, run: Any, closings: list[Any]) -> Iterator[Difference]:
    """One run: its digest and totals, and every instalment against the postings."""
    digest, count, amount_yen = hashlib.sha256(), 0, 0
    expected = Stream(_expected(store, run, closings))
    stored = Stream(store.rows(_ROWS, carry_no=run.carry_no))
    for key, (should, found) in together(expected, stored):
        rows = [tuple(row) for row in found]
        for row in rows:
            digest.update(",".join(map(str, row)).encode() + b"\n")
            count += 1
            amount_yen += row[4]
        if rows != should:
            subject = f"carry:{run.carry_no} {key[0]}/{key[1]}"
            yield Difference("carry_over", subject, _said(should), _said(rows))
    totals = (run.count, run.amount_yen, run.rows_sha256)
    if totals != (count, amount_yen, digest.hexdigest()):
        read = f"{count} {amount_yen} {digest.hexdigest()}"
        yield Difference("carry_run", f"carry:{run.carry_no}", " ".join(map(str, totals)), read)


def _expected(store: Store, run: Any, closings: list[Any]) -> Iterator[tuple[Any, ...]]:
    """What the postings of its years leave open, row by row.

    A year takes what is of a day up to 31 May after it, while it is open: a posting belongs to it
    unless it was booked between a close of that year (or a later one) and its re-opening.
    """
    spans, since = [], None
    for row in closings:
        shut = row.closed_year >= run.from_year
        if shut and since is None:
            since = row.journal_id
        elif not shut and since is not None:
            spans.append(f"NOT (journal_id > {int(since)} AND journal_id <= {int(row.journal_id)})")
            since = None
    if since is not None:
        spans.append(f"NOT (journal_id > {int(since)})")
    found = store.rows(
        _LEFT_OPEN.format(open=" AND ".join(spans) or "1 = 1"),
        journal_id=run.journal_id,
        year=run.from_year,
        last_day=f"{run.to_year}-05-31",
    )
    for row in found:
        yield (*row[:4], int(row.yen))


def _said(rows: Iterable[tuple[Any, ...]]) -> str:
    return "; ".join(f"{row[2]} {row[3]} {row[4]}" for row in rows)


def _flags(store: Store) -> Iterator[Difference]:
    """猶予の区分: an instalment's flags are those of the last line about it."""
    for key, (rows,) in together(Stream(store.rows(_HELD))):
        last = set((rows[-1].flags or "").split(";"))
        expected = [int(name in last) for name in ("collection_hold", "dunning_hold")]
        found = list(rows[-1][2:4])
        if found != expected:
            yield Difference("hold_flag", f"{key[0]}/{key[1]}", str(expected), str(found))
