"""速報・確報・取消・再送: scenarios of outcomes.md 3, 5 and 9."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sample_data.city import sample

if TYPE_CHECKING:
    from sample_data.city.case import Case


def withdrawn(case: Case) -> None:
    """速報取消: the shop took its report back."""
    notice = case.notice("901", total_yen=60_000)
    for number, agent in enumerate(sample.KONBINI_AGENTS, 1):
        case.withdraw(case.konbini(notice.slip(number), 0, agent=agent), 1)
    case.withdraw(case.eltax(notice.slip(4), 1, kind="1"), 2)


def withdrawn_and_paid_again(case: Case) -> None:
    """取消と打ち直し: both come in one file, so the new payment is a duplicate for a moment."""
    slip = case.notice("903", total_yen=10_800).slip(1)
    first = case.konbini(slip, 0, agent=sample.MUF)
    second = case.konbini(slip, 1, agent=sample.MUF)
    case.withdraw(first, 1)
    case.confirm(second, 2)


def duplicate_becomes_matched(case: Case) -> None:
    """取消で生き返る二重納付: the next payment takes the place of the withdrawn one."""
    slip = case.notice("901", total_yen=56_000).slip(1)
    first = case.konbini(slip, 0)
    case.eltax(slip, 1)  # a duplicate at first, matched once the shop's report is withdrawn
    case.konbini(slip, 2, "duplicate", agent=sample.MIZUHO)
    case.withdraw(first, 3)


def whole_becomes_matched(case: Case) -> None:
    """取消で全額が充たる全期: the instalment payment before it was withdrawn."""
    notice = case.notice("902", total_yen=90_000, whole_year=True)
    first = case.konbini(notice.slip(1), 0, agent=sample.MUF)
    case.eltax(notice.slip(0), 1)  # alternative_paid until then
    case.withdraw(first, 2)


def withdrawal_after_confirmation(case: Case) -> None:
    """確報後の取消: nothing is undone, a person decides."""
    notice = case.notice("901", total_yen=64_000)
    line = case.konbini(notice.slip(1), 0, agent=sample.MIZUHO)
    case.confirm(line, 1)
    case.withdraw(line, 2, "withdrawal_after_confirmation")
    line = case.eltax(notice.slip(2), 0, kind="1")
    case.confirm(line, 1)
    case.withdraw(line, 2, "withdrawal_after_confirmation")


def withdrawal_unmatched(case: Case) -> None:
    """相手のない取消: no such report; a second 取消 has none left either."""
    notice = case.notice("901", total_yen=68_000)
    never_sent = case.konbini(notice.slip(1), case.city.days)
    never_sent.paid_on = case.city.collected_on(0, case.rng)
    never_sent.acquired_on = case.city.dates[0]
    case.withdraw(never_sent, 0, "withdrawal_unmatched")
    line = case.konbini(notice.slip(2), 0, agent=sample.MUF)
    case.withdraw(line, 1)
    case.withdraw(line, 1, "withdrawal_unmatched")


def one_of_equal_withdrawn(case: Case) -> None:
    """同じ二件の片方だけ取消: the confirmed one stays, the first unconfirmed one goes."""
    slip = case.notice("903", total_yen=12_900).slip(1)
    first = case.konbini(slip, 0)
    second = case.again(first, 0, "duplicate")
    case.confirm(first, 1)
    case.withdraw(second, 2)


def confirmed_without_report(case: Case) -> None:
    """速報のない確報: normal for some channels."""
    notice = case.notice("901", total_yen=72_000)
    for number, agent in enumerate(sample.KONBINI_AGENTS, 1):
        case.konbini(notice.slip(number), 1, agent=agent, kind="02")
    case.konbini(notice.slip(4), 1, kind="12")


def confirmed_after_withdrawal(case: Case) -> None:
    """取消後の確報: the money does come, so it is a new receipt."""
    notice = case.notice("901", total_yen=76_000)
    line = case.konbini(notice.slip(1), 0, agent=sample.MUF)
    case.withdraw(line, 1)
    case.confirm(line, 2, "matched")
    line = case.eltax(notice.slip(2), 0, kind="1")
    case.withdraw(line, 1)
    case.confirm(line, 2, "matched")


def report_after_confirmation(case: Case) -> None:
    """確報のあとの速報: it says nothing new."""
    slip = case.notice("901", total_yen=80_000).slip(1)
    line = case.konbini(slip, 0, agent=sample.MUF, kind="02")
    case.again(line, 1, kind="01", part="sokuho", funds_on=None, funds_ref="")


def realtime_then_report(case: Case) -> None:
    """リアルデータのあと速報: 81 and 01 are one payment."""
    slip = case.notice("901", total_yen=84_000).slip(1)
    line = case.konbini(slip, 0, kind="81")
    case.again(line, 1, kind="01")
    case.confirm(line, 2)


def postal_corrected(case: Case) -> None:
    """郵便振替訂正: 22 takes the place of the 12 whose amount was misread."""
    slip = case.notice("901", total_yen=60_400).slip(1)
    wrong = case.konbini(slip, 0, kind="12", amount_yen=1_500, funds=3)
    right = case.konbini(slip, 1, kind="22", amount_yen=slip.amount_yen, funds=3)
    right.paid_on = wrong.paid_on
    wrong.ends_as("withdrawn")


def conflict(case: Case) -> None:
    """同じ記録で内容が違う: the first stands, the other books nothing."""
    notice = case.notice("901", total_yen=92_000)
    line = case.konbini(notice.slip(1), 0, kind="02", funds=2)
    case.again(line, 1, "conflict", funds_on=case.city.dates[3])
    line = case.eltax(notice.slip(2), 0)
    case.again(line, 0, "conflict", amount_yen=line.amount_yen + 100)
    line = case.eltax(notice.slip(3), 0, kind="1")
    case.again(line, 2, "conflict", amount_yen=line.amount_yen - 100)


def confirmation_differs(case: Case) -> None:
    """速報と確報の食い違い: one transaction, but another amount or another slip."""
    notice = case.notice("901", total_yen=100_000)
    line = case.eltax(notice.slip(1), 0, kind="1")
    case.confirm(line, 1, "conflict", amount_yen=line.amount_yen + 1_000)
    line = case.eltax(notice.slip(2), 0, kind="1")
    case.confirm(line, 1, "conflict", key=notice.slip(3).el_number)


def repeated_lines(case: Case) -> None:
    """再送: lines that came before, in a file that also brings new ones."""
    notice = case.notice("901", total_yen=104_000)
    for number, agent in enumerate(sample.KONBINI_AGENTS, 1):
        line = case.konbini(notice.slip(number), 0, agent=agent)
        case.again(line, 1)
        case.confirm(line, 2)
    line = case.eltax(notice.slip(4), 0)
    case.again(line, 0)
    case.again(line, 1)


def repeated_equal_lines(case: Case) -> None:
    """再送された同一行: occurrence k repeats occurrence k, one more is one more payment."""
    slip = case.notice("903", total_yen=4_600).slip(1)
    line = case.konbini(slip, 0, agent=sample.MUF)
    case.again(line, 0, "duplicate")
    case.again(line, 1)
    case.again(line, 1)
    case.again(line, 1, "duplicate")
