"""検算・延滞金の調定: every charge worked out once more from what it was booked on.

The line of the register, what was written down beside it, and the pure function say the same.
"""

from __future__ import annotations

import json
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


def charges(store: Store) -> Iterator[Difference]:
    """延滞金の調定: each booking against its line, its claim, and what the law makes of it."""
    for row in store.rows(_BOOKED):
        subject = f"{row.file_id}:{row.line_no}"
        line = (row.own_notice, row.own_term, row.own_yen, row.outcome)
        booked = (row.notice_id, row.term, row.amount_yen, "applied")
        if line != booked:
            yield Difference("late_charge", subject, str(booked), str(line))
        own = (row.notice_no, row.levy_year, row.obligor_no, row.fiscal_year)
        principal = (row.principal_no, row.principal_year, row.principal_obligor,
                     row.principal_fiscal)  # fmt: skip
        if own != principal:
            yield Difference("late_charge", subject, str(principal), str(own))
        expected = _worked_out(json.loads(row.basis_json)) if row.kind == "late_charge" else None
        if expected is not None and expected != row.amount_yen:
            yield Difference("late_charge_yen", subject, str(expected), str(row.amount_yen))


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
