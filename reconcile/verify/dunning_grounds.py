"""検算・督促の根拠: what letters were held back on, and what was missing when a list was drawn.

A list has a digest of its rows; what each ground rested on, and up to which day each source was
complete, stand beside it. People are told these when they ask why a letter went or did not go.
"""

from __future__ import annotations

import json
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.verify.walk import Store

_AT_ONCE = 500
_DIGITS_MAX = 18  # what no database takes for a number was never one of ours
# The bits of dunning_row.grounds, written down once more.
_BITS = {
    "held": 1, "plan": 2, "provisional": 4, "debit_out": 8, "case_open": 16,
    "wrong_instalment": 32, "alternative_paid": 64, "money_waiting": 128, "other_list": 512,
    "prescribed": 16384,
}  # fmt: skip
# A hold may come with the register, a suspicion from payments, money from a surplus: these rest on
# no row that could be named. Every other ground names what it rested on.
_NAMED = sum(
    bit
    for ground, bit in _BITS.items()
    if ground not in {"held", "wrong_instalment", "money_waiting"}
)
_BIT = (
    "CASE x.ground "
    + " ".join(f"WHEN '{ground}' THEN {bit}" for ground, bit in _BITS.items())
    + " ELSE 1048576 END"
)
_UNLIKE = f"""
SELECT w.list_no, w.notice_id, w.term, w.grounds, COALESCE(s.bits, 0) AS bits
FROM dunning_row w
LEFT JOIN (SELECT x.list_no, x.notice_id, x.term, SUM(DISTINCT {_BIT}) AS bits
    FROM dunning_evidence x WHERE x.municipality_code = :m
    GROUP BY x.list_no, x.notice_id, x.term) s
    ON s.list_no = w.list_no AND s.notice_id = w.notice_id AND s.term = w.term
WHERE w.municipality_code = :m AND (w.grounds <> 0 OR s.bits IS NOT NULL)
ORDER BY w.list_no, w.notice_id, w.term"""
_STRAY = """
SELECT x.list_no, x.notice_id, x.term, x.subject FROM dunning_evidence x
LEFT JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = x.list_no
    AND w.notice_id = x.notice_id AND w.term = x.term
WHERE x.municipality_code = :m AND w.term IS NULL
ORDER BY x.list_no, x.notice_id, x.term, x.subject"""
# ground → the rows of an instalment that it may name, and how; all of these stay for ever.
_RESTED = {
    "prescribed": (
        "dunning_limitation t",
        """x.subject = 'limitation:' || CAST(t.last_on AS VARCHAR(10))
      AND t.list_no = x.list_no AND t.term = x.term""",
    ),
    "held": (
        "hold_event t",
        """x.subject = 'hold:' || CAST(t.hold_no AS VARCHAR(20))
      AND t.event = 'set' AND t.term IN (x.term, '00')""",
    ),
    "plan": (
        "payment_plan_part t",
        "x.subject = 'plan:' || CAST(t.plan_no AS VARCHAR(20)) AND t.term = x.term",
    ),
    "debit_out": (
        "debit_row t",
        "x.subject = 'batch:' || CAST(t.batch_no AS VARCHAR(20)) AND t.term = x.term",
    ),
    "other_list": (
        "dunning_row t",
        """x.subject = 'list:' || CAST(t.list_no AS VARCHAR(20))
      AND t.list_no < x.list_no AND t.term = x.term AND t.ground = ''""",
    ),
}
_NOT_ABOUT = """
SELECT x.list_no, x.notice_id, x.term, x.subject FROM dunning_evidence x
WHERE x.municipality_code = :m AND x.ground = '{ground}' AND NOT EXISTS (
    SELECT 1 FROM {rows} WHERE t.municipality_code = :m AND t.notice_id = x.notice_id
      AND {condition})
ORDER BY x.list_no, x.notice_id, x.term, x.subject"""
_MOVING = """
SELECT x.list_no, x.notice_id, x.term, x.ground, x.subject, l.journal_id, l.file_id,
    w.obligor_no
FROM dunning_evidence x
JOIN dunning_list l ON l.municipality_code = :m AND l.list_no = x.list_no
JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = x.list_no
    AND w.notice_id = x.notice_id AND w.term = x.term
WHERE x.municipality_code = :m AND x.ground IN
    ('provisional', 'alternative_paid', 'money_waiting', 'case_open', 'wrong_instalment')
ORDER BY x.list_no, x.notice_id, x.term, x.ground, x.subject"""
_RECEIPT = """
r.file_id, r.line_no, r.notice_id, r.journal_id, n.obligor_no,
    (SELECT MAX(e.file_id) FROM assessment_event e WHERE e.municipality_code = :m
      AND e.notice_id = r.notice_id AND e.outcome = 'applied') AS told_by"""
_RECEIPTS = f"""
SELECT 'receipt', {_RECEIPT} FROM receipt r
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = r.notice_id
WHERE r.municipality_code = :m AND (r.file_id, r.line_no) IN :keys"""
_CASES = f"""
SELECT c.case_no, c.subject, {_RECEIPT} FROM review_case c
LEFT JOIN receipt r ON r.municipality_code = :m AND r.file_id = c.file_id
    AND r.line_no = c.line_no
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = r.notice_id
WHERE c.municipality_code = :m AND c.case_no IN :keys"""
_LISTS = """
SELECT l.list_no, CAST(l.as_of_on AS VARCHAR(10)) AS as_of_on,
    CAST(l.cut_off_on AS VARCHAR(10)) AS cut_off_on, l.despite_id, a.content_json
FROM dunning_list l
LEFT JOIN approval a ON a.municipality_code = :m AND a.approval_id = l.despite_id
WHERE l.municipality_code = :m ORDER BY l.list_no"""
_SOURCES = """
SELECT list_no, source, CAST(complete_until AS VARCHAR(10)) AS complete_until, lacking
FROM dunning_source WHERE municipality_code = :m ORDER BY list_no, source"""


def dunning_grounds(store: Store) -> Iterator[Difference]:
    """督促の根拠: the evidence of each ground, and the sources of each list."""
    for row in store.rows(_UNLIKE):
        if row.bits & _NAMED != row.grounds & _NAMED or row.bits & ~row.grounds:
            yield Difference("dunning_evidence", _subject(row), str(row.grounds), str(row.bits))
    for row in store.rows(_STRAY):
        yield Difference("dunning_evidence", _subject(row), "", row.subject)
    for ground, (rows, condition) in _RESTED.items():
        for row in store.rows(_NOT_ABOUT.format(ground=ground, rows=rows, condition=condition)):
            yield Difference("dunning_evidence", _subject(row), ground, row.subject)
    moving = iter(list(store.rows(_MOVING)))
    while portion := [*islice(moving, _AT_ONCE)]:
        yield from _payments_and_cases(store, portion)
    yield from _sources(store)


def _subject(row: Any) -> str:
    return f"dunning:{row.list_no}:{row.notice_id}/{row.term}"


def _payments_and_cases(store: Store, rows: Sequence[Any]) -> Iterator[Difference]:
    """Payments and cases may have moved since; what the books have not decided since has not."""
    keys = [_key(row.subject) for row in rows]
    pairs = sorted({key for key in keys if len(key) == 2})
    numbers = sorted({key[0] for key in keys if len(key) == 1})
    receipts = {(r[1], r[2]): r for r in store.among(_RECEIPTS, pairs)} if pairs else {}
    cases = {(r[0],): r[1:] for r in store.among(_CASES, numbers)} if numbers else {}
    found = receipts | cases
    for row, key in zip(rows, keys, strict=True):
        if key not in found or not _is_about(row, found[key]):
            yield Difference("dunning_evidence", _subject(row), row.ground, row.subject)


def _key(subject: str) -> tuple[int, ...]:
    """``receipt:file:line`` or ``case:number`` as numbers; () for what neither can be."""
    kind, *numbers = subject.split(":")
    if {"receipt": 2, "case": 1}.get(kind) != len(numbers):
        return ()
    sound = all(each.isdecimal() and len(each) <= _DIGITS_MAX for each in numbers)
    return tuple(map(int, numbers)) if sound else ()


def _is_about(row: Any, found: tuple[Any, ...]) -> bool:
    """Whether a payment, or a case about one or about an instalment, is about this claim."""
    subject, _, _, notice_id, journal_id, obligor_no, told_by = found
    if subject.rpartition("/")[0] == str(row.notice_id):
        return True
    if journal_id is None or journal_id > row.journal_id:
        return journal_id is not None  # decided again since
    if row.ground == "money_waiting":
        return bool(obligor_no == row.obligor_no or (told_by or 0) > row.file_id)
    return bool(notice_id == row.notice_id)


def _sources(store: Store) -> Iterator[Difference]:
    """資料の基準日: the earliest is the day that the list says; two people knew what lacked."""
    sources: dict[int, list[Any]] = {}
    for row in store.rows(_SOURCES):
        sources.setdefault(row.list_no, []).append(row)
    for row in list(store.rows(_LISTS)):
        mine = sources.pop(row.list_no, [])
        subject = f"dunning:{row.list_no}"
        first = min([row.as_of_on, *(each.complete_until for each in mine)])
        if first != row.cut_off_on:
            yield Difference("dunning_sources", subject, row.cut_off_on, first)
        lacking = {f"{each.source} {day}" for each in mine for day in each.lacking.split()}
        agreed = set(json.loads(row.content_json)["lacking"]) if row.content_json else set()
        if not lacking <= agreed or bool(lacking) != (row.despite_id is not None):
            said = ", ".join(sorted(agreed))
            yield Difference("dunning_sources", subject, said, ", ".join(sorted(lacking)))
        for each in mine:
            if not each.complete_until <= row.as_of_on or not _is_day(each.complete_until):
                yield Difference(
                    "dunning_sources", subject, row.as_of_on, f"{each.source} {each.complete_until}"
                )
    for list_no in sources:
        yield Difference("dunning_sources", f"dunning:{list_no}", "", "sources")


def _is_day(said: str) -> bool:
    try:
        return date.fromisoformat(said).isoformat() == said
    except ValueError:
        return False
