"""過誤納: why money was paid that must go back, in which order it is appropriated, until when.

The law says from the reason whether it is 過納 or 誤納 and on which day interest begins
(地方税法17条の4, ``law.md 6.1``), that a claim of the same person that is due comes before paying
back (17条の2, ``law.md 6.2``), and when the right to it ends (18条の3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from payments.domain.labels import LabelledCode
from payments.domain.money import require_yen
from payments.domain.periods import ONE_DAY, period_end
from payments.domain.refund_interest import CLAIM_DAYS, RefundReason, interest_starts_on

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date


class OverpaymentReason(LabelledCode):
    """過誤納の理由: what happened; its legal class and the start of interest follow from it."""

    REASSESSED = "reassessed", "更正・賦課決定による減額"
    CLAIMED = "claimed", "更正の請求による減額"
    INCOME_TAX = "income_tax", "所得税の更正・申告による減額"
    PAID_TWICE = "paid_twice", "二重納付"
    TOO_MUCH = "too_much", "過大な納付"
    NOT_OWED = "not_owed", "納める義務のない納付（賦課の取消後など）"
    OTHER_PERSON = "other_person", "納める人の誤り"
    EXPIRED = "expired", "時効の後の納付"
    WRONG_INSTALMENT = "wrong_instalment", "期別の取り違え"
    IN_ADVANCE = "in_advance", "予納（全期前納など）"

    @property
    def interest_reason(self) -> RefundReason | None:
        """加算の起算の理由; None where nothing is paid back on demand (17条の3)."""
        if self in {self.IN_ADVANCE, self.WRONG_INSTALMENT}:
            return None
        return _REDUCED.get(self, RefundReason.MISPAID)

    @property
    def is_overpaid(self) -> bool:
        """過納か: the payment was right when it was made; otherwise it is 誤納."""
        return self in _REDUCED

    @property
    def class_ja(self) -> str:
        """過納・誤納・予納 as the notice says it."""
        if self is OverpaymentReason.IN_ADVANCE:
            return "予納"
        return "過納" if self.is_overpaid else "誤納"

    @property
    def article(self) -> str:
        """根拠条文 of the day on which interest begins."""
        return _ARTICLES.get(self, "地方税法17条の4第1項第4号、同施行令6条の15")


_REDUCED = {
    OverpaymentReason.REASSESSED: RefundReason.REASSESSED,
    OverpaymentReason.CLAIMED: RefundReason.CLAIMED,
    OverpaymentReason.INCOME_TAX: RefundReason.INCOME_TAX,
}
_ARTICLES = {
    OverpaymentReason.REASSESSED: "地方税法17条の4第1項第1号",
    OverpaymentReason.CLAIMED: "地方税法17条の4第1項第2号",
    OverpaymentReason.INCOME_TAX: "地方税法17条の4第1項第3号",
    OverpaymentReason.IN_ADVANCE: "地方税法17条の3",
    OverpaymentReason.WRONG_INSTALMENT: "地方税法17条の2",
}
# What the engine found, as the reason that somebody then confirms or changes.
_BY_OUTCOME = {
    "duplicate": OverpaymentReason.PAID_TWICE,
    "alternative_paid": OverpaymentReason.PAID_TWICE,
    "cancelled_assessment": OverpaymentReason.NOT_OWED,
    "surplus": OverpaymentReason.REASSESSED,
}


def likely_reason(outcome: str) -> OverpaymentReason:
    """理由の見込み from the outcome of a line, or ``surplus`` of a correction."""
    return _BY_OUTCOME.get(outcome, OverpaymentReason.TOO_MUCH)


def interest_from(
    reason: OverpaymentReason,
    paid_on: date,
    *,
    event_on: date | None = None,
    corrected_on: date | None = None,
) -> date:
    """加算の始まり of a reason; the day after payment where nothing is paid back on demand.

    Raises :class:`InvalidValueError` ``refund_event`` when a day is missing.
    """
    law = reason.interest_reason
    if law is None:
        return paid_on + ONE_DAY
    return interest_starts_on(law, paid_on, event_on=event_on, corrected_on=corrected_on)


# ---- 充当 ----


class Owed(NamedTuple):
    """充てる先: an instalment of the person with what is open of it."""

    notice_id: int
    term: str
    due_on: date
    open_yen: int
    is_charge: bool = False  # 延滞金・督促手数料: behind the principal (17条の2③)
    is_meant: bool = False  # the instalment that the payer meant
    entrusted_on: date | None = None  # 委託納付: the day on which the person agreed to it

    def takes(self, as_of: date) -> bool:
        """充てられるか: it is due, was meant by the payer, or entrusted to us."""
        return self.due_on <= as_of or self.is_meant or self.entrusted_on is not None


class Share(NamedTuple):
    """充当の一部: so much of the overpayment, with effect from ``effective_on`` (充当適状)."""

    notice_id: int
    term: str
    amount_yen: int
    effective_on: date


def appropriate(
    amount_yen: int,
    arose_on: date,
    owed: Iterable[Owed],
    as_of: date,
    *,
    newest_first: bool = False,
) -> tuple[Share, ...]:
    """充当の提案 (17条の2; ``law.md 6.2``): due claims only, the one meant first, then principal.

    Within each, the oldest 納期限 first (or the newest, as the profile says). The effect goes back
    to the later of 納期限 and the day on which the overpayment arose (施行令6条の14). What is not
    due yet takes nothing, but for the one that the payer meant, and behind all that is due those
    that the person has entrusted to us (委託納付): the next 納期限 first, from their consent on.
    """
    require_yen(amount_yen, "amount_yen")
    sign = -1 if newest_first else 1
    due = sorted(
        (each for each in owed if each.open_yen > 0 and each.takes(as_of)),
        key=lambda each: (
            each.due_on > as_of and not each.is_meant, not each.is_meant, each.is_charge,
            (1 if each.due_on > as_of else sign) * each.due_on.toordinal(), each.notice_id,
            each.term,
        ),
    )  # fmt: skip
    shares, left = [], amount_yen
    for each in due:
        if left == 0:
            break
        yen = min(left, each.open_yen)
        from_on = each.due_on
        if each.due_on > as_of and not each.is_meant:
            from_on = each.entrusted_on or from_on
        shares.append(Share(each.notice_id, each.term, yen, max(from_on, arose_on)))
        left -= yen
    return tuple(shares)


# ---- 還付の時効と注意 ----


def expires_on(arose_on: date, years: int) -> date:
    """時効の完成する日: the right ends with this day (地方税法18条の3; 保険料 2年).

    It runs from the day after the overpayment arose, when it could be claimed for the first time.
    """
    return period_end(arose_on + ONE_DAY, years * 12)


def claim_late_from(noticed_on: date) -> date:
    """除算の始まり: the first day that no longer counts when nobody has claimed by then."""
    return noticed_on + timedelta(days=CLAIM_DAYS + 1)


# ---- 設定 ----


@dataclass(frozen=True, slots=True)
class Refunds:
    """還付の設定: a section of the profile that a body may leave out."""

    newest_first: bool = False  # 充当の順: False takes the oldest 納期限 first
    short_items: tuple[str, ...] = ()  # 科目 whose refunds expire after two years (保険料)
    warn_days: int = 180  # days before the right ends from which it is a warning
    match_days: int = 5  # business days after the day of transfer on which the bank pays
    account: str = ""  # 仕向口座 by its key; "" is the first account of the profile
    orderer_code: str = ""  # 振込依頼人コード, 10 digits
    orderer_name: str = ""  # 振込依頼人名 in half-width kana


DIGITS_OF_ORDERER = 10
DAYS_MAX = 400


def require_refunds(refunds: Refunds, items: Iterable[str], accounts: Iterable[str]) -> None:
    """Refuse settings that no transfer could be made with.

    Raises :class:`InvalidValueError` ``profile_refunds`` with the field and what was found.
    """
    known = set(items)
    code = refunds.orderer_code
    is_code = not code or (len(code) == DIGITS_OF_ORDERER and code.isascii() and code.isdigit())
    faults = {
        "short_items": next((item for item in refunds.short_items if item not in known), None),
        "account": refunds.account if refunds.account not in {"", *accounts} else None,
        "orderer_code": None if is_code else code,
        "warn_days": None if _is_days(refunds.warn_days) else refunds.warn_days,
        "match_days": None if _is_days(refunds.match_days) else refunds.match_days,
    }
    for name, found in faults.items():
        if found is not None:
            raise InvalidValueError("profile_refunds", field=f"refunds.{name}", found=str(found))


def _is_days(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= DAYS_MAX
