"""口座振替の設定: through which banks a body debits, and when a batch must be with them.

A section of the profile that a body may leave out: its accounts are then the banks it debits at.
Sources: files.md 1.3, 1.5 and 3.6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
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


ENCODINGS, SEPARATORS = ("cp932", "utf-8-sig"), (",", "\t", ";", "")
DAY_FORMS = {"YYYYMMDD": "%Y%m%d", "YYYY-MM-DD": "%Y-%m-%d", "YYYY/MM/DD": "%Y/%m/%d", "MMDD": ""}
SKIP_MAX = 20
_COLUMN, _SPAN = re.compile(r"[1-9][0-9]{0,2}"), re.compile(r"([1-9][0-9]{0,3})-([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class AnswerLayout:
    """受付結果の様式: where banks, or a centre for several, say what they took, as data.

    A place is the number of a column from 1; without a ``separator``, bytes from and to, as
    ``1-4``. Lines that do not begin with ``only`` are left out (e.g. headers and trailers).
    """

    encoding: str = "cp932"
    separator: str = ","
    skip_lines: int = 1
    only: str = ""
    day_form: str = "YYYYMMDD"
    bank_code: str = "1"
    debit_on: str = "2"
    count: str = "3"
    amount_yen: str = "4"
    round: str = ""  # "" where a bank has one batch on a day; else 1 (初回) or 2 (再振替)

    def places(self) -> dict[str, str]:
        """Which value stands where; without those that the file does not have."""
        names = ("bank_code", "debit_on", "count", "amount_yen", "round")
        return {name: place for name in names if (place := getattr(self, name))}


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
    answers: AnswerLayout = field(default_factory=AnswerLayout)  # 受付結果の様式

    def __post_init__(self) -> None:
        """A stored profile has the layout as plain data; a key that nobody knows is a mistake."""
        if isinstance(self.answers, Mapping):
            known = {each.name for each in fields(AnswerLayout)}
            for name in self.answers.keys() - known:
                raise InvalidValueError("profile_debit", field=f"debit.answers.{name}", found="")
            object.__setattr__(self, "answers", AnswerLayout(**self.answers))


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
        **_answer_faults(debit.answers),
    }
    for name, (wrong, found) in faults.items():
        if wrong:
            raise InvalidValueError("profile_debit", field=f"debit.{name}", found=str(found))


def _answer_faults(layout: AnswerLayout) -> dict[str, tuple[bool, object]]:
    """What no file could be read with."""
    form = _COLUMN if layout.separator else _SPAN
    skipped: object = layout.skip_lines  # a stored profile may say anything
    only: object = layout.only
    chosen = {
        "encoding": layout.encoding in ENCODINGS,
        "separator": layout.separator in SEPARATORS,
        "day_form": layout.day_form in DAY_FORMS,
        "skip_lines": isinstance(skipped, int) and 0 <= skipped <= SKIP_MAX,
        "only": isinstance(only, str),
    }
    found = {name: (not good, getattr(layout, name)) for name, good in chosen.items()}
    for name in ("bank_code", "debit_on", "count", "amount_yen", "round"):
        place = getattr(layout, name)
        wrong = not form.fullmatch(place) if place or name != "round" else False
        found[name] = (wrong, place)
    return {f"answers.{name}": fault for name, fault in found.items()}


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
