"""口座振替の結果: scenarios of outcomes.md 6. The first debit's result comes on the third day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sample_data.city import sample
from sample_data.city.case import debit_batches

if TYPE_CHECKING:
    from sample_data.city.case import Case

FAILURE_CODES = ("1", "2", "3", "4", "8", "9")


def debited(case: Case) -> None:
    """振替済: one instalment of every debit of the city."""
    notice = case.notice("901", total_yen=84_000, debit=True, slips=False)
    for batch in range(min(len(debit_batches(case.city.days)), 4)):
        case.debit(notice, batch + 1, batch)


def failed(case: Case) -> None:
    """振替不能: every reason a bank may give."""
    notice = case.notice("904", total_yen=96_000, debit=True, slips=False)
    for number, code in enumerate(FAILURE_CODES, 1):
        case.debit(notice, number, 0, "debit_failed", code=code)


def unassigned_code(case: Case) -> None:
    """割り当てのない振替結果コード: the line is malformed and moves nothing."""
    notice = case.notice("904", total_yen=96_000, debit=True, slips=False)
    case.debit(notice, 1, 0, "malformed", code="5")


def slip_then_debit(case: Case) -> None:
    """納付書で納めたあとの振替: an active 口座振替 debits once more."""
    notice = case.notice("951", total_yen=40_000, debit=True)
    case.confirm(case.konbini(notice.slip(1), 0), 1)
    case.debit(notice, 1, 0, "duplicate")


def debit_then_slip(case: Case) -> None:
    """振替後の納付: the slip was paid too."""
    notice = case.notice("952", total_yen=36_000, debit=True)
    case.debit(notice, 1, 0)
    case.konbini(notice.slip(1), 3, "duplicate", agent=sample.MUF)


def corrected_after_request(case: Case) -> None:
    """依頼後の更正: the bank debits the amount of the request, not the current one."""
    notice = case.notice("904", total_yen=96_000, debit=True, slips=False)
    requested = notice.term(1).amount_yen
    case.correct(notice, 1, requested - 2_000)
    case.debit(notice, 1, 0, "over", amount_yen=requested, applied_yen=requested - 2_000)
    case.correct(notice, 2, requested + 2_000)
    case.debit(notice, 2, 0, "short", amount_yen=requested)
    case.correct(notice, 3, 0)
    case.debit(notice, 3, 0, "cancelled_assessment", amount_yen=requested)


def unknown_customer(case: Case) -> None:
    """台帳にない顧客番号."""
    notice = case.notice("901", total_yen=40_000, debit=True, slips=False)
    unknown = f"{sample.DEBIT_PREFIX}998{notice.serial:011d}01"
    case.debit(notice, 1, 0, "unknown_slip", customer_no=unknown)


def result_again(case: Case) -> None:
    """振替結果の再送: the same lines in another file; one of them says something else."""
    notice = case.notice("904", total_yen=88_000, debit=True, slips=False)
    first = case.debit(notice, 1, 0)
    second = case.debit(notice, 2, 0)
    part = f"{first.part}_again"
    case.again(first, 3, part=part)
    case.again(second, 3, "conflict", part=part, kind="1")
