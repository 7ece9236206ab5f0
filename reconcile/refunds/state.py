"""還付の状況: what the person may be told about money of theirs that goes back.

Whoever may be told decides elsewhere; nothing here names the payer's account beyond its last
digits, and nobody's but that of the person asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.versions import as_day
from reconcile.refunds import payees
from reconcile.refunds.found import PAYEE, overpayments
from reconcile.store.refund_tables import WAITING_OBLIGORS

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

# What is going on, in the order in which it happens.
CHECKING = "checking"  # the money is looked at, or goes to a claim of the same person
ACCOUNT = "account"  # the person has to name an account
ACCOUNT_CHECKING = "account_checking"  # they have, and somebody confirms it
PAYING = "paying"  # decided; the transfer is on its way
PAID = "paid"
RETURNED = "returned"  # the transfer came back: another account is needed
STEPS = (CHECKING, ACCOUNT, ACCOUNT_CHECKING, PAYING, PAID, RETURNED)

_REFUNDS = """
SELECT x.refund_no, x.notice_id, x.term, n.item_code, n.levy_year, n.notice_no, x.amount_yen,
    x.interest_yen, v.event, v.happened_on, x.decided_on, x.account_no
FROM refund x
JOIN notice n ON n.municipality_code = :m AND n.notice_id = x.notice_id
JOIN refund_event v ON v.municipality_code = :m AND v.refund_no = x.refund_no
 AND v.event_no = (SELECT MAX(w.event_no) FROM refund_event w
    WHERE w.municipality_code = :m AND w.refund_no = x.refund_no)
WHERE x.municipality_code = :m AND x.obligor_no = :obligor_no AND v.event <> 'cancelled'
ORDER BY x.refund_no DESC"""
_WAITS = f"SELECT 1 FROM ({WAITING_OBLIGORS}) w WHERE w.obligor_no = :obligor_no"


class Told(NamedTuple):
    """還付の状況の一件: one overpayment or refund of the person."""

    step: str  # one of STEPS
    notice_id: int
    term: str
    item_code: str
    levy_year: int
    notice_no: str
    amount_yen: int
    interest_yen: int
    since_on: date
    claim_by: date | None  # until when it can be claimed


def refund_state(
    connection: Connection, profile: Profile, obligor_no: str, as_of: date
) -> list[Told]:
    """還付の状況 of one person: what waits, oldest first, then refunds, newest first."""
    code = profile.municipality_code
    given = payees.history(connection, code, obligor_no)
    checking = any(each.state == payees.WAITING for each in given)
    told = []
    for each in overpayments(connection, profile, as_of, obligor_no=obligor_no, limit=1_000):
        step = CHECKING
        if each.state == PAYEE:
            step = ACCOUNT_CHECKING if checking else ACCOUNT
        told.append(
            Told(
                step,
                each.notice_id,
                each.term,
                each.item_code,
                each.levy_year,
                each.notice_no,
                each.waiting_yen,
                0,
                each.arose_on,
                each.expires_on,
            )
        )
    rows: Any = connection.execute(text(_REFUNDS), {"m": code, "obligor_no": obligor_no})
    return told + [_refund(row, checking=checking) for row in rows]


def money_waits(connection: Connection, municipality_code: str, obligor_no: str) -> bool:
    """過誤納の待ちか: whether money of this person waits, or a wrong instalment is suspected."""
    scope = {"m": municipality_code, "obligor_no": obligor_no}
    return connection.execute(text(_WAITS), scope).first() is not None


def _refund(row: Any, *, checking: bool) -> Told:
    step = {"paid": PAID, "returned": ACCOUNT_CHECKING if checking else RETURNED}.get(
        row.event, PAYING
    )
    return Told(
        step, row.notice_id, row.term, row.item_code, row.levy_year, row.notice_no,
        row.amount_yen, row.interest_yen, as_day(row.happened_on), None,
    )  # fmt: skip
