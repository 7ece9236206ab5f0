"""確認事項の期限: in how many business days somebody should have dealt with a case, by its kind.

What may be money in the wrong place, or money that somebody waits for, comes first; what only has
to be asked about has more time. A person may set another day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payments.domain.calendars import add_business_days
from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from datetime import date

BUSINESS_DAYS = 5
# Days until → the kinds that have so many; all others have BUSINESS_DAYS. kokin verify has its own
# list of them (reconcile.verify.cases), to be changed with this one.
SOONER: dict[int, frozenset[str]] = {
    1: frozenset(
        {
            "conflict", "debit_acknowledgement_differs", "settlement_difference",
            "withdrawal_after_confirmation",
        }
    ),
    3: frozenset(
        {
            "advice_difference", "amount_mismatch", "confirmed_after_withdrawal",
            "late_confirmation", "malformed", "refund_returned", "remittance_overdue",
            "unidentified_deposit", "withdrawal_unmatched",
        }
    ),
}  # fmt: skip


def days_of(kind: str) -> int:
    """営業日数 for a kind of case."""
    return next((days for days, kinds in SOONER.items() if kind in kinds), BUSINESS_DAYS)


def due_on(kind: str, opened_on: date) -> date | None:
    """期限 of a case opened on that day; None in years whose holidays nobody knows."""
    try:
        return add_business_days(opened_on, days_of(kind))
    except InvalidValueError:
        return None
