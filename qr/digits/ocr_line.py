"""OCR行 (マル公・MPN 標準帳票): the upper (39) and lower (44) printed lines of an eL slip.

The lengths and the check digits are reproduced from two independent public implementations and
public example lines (symbols.md 1.4 and 2, mark C); the field names of an eL slip rest on one
public payment-terminal source, github.com/kyoshizawa/newpos_test_okica (symbols.md 1.2, mark S).
No official document of the check digits is public, so the function stays replaceable: everything
that needs it takes a :data:`CheckDigits`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qr.digits.fields import Field, Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

CheckDigits = Callable[[str], str]
"""Body digits → CD1 and CD2 as two digits."""

AGENCY_ID = "13800"
"""機関ID of 地方税共同機構 (symbols.md 1.1)."""

_CHECK = Field("check_digits", "CD1・CD2", 2)

UPPER = Layout(
    "ocr_upper",
    (
        _CHECK,
        Field("account_no", "口座番号", 11),
        Field("amount_yen", "払込金額", 11),
        Field("fee_bearer", "手数料負担区分", 1),
        Field("agency_id", "機関ID", 5, AGENCY_ID),
        Field("stamp_duty", "印紙税要否", 1),
        Field("item_code", "税目・料金番号", 3),
        Field("upper_extension", "拡張領域（上段）", 5),
    ),
)

LOWER = Layout(
    "ocr_lower",
    (
        _CHECK,
        Field("case_key", "案件特定キー", 20),
        Field("confirmation_no", "確認番号", 6),
        Field("eltax_area", "eLTAX利用領域", 1),
        Field("collecting_body_code", "共通納税機関コード", 5),
        Field("office_code", "税務事務所コード", 3),
        Field("lower_extension", "拡張領域（下段）", 7),
    ),
)

_CD2_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2)
_CD1_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9)


def _weighted_sum(digits: str, weights: tuple[int, ...]) -> int:
    """Σ of the digits; those at even places carry the cycling weights, the others weigh one."""
    return sum(
        int(digit) * (1 if place % 2 else weights[place // 2 % 8])
        for place, digit in enumerate(digits)
    )


def check_sums(body: str) -> tuple[int, int]:
    """The two sums behind CD1 and CD2 of a body (37 or 42 digits), in this order."""
    cd2_sum = _weighted_sum(body, _CD2_WEIGHTS)
    return _weighted_sum(f"{cd2_sum % 10}{body}", _CD1_WEIGHTS), cd2_sum


def check_digits(body: str) -> str:
    """CD1・CD2 of a body: modulus 11 over CD2 and body, modulus 10 over the body (symbols.md 1.4).

    CD2 is the remainder itself, without a complement; a CD1 remainder of 10 becomes 0.
    """
    cd1_sum, cd2_sum = check_sums(body)
    return f"{cd1_sum % 11 % 10}{cd2_sum % 10}"


def build_line(
    layout: Layout, values: Mapping[str, str], check: CheckDigits = check_digits, *, base: int = 0
) -> str:
    """Field values (without check digits) → the printed line; :class:`SymbolError` if unfit."""
    line = layout.join({**values, "check_digits": "00"}, base=base)
    return check(line[2:]) + line[2:]


def parse_line(
    layout: Layout, text: str, check: CheckDigits = check_digits, *, base: int = 0
) -> dict[str, str]:
    """A printed line → field values by name; any deviation is a :class:`SymbolError`."""
    values = layout.split(text, base=base)
    expected = check(text[2:])
    if values["check_digits"] != expected:
        raise layout.error(
            "check_digit",
            "check_digits",
            found=values["check_digits"],
            expected=expected,
            base=base,
        )
    del values["check_digits"]
    return values
