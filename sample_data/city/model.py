"""見本市の素材: notices, slips and the lines that will be written, before any file exists."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.identifiers import DebitCustomerNo, FreeArea, konbini_check_digit
from qr.digits import konbini_barcode
from sample_data.city import sample

if TYPE_CHECKING:
    from datetime import date

    from sample_data.city.names import Obligor

# What a line with this outcome does with its amount (outcomes.md 4, 5 and 8). The outcomes that
# split an amount (over, superseded_slip, alternative_paid) say how much is applied.
BOOKS_ALL = frozenset({"matched", "short", "expired_slip"})
BOOKS_NONE = frozenset(
    {
        "malformed", "other_municipality", "invalid_key", "unknown_slip", "cancelled_assessment",
        "duplicate", "amount_mismatch",
    }
)  # fmt: skip
SPLITS = frozenset({"over", "superseded_slip", "alternative_paid"})
# A 確報 that is in none of these is part of what the bank credits (outcomes.md 9).
NOT_IN_GROUP = frozenset({"repeat", "conflict", "malformed", "withdrawn", "debit_failed"})


@dataclass(slots=True)
class Instalment:
    """期別 of a notice; ``amount_yen`` is the current amount."""

    term: str
    amount_yen: int
    due_on_statutory: date
    due_on: date


@dataclass(slots=True, eq=False)
class Slip:
    """納付書: one version of the slip of an instalment, or of the whole notice (term 00)."""

    item_code: str
    notice_no: str
    term: str
    version: int
    amount_yen: int
    due_on: date
    valid_until: date
    issued_on: date
    case_key: str
    confirmation_no: str
    free_area: str  # 21 digits, empty without a barcode
    reissue: int = 0
    state: str = "new"

    @property
    def slip_no(self) -> str:
        """納付書番号 in the register."""
        return f"S{self.notice_no}-{self.term}-{self.version}"

    @property
    def el_number(self) -> str:
        """eL番号: 34 digits."""
        return sample.COLLECTING_BODY_CODE + self.case_key + self.confirmation_no + self.item_code

    @property
    def has_barcode(self) -> bool:
        """Whether a shop can take it: up to 300,000 yen, and the levy is collected there."""
        return bool(self.free_area)

    @property
    def barcode(self) -> str:
        """The 44 digits."""
        return barcode(self.free_area, self.amount_yen, self.valid_until, self.reissue)


def barcode(free_area: str, amount_yen: int, valid_until: date | None, reissue: int = 0) -> str:
    """The 44 digits of a slip of the sample city's collection company."""
    body = (
        f"91{sample.KONBINI_COMPANY_CODE}{free_area}{reissue}"
        f"{valid_until.strftime('%y%m%d') if valid_until else konbini_barcode.NO_EXPIRY}"
        f"0{amount_yen:06d}"
    )
    return f"{body}{konbini_check_digit(body)}"


@dataclass(slots=True, eq=False)
class Notice:
    """通知書 of one obligor with its instalments and every slip printed for it."""

    serial: int
    item_code: str
    levy_year: int
    obligor: Obligor
    instalments: list[Instalment]
    whole_year: bool = False
    debit: bool = False
    slips: list[Slip] = field(default_factory=list)

    @property
    def notice_no(self) -> str:
        """通知書番号."""
        return f"{self.levy_year % 100:02d}{self.serial:08d}"

    @property
    def total_yen(self) -> int:
        """Σ of the current amounts."""
        return sum(part.amount_yen for part in self.instalments)

    def term(self, number: int) -> Instalment:
        """The ``number``-th instalment, from 1."""
        return self.instalments[number - 1]

    def slip(self, number: int, version: int = 1) -> Slip:
        """The slip of the ``number``-th instalment; 0 is the 全期 slip."""
        term = f"{number:02d}"
        return next(s for s in self.slips if s.term == term and s.version == version)

    def customer_no(self, number: int) -> str:
        """顧客番号 of an instalment in the debit file."""
        return DebitCustomerNo.build(
            prefix=sample.DEBIT_PREFIX,
            item_code=self.item_code,
            notice_no=self.notice_no,
            term=f"{number:02d}",
        ).digits

    def case_key(self, term: str, version: int) -> str:
        """案件特定キー: year, item, notice, 期別 and version make it unique for ever."""
        return f"{self.levy_year}{self.item_code}{self.serial:08d}{term}{version % 1000:03d}"

    def free_area(self, term: str, version: int) -> str:
        """自由使用欄: client code, own key of 15 digits and its check digit."""
        number = int(f"{self.item_code}{self.serial:08d}{term}{version % 100:02d}")
        return FreeArea.issue(sample.KONBINI_CLIENT_CODE, number).digits


@dataclass(slots=True, eq=False)
class Line:
    """報告明細 to be written, with what must become of it in the end.

    ``key`` is the 44-digit barcode, the 34-digit eL番号 or the 顧客番号; ``place`` the shop code or
    the transaction id; ``operator`` the CVS code or ``channel:operator``.
    """

    stream: str  # agent or channel
    day: int  # index of the day folder
    kind: str
    paid_on: str  # ISO text, because a malformed line may carry an absurd one
    paid_at: str  # HHMM
    key: str
    amount_yen: int
    operator: str
    place: str
    acquired_on: date
    funds_on: date | None = None
    funds_ref: str = ""
    part: str = ""  # several files of one stream on one day
    outcome: str = "matched"
    applied_yen: int = 0
    suspense_yen: int = 0
    late: bool = False  # reaches us after the money of its group

    def ends_as(self, outcome: str, applied_yen: int | None = None) -> Line:
        """Set the outcome; what is not applied is in suspense where the outcome books at all."""
        self.outcome = outcome
        if outcome in SPLITS:
            if applied_yen is None:
                raise ValueError(outcome)
            self.applied_yen = applied_yen
        else:
            self.applied_yen = self.amount_yen if outcome in BOOKS_ALL else 0
        books = outcome in BOOKS_ALL or outcome in BOOKS_NONE or outcome in SPLITS
        if outcome == "malformed" and (self.is_withdrawal or self.stream == sample.DEBIT):
            books = False  # outcomes.md 9: neither moves money
        self.suspense_yen = self.amount_yen - self.applied_yen if books else 0
        return self

    def copy(self, **changes: object) -> Line:
        """Another line that differs only in the named fields."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def is_withdrawal(self) -> bool:
        """Whether it is a 取消."""
        return self.stream != sample.DEBIT and self.kind in {"03", "3"}

    @property
    def is_confirmed(self) -> bool:
        """Whether it is a 確報 (or a debit that went through)."""
        if self.stream == sample.DEBIT:
            return self.kind == "0"
        return self.kind in {"02", "12", "22", "2"}

    @property
    def in_group(self) -> bool:
        """Whether the bank credits it with its remittance group."""
        return self.is_confirmed and self.outcome not in NOT_IN_GROUP


@dataclass(slots=True, eq=False)
class Entry:
    """入出金 to be written to the statement and, for transfers, to the notice of credits."""

    day: int  # index of 勘定日
    amount_yen: int
    outcome: str
    payer_code: str = ""
    payer_name: str = ""
    remarks: str = ""
    edi: str = ""
    credit: bool = True
    transfer: bool = True  # 振込 (11); else 振替 (14)


class Advice(NamedTuple):
    """払込明細 of one number, channel and item."""

    day: int
    number: str
    channel: str
    item_code: str
    payments: int
    gross_yen: int
    fee_yen: int
    outcome: str
