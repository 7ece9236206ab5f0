"""照合表の各行: one scenario per way in which a payment is not simply matched (outcomes.md 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from payments.domain.identifiers import FreeArea
from sample_data.city import sample
from sample_data.city.model import barcode

if TYPE_CHECKING:
    from sample_data.city.case import Case
    from sample_data.city.model import Notice

UNKNOWN_ITEM = "998"  # no notice of the city has it, so no key made with it is known
OTHER_CLIENT_CODE = "00002"
OTHER_BODY_CODE = "88888"


def malformed_date(case: Case) -> None:
    """ありえない収納日: the line alone is wrong, its money is held."""
    notice = case.notice("901", total_yen=88_400)
    for number, agent in enumerate((sample.DSK, sample.MUF, sample.MIZUHO), 1):
        case.konbini(notice.slip(number), 0, "malformed", agent=agent).paid_on = "2026-13-45"
    case.konbini(
        notice.slip(4), 1, "malformed", agent=sample.MIZUHO, kind="02"
    ).paid_on = "2026-02-30"


def malformed_amount(case: Case) -> None:
    """金額0円: nobody pays nothing."""
    notice = case.notice("901", total_yen=71_300)
    case.konbini(notice.slip(1), 0, "malformed", amount_yen=0)
    case.eltax(notice.slip(2), 0, "malformed", amount_yen=0)


def malformed_eltax(case: Case) -> None:
    """ありえない日付と欠けた払込番号: two bad lines of the payment file."""
    notice = case.notice("901", total_yen=64_900)
    case.eltax(notice.slip(1), 0, "malformed").paid_on = "2026-06-31"
    case.eltax(notice.slip(2), 0, "malformed").funds_ref = ""


def malformed_withdrawal(case: Case) -> None:
    """読めない取消: it moves no money, and the payment stays."""
    slip = case.notice("901", total_yen=60_000).slip(1)
    line = case.konbini(slip, 0)
    case.withdraw(line, 1, "malformed").paid_on = "2026-00-10"
    case.confirm(line, 2)


def other_municipality(case: Case) -> None:
    """他団体の納付書: somebody else's money came to us."""
    number = _unknown_number(case)
    area = FreeArea.issue(OTHER_CLIENT_CODE, number).digits
    line = case.konbini(
        barcode(area, 23_450, case.city.valid_until), 0, "other_municipality", agent=sample.MUF
    )
    case.confirm(line, 1)
    key = f"{OTHER_BODY_CODE}{number:020d}123456901"
    case.eltax(key, 1, "other_municipality", amount_yen=18_700)


def invalid_key(case: Case) -> None:
    """読み誤ったバーコード: neither the key nor the C/D is right."""
    area = FreeArea.issue(sample.KONBINI_CLIENT_CODE, _unknown_number(case)).digits
    good = barcode(area, 9_800, case.city.valid_until)
    bad = good[:-1] + str((int(good[-1]) + 3) % 10)
    case.konbini(bad, 0, "invalid_key", agent=sample.MIZUHO)


def unknown_slip(case: Case) -> None:
    """台帳にない納付書: the key reads well, but nobody knows it."""
    number = _unknown_number(case)
    area = FreeArea.issue(sample.KONBINI_CLIENT_CODE, number).digits
    line = case.konbini(barcode(area, 15_100, case.city.valid_until), 0, "unknown_slip")
    case.confirm(line, 1)
    key = f"{sample.COLLECTING_BODY_CODE}{number:020d}654321901"
    case.eltax(key, 1, "unknown_slip", amount_yen=30_600)


def cancelled_assessment(case: Case) -> None:
    """課税取消後の納付: the assessment was cancelled, the slip was still in the house."""
    for at_shop in (True, False):
        notice = case.notice("903", total_yen=10_800)
        case.correct(notice, 1, 0)
        notice.slip(1).state = "revoked"
        if at_shop:
            case.konbini(notice.slip(1), 0, "cancelled_assessment", agent=sample.MUF)
        else:
            case.eltax(notice.slip(1), 0, "cancelled_assessment")


def duplicate_two_channels(case: Case) -> None:
    """二重納付（コンビニのあと eL-QR）: the barcode and the QR of one slip are independent."""
    slip = case.notice("901", total_yen=52_600).slip(1)
    line = case.konbini(slip, 0)
    case.confirm(line, 1)
    case.eltax(slip, 2, "duplicate")


def duplicate_two_transactions(case: Case) -> None:
    """二重納付（同じ日に二回）: two transactions on one slip are two receipts."""
    slip = case.notice("903", total_yen=12_900).slip(1)
    case.eltax(slip, 0)
    case.eltax(slip, 1, "duplicate")
    case.konbini(slip, 2, "duplicate", agent=sample.MIZUHO)


def equal_lines_counted(case: Case) -> None:
    """同じ内容の二行: two equal lines of one file are two payments, and both are confirmed."""
    slip = case.notice("903", total_yen=7_200).slip(1)
    first = case.konbini(slip, 0)
    second = case.again(first, 0, "duplicate")
    case.confirm(first, 1)
    case.confirm(second, 1)


def whole_then_term(case: Case) -> None:
    """全期のあと期別: the year is paid, then a left-over instalment slip."""
    notice = case.notice("901", total_yen=124_000, whole_year=True)
    case.eltax(notice.slip(0), 0)
    case.konbini(notice.slip(2), 1, "alternative_paid", applied_yen=0, agent=sample.MUF)


def term_then_whole(case: Case) -> None:
    """期別のあと全期: what is still open is applied, the rest waits; again, and nothing is open."""
    notice = case.notice("902", total_yen=96_500, whole_year=True)
    whole, paid = notice.slip(0), notice.term(1).amount_yen
    case.confirm(case.konbini(notice.slip(1), 0), 1)
    case.eltax(whole, 1, "alternative_paid", applied_yen=whole.amount_yen - paid)
    case.konbini(whole, 2, "alternative_paid", applied_yen=0, agent=sample.MIZUHO)


def whole_twice(case: Case) -> None:
    """全期を二回: the same slip again is a plain duplicate."""
    notice = case.notice("901", total_yen=80_100, whole_year=True)
    case.eltax(notice.slip(0), 0)
    case.konbini(notice.slip(0), 1, "duplicate")


def whole_after_cancelled_term(case: Case) -> None:
    """一部取消後の全期: the slip covers the instalments that are left."""
    notice = case.notice("901", total_yen=60_300, whole_year=True)
    case.correct(notice, 4, 0)
    left = notice.total_yen  # the slip still asks for all four
    case.confirm(case.konbini(notice.slip(0), 0, "over", applied_yen=left, agent=sample.MUF), 1)


def superseded_shared_area(case: Case) -> None:
    """更正前の納付書（自由使用欄は同じ）: only the 再発行区分 tells the two slips apart."""
    notice = case.notice("901", total_yen=48_000)
    case.correct(notice, 1, 9_000)
    case.reissue(notice, 1, same_free_area=True)
    line = case.konbini(notice.slip(1), 0, "superseded_slip", applied_yen=9_000)
    case.confirm(line, 1)
    case.konbini(notice.slip(1, 2), 2, "duplicate", agent=sample.MUF)


def superseded_own_area(case: Case) -> None:
    """更正前の納付書（自由使用欄も別）: the amount was raised, the old slip pays a part."""
    notice = case.notice("901", total_yen=40_000)
    case.correct(notice, 1, 12_000)
    case.reissue(notice, 1, same_free_area=False)
    case.konbini(notice.slip(1), 0, "superseded_slip", applied_yen=10_000, agent=sample.MIZUHO)
    case.correct(notice, 2, 7_000)
    case.reissue(notice, 2, same_free_area=False, old_state="revoked")
    case.eltax(notice.slip(2), 1, "superseded_slip", applied_yen=7_000)


def new_version_then_old(case: Case) -> None:
    """新しい納付書のあと古い納付書: settled is settled, whichever version paid."""
    notice = case.notice("904", total_yen=200_000)
    case.correct(notice, 1, 21_000)
    new = case.reissue(notice, 1, same_free_area=True)
    case.confirm(case.konbini(new, 0, agent=sample.MIZUHO), 1)
    case.eltax(notice.slip(1), 2, "duplicate")


def reissued_and_paid(case: Case) -> None:
    """再発行した納付書で納付: the ordinary end of a correction."""
    notice = case.notice("902", total_yen=52_000)
    case.correct(notice, 1, 11_000)
    case.konbini(case.reissue(notice, 1, same_free_area=True), 0, agent=sample.MUF)
    case.correct(notice, 2, 11_500)
    case.eltax(case.reissue(notice, 2, same_free_area=False), 1)


def amount_mismatch(case: Case) -> None:
    """eL-QRの金額違い: only the printed amount can be paid, so something is wrong."""
    notice = case.notice("901", total_yen=44_000)
    case.eltax(notice.slip(1), 0, "amount_mismatch", amount_yen=10_500)
    case.correct(notice, 2, 8_000)
    case.reissue(notice, 2, same_free_area=False)
    case.eltax(notice.slip(2), 1, "amount_mismatch", amount_yen=8_000)


def short_by_misreading(case: Case) -> None:
    """郵便窓口の過少: less than the slip asks for, then the whole slip again."""
    notice = case.notice("901", total_yen=40_000)
    case.konbini(notice.slip(1), 0, "short", kind="12", amount_yen=3_000, funds=2)
    case.konbini(notice.slip(1), 1, "over", applied_yen=7_000, agent=sample.MUF)
    case.konbini(notice.slip(2), 1, "short", kind="12", amount_yen=1_000, funds=2)


def over_after_reduction(case: Case) -> None:
    """減額更正後の納付: no new slip was printed, the old one asks for too much."""
    notice = case.notice("902", total_yen=52_000)
    case.correct(notice, 1, 10_000)
    case.eltax(notice.slip(1), 0, "over", applied_yen=10_000)
    case.correct(notice, 2, 9_000)
    case.konbini(notice.slip(2), 0, "over", applied_yen=9_000, agent=sample.MIZUHO)


def expired_slip(case: Case) -> None:
    """支払期限後の納付: the money is taken, somebody looks."""
    first = case.city.dates[0]
    for at_shop in (True, False):
        notice = _past_due(case)
        slip = case.print_slip(
            notice, "01", notice.total_yen, valid_until=first - timedelta(days=8)
        )
        if at_shop:
            case.konbini(slip, 0, "expired_slip")
        else:
            case.eltax(slip, 0, "expired_slip")


def _past_due(case: Case) -> Notice:
    """随時の調定 whose due date is well before the first day."""
    due_on = case.city.dates[0] - timedelta(days=30)
    return case.notice("999", total_yen=24_700, due_dates=[due_on], slips=False)


def _unknown_number(case: Case) -> int:
    """A key number that belongs to no slip."""
    return int(f"{UNKNOWN_ITEM}{case.city.next_serial():08d}0101")
