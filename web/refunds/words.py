"""過誤納の言い方: reasons, places and steps of a calculation as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web import formatting, messages
from web.language import translate as _

if TYPE_CHECKING:
    from payments.domain.overpayment import OverpaymentReason
    from payments.domain.profile import Profile
    from payments.domain.refund_interest import RefundInterest


def place_words(profile: Profile, item_code: str, levy_year: int, notice_no: str, term: str) -> str:
    """科目・年度・通知書・期別 in one line."""
    names = {item.item_code: item.name for item in profile.items}
    instalment = _("全期") if term == "00" else _("第{number}期", number=int(term or 0))
    return f"{names.get(item_code, item_code)} {levy_year} {notice_no} {instalment}"


def reason_words(reason: OverpaymentReason) -> str:
    """理由と区分: 二重納付（誤納）."""
    name = messages.label("overpayment_reason", reason)
    kind = messages.label("overpayment_class", reason.class_ja)
    return _("{name}（{kind}）", name=name, kind=kind)


def interest_lines(found: RefundInterest) -> list[tuple[str, str, str, str, str]]:
    """加算金の計算: from, to, days, rate and yen of every segment."""
    return [
        (
            formatting.long_day(segment.from_on),
            formatting.long_day(segment.until_on),
            formatting.count(segment.days, ""),
            f"{segment.rate_percent}%",
            formatting.yen(segment.yen),
        )
        for segment in found.segments
    ]


def nothing_words(found: RefundInterest) -> str:
    """加算金がない理由; "" where there is some."""
    if found.nothing_due is None:
        return ""
    return messages.label("refund_nothing", found.nothing_due.value)
