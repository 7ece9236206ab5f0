"""納付書の項目: a slip and its symbols as the texts that are printed, by the name of the field."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from qr.digits import konbini_barcode
from qr.layout import slip_words
from qr.layout.slip_words import grouped, term_label, wareki, wareki_year, yen

if TYPE_CHECKING:
    from datetime import date

    from qr.layout.slip_page import SlipPage, SymbolContents

_day = lru_cache(maxsize=1024)(wareki)


def slip_values(page: SlipPage, contents: SymbolContents) -> dict[str, str]:
    """Every field of a page; empty where the slip has none."""
    postal, address = page.obligor_postal_code, page.obligor_address
    return {
        "issuer": page.issuer,
        "item_name": page.item_name,
        "levy_year": wareki_year(page.levy_year),
        "term": term_label(page.term),
        "amount_yen": yen(page.amount_yen),
        "due_on": _day(page.due_on),
        "valid_until": _day(page.valid_until),
        "notice_no": page.notice_no,
        "slip_no": page.slip_no,
        "obligor_name": f"{page.obligor_name} 様",
        "obligor_address": f"〒{postal[:3]}-{postal[3:]} {address}" if postal else address,
        "contact": page.contact,
        "enquiry": page.enquiry,
        "enquiry_words": slip_words.ENQUIRY if page.enquiry else "",
        "alternatives": slip_words.alternatives(page.term, page.alternatives),
        **_certificate(page),
        **_el_qr(page, contents),
        **_konbini(page, contents),
    }


def _el_qr(page: SlipPage, contents: SymbolContents) -> dict[str, str]:
    """eL番号 and the OCR lines, or the sentence that there are none."""
    payload = contents.el_qr
    if payload is None or page.el_qr is None:
        return {"no_el_qr": slip_words.NO_EL_QR}
    first, key, confirmation, item = [part.digits for part in payload.el_number_parts]
    # Only the 20 digits need help for the eye; the site asks for the other parts as they are.
    key = grouped(key)
    return {
        "el_number": f"{first}－{key}－{confirmation}－{item}",
        "el_number_1": first,
        "el_number_2": key,
        "el_number_3": confirmation,
        "el_number_4": item,
        "ocr_upper": contents.ocr_lines[0],
        "ocr_lower": contents.ocr_lines[1],
    }


def _konbini(page: SlipPage, contents: SymbolContents) -> dict[str, str]:
    """The two text lines under the bars, or the sentence that there are none."""
    barcode = contents.konbini
    if barcode is None or page.konbini_barcode is None:
        above = page.amount_yen > konbini_barcode.AMOUNT_YEN_MAX
        return {"no_konbini": slip_words.NO_KONBINI_ABOVE if above else slip_words.NO_KONBINI}
    upper, lower = konbini_barcode.text_lines(page.konbini_barcode)
    return {
        "konbini_text_1": upper,
        "konbini_text_2": lower,
        "konbini_valid_until": _barcode_expiry(barcode.valid_until, page.valid_until),
    }


def _barcode_expiry(expires: date | None, valid_until: date) -> str:
    """支払期限 of the barcode where it is not that of the slip."""
    if expires == valid_until:
        return ""
    return slip_words.NO_EXPIRY if expires is None else f"{_day(expires)}まで"


def _certificate(page: SlipPage) -> dict[str, str]:
    """納税証明書: the vehicle and what makes it valid, or why it is none.

    Asterisks stand where nothing may be written in. A vehicle that needs no inspection has no
    有効期限, one for which something else is owed gets none.
    """
    number = page.vehicle_no or slip_words.NOTHING
    if page.vehicle_no and page.certificate_until and not page.arrears:
        return {
            "vehicle_no": number,
            "certificate_until": _day(page.certificate_until),
            "certified": slip_words.CERTIFIED,
            "certificate": slip_words.CERTIFICATE,
        }
    words = slip_words.ARREARS if page.arrears else slip_words.NO_CERTIFICATE
    return {
        "vehicle_no": number,
        "certificate_until": slip_words.NOTHING,
        "certificate": words,
    }
