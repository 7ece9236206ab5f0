"""外部通知の検算: every event follows from a booking, and none is missing since it began.

What should have been announced is worked out anew from the postings, payment by payment: the sum of
what was settled at an instalment and taken back there, journal after journal. The engine writes
events from the decision in force instead; the two share nothing.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from reconcile.verify.walk import Difference, Stream, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

_START = "SELECT journal_id, file_id, closure_no FROM event_start WHERE municipality_code = :m"
_NUMBERS = """
SELECT COUNT(*), COALESCE(MIN(event_no), 1), COALESCE(MAX(event_no), 0) FROM event
WHERE municipality_code = :m"""
_POSTINGS = """
SELECT p.subject_file_id, p.subject_line_no, p.journal_id, p.reason, p.debit_account,
    p.credit_account, p.amount_yen, p.notice_id, p.term
FROM posting p WHERE p.municipality_code = :m
  AND p.reason IN ('applied', 'placed', 'reversal', 'placed_reversal', 'confirmed')
ORDER BY p.subject_file_id, p.subject_line_no, p.journal_id"""
_RECEIPTS = """
SELECT file_id, line_no, notice_id, term, slip_id, paid_on FROM receipt
WHERE municipality_code = :m ORDER BY file_id, line_no"""
_EVENTS = """
SELECT e.file_id, e.line_no, e.event_no, e.journal_id, e.kind, e.state, e.notice_id, e.term,
    e.amount_yen, e.paid_on, e.slip_id, s.notice_id AS slip_notice, s.term AS slip_term
FROM event e
LEFT JOIN slip s ON s.municipality_code = :m AND s.slip_id = e.slip_id
WHERE e.municipality_code = :m AND e.kind LIKE 'slip.%' AND e.file_id IS NOT NULL
  AND e.line_no IS NOT NULL
ORDER BY e.file_id, e.line_no, e.event_no"""
_FILES = """
SELECT f.file_id, f.status, e.state FROM source_file f
LEFT JOIN (SELECT file_id, MAX(event_no) AS event_no FROM event
           WHERE municipality_code = :m AND kind <> 'slip.paid'
             AND kind IN ('file.quarantined', 'file.released')
           GROUP BY file_id) l ON l.file_id = f.file_id
LEFT JOIN event e ON e.municipality_code = :m AND e.event_no = l.event_no
WHERE f.municipality_code = :m
  AND (e.state IS NOT NULL OR f.status IN ('quarantined', 'refused', 'stopped'))
ORDER BY f.file_id"""
_CLOSURES = """
SELECT c.closure_no, c.period, c.event, e.kind FROM day_closure c
LEFT JOIN event e ON e.municipality_code = :m AND e.closure_no = c.closure_no
  AND e.kind <> 'slip.paid'
WHERE c.municipality_code = :m AND c.closure_no > :since ORDER BY c.closure_no"""
_ELSEWHERE = """
SELECT e.event_no, e.kind FROM event e
WHERE e.municipality_code = :m AND (
    (e.kind LIKE 'slip.%' AND (e.file_id IS NULL OR e.line_no IS NULL))
    OR (e.kind LIKE 'file.%' AND (e.line_no <> 0 OR e.file_id IS NULL OR NOT EXISTS (
        SELECT 1 FROM source_file f WHERE f.municipality_code = :m AND f.file_id = e.file_id)))
    OR ((e.kind LIKE 'day.%' OR e.kind LIKE 'year.%') AND (e.closure_no IS NULL
        OR e.closure_no <= :since OR NOT EXISTS (
            SELECT 1 FROM day_closure c
            WHERE c.municipality_code = :m AND c.closure_no = e.closure_no))))
ORDER BY e.event_no"""


class _Said(NamedTuple):
    """What an event says of a payment; ``slip_id`` None: any slip of that instalment, or none."""

    journal_id: int
    kind: str
    state: str
    notice_id: int
    term: str
    amount_yen: int
    paid_on: str | None


def events(store: Store) -> Iterator[Difference]:
    """外部通知の検算 of everything since the first subscription."""
    count, first, last = next(iter(store.rows(_NUMBERS)))
    start = next(iter(store.rows(_START)), None)
    if start is None:
        if count:
            yield Difference("event", "event:1", "", "no start")
        return
    if (first, last) != (1, count):
        yield Difference("event_number", "event", f"1–{count}", f"{first}–{last}")
    yield from _payments(store, start.journal_id)
    yield from _files(store, start.file_id)
    yield from _closures(store, start.closure_no)


def _payments(store: Store, since: int) -> Iterator[Difference]:
    """Payments by file and line: what their postings ask for beside what was announced."""
    streams = [Stream(store.rows(sql)) for sql in (_POSTINGS, _RECEIPTS, _EVENTS)]
    for (file_id, line_no), (postings, receipts, found) in together(*streams):
        own = receipts[0] if receipts else None
        wanted = list(_wanted(postings, own, since)) if own is not None else []
        if not (wanted or found):
            continue
        subject = f"{file_id}:{line_no}"
        asked = Counter(wanted)
        for row in found:
            said = _Said(row.journal_id, row.kind, row.state, row.notice_id, row.term,
                         row.amount_yen, _day(row.paid_on))  # fmt: skip
            if not asked[said]:
                yield Difference("event", subject, "", _shown(said))
                continue
            asked[said] -= 1
            if not _names_its_slip(row, own):
                yield Difference("event", subject, f"slip of {row.notice_id}/{row.term}",
                                 f"slip {row.slip_id}")  # fmt: skip
        for said in asked.elements():
            yield Difference("event_missing", subject, _shown(said), "")


def _wanted(postings: list[Any], own: Any, since: int) -> Iterator[_Said]:
    """What one payment's postings ask to be announced, journal by journal."""
    stands: Counter[tuple[int, str]] = Counter()
    sure = False
    for journal_id, rows in groupby(postings, key=itemgetter(2)):
        moved: Counter[tuple[int, str]] = Counter()
        confirmed = False
        for row in rows:
            if row.reason == "confirmed":
                confirmed = sure = True
            elif row.credit_account == "receivable":
                moved[_target(row, own)] += row.amount_yen
                sure = sure or row.debit_account == "confirmed_due"
            elif row.debit_account == "receivable":
                moved[_target(row, own)] -= row.amount_yen
        stands.update(moved)
        if journal_id <= since:
            continue
        for target in sorted(stands):
            yen, change = stands[target], moved[target]
            if yen > 0 and (change or confirmed):
                state = "confirmed" if sure else "provisional"
                yield _Said(journal_id, "slip.paid", state, *target, yen, _day(own.paid_on))
            elif not yen and change < 0:
                yield _Said(
                    journal_id, "slip.payment_withdrawn", "", *target, -change, _day(own.paid_on)
                )


def _target(row: Any, own: Any) -> tuple[int, str]:
    """For which instalment the money counts: that of the slip, or the one that people named."""
    return row.notice_id, row.term if row.reason.startswith("placed") else own.term


def _names_its_slip(row: Any, own: Any) -> bool:
    """The slip of the payment itself; elsewhere one of that instalment, if any."""
    if own.slip_id is not None and (row.notice_id, row.term) == (own.notice_id, own.term):
        return bool(row.slip_id == own.slip_id)
    return row.slip_id is None or (row.slip_notice, row.slip_term) == (row.notice_id, row.term)


def _files(store: Store, since: int) -> Iterator[Difference]:
    """The last word about each file is what has become of it."""
    for row in store.rows(_FILES):
        # A file set aside before anybody had subscribed was no news.
        if row.state != row.status and not (row.state is None and row.file_id <= since):
            yield Difference("event_missing", f"file:{row.file_id}", row.status, row.state or "")


def _closures(store: Store, since: int) -> Iterator[Difference]:
    """Every closing and re-opening, and nothing that is none."""
    for row in store.rows(_CLOSURES, since=since):
        if row.kind != f"{row.period}.{row.event}":
            yield Difference(
                "event_missing", f"closure:{row.closure_no}", f"{row.period}.{row.event}",
                row.kind or "",
            )  # fmt: skip
    for row in store.rows(_ELSEWHERE, since=since):
        yield Difference("event", f"event:{row.event_no}", "", row.kind)


def _day(value: Any) -> str | None:
    """A date as ISO text, as both databases give it."""
    return None if value is None else str(value)


def _shown(said: _Said) -> str:
    return f"{said.kind} {said.notice_id}/{said.term} {said.amount_yen} (journal {said.journal_id})"
