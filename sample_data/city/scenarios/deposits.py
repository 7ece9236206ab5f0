"""入金と払込: scenarios of outcomes.md 7 and 9 that begin with a notice of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.formats.zengin_common import zengin_text
from sample_data.city.model import Entry

if TYPE_CHECKING:
    from sample_data.city.case import Case

LATE_YEN = 10_013  # an odd amount: no other sum of the payer looks like it
NAME_BYTES_MAX = 48  # 振込依頼人名: a longer one is cut and no longer equals the kana


def late_confirmation(case: Case) -> None:
    """入金後の確報: the group was credited without it; the difference comes two days later."""
    notice = case.notice("999", amounts=[LATE_YEN])
    line = case.konbini(notice.slip(1), 0)
    case.confirm(line, 3, funds=2, late=True)


def wrong_advice(case: Case) -> None:
    """払込明細の漏れ: the advice leaves one payment out, and so does the credit."""
    notice = case.notice("951", total_yen=61_300)
    first = case.eltax(notice.slip(1), 0, number="91")
    case.eltax(notice.slip(2), 0, number="91").operator = first.operator
    case.city.wrong_advice[first.funds_ref] = notice.slip(2).amount_yen


def direct_transfer(case: Case) -> None:
    """納付書によらない振込: the name and an open instalment suggest whose it is, no more."""
    notice = case.notice("903", total_yen=7_200)
    name = zengin_text(case.obligor.kana)
    cut = len(name) > NAME_BYTES_MAX
    case.city.entries.append(
        Entry(
            case.rng.randrange(case.city.days),
            notice.total_yen,
            "unidentified_deposit" if cut else "direct_transfer",
            payer_name=name,
        )
    )


def weak_suggestion(case: Case) -> None:
    """名前だけ合う振込: the amount is nothing this obligor owes, so it stays unidentified."""
    notice = case.notice("903", total_yen=12_900)
    case.city.entries.append(
        Entry(
            case.rng.randrange(case.city.days),
            notice.total_yen + 123,
            "unidentified_deposit",
            payer_name=zengin_text(case.obligor.kana),
        )
    )
