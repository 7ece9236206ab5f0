"""番号: numbers that check themselves when built; every error names field, found and expected.

The error codes are ``not_digits`` (a part has the wrong length or something that is not a digit),
``check_digit`` and ``number_out_of_range``. Codes are text throughout: leading zeros count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from payments.domain.errors import InvalidValueError

# What a person types between or instead of the digits. Not NFKC: that would also read ① as 1.
_LENIENT = str.maketrans(
    "０１２３４５６７８９",
    "0123456789",
    " \t\r\n\u00a0\u3000-‐‑‒–—―−－ー",
)

# H. M. Damm, "Total anti-symmetrische Quasigruppen" (Marburg 2004): the quasigroup of order 10.
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def require_digits(value: str, field: str, length: int) -> str:
    """桁の確認: ``value`` itself, once it is exactly ``length`` ASCII digits.

    Raises :class:`InvalidValueError` ``not_digits``.
    """
    if len(value) != length or not (value.isascii() and value.isdigit()):
        raise InvalidValueError("not_digits", field=field, found=value, expected=f"{length} digits")
    return value


def digits_from_text(text: str) -> str:
    """入力の数字: ``text`` with full-width digits narrowed, and spaces and hyphens removed.

    Anything else stays in place, so that the check after it can name it.
    """
    return text.translate(_LENIENT)


def require_municipality_code(value: str) -> str:
    """全国地方公共団体コード: 5 digits, without its check digit (files.md 3.5)."""
    return require_digits(value, "municipality_code", 5)


# What the ASCII codes of 43 zeros add up to with their weights: 22 of them count three times.
_KONBINI_ZEROS = ord("0") * (3 * 22 + 21)


def konbini_check_digit(body: str) -> int:
    """コンビニ収納用C/D: mod 10 weight 3 over the digits before it, AI ``91`` included.

    Weights 3, 1, 3, 1, … from the left. Source: symbols.md 3.2. It misses a transposition of two
    neighbours that differ by 5, which is why :func:`own_key_check_digit` is another one.

    Raises :class:`InvalidValueError` ``not_digits`` unless ``body`` has 43 digits.
    """
    return -konbini_check_sum(body) % 10


def konbini_check_sum(body: str) -> int:
    """Σ of the 43 digits with weights 3, 1, 3, 1, … from the left (symbols.md 3.2)."""
    require_digits(body, "konbini_barcode", 43)
    codes = body.encode("ascii")
    return 3 * sum(codes[0::2]) + sum(codes[1::2]) - _KONBINI_ZEROS


def own_key_check_digit(body: str) -> int:
    """整理番号の検査数字: the Damm check digit over the 15 digits of our key.

    Finds every single wrong digit and every swap of two neighbours (Damm 2004), with one decimal
    digit and without exceptions; leading zeros leave it unchanged, and the digits with their check
    digit behind them give 0.

    Raises :class:`InvalidValueError` ``not_digits`` unless ``body`` has 15 digits.
    """
    require_digits(body, "own_key", 15)
    interim = 0
    for digit in body:
        interim = _DAMM[interim][int(digit)]
    return interim


@dataclass(frozen=True, slots=True)
class ElNumber:
    """eL番号: 34 digits in four parts, the key of a slip on the unified channel (symbols.md 1.7).

    Raises :class:`InvalidValueError` ``not_digits`` when a part is not what it must be.
    """

    collecting_body_code: str  # 収納機関番号 (共通納税機関コード), 5 digits
    case_key: str  # 納付番号 (案件特定キー), 20 digits
    confirmation_no: str  # 確認番号, 6 digits
    item_code: str  # 納付区分 (税目・料金番号), 3 digits

    LENGTHS: ClassVar[dict[str, int]] = {
        "collecting_body_code": 5,
        "case_key": 20,
        "confirmation_no": 6,
        "item_code": 3,
    }
    LABELS_JA: ClassVar[dict[str, str]] = {
        "collecting_body_code": "収納機関番号",
        "case_key": "納付番号",
        "confirmation_no": "確認番号",
        "item_code": "納付区分",
    }

    def __post_init__(self) -> None:
        """Check every part."""
        for field, length in self.LENGTHS.items():
            require_digits(getattr(self, field), field, length)

    @classmethod
    def parse(cls, digits: str) -> Self:
        """The number from exactly 34 digits, as files and databases hold it."""
        require_digits(digits, "el_number", 34)
        return cls(digits[:5], digits[5:25], digits[25:31], digits[31:])

    @classmethod
    def parse_lenient(cls, text: str) -> Self:
        """The number as a person types it: spaces, hyphens and full-width digits are taken."""
        return cls.parse(digits_from_text(text))

    @property
    def digits(self) -> str:
        """All 34 digits, the key of slips and payment reports."""
        return self.collecting_body_code + self.case_key + self.confirmation_no + self.item_code

    def labelled(self) -> tuple[tuple[str, str], ...]:
        """The four parts with their printed names, in the order of the slip."""
        return tuple((label, getattr(self, field)) for field, label in self.LABELS_JA.items())

    def __str__(self) -> str:
        """The four parts with spaces between them."""
        return " ".join(value for _label, value in self.labelled())


@dataclass(frozen=True, slots=True)
class FreeArea:
    """自由使用欄: 21 digits = 収納企業コード 5 + own key 16, the key of a konbini slip.

    Slips issued elsewhere have any 16 digits, so the check digit of the own key is asked for with
    :attr:`own_key_holds` and is not a condition of the value. The sub-layout 5 + 16 is that of most
    収納代行 companies (symbols.md 3.6); the 5 digits are a setting of the municipality.

    Raises :class:`InvalidValueError` ``not_digits`` unless ``digits`` has 21 digits.
    """

    digits: str

    def __post_init__(self) -> None:
        """Check the length."""
        require_digits(self.digits, "free_area", 21)

    @classmethod
    def issue(cls, client_code: str, number: int) -> Self:
        """The free area of our slip ``number``: client code 5 + number 15 + check digit 1.

        Raises :class:`InvalidValueError` ``number_out_of_range`` or ``not_digits``.
        """
        require_digits(client_code, "client_code", 5)
        if not 0 < number < 10**15:
            raise InvalidValueError(
                "number_out_of_range", field="number", found=number, expected="1..15 digits"
            )
        body = f"{number:015d}"
        return cls(f"{client_code}{body}{own_key_check_digit(body)}")

    @classmethod
    def parse_own(cls, digits: str) -> Self:
        """The free area of a slip of ours, as a person or a scanner gives it.

        Raises :class:`InvalidValueError` ``not_digits`` or ``check_digit``.
        """
        area = cls(digits_from_text(digits))
        if not area.own_key_holds:
            raise InvalidValueError(
                "check_digit",
                field="own_key",
                found=area.own_key[-1],
                expected=str(own_key_check_digit(area.own_key[:-1])),
            )
        return area

    @property
    def client_code(self) -> str:
        """収納企業コード: the first 5 digits, which say whose slip it is."""
        return self.digits[:5]

    @property
    def own_key(self) -> str:
        """整理番号: the last 16 digits, the only field that always comes back unchanged."""
        return self.digits[5:]

    @property
    def own_key_holds(self) -> bool:
        """Whether the last digit is the check digit of the 15 before it."""
        return own_key_check_digit(self.own_key[:-1]) == int(self.own_key[-1])


@dataclass(frozen=True, slots=True)
class DebitCustomerNo:
    """顧客番号: 20 digits that name an instalment to the bank (files.md 3.7).

    Prefix 4 + 税目・料金番号 3 + last 11 digits of 通知書番号 + 期別 2. Only the last 11 digits of
    the notice number fit, so parsing gives the tail and not the notice number.

    Raises :class:`InvalidValueError` ``not_digits`` when a part is not what it must be.
    """

    prefix: str  # profile.debit_prefix
    item_code: str
    notice_tail: str
    term: str

    def __post_init__(self) -> None:
        """Check every part."""
        require_digits(self.prefix, "debit_prefix", 4)
        require_digits(self.item_code, "item_code", 3)
        require_digits(self.notice_tail, "notice_tail", 11)
        require_digits(self.term, "term", 2)

    @classmethod
    def build(cls, *, prefix: str, item_code: str, notice_no: str, term: str) -> Self:
        """The number of one instalment; a notice number with letters is refused, not shortened.

        Dropping the letters would give two notices one number, and money to the wrong one.
        """
        require_digits(notice_no, "notice_no", len(notice_no) or 1)
        return cls(prefix, item_code, notice_no[-11:].zfill(11), term)

    @classmethod
    def parse(cls, digits: str) -> Self:
        """The number from exactly 20 digits, as the bank sends it back."""
        require_digits(digits, "customer_no", 20)
        return cls(digits[:4], digits[4:7], digits[7:18], digits[18:])

    @property
    def digits(self) -> str:
        """All 20 digits, the key of a debit line."""
        return self.prefix + self.item_code + self.notice_tail + self.term

    def __str__(self) -> str:
        """All 20 digits."""
        return self.digits
