"""送付・発送を待つもの: what two people have agreed to and nobody has sent, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from web.duties import Do, can

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from web.accounts.staff import StaffUser

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
