"""仕訳: double entry by transfers, which sum to zero by construction (design R7).

A posting moves an amount from one account to another; nothing is ever changed or removed, and a
correction is a reversal with a reason. The chart of accounts follows the way of the money::

    assessment            収入未済 receivable     / 調定 assessed
    速報 applied          速報未収 reported       / 収入未済 receivable
    速報 not applied      速報未収 reported       / 仮受金 suspense
    確報 of a 速報        確報未入金 confirmed_due / 速報未収 reported
    確報 without 速報     確報未入金 confirmed_due / 収入未済 or 仮受金
    bank credit arrives   預金 bank               / 不明入金 unidentified      (地方自治法235条の4)
    … and settles         不明入金 unidentified   / 確報未入金 confirmed_due
    fee kept back         手数料 fee              / 確報未入金 confirmed_due   (自治令164四 繰替払)
    statement 出金        出金 outgoing           / 預金 bank
    不納欠損              不納欠損 written_off    / 収入未済 receivable
    refund decided        仮受金 suspense         / 還付未済 refund_due      (地方税法17条)
    … and paid            還付未済 refund_due     / 出金 outgoing
    … and come back       不明入金 unidentified   / 還付未済 refund_due      (組戻し)

So the balance of ``reported`` is what channels have announced, that of ``confirmed_due`` what
agents still owe, that of ``suspense`` and ``unidentified`` what a person must decide.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from payments.domain.labels import LabelledCode
from payments.domain.money import require_yen

if TYPE_CHECKING:
    from collections.abc import Iterable


class Account(LabelledCode):
    """勘定: the accounts of the books."""

    RECEIVABLE = "receivable", "収入未済"
    ASSESSED = "assessed", "調定"
    SUSPENSE = "suspense", "仮受金"
    REPORTED = "reported", "速報未収"
    CONFIRMED_DUE = "confirmed_due", "確報未入金"
    BANK = "bank", "預金"
    FEE = "fee", "手数料（繰替払）"
    UNIDENTIFIED = "unidentified", "歳計外（不明入金）"
    OUTGOING = "outgoing", "出金"
    REFUND_DUE = "refund_due", "還付未済"
    WRITTEN_OFF = "written_off", "不納欠損"


class Reason(LabelledCode):
    """仕訳の理由: why money was moved."""

    ASSESSMENT = "assessment", "調定"
    CORRECTION = "correction", "調定更正"
    CANCELLATION = "cancellation", "調定取消"
    APPLIED = "applied", "消込"
    SUSPENSE = "suspense", "仮受"
    CONFIRMED = "confirmed", "確報"
    WITHDRAWN = "withdrawn", "速報取消"
    REDECIDED = "redecided", "再判定"
    REVERSAL = "reversal", "取消仕訳"
    PLACED = "placed", "手作業消込"
    PLACED_REVERSAL = "placed_reversal", "手作業消込の取消"
    SURPLUS = "surplus", "更正による過納"
    SETTLED = "settled", "入金確認"
    FEE = "fee", "手数料控除"
    UNIDENTIFIED_DEPOSIT = "unidentified_deposit", "不明入金"
    OUTGOING = "outgoing", "出金"
    WRITTEN_OFF = "written_off", "不納欠損"
    WRITE_OFF_REVERSAL = "write_off_reversal", "不納欠損の取消"
    REFUND_DECIDED = "refund_decided", "還付決定"
    REFUND_CANCELLED = "refund_cancelled", "還付決定の取消"
    REFUND_PAID = "refund_paid", "還付"
    REFUND_RETURNED = "refund_returned", "組戻し"


@dataclass(frozen=True, slots=True)
class Posting:
    """仕訳一件: ``amount_yen`` (at least 1) from ``credit_account`` to ``debit_account``.

    Raises :class:`InvalidValueError` ``same_account``, or the errors of
    :func:`~payments.domain.money.require_yen`.
    """

    debit_account: Account
    credit_account: Account
    amount_yen: int
    reason: Reason

    def __post_init__(self) -> None:
        """Refuse what moves nothing or goes nowhere."""
        require_yen(self.amount_yen, "amount_yen", minimum=1)
        if self.debit_account == self.credit_account:
            raise InvalidValueError(
                "same_account",
                field="credit_account",
                found=self.credit_account.value,
                expected="another account than debit_account",
            )


def reversal_of(posting: Posting, reason: Reason = Reason.REVERSAL) -> Posting:
    """取消仕訳: the posting that takes ``posting`` back, for ``reason``."""
    return Posting(posting.credit_account, posting.debit_account, posting.amount_yen, reason)


def balances(postings: Iterable[Posting]) -> dict[Account, int]:
    """残高: debits minus credits of every account in yen; together they are always 0."""
    totals = defaultdict[Account, int](int)
    for posting in postings:
        totals[posting.debit_account] += posting.amount_yen
        totals[posting.credit_account] -= posting.amount_yen
    return {account: totals[account] for account in Account}
