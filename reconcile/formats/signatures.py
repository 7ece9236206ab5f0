"""ファイルの見分け: what the first bytes of a file say about its kind.

Only content counts, never a file name. The answers exclude each other, so that a file has one
opening or none; :mod:`reconcile.formats.detect` turns that into a format or a refusal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconcile.formats.fixed_length import newline_of
from reconcile.formats.wrapping import BOM

if TYPE_CHECKING:
    from collections.abc import Iterator

# Kinds of the Zengin fixed-length family (files.md 1.6). Only three of them are for intake.
ZENGIN_KINDS = {
    "01": "振込入金通知",
    "03": "入出金取引明細",
    "04": "残高",
    "11": "給与振込",
    "12": "賞与振込",
    "21": "総合振込",
    "71": "給与振込（公務員）",
    "72": "賞与振込（公務員）",
    "91": "口座振替",
    "99": "地方税納付代行",
}
ZENGIN_FORMATS = {"01": "zengin_credit", "03": "zengin_statement", "91": "debit_result"}
MUF120, MIZUHO120 = "konbini_muf120", "konbini_mizuho120"
KONBINI_FORMATS = frozenset({MUF120, MIZUHO120})
BARCODE_LENGTH = 44
# Where the 44 digits stand in a data record; a test holds this to the tables of the two layouts.
BARCODES = {MUF120: slice(15, 15 + BARCODE_LENGTH), MIZUHO120: slice(16, 16 + BARCODE_LENGTH)}

_ZENGIN = re.compile(rb"1([0-9]{2})[01][0-9]{6}")
_ZENGIN_EBCDIC = re.compile(rb"\xf1[\xf0-\xf9]{2}[\xf0\xf1][\xf0-\xf9]{6}")
_KONBINI_LENGTH = 120
_KONBINI_HEADER = re.compile(rb"1[0-9 ]")
_MUF_HEADER = re.compile(rb"1[0-9]{18}")
# The 44 digits begin with 91; byte 17 cannot be both the 1 of MUF and the 9 of みずほ.
_MUF_DATA, _MIZUHO_DATA = (
    re.compile(rb"2.{%d}91" % (BARCODES[code].start - 1), re.DOTALL) for code in (MUF120, MIZUHO120)
)
_LOOK_AT_RECORDS = 200

CSV_HEADERS = {
    "konbini_dsk": "種別,収納日,".encode("cp932"),
    "eltax_payment": b"record_kind,collecting_body_code,",
    "eltax_remittance": b"remittance_no,remitted_on,",
    "assessments": b"municipality_code,item_code,fiscal_year,",
    # Four names are those of a slip register, too: the longer header is looked for first.
    "vehicle_register": b"municipality_code,item_code,levy_year,notice_no,vehicle_no,",
    "debit_accounts": b"municipality_code,obligor_no,item_code,event,",
    "slip_register": b"municipality_code,item_code,levy_year,",
    "obligors": b"municipality_code,obligor_no,obligor_name,",
}


def opening(data: bytes) -> str | None:
    """The code of the format these bytes begin like, or None."""
    body = data.removeprefix(BOM)
    kind = zengin_kind(body)
    if kind is not None:
        return ZENGIN_FORMATS.get(kind)
    if _KONBINI_HEADER.match(body):
        return _konbini_opening(body)
    return next((code for code, head in CSV_HEADERS.items() if body.startswith(head)), None)


def zengin_kind(data: bytes) -> str | None:
    """種別コード of a Zengin header, or None when the bytes do not begin with one."""
    found = _ZENGIN.match(data.removeprefix(BOM))
    kind = found.group(1).decode("ascii") if found else None
    return kind if kind in ZENGIN_KINDS else None


def is_ebcdic(data: bytes) -> bool:
    """Whether the file begins with a Zengin header written in EBCDIC digits."""
    return _ZENGIN_EBCDIC.match(data) is not None


def _konbini_opening(data: bytes) -> str | None:
    """Which of the two 120-byte layouts this is, by the place of the barcode (outcomes.md 10).

    Without any data record only the header is left to look at: that of MUF has ten digits of
    codes after the date (files.md 2.2), that of みずほ is not public.
    """
    seen_data = False
    for row in first_rows(data, _KONBINI_LENGTH):
        if _MUF_DATA.match(row):
            return MUF120
        if _MIZUHO_DATA.match(row):
            return MIZUHO120
        seen_data = seen_data or row.startswith(b"2")
    if seen_data or not _is_nil(data):
        return None
    return MUF120 if _MUF_HEADER.match(data) else MIZUHO120


def first_rows(data: bytes, length: int) -> Iterator[bytes]:
    """The first records, by line ends where there are any and by length where there are none."""
    head = data[: _LOOK_AT_RECORDS * (length + 2)]
    newline = newline_of(head, length)
    if newline:
        yield from head.split(newline)
        return
    for at in range(0, len(head), length):
        yield head[at : at + length]


def _is_nil(data: bytes) -> bool:
    """Whether the file is headers, trailers and an end record of 120 bytes, and nothing else."""
    rows = [row for row in first_rows(data, _KONBINI_LENGTH) if row.strip(b"\x1a")]
    whole = all(len(row) == _KONBINI_LENGTH and row[:1] in b"189" for row in rows)
    return whole and rows[-1].startswith(b"9")
