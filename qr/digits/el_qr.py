"""eL-QR (地方税統一QRコード): the 255-digit payload, strictly text ⇄ fields.

The structure is the one described in public: a payment-terminal source
(github.com/kyoshizawa/newpos_test_okica), the JPQR guideline MPM_Guideline_3.0
(paymentsjapan.or.jp) and soumu.go.jp/main_content/000807095.pdf; see symbols.md chapter 1 for the
mark of every fact. It reads and writes this publicly described structure and claims nothing more.
It is deliberately no general EMV reader: no tag order, length or total but this one exists.
Areas of unknown meaning are kept digit by digit, so parse and build are exact inverses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qr.digits.fields import Field, Layout, number_field, parse_date
from qr.digits.ocr_line import (
    AGENCY_ID,
    LOWER,
    UPPER,
    CheckDigits,
    build_line,
    check_digits,
    parse_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date


@dataclass(frozen=True, slots=True)
class ElNumberPart:
    """eL番号の一区分: a labelled part of the 34 digits."""

    name: str
    label_ja: str
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ElQr:
    """eL-QRの内容: every field of the payload, named as in the vector file.

    Codes are digit texts of fixed length (leading zeros count), ``amount_yen`` is whole yen up to
    11 digits, years are four digits, ``due_on`` is 納期限 and ``valid_until`` 支払期限 of tag 62.
    """

    amount_yen: int
    levy_year: int
    tax_year: int
    term: str
    due_on: date
    valid_until: date
    collecting_body_code: str
    case_key: str
    confirmation_no: str
    item_code: str
    office_code: str = "000"
    account_no: str = "0" * 11
    fee_bearer: str = "2"  # 加入者負担
    agency_id: str = AGENCY_ID
    stamp_duty: str = "0"  # 不要
    eltax_area: str = "0"
    upper_extension: str = "0" * 5
    lower_extension: str = "0" * 7
    additional_2: str = "0" * 85  # tag 80, meaning not public

    @property
    def el_number(self) -> str:
        """eL番号: 34 digits, the four parts without separators (symbols.md 1.7)."""
        return "".join(part.digits for part in self.el_number_parts)

    @property
    def el_number_parts(self) -> tuple[ElNumberPart, ...]:
        """eL番号の四区分 in printed order: 収納機関番号, 納付番号, 確認番号, 納付区分."""
        return (
            ElNumberPart("collecting_body_code", "収納機関番号", self.collecting_body_code),
            ElNumberPart("case_key", "納付番号", self.case_key),
            ElNumberPart("confirmation_no", "確認番号", self.confirmation_no),
            ElNumberPart("item_code", "納付区分", self.item_code),
        )


def crc16(digits: str) -> str:
    """CRC-16/CCITT (0x1021, start 0xFFFF, not reflected), five decimal digits (symbols.md 1.3)."""
    crc = 0xFFFF
    for byte in digits.encode("ascii"):
        crc = (crc << 8 & 0xFF00) ^ _CRC_TABLE[crc >> 8 ^ byte]
    return f"{crc:05d}"


def _crc_entry(byte: int) -> int:
    """The CRC of one byte, bit by bit."""
    crc = byte << 8
    for _ in range(8):
        crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


_CRC_TABLE = tuple(_crc_entry(byte) for byte in range(256))


@dataclass(frozen=True, slots=True)
class ElQrLayout:
    """レイアウト版: one dated version of the structure and of the symbol that carries it.

    What is not public may change; a new version is a new value of this class, not new code.
    ``version`` is our own name for it: the payload itself carries only tag 00 = 01.
    """

    version: str
    effective_on: str  # ISO date from which slips of this version are printed
    payload: Layout
    upper: Layout
    lower: Layout
    check_digits: CheckDigits
    crc: Callable[[str], str]
    symbol_version: int = 6  # 255 digits fill 6-M (or 5-L) exactly (symbols.md 1.5)
    symbol_error: str = "M"


# symbols.md 1.1: tag, length and value in fixed order 00, 01, 27, 54, 62, 80, 63.
_PAYLOAD = Layout(
    "el_qr",
    (
        Field("tag_00", "ペイロード形式", 6, "000201"),
        Field("tag_01", "動的コード", 6, "010212"),
        Field("tag_27", "加盟店情報（タグ27）", 4, "2796"),
        Field("tag_27_00", "機関識別", 9, f"0005{AGENCY_ID}"),
        Field("tag_27_01", "MPN情報", 4, f"01{UPPER.length + LOWER.length}"),
        Field("upper_line", "MPN情報（上段）", UPPER.length),
        Field("lower_line", "MPN情報（下段）", LOWER.length),
        Field("tag_54", "金額（タグ54）", 4, "5411"),
        Field("amount_yen", "金額", 11),
        Field("tag_62", "付加情報1（タグ62）", 4, "6226"),
        Field("levy_year", "賦課年度", 4),
        Field("tax_year", "課税年度", 4),
        Field("term", "期別コード", 2),
        Field("due_on", "納期限", 8),
        Field("valid_until", "支払期限", 8),
        Field("tag_80", "付加情報2（タグ80）", 4, "8085"),
        Field("additional_2", "付加情報2", 85),
        Field("tag_63", "CRC（タグ63）", 4, "6305"),
        Field("crc", "CRC", 5),
    ),
)

PUBLIC_LAYOUT = ElQrLayout(
    version="public-1",
    effective_on="2023-04-01",
    payload=_PAYLOAD,
    upper=UPPER,
    lower=LOWER,
    check_digits=check_digits,
    crc=crc16,
)
"""The structure as publicly described; the default everywhere."""


def mpn_lines(payload: ElQr, layout: ElQrLayout = PUBLIC_LAYOUT) -> tuple[str, str]:
    """OCR行: the upper (39) and lower (44) lines that the slip prints and the QR carries."""
    upper = {
        "account_no": payload.account_no,
        "amount_yen": number_field(payload.amount_yen, 11),
        "fee_bearer": payload.fee_bearer,
        "agency_id": payload.agency_id,
        "stamp_duty": payload.stamp_duty,
        "item_code": payload.item_code,
        "upper_extension": payload.upper_extension,
    }
    lower = {
        "case_key": payload.case_key,
        "confirmation_no": payload.confirmation_no,
        "eltax_area": payload.eltax_area,
        "collecting_body_code": payload.collecting_body_code,
        "office_code": payload.office_code,
        "lower_extension": payload.lower_extension,
    }
    place = layout.payload.offset
    return (
        build_line(layout.upper, upper, layout.check_digits, base=place("upper_line")),
        build_line(layout.lower, lower, layout.check_digits, base=place("lower_line")),
    )


def build(payload: ElQr, layout: ElQrLayout = PUBLIC_LAYOUT) -> str:
    """Fields → the 255 digits; a value that does not fit its field is a ``SymbolError``."""
    upper_line, lower_line = mpn_lines(payload, layout)
    text = layout.payload.join(
        {
            "upper_line": upper_line,
            "lower_line": lower_line,
            "amount_yen": number_field(payload.amount_yen, 11),
            "levy_year": number_field(payload.levy_year, 4),
            "tax_year": number_field(payload.tax_year, 4),
            "term": payload.term,
            "due_on": payload.due_on.strftime("%Y%m%d").zfill(8),
            "valid_until": payload.valid_until.strftime("%Y%m%d").zfill(8),
            "additional_2": payload.additional_2,
            "crc": "00000",
        }
    )
    body = text[: layout.payload.offset("crc")]
    return body + layout.crc(body)


def parse(text: str, layout: ElQrLayout = PUBLIC_LAYOUT) -> ElQr:
    """The 255 digits → fields; the first deviation is a ``SymbolError`` with place and reason."""
    outer = layout.payload
    values = outer.split(text)
    upper = parse_line(
        layout.upper, values["upper_line"], layout.check_digits, base=outer.offset("upper_line")
    )
    lower = parse_line(
        layout.lower, values["lower_line"], layout.check_digits, base=outer.offset("lower_line")
    )
    expected_crc = layout.crc(text[: outer.offset("crc")])
    if values["crc"] != expected_crc:
        raise outer.error("crc", "crc", found=values["crc"], expected=expected_crc)
    if values["amount_yen"] != upper["amount_yen"]:
        raise outer.error(
            "amount", "amount_yen", found=values["amount_yen"], expected=upper["amount_yen"]
        )
    return ElQr(
        amount_yen=int(values["amount_yen"]),
        levy_year=int(values["levy_year"]),
        tax_year=int(values["tax_year"]),
        term=values["term"],
        due_on=_date(outer, values, "due_on"),
        valid_until=_date(outer, values, "valid_until"),
        collecting_body_code=lower["collecting_body_code"],
        case_key=lower["case_key"],
        confirmation_no=lower["confirmation_no"],
        item_code=upper["item_code"],
        office_code=lower["office_code"],
        account_no=upper["account_no"],
        fee_bearer=upper["fee_bearer"],
        agency_id=upper["agency_id"],
        stamp_duty=upper["stamp_duty"],
        eltax_area=lower["eltax_area"],
        upper_extension=upper["upper_extension"],
        lower_extension=lower["lower_extension"],
        additional_2=values["additional_2"],
    )


def _date(layout: Layout, values: dict[str, str], name: str) -> date:
    """The day written in the field ``name``; a day that does not exist is refused."""
    day = parse_date(values[name])
    if day is None:
        raise layout.error("date", name, found=values[name], expected="YYYYMMDD")
    return day
