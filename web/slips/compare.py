"""納付書の突合: what a paper says, symbol by symbol, beside what the books say about its slip.

The digits decide which slip it is, never a likeness; what the symbols then say differently from
the books is named field by field, and so is what the print says differently from the symbols.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from payments.domain.errors import InvalidValueError, NotFoundError
from payments.issue import slip_place
from payments.print_runs import slip_to_print
from qr.digits.symbol_reading import interpret
from qr.scan.slip_reading import Placed, SlipReading, slips_of_page
from reconcile.find import find_number
from web.printing.pages import symbol_digits

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from qr.digits.symbol_reading import SymbolReading, Values

EL_QR_DIGITS, BARCODE_DIGITS = 255, 44
_KINDS = {EL_QR_DIGITS: "el_qr", BARCODE_DIGITS: "konbini"}
_PARTS = ("collecting_body_code", "case_key", "confirmation_no", "item_code")
# What says nothing by itself: sums over the rest, and lines that repeat it.
_DERIVED = {"crc", "check_digit", "check_digits", "upper_line", "lower_line", "konbini_barcode"}
_SCANNED_MAX = 10
_AIM = re.compile(r"^\](C1|Q[0-6])")  # what some scanners put before a symbol to name its kind


class Unlike(NamedTuple):
    """相違: a field of a symbol that says something else than the books."""

    symbol: str
    field: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Held:
    """突合の結果: what one paper says, and its slip in the books; None where there is none."""

    reading: SlipReading
    slip_id: int | None
    unlike: tuple[Unlike, ...]


def scanned(text: str) -> SlipReading | None:
    """読取機の入力: digits of symbols as a hand scanner types them; None when it is no symbol."""
    tokens = [_AIM.sub("", token) for token in text.split()[:_SCANNED_MAX]]
    placed = [
        Placed(_KINDS[len(token)], token, (0, number), 1)
        for number, token in enumerate(tokens)
        if len(token) in _KINDS and token.isascii() and token.isdigit()
    ]
    if not placed or len(placed) != len(tokens):
        return None
    return slips_of_page("", 1, placed, 1)[0]


def compare(connection: Connection, profile: Profile, reading: SlipReading) -> Held:
    """突合 of one paper with the books."""
    slip_id = _slip_of(connection, profile.municipality_code, reading.fields)
    if slip_id is None:
        return Held(reading, None, ())
    slip = slip_to_print(connection, profile.municipality_code, slip_id)
    el_qr, barcode = symbol_digits(slip)
    expected = {
        "el_qr": interpret("", 1, "el_qr", el_qr).fields if el_qr else {},
        "konbini": interpret("", 1, "konbini", barcode).fields if barcode else {},
    }
    found = [
        unlike
        for symbol in reading.symbols
        if symbol.valid
        for unlike in _unlike(symbol, expected[_group(symbol)])
    ]
    return Held(reading, slip_id, tuple(dict.fromkeys(found)))


def _group(symbol: SymbolReading) -> str:
    """With which symbol of the books a reading is compared."""
    return "konbini" if "konbini_barcode" in symbol.fields else "el_qr"


def _unlike(symbol: SymbolReading, expected: Values) -> list[Unlike]:
    return [
        Unlike(symbol.symbol, name, _said(symbol.fields[name]), _said(expected[name]))
        for name in symbol.fields
        if name in expected and name not in _DERIVED and symbol.fields[name] != expected[name]
    ]


def _said(value: Any) -> str:
    return "" if value is None else str(value)


def _slip_of(connection: Connection, municipality_code: str, fields: Values) -> int | None:
    """納付書 by the numbers of its symbols; None when the books know none of them."""
    el_number = fields.get("el_number")
    if not el_number and all(name in fields for name in _PARTS):
        el_number = "".join(str(fields[name]) for name in _PARTS)
    for number in (el_number, fields.get("konbini_barcode")):
        if not number:
            continue
        try:
            found = find_number(connection, municipality_code, str(number))
        except (NotFoundError, InvalidValueError):
            continue
        if found.kind == "slip":
            return slip_id_of(connection, municipality_code, found.name)
    return None


def slip_id_of(connection: Connection, municipality_code: str, slip_no: str) -> int:
    """納付書の内部番号; :class:`NotFoundError` ``slip``."""
    return int(slip_place(connection, municipality_code, slip_no).slip_id)
