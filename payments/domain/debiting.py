"""口座振替の設定: through which banks a body debits, and when a batch must be with them.

A section of the profile that a body may leave out: its accounts are then the banks it debits at.
Sources: files.md 1.3, 1.5 and 3.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULT_FAILED = frozenset("123489")
LINE_ENDS = ("crlf", "none")
DAYS_MAX = 60
_LENGTHS = {"bank_code": 4, "branch_code": 3, "account_type": 1, "account_no": 7}


@dataclass(frozen=True, slots=True)
class DebitBank:
    """取扱金融機関: a bank that takes our requests, and our account there."""

    bank_code: str
    bank_name: str
    branch_code: str
    branch_name: str
    account_type: str  # 預金種目(委託者)
    account_no: str
    consignor_code: str = ""  # 委託者コード of this bank; "" is the body's
    line_ends: str = "crlf"  # "crlf" or "none" (files.md 1.6)


@dataclass(frozen=True, slots=True)
class Debiting:
    """口座振替: what holds for all banks."""

    consignor_name: str = ""  # 委託者名 in half-width kana
    banks: tuple[DebitBank, ...] = ()
    lead_days: int = 7  # business days before the debit by which a request must be there
    cut_off: str = "16:00"
    result_days: int = 5  # business days after the debit within which the result comes
    ahead_days_max: int = DAYS_MAX  # a batch for a later day is a mistake (I17, I18)
    second_codes: tuple[str, ...] = ("1",)  # 振替結果コード that a second debit takes up


def require_debiting(debit: Debiting) -> None:
    """Refuse what no bank could take.

    Raises :class:`InvalidValueError` ``profile_debit`` with the field and what was found.
    """
    for bank in debit.banks:
        _require_digits(bank)
    codes = [bank.bank_code for bank in debit.banks]
    faults: dict[str, tuple[bool, object]] = {
        "banks": (len(set(codes)) != len(codes), codes),
        "lead_days": (not _is_days(debit.lead_days), debit.lead_days),
        "result_days": (not _is_days(debit.result_days), debit.result_days),
        "ahead_days_max": (not 0 < debit.ahead_days_max <= 366, debit.ahead_days_max),
        "second_codes": (not RESULT_FAILED.issuperset(debit.second_codes), debit.second_codes),
    }
    for name, (wrong, found) in faults.items():
        if wrong:
            raise InvalidValueError("profile_debit", field=f"debit.{name}", found=str(found))


def _require_digits(bank: DebitBank) -> None:
    for name, length in _LENGTHS.items():
        value = getattr(bank, name)
        if len(value) != length or not (value.isascii() and value.isdigit()):
            raise InvalidValueError("profile_debit", field=f"debit.banks.{name}", found=value)
    code = bank.consignor_code
    if code and (len(code) != 10 or not code.isdigit()):
        raise InvalidValueError("profile_debit", field="debit.banks.consignor_code", found=code)
    if bank.line_ends not in LINE_ENDS:
        raise InvalidValueError(
            "profile_debit", field="debit.banks.line_ends", found=bank.line_ends
        )


def _is_days(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= DAYS_MAX


def consignors(body_code: str, banks: Sequence[DebitBank]) -> frozenset[str]:
    """委託者コード: all that may stand in a result for us."""
    return frozenset({body_code, *(b.consignor_code for b in banks if b.consignor_code)})
