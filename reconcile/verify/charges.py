"""検算・延滞金の調定: every charge worked out once more from what it was booked on.

The line of the register, what was written down beside it, and the pure function say the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

from payments.domain.accrual import LeftOut
from payments.domain.errors import KokinError
from payments.domain.late_charge import PartPayment, late_charge
from payments.domain.late_charge_levies import shipped_levies
from reconcile.verify.walk import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.verify.walk import Store

_BOOKED = """
SELECT b.file_id, b.line_no, b.kind, b.notice_id, b.term, b.amount_yen, b.basis_json,
    b.principal_term,
    e.notice_id AS own_notice, e.term AS own_term, e.amount_yen AS own_yen, e.outcome,
    n.notice_no, n.levy_year, n.obligor_no, i.fiscal_year, p.notice_no AS principal_no,
    p.levy_year AS principal_year, p.obligor_no AS principal_obligor,
    q.fiscal_year AS principal_fiscal
FROM late_charge_booking b
LEFT JOIN assessment_event e ON e.municipality_code = :m AND e.file_id = b.file_id
    AND e.line_no = b.line_no
LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = b.notice_id
LEFT JOIN instalment i ON i.municipality_code = :m AND i.notice_id = b.notice_id
    AND i.term = b.term
LEFT JOIN notice p ON p.municipality_code = :m AND p.notice_id = b.principal_notice_id
LEFT JOIN instalment q ON q.municipality_code = :m AND q.notice_id = b.principal_notice_id
    AND q.term = b.principal_term
WHERE b.municipality_code = :m ORDER BY b.file_id, b.line_no"""
# A line of a register of ours that no booking explains: its claim passes for one of the levy.
_UNEXPLAINED = """
SELECT e.file_id, e.line_no, e.amount_yen FROM late_charge_run r
JOIN assessment_event e ON e.municipality_code = :m AND e.file_id = r.file_id
    AND e.outcome = 'applied'
LEFT JOIN late_charge_booking b ON b.municipality_code = :m AND b.file_id = e.file_id
    AND b.line_no = e.line_no
WHERE r.municipality_code = :m AND b.line_no IS NULL ORDER BY e.file_id, e.line_no"""
# What the register of a run has posted to 調定, by its journal; marks never reach their own run.
_RUNS = """
SELECT r.run_no, r.file_id, r.booked_count, r.booked_yen, r.journal_id, r.actor,
    j.journal_id AS own_journal, j.actor AS own_actor,
    COALESCE((SELECT SUM(CASE 'assessed' WHEN p.credit_account THEN p.amount_yen
            WHEN p.debit_account THEN -p.amount_yen ELSE 0 END) FROM posting p
        WHERE p.municipality_code = :m AND p.journal_id = j.journal_id
          AND p.subject_file_id = r.file_id), 0) AS posted_yen
FROM late_charge_run r
LEFT JOIN journal j ON j.municipality_code = :m AND j.file_id = r.file_id
    AND j.kind = 'assessments'
WHERE r.municipality_code = :m ORDER BY r.run_no"""
_LAST_JOURNAL = "SELECT MAX(journal_id) FROM journal WHERE municipality_code = :m"


def charges(store: Store) -> Iterator[Difference]:
    """延滞金の調定: each booking against its line, its claim, and what the law makes of it."""
    kinds: dict[tuple[int, str], str] = {}  # by the claim that was booked first
    lines: dict[int, int] = defaultdict(int)  # bookings by their file
    for row in store.rows(_BOOKED):
        subject = f"{row.file_id}:{row.line_no}"
        lines[row.file_id] += 1
        line = (row.own_notice, row.own_term, row.own_yen, row.outcome)
        booked = (row.notice_id, row.term, row.amount_yen, "applied")
        if line != booked:
            yield Difference("late_charge", subject, str(booked), str(line))
        own = (row.notice_no, row.levy_year, row.obligor_no, row.fiscal_year, row.own_term)
        principal = (row.principal_no, row.principal_year, row.principal_obligor,
                     row.principal_fiscal, row.principal_term)  # fmt: skip
        if own != principal:
            yield Difference("late_charge", subject, str(principal), str(own))
        basis = json.loads(row.basis_json)
        kind = _kind_of(basis) or kinds.get((row.notice_id, row.term), row.kind)
        kinds.setdefault((row.notice_id, row.term), kind)
        if row.kind != kind:
            yield Difference("late_charge", subject, kind, row.kind)
            continue
        expected = _worked_out(basis) if row.kind == "late_charge" else None
        if expected is not None and expected != row.amount_yen:
            yield Difference("late_charge_yen", subject, str(expected), str(row.amount_yen))
    for row in store.rows(_UNEXPLAINED):
        yield Difference("late_charge", f"{row.file_id}:{row.line_no}", str(row.amount_yen), "")
    yield from _runs(store, lines)


def _kind_of(basis: dict[str, Any]) -> str:
    """What a claim was booked as, by what it was worked out from; "" where it was taken back."""
    if "tax_yen" in basis:
        return "late_charge"
    return "dunning_fee" if "letter_on" in basis else ""


def _runs(store: Store, lines: dict[int, int]) -> Iterator[Difference]:
    """調定の実行: each with the bookings and postings of its file, each file with its run."""
    reached, last = 0, store.number(_LAST_JOURNAL)
    for row in list(store.rows(_RUNS)):
        subject = f"run:{row.run_no}"
        booked = (lines.pop(row.file_id, 0), row.posted_yen)
        if booked != (row.booked_count, row.booked_yen):
            said = f"{row.booked_count} {row.booked_yen}"
            yield Difference("late_charge_run", subject, "{} {}".format(*booked), said)
        # A mark beyond what was booked hides from the next run what it has to look at.
        until = last if row.own_journal is None else row.own_journal - 1
        if not reached <= row.journal_id <= until:
            marks = f"{reached}…{until}"
            yield Difference("late_charge_run", subject, marks, str(row.journal_id))
        reached = max(reached, row.journal_id)
        if row.own_actor not in {None, row.actor}:
            yield Difference("late_charge_run", subject, row.own_actor, row.actor)
    for file_id, count in lines.items():
        yield Difference("late_charge_run", f"file:{file_id}", str(count), "")


def _worked_out(said: dict[str, Any]) -> int | None:
    """The charge by its basis; 0 where it bears none, None where it cannot be worked out."""
    if not said:
        return 0
    day = date.fromisoformat
    try:
        found = late_charge(
            said["tax_yen"],
            day(said["due_on"]),
            day(said["paid_on"]),
            rules=shipped_levies().rules(said["levy"], day(said["due_on"])),
            payments=[PartPayment(day(on), yen) for on, yen in said["payments"]],
            left_out=[LeftOut(day(a), day(b), percent) for a, b, percent in said["left_out"]],
        )
    except KokinError:
        return None
    return 0 if said["waived_whole"] else max(found.charge_yen - said["waived_yen"], 0)
