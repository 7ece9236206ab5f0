"""コンビニ収納用バーコード (GS1-128 料金代理収納用): the 44 digits, strictly text ⇄ fields.

Public sources: dsri.jp/standard/barcode/gs1-128_payment_service.html and vendor manuals
(symbols.md 3.1 and 3.2, mark C). The company code and the division of the free area belong to the
collection company and the municipality: they are settings, never constants here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from payments.domain.identifiers import konbini_check_digit
from qr.digits.fields import Field, Layout, is_digits, number_field, parse_date

if TYPE_CHECKING:
    from datetime import date

AMOUNT_YEN_MAX = 300_000
"""Above this amount a slip carries no barcode (symbols.md 3.5, mark C)."""

NO_EXPIRY = "999999"
CLIENT_CODE_LENGTH = 5
OWN_KEY_LENGTH = 16

LAYOUT = Layout(
    "konbini",
    (
        Field("ai", "識別子", 2, "91"),
        Field("company_code", "請求書発行企業コード", 6),
        Field("free_area", "自由使用欄", 21),
        Field("reissue", "再発行区分", 1),
        Field("expires", "支払期限", 6),
        Field("stamp_flag", "印紙フラグ", 1),
        Field("amount_yen", "支払金額", 6),
        Field("check_digit", "C/D", 1),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KonbiniBarcode:
    """バーコードの内容: every field of the 44 digits but AI and C/D.

    ``valid_until`` is the last day a shop accepts the slip (None prints 999999), not necessarily
    the 納期限. ``stamp_flag`` is always 0 on municipal slips: receipts for public money are not
    taxable (nta.go.jp/law/shitsugi/inshi/19/48.htm).
    """

    company_code: str
    free_area: str
    amount_yen: int
    valid_until: date | None
    reissue: int = 0
    stamp_flag: int = 0

    @property
    def expires(self) -> str:
        """支払期限 as printed: YYMMDD, or 999999 for none."""
        return NO_EXPIRY if self.valid_until is None else self.valid_until.strftime("%y%m%d")

    @property
    def over_limit(self) -> bool:
        """Whether the amount exceeds what a shop may take by barcode; such a one is never built."""
        return self.amount_yen > AMOUNT_YEN_MAX

    @property
    def client_code(self) -> str:
        """収納企業コード: the first five digits of the free area."""
        return self.free_area[:CLIENT_CODE_LENGTH]

    @property
    def own_key(self) -> str:
        """The municipality's own 16 digits of the free area."""
        return self.free_area[CLIENT_CODE_LENGTH:]


def free_area(client_code: str, own_key: str) -> str:
    """自由使用欄: client code (5) and own key, the key right-padded with zeros to 16 digits."""
    for name, value, fits in (
        ("client_code", client_code, len(client_code) == CLIENT_CODE_LENGTH),
        ("own_key", own_key, 0 < len(own_key) <= OWN_KEY_LENGTH),
    ):
        if not fits or not is_digits(value):
            raise InvalidValueError("konbini_free_area", field=name, found=value)
    return client_code + own_key.ljust(OWN_KEY_LENGTH, "0")


def build(payload: KonbiniBarcode) -> str:
    """Fields → the 44 digits; refuses an amount above 300,000 yen and any unfit value."""
    if payload.over_limit:
        raise LAYOUT.error(
            "amount_limit",
            "amount_yen",
            found=str(payload.amount_yen),
            expected=f"<= {AMOUNT_YEN_MAX}",
        )
    if payload.stamp_flag not in {0, 1}:
        raise LAYOUT.error("value", "stamp_flag", found=str(payload.stamp_flag), expected="0 / 1")
    if payload.valid_until is not None and _expiry(payload.expires) != payload.valid_until:
        found = payload.valid_until.isoformat()
        raise LAYOUT.error("date", "expires", found=found, expected="2000-01-01..2099-12-31")
    text = LAYOUT.join(
        {
            "company_code": payload.company_code,
            "free_area": payload.free_area,
            "reissue": number_field(payload.reissue, 1),
            "expires": payload.expires,
            "stamp_flag": number_field(payload.stamp_flag, 1),
            "amount_yen": number_field(payload.amount_yen, 6),
            "check_digit": "0",
        }
    )
    return f"{text[:-1]}{konbini_check_digit(text[:-1])}"


def parse(text: str) -> KonbiniBarcode:
    """The 44 digits → fields; the first deviation is a ``SymbolError`` with place and reason.

    An amount above the limit parses (such symbols exist on paper) and shows in ``over_limit``.
    """
    values = LAYOUT.split(text)
    expected = str(konbini_check_digit(text[:-1]))
    if values["check_digit"] != expected:
        raise LAYOUT.error(
            "check_digit", "check_digit", found=values["check_digit"], expected=expected
        )
    valid_until = None if values["expires"] == NO_EXPIRY else _expiry(values["expires"])
    if valid_until is None and values["expires"] != NO_EXPIRY:
        raise LAYOUT.error("date", "expires", found=values["expires"], expected="YYMMDD / 999999")
    if values["stamp_flag"] not in {"0", "1"}:
        raise LAYOUT.error("value", "stamp_flag", found=values["stamp_flag"], expected="0 / 1")
    return KonbiniBarcode(
        company_code=values["company_code"],
        free_area=values["free_area"],
        amount_yen=int(values["amount_yen"]),
        valid_until=valid_until,
        reissue=int(values["reissue"]),
        stamp_flag=int(values["stamp_flag"]),
    )


def text_lines(digits: str) -> tuple[str, str]:
    """The two printed lines under the bars (symbols.md 3.5); ``digits`` are the 44."""
    v = LAYOUT.split(digits)
    return (
        f"({v['ai']}){v['company_code']}-{v['free_area']}{v['reissue']}",
        f"{v['expires']}-{v['stamp_flag']}-{v['amount_yen']}-{v['check_digit']}",
    )


def _expiry(text: str) -> date | None:
    """YYMMDD of this century → date, or None when there is no such day."""
    return parse_date(f"20{text}")
