"""印字の期待値: what a slip must say according to the books, field by field.

Built from :class:`qr.layout.slip_page.SlipPage` and the positions in the public structure of the
symbols alone (symbols.md 1.1, 1.2 and 3.1): no line that the drawing side composed is looked at. A
printed text is taken back to a value by its reader and the values are compared.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from qr.layout import slip_words
from qr.proof import printed_values as read
from qr.proof.printed_values import squeezed

if TYPE_CHECKING:
    from collections.abc import Callable

    from qr.layout.slip_page import SlipPage

Value = str | int | date | None
"""What a field says; None and the empty text when it must say nothing."""

READERS: dict[str, Callable[[str], Value]] = {
    "amount_yen": read.yen,
    "due_on": read.day,
    "valid_until": read.day,
    "levy_year": read.fiscal_year,
    "term": read.term,
    "konbini_valid_until": read.expiry,
    "alternatives": read.alternatives,
    "certificate_until": read.certified_until,
}
"""How the text of a field is read (its spaces are gone already); all others as it stands."""

# Where the parts stand in the 255 digits of the eL-QR.
_UPPER, _LOWER = slice(29, 68), slice(68, 112)
_EL_NUMBER = (slice(97, 102), slice(70, 90), slice(90, 96), slice(60, 63))
_KONBINI_YEN_MAX = 300_000  # symbols.md 3.5
_NO_EL_QR = squeezed(slip_words.NO_EL_QR)
_NO_KONBINI = (squeezed(slip_words.NO_KONBINI), squeezed(slip_words.NO_KONBINI_ABOVE))
_CERTIFICATE = {
    "certified": squeezed(slip_words.CERTIFIED),
    "certificate": squeezed(slip_words.CERTIFICATE),
}
_NO_CERTIFICATE = (squeezed(slip_words.NO_CERTIFICATE), squeezed(slip_words.ARREARS))
_NOTHING = slip_words.NOTHING
_BOOKED = {  # named as in the payload
    "el_qr.amount_yen": slice(116, 127),
    "el_qr.levy_year": slice(131, 135),
    "el_qr.due_on": slice(141, 149),
    "el_qr.valid_until": slice(149, 157),
}


def expected_values(page: SlipPage) -> dict[str, Value]:
    """Field name → what must be read there."""
    values: dict[str, Value] = {
        "issuer": squeezed(page.issuer),
        "item_name": squeezed(page.item_name),
        "levy_year": page.levy_year,
        "term": page.term,
        "amount_yen": page.amount_yen,
        "due_on": page.due_on,
        "valid_until": page.valid_until,
        "notice_no": squeezed(page.notice_no),
        "slip_no": squeezed(page.slip_no),
        "obligor_name": f"{squeezed(page.obligor_name)}様",
        "obligor_address": _address(page),
        "contact": squeezed(page.contact),
        "enquiry": squeezed(page.enquiry),
        "enquiry_words": "納付を確認するページ（#の後の20文字が確認コード）"
        if page.enquiry
        else "",
        "alternatives": _alternatives(page),
        "vehicle_no": squeezed(page.vehicle_no) or _NOTHING,
    }
    return values | _certificate(page) | _el_qr(page.el_qr) | _konbini(page)


def booked_parts(page: SlipPage) -> list[tuple[str, str, str]]:
    """公金の一致 (law.md B-01): fields of the symbols that differ from the slip's own values.

    As (field, in the symbol, on the slip); empty when the books agree with themselves.
    """
    amount = f"{page.amount_yen:011d}"
    pairs = []
    if page.el_qr is not None:
        on_slip = (amount, f"{page.levy_year:04d}", _day(page.due_on), _day(page.valid_until))
        pairs += [
            (name, page.el_qr[place], value)
            for (name, place), value in zip(_BOOKED.items(), on_slip, strict=True)
        ]
    if page.konbini_barcode is not None:
        pairs.append(("konbini.amount_yen", page.konbini_barcode[37:43], amount[5:]))
    return [pair for pair in pairs if pair[1] != pair[2]]


def _address(page: SlipPage) -> str:
    """〒 and postal code where there is one, then the address."""
    code = page.obligor_postal_code
    return (
        f"〒{code[:3]}-{code[3:]}{squeezed(page.obligor_address)}"
        if code
        else squeezed(page.obligor_address)
    )


def _certificate(page: SlipPage) -> dict[str, Value]:
    """納税証明書: valid to a day when vehicle and day are known and nothing else is owed."""
    until = page.certificate_until
    if until is None or page.arrears or not page.vehicle_no:
        words = _NO_CERTIFICATE[page.arrears]
        return {"certificate_until": _NOTHING, "certified": "", "certificate": words}
    return {"certificate_until": until, **_CERTIFICATE}


def _el_qr(digits: str | None) -> dict[str, Value]:
    """The texts that repeat the eL-QR: OCR lines and eL番号, as a whole and in its four parts."""
    digits = digits or ""  # every part of nothing is nothing
    parts = [digits[place] for place in _EL_NUMBER]
    return {
        "ocr_upper": digits[_UPPER],
        "ocr_lower": digits[_LOWER],
        "el_number": "－".join(filter(None, parts)),
        "el_number_1": parts[0],
        "el_number_2": parts[1],
        "el_number_3": parts[2],
        "el_number_4": parts[3],
        "no_el_qr": "" if digits else _NO_EL_QR,
    }


def _konbini(page: SlipPage) -> dict[str, Value]:
    """The texts that repeat the barcode (symbols.md 3.5), or the sentence that there is none."""
    digits = page.konbini_barcode
    if digits is None:
        return {
            "konbini_text_1": "",
            "konbini_text_2": "",
            "konbini_valid_until": None,
            "no_konbini": _NO_KONBINI[page.amount_yen > _KONBINI_YEN_MAX],
        }
    expires = digits[30:36]
    return {
        "konbini_text_1": f"({digits[:2]}){digits[2:8]}-{digits[8:30]}",
        "konbini_text_2": f"{expires}-{digits[36]}-{digits[37:43]}-{digits[43]}",
        "konbini_valid_until": None if expires == _day(page.valid_until)[2:] else _expiry(expires),
        "no_konbini": "",
    }


def _alternatives(page: SlipPage) -> str:
    """The terms that the warning against paying twice must speak of; empty for none."""
    others = page.alternatives
    if page.term != "00":
        return "00" if others else ""
    return f"{others[0]}-{others[-1]}" if others else ""


@lru_cache(maxsize=1024)
def _expiry(text: str) -> Value:
    """YYMMDD of this century as a day; what is no day, as 999999, as it stands."""
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        return text


@lru_cache(maxsize=1024)
def _day(day: date) -> str:
    """YYYYMMDD."""
    return day.strftime("%Y%m%d").zfill(8)
