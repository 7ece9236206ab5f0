"""記号の判定: a decoded text becomes fields, or a finding that says what is wrong with it.

The strict codecs decide alone: a text that fails its check digits, its CRC or its layout is never
valid, whoever decoded it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from qr.digits import el_qr, konbini_barcode
from qr.digits.fields import SymbolError
from qr.digits.ocr_line import LOWER, UPPER, parse_line

if TYPE_CHECKING:
    from collections.abc import Callable

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SymbolReading:
    """読取結果: one symbol or printed number found, and whether it holds.

    ``fields`` are named as the columns of the registers and vectors, dates as ISO text;
    each finding has ``code`` and, where there is one, ``field``, ``position``, ``found`` and
    ``expected``. Symbols of one slip share the number ``slip``, counted from 1 through the file.
    """

    file: str
    page: int  # 1-based
    symbol: str  # "el_qr", "konbini" or "ocr"
    text: str
    valid: bool
    fields: Values
    findings: list[Values]
    slip: int = 1

    @property
    def contradicted(self) -> bool:
        """食い違い: whether another symbol of the slip says something else."""
        return any(finding["code"] == "symbols_disagree" for finding in self.findings)

    def as_dict(self) -> Values:
        """The reading as one JSON object."""
        return dataclasses.asdict(self)


def interpret(file: str, page: int, kind: str, text: str) -> SymbolReading:
    """Check a text with the codec of its kind.

    Kinds are ``el_qr`` and ``konbini``, and of printed digits ``ocr_upper``, ``ocr_lower``,
    ``el_number`` and ``konbini_text``, which become symbol ``ocr``.
    """
    symbol = kind if kind in {"el_qr", "konbini"} else "ocr"
    try:
        fields, findings = _READERS[kind](text)
    except SymbolError as error:
        finding = {
            "code": error.error_code,
            "field": error.field,
            "position": error.position,
            "found": error.found,
            "expected": error.expected,
        }
        return SymbolReading(file, page, symbol, text, valid=False, fields={}, findings=[finding])
    return SymbolReading(file, page, symbol, text, valid=True, fields=fields, findings=findings)


def _el_qr(text: str) -> tuple[Values, list[Values]]:
    """Fields of a valid eL-QR, with its lines, check value and eL番号."""
    payload = el_qr.parse(text)
    upper_line, lower_line = el_qr.mpn_lines(payload)
    fields = {
        **_plain_values(dataclasses.asdict(payload)),
        "upper_line": upper_line,
        "lower_line": lower_line,
        "crc": text[-5:],
        "el_number": payload.el_number,
    }
    return fields, []


def _konbini(text: str) -> tuple[Values, list[Values]]:
    """Fields of a valid barcode, and a finding when a shop would refuse its amount."""
    barcode = konbini_barcode.parse(text)
    fields = {
        "konbini_barcode": text,
        **_plain_values(dataclasses.asdict(barcode)),
        "expires": barcode.expires,
        "check_digit": text[-1],
    }
    findings = []
    if barcode.over_limit:
        findings.append(
            {
                "code": "konbini_amount_limit",
                "field": "支払金額",
                "found": str(barcode.amount_yen),
                "expected": f"<= {konbini_barcode.AMOUNT_YEN_MAX}",
            }
        )
    return fields, findings


def _ocr_upper(text: str) -> tuple[Values, list[Values]]:
    """Fields of a valid upper line."""
    values = parse_line(UPPER, text)
    return {"upper_line": text, **values, "amount_yen": int(values["amount_yen"])}, []


def _ocr_lower(text: str) -> tuple[Values, list[Values]]:
    """Fields of a valid lower line."""
    return {"lower_line": text, **parse_line(LOWER, text)}, []


def _el_number(text: str) -> tuple[Values, list[Values]]:
    """The four parts of a printed eL番号 (symbols.md 1.7); it has no check digit of its own."""
    fields = {
        "el_number": text,
        "collecting_body_code": text[:5],
        "case_key": text[5:25],
        "confirmation_no": text[25:31],
        "item_code": text[31:],
    }
    return fields, []


_READERS: dict[str, Callable[[str], tuple[Values, list[Values]]]] = {
    "el_qr": _el_qr,
    "konbini": _konbini,
    "konbini_text": _konbini,
    "ocr_upper": _ocr_upper,
    "ocr_lower": _ocr_lower,
    "el_number": _el_number,
}


def _plain_values(values: Values) -> Values:
    """Dates as ISO text, everything else as it is."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }
