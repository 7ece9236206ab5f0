"""送付・発送を待つもの: what two people have agreed to and nobody has sent, and what came back.

What is prescribed soon is counted at night (:mod:`web.jobs.limitation`) and read from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from web.duties import Do, can
from web.jobs import history

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from web.accounts.staff import StaffUser

COUNTING, DUE = "limitation", "due"  # jobs
# Batches of days to come only: one that was never sent cannot be debited any more.
_DESKS = """
SELECT
    (SELECT COUNT(*) FROM refund x WHERE x.municipality_code = :m AND 'returned' = (
        SELECT e.event FROM refund_event e
        WHERE e.municipality_code = :m AND e.refund_no = x.refund_no
        ORDER BY e.event_no DESC LIMIT 1)) AS returned,
    (SELECT COUNT(*) FROM dunning_list l WHERE l.municipality_code = :m AND (
        SELECT e.event FROM dunning_event e
        WHERE e.municipality_code = :m AND e.list_no = l.list_no AND e.event <> 'printing'
        ORDER BY e.event_no DESC LIMIT 1) IN ('approved', 'pull_drawn', 'pull_confirmed')
    ) AS letters,
    (SELECT COUNT(*) FROM debit_batch b WHERE b.municipality_code = :m AND b.in_force
        AND b.debit_on > :day AND 'released' = (
        SELECT e.event FROM debit_event e
        WHERE e.municipality_code = :m AND e.batch_no = b.batch_no
        ORDER BY e.event_no DESC LIMIT 1)) AS debits"""


class Desks(NamedTuple):
    """机の上: returned transfers, lists before their dispatch, batches before they are sent."""

    returned: int = 0
    letters: int = 0
    debits: int = 0


def desks_of(connection: Connection, municipality_code: str, day: date, person: StaffUser) -> Desks:
    """机の上 on ``day``, of the pages that this person may open."""
    found = connection.execute(text(_DESKS), {"m": municipality_code, "day": day.isoformat()}).one()
    return Desks(
        found.returned if can(person, Do.READ_REFUNDS) else 0,
        found.letters if can(person, Do.READ_DUNNING) else 0,
        found.debits if can(person, Do.READ_DEBITS) else 0,
    )


class Prescribing(NamedTuple):
    """時効が近い未納: how many, of them those whose period is over; as they were counted."""

    number: int
    amount_yen: int
    over: int
    within_days: int
    counted_at: datetime | None


def prescribing_of(
    connection: Connection, municipality_code: str, person: StaffUser
) -> Prescribing | None:
    """時効が近い未納 as of the last count; None before the first, and for who may not read them."""
    if not can(person, Do.READ_CHARGES):
        return None
    last = history.last_successes(connection, municipality_code, [COUNTING]).get(COUNTING)
    if last is None:
        return None
    of = last.totals
    return Prescribing(
        of["prescribing"], of["prescribing_yen"], of["prescribed"], of["within_days"],
        last.ended_at,
    )  # fmt: skip


class DueSoFar(NamedTuple):
    """納期到来分 of a fiscal year by 科目, in yen: what fell due, and what was paid of it."""

    year: int
    due_yen: dict[str, int]
    paid_yen: dict[str, int]
    counted_at: datetime | None


def due_so_far(connection: Connection, municipality_code: str) -> DueSoFar | None:
    """納期到来分 as of the last count; None before the first."""
    last = history.last_successes(connection, municipality_code, [DUE]).get(DUE)
    if last is None:
        return None
    parts: dict[str, dict[str, int]] = {"due_yen": {}, "paid_yen": {}}
    for name, yen in last.totals.items():
        item_code, colon, kind = name.partition(":")
        if colon:
            parts[kind][item_code] = yen
    return DueSoFar(last.totals["fiscal_year"], **parts, counted_at=last.ended_at)
