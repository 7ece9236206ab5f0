"""納付書の項目名: what a layout must and may have a place for."""

from __future__ import annotations

REQUIRED = frozenset(
    {
        "item_name", "levy_year", "term", "amount_yen", "due_on", "valid_until", "notice_no",
        "slip_no", "obligor_name", "obligor_address", "issuer", "contact", "el_number_1",
        "el_number_2", "el_number_3", "el_number_4", "ocr_upper", "ocr_lower", "konbini_text_1",
        "konbini_text_2", "konbini_valid_until", "no_el_qr", "no_konbini", "alternatives",
    }
)  # fmt: skip
"""What every layout must have a place for."""

FIELDS = REQUIRED | {
    "el_number", "vehicle_no", "certificate_until", "certified", "certificate", "enquiry",
    "enquiry_words",
}  # fmt: skip
"""What a layout may have a place for."""

ABSENT = {"no_el_qr": "el_qr", "no_konbini": "konbini"}
"""Sentences that stand where a symbol would."""

# What comes again on most slips of a run: setting it once is enough.
REPEATING = frozenset(
    {
        "item_name", "levy_year", "term", "due_on", "valid_until", "issuer", "contact",
        "konbini_valid_until", "no_el_qr", "no_konbini", "alternatives", "certificate",
        "certificate_until", "certified",
    }
)  # fmt: skip
