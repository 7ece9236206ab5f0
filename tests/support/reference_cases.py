"""参照モデルの要確認: what a person must look at (outcomes.md 3 to 7 and 9)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reference_calendar import after_bank_days, shifted

from reconcile.model import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reference_books import Books, LineRef
    from reference_settlement import Treasury

Case = tuple[str, str]  # (kind, subject)

# Outcomes that open a case about their line. `debit_failed` only keeps its reason.
CASE_OUTCOMES = frozenset(
    {
        "malformed",
        "other_municipality",
        "invalid_key",
        "unknown_slip",
        "cancelled_assessment",
        "duplicate",
        "alternative_paid",
        "superseded_slip",
        "amount_mismatch",
        "short",
        "over",
        "expired_slip",
        "conflict",
        "withdrawal_after_confirmation",
        "withdrawal_unmatched",
        "settlement_difference",
        "refund_returned",
        "direct_transfer",
        "unidentified_deposit",
        "advice_difference",
    }
)


def subject_of(ref: LineRef) -> str:
    """The subject of a case about a line."""
    sha256, line_no = ref
    return f"{sha256}:{line_no}"


def confirmations_overdue(books: Books, as_of: date) -> Iterable[Case]:
    """速報 without 確報 past its days."""
    for receipt in books.receipts:
        if receipt.live and receipt.stage == Stage.PROVISIONAL and receipt.line.fault is None:
            paid_on = date.fromisoformat(receipt.line.paid_on or "")
            if as_of > after_bank_days(paid_on, books.profile.confirmation_days):
                yield ("confirmation_overdue", subject_of(receipt.ref))


def remittances_overdue(treasury: Treasury, as_of: date) -> Iterable[Case]:
    """A group past its date by the grace days without a credit."""
    for key, group in treasury.groups.items():
        if group.confirmed_yen > 0 and group.credited_yen == 0:
            remitted_on = date.fromisoformat(group.remitted_on)
            if as_of > after_bank_days(remitted_on, treasury.profile.settlement_days):
                yield ("remittance_overdue", "/".join(key))


def wrong_instalments(books: Books, as_of: date) -> Iterable[Case]:
    """Instalment n+1 paid in time while n of the same notice is unpaid and due.

    Where people have placed money, nobody has taken one instalment for the other.
    """
    for place, paid in books.instalments.items():
        unpaid = books.instalments.get((*place[:3], f"{int(place[3]) - 1:02d}"))
        if unpaid is None or unpaid.cancelled or paid.cancelled:
            continue
        if unpaid.gross_yen > 0 or not paid.settled:
            continue
        in_time = all(
            (receipt.line.paid_on or "") <= shifted(paid.due_on) and not receipt.placed
            for receipt in books.receipts
            for instalment, _ in receipt.postings
            if instalment is paid
        )
        if in_time and shifted(unpaid.due_on) < as_of.isoformat():
            yield ("wrong_instalment_suspected", "/".join(place))
