"""検算・締め: the day's totals against the postings, and what was signed against both.

A closed day must be what the ledger still says of it: nothing was booked on it afterwards, its
figures follow from the postings, and the report kept is the one whose hash two people signed.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

# The year whose books stood open on 領収日 is looked at with the years (verify_years).
_POSTED = """
SELECT CAST(j.booked_on AS VARCHAR(10)) AS day, COALESCE(n.item_code, '') AS item,
    COALESCE(i.fiscal_year, 0) AS claim_year, COALESCE(f.channel, '') AS channel,
    p.debit_account, p.credit_account, p.reason, COUNT(*) AS number, SUM(p.amount_yen) AS yen
FROM journal j
CROSS JOIN posting p
LEFT JOIN source_file f ON f.municipality_code = :m AND f.file_id = p.subject_file_id
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = p.notice_id
LEFT JOIN instalment i ON i.municipality_code = :m AND i.notice_id = p.notice_id
    AND i.term = p.term
WHERE j.municipality_code = :m AND j.journal_id <= :mark
  AND p.municipality_code = :m AND p.journal_id = j.journal_id
GROUP BY 1, 2, 3, 4, 5, 6, 7"""
_TOTALS = """
SELECT CAST(booked_on AS VARCHAR(10)) AS day, item_code, claim_year, channel, debit_account,
    credit_account, reason, SUM(count) AS number, SUM(amount_yen) AS yen
FROM day_total WHERE municipality_code = :m GROUP BY 1, 2, 3, 4, 5, 6, 7"""
_DELAYED = """
SELECT CAST(j.booked_on AS VARCHAR(10)) AS day, CAST(r.paid_on AS VARCHAR(10)) AS paid, f.channel,
    COUNT(*) AS number, SUM(p.amount_yen) AS yen
FROM journal j
CROSS JOIN posting p
JOIN receipt r ON r.municipality_code = :m AND r.file_id = p.subject_file_id
    AND r.line_no = p.subject_line_no
JOIN source_file f ON f.municipality_code = :m AND f.file_id = r.file_id
WHERE j.municipality_code = :m AND j.journal_id <= :mark
  AND p.municipality_code = :m AND p.journal_id = j.journal_id
  AND p.reason IN ('applied', 'placed') AND r.paid_on IS NOT NULL
GROUP BY 1, 2, 3"""
_DELAYS = """
SELECT month, channel, days, count AS number, amount_yen AS yen FROM delay_total
WHERE municipality_code = :m"""
_LINES = """
SELECT o.file_id, l.stage, o.outcome, COUNT(*), SUM(COALESCE(l.amount_yen, 0)),
    SUM(o.applied_yen), SUM(o.suspense_yen),
    SUM(CASE WHEN r.line_no IS NULL OR r.stage = 'withdrawn' THEN COALESCE(l.amount_yen, 0)
        ELSE r.applied_yen + r.suspense_yen END)
FROM line_outcome o
JOIN source_line l ON l.municipality_code = :m AND l.file_id = o.file_id AND l.line_no = o.line_no
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = o.file_id AND r.line_no = o.line_no
WHERE o.municipality_code = :m
  AND o.file_id IN (SELECT t.file_id FROM file_total t WHERE t.municipality_code = :m)
  AND o.revision = (SELECT MAX(v.revision) FROM line_outcome v
    WHERE v.municipality_code = :m AND v.file_id = o.file_id AND v.line_no = o.line_no)
GROUP BY 1, 2, 3"""
_FILES = """
SELECT file_id, stage, outcome, count, amount_yen, applied_yen, suspense_yen, accounted_yen
FROM file_total WHERE municipality_code = :m"""
# What was booked behind the mark is not summed up yet.
_CHANGED = """
SELECT p.subject_file_id FROM posting p WHERE p.municipality_code = :m AND p.journal_id > :mark
UNION SELECT o.file_id FROM line_outcome o
WHERE o.municipality_code = :m AND o.revision > 1 AND o.journal_id > :mark"""
# What changes a claim without money.
_CLAIMS = frozenset(
    {"assessment", "correction", "cancellation", "written_off", "write_off_reversal"}
)
# What settles instalments, less what was taken back; 調定 and 不納欠損 are no revenue.
_COLLECTED = """
SELECT SUM(CASE WHEN p.credit_account = 'receivable' THEN p.amount_yen ELSE -p.amount_yen END)
FROM posting p JOIN journal j ON j.municipality_code = :m AND j.journal_id = p.journal_id
WHERE p.municipality_code = :m AND j.booked_on <= :day
  AND ((p.credit_account = 'receivable' AND p.debit_account NOT IN ('assessed', 'written_off'))
    OR (p.debit_account = 'receivable' AND p.credit_account NOT IN ('assessed', 'written_off')))"""
_CLOSURES = """
SELECT closure_no, period, event, CAST(ends_on AS VARCHAR(10)) AS ends_on,
    CAST(closed_until AS VARCHAR(10)) AS closed_until, journal_id, report_json, report_sha256,
    asked_by, decided_by
FROM day_closure WHERE municipality_code = :m ORDER BY closure_no"""
_BEHIND = """
SELECT journal_id, CAST(booked_on AS VARCHAR(10)) AS day FROM journal
WHERE municipality_code = :m AND journal_id > :after AND journal_id <= :until
  AND booked_on <= :closed_until ORDER BY journal_id"""
_LAST = "SELECT MAX(journal_id) FROM journal WHERE municipality_code = :m"
_MARK = """
SELECT journal_id, provisional_yen, applied_yen, outstanding_yen, surplus_yen FROM books_mark
WHERE municipality_code = :m"""


def days(store: Store) -> Iterator[Difference]:
    """締め: totals, hashes, order, and bookings behind a close."""
    yield from _day_totals(store)
    yield from _delays(store)
    yield from _files(store)
    closures = list(store.rows(_CLOSURES))
    yield from _records(closures)
    yield from _behind(store, closures)
    yield from _figures(store, closures)


def _day_totals(store: Store) -> Iterator[Difference]:
    """日別集計: the summary is the postings, day by day and account by account."""
    marks = list(store.rows(_MARK))
    mark = marks[0].journal_id if marks else 0
    posted = {tuple(row[:7]): row[7:] for row in store.rows(_POSTED, mark=mark)}
    totals = {tuple(row[:7]): row[7:] for row in store.rows(_TOTALS)}
    for key in sorted(posted.keys() | totals.keys()):
        expected, found = posted.get(key, (0, 0)), totals.get(key, (0, 0))
        if tuple(map(int, expected)) != tuple(map(int, found)):
            subject = " ".join(map(str, key))
            yield Difference("day_total", subject, _pair(expected), _pair(found))
    for row in marks:
        expected = _sums(posted)
        for name, yen in expected.items():
            if yen != getattr(row, name):
                yield Difference(
                    "day_total", f"books_mark {name}", str(yen), str(getattr(row, name))
                )


def _delays(store: Store) -> Iterator[Difference]:
    """日数の集計: the summary is the postings, by the days since 領収日."""
    marks = list(store.rows(_MARK))
    posted: dict[tuple[str, str, int], tuple[int, int]] = {}
    for row in store.rows(_DELAYED, mark=marks[0].journal_id if marks else 0):
        days = (date.fromisoformat(row.day) - date.fromisoformat(row.paid)).days
        key = (row.day[:7], row.channel, days)
        before = posted.get(key, (0, 0))
        posted[key] = (before[0] + int(row.number), before[1] + int(row.yen))
    totals = {tuple(row[:3]): (int(row[3]), int(row[4])) for row in store.rows(_DELAYS)}
    for key in sorted(posted.keys() | totals.keys()):
        expected, found = posted.get(key, (0, 0)), totals.get(key, (0, 0))
        if expected != found:
            subject = " ".join(map(str, key))
            yield Difference("day_total", f"delay {subject}", _pair(expected), _pair(found))


def _files(store: Store) -> Iterator[Difference]:
    """資料別集計: the summary of each file is its lines, where nothing was booked since."""
    marks = list(store.rows(_MARK))
    changed = {row[0] for row in store.rows(_CHANGED, mark=marks[0].journal_id if marks else 0)}
    counted = {tuple(row[:3]): tuple(map(int, row[3:])) for row in store.rows(_LINES)}
    totals = {tuple(row[:3]): tuple(map(int, row[3:])) for row in store.rows(_FILES)}
    nothing = (0,) * 5
    for key in sorted(counted.keys() | totals.keys()):
        expected, found = counted.get(key, nothing), totals.get(key, nothing)
        if expected != found and key[0] not in changed:
            subject = "file " + " ".join(map(str, key))
            yield Difference(
                "day_total", subject, " ".join(map(str, expected)), " ".join(map(str, found))
            )


def _sums(posted: dict[tuple[Any, ...], Any]) -> dict[str, int]:
    """全帳簿の合計 at the mark, from the postings up to there."""
    sums = {"provisional_yen": 0, "applied_yen": 0, "outstanding_yen": 0, "surplus_yen": 0}
    for (*_, debit, credit, reason), (_number, yen) in posted.items():
        for account, moved in ((debit, int(yen)), (credit, -int(yen))):
            if account == "reported":
                sums["provisional_yen"] += moved
            elif account == "receivable" and reason == "surplus":
                sums["surplus_yen"] += moved
            elif account == "receivable":
                sums["outstanding_yen"] += moved
                sums["applied_yen"] -= 0 if reason in _CLAIMS else moved
    return sums


def _records(closures: list[Any]) -> Iterator[Difference]:
    """締めの記録: no gap, two people, the report of the hash, each leading to the one before."""
    signed: list[tuple[str, str]] = []  # day and hash of the days that are closed, the last last
    for number, row in enumerate(closures, start=1):
        subject = f"closure:{row.closure_no}"
        if row.closure_no != number:
            yield Difference("closure", subject, str(number), str(row.closure_no))
        if row.asked_by == row.decided_by:
            yield Difference("closure", subject, "two people", row.asked_by)
        if row.event == "reopened":
            if row.period == "day" and signed:
                signed.pop()
            continue
        digest = hashlib.sha256(row.report_json.encode()).hexdigest()
        if digest != row.report_sha256:
            yield Difference("closure_hash", subject, row.report_sha256, digest)
            continue
        if row.period == "day":
            before = signed[-1][1] if signed else ""
            named = json.loads(row.report_json)["previous_sha256"]
            if named != before:
                yield Difference("closure_hash", subject, before, named)
            signed.append((row.ends_on, row.report_sha256))


def _behind(store: Store, closures: list[Any]) -> Iterator[Difference]:
    """締めた日の記帳: nothing was booked on a day while it was closed."""
    ends = [row.journal_id for row in closures[1:]] + [store.number(_LAST)]
    for row, until in zip(closures, ends, strict=False):
        if row.closed_until is None:
            continue
        for journal in store.rows(
            _BEHIND, after=row.journal_id, until=until, closed_until=row.closed_until
        ):
            yield Difference(
                "closed_day", f"journal:{journal.journal_id}", row.closed_until, journal.day
            )


def _figures(store: Store, closures: list[Any]) -> Iterator[Difference]:
    """締めた数字: the revenue signed for the last closed day is what the postings add up to."""
    until = closures[-1].closed_until if closures else None
    last = next(
        (
            row
            for row in reversed(closures)
            if row.period == "day" and row.event == "closed" and row.ends_on == until
        ),
        None,
    )
    if last is None:
        return
    report = json.loads(last.report_json)
    signed = report["collected_before_yen"] + report["collected_yen"]
    booked = store.number(_COLLECTED, day=until)
    if signed != booked:
        yield Difference("closure_figures", f"closure:{last.closure_no}", str(booked), str(signed))


def _pair(figures: Any) -> str:
    number, yen = figures
    return f"{int(number)} {int(yen)}"
