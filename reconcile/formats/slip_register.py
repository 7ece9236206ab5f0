"""納付書台帳 (`slip-register-1`): slips issued by this or another system (files.md 3.1, 3.6).

A layout of this project's own. Any bad value rejects the whole file. A barcode is read down to
its amount, because what a shop scans must be what is printed (law.md, incident I12).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.identifiers import konbini_check_digit
from reconcile.formats.delimited import (
    YEAR,
    Column,
    Days,
    Layout,
    choice,
    day,
    digits,
    text,
    yen,
)
from reconcile.formats.delimited_reader import RegisterReading, Sheet
from reconcile.formats.register_lines import LineFault, sound_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from payments.domain.profile import Profile
    from reconcile.model import ReadContext

LABEL_JA = "納付書台帳（slip-register-1）"

LAYOUT = Layout(
    code="slip_register",
    columns=(
        digits("municipality_code", 5, "municipality_code"),
        digits("item_code", 3, "item_code"),
        Column("levy_year", YEAR, "YYYY", "year"),
        text("notice_no", 1, 20, "notice_no"),
        digits("term", 2, "term"),
        text("slip_no", 1, 30, "slip_no"),
        Column("version", "[1-9][0-9]{0,3}", "1〜9999", "version"),
        digits("collecting_body_code", 5, "body_code", optional=True),
        digits("case_key", 20, "case_key", optional=True),
        digits("confirmation_no", 6, "confirmation_no", optional=True),
        Column("konbini_barcode", "(?:91[0-9]{42})?", "91で始まる数字44桁または空欄", "barcode"),
        yen("amount_yen"),
        day("due_on"),
        day("valid_until"),
        day("issued_on"),
        choice("state", ("new", "superseded", "revoked"), "state"),
    ),
    money=11,
    strict=True,
)
_BODY, _CASE, _CONFIRMATION, _BARCODE = 7, 8, 9, 10
_AMOUNT, _DUE, _VALID, _ISSUED = 11, 12, 13, 14
_NO_EXPIRY = "999999"
_EXPIRY = re.compile("[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")


class SlipRow(NamedTuple):
    """納付書台帳の1行: the columns of the file; dates ISO text, empty columns empty text."""

    municipality_code: str
    item_code: str
    levy_year: int
    notice_no: str
    term: str
    slip_no: str
    version: int
    collecting_body_code: str
    case_key: str
    confirmation_no: str
    konbini_barcode: str
    amount_yen: int
    due_on: str
    valid_until: str
    issued_on: str
    state: str


class SlipLine(NamedTuple):
    """納付書台帳の1行 as read: its place in the file, then the columns of :class:`SlipRow`."""

    line_no: int  # 1-based record number in the file, the column header counted
    byte_offset: int
    municipality_code: str
    item_code: str
    levy_year: int
    notice_no: str
    term: str
    slip_no: str
    version: int
    collecting_body_code: str
    case_key: str
    confirmation_no: str
    konbini_barcode: str
    amount_yen: int
    due_on: str
    valid_until: str
    issued_on: str
    state: str


def identify(data: bytes) -> bool:
    """By the first five names of the column header; four are those of a vehicle register."""
    return LAYOUT.starts(data, 5)


def read(data: bytes, context: ReadContext) -> RegisterReading[SlipLine]:
    """納付書台帳: lines lazily; look at ``failed`` after the last one."""
    sheet = Sheet()
    return RegisterReading(LAYOUT.code, _lines(data, context.profile, sheet), sheet)


def write(rows: Iterable[SlipRow]) -> bytes:
    """A whole file with column header and trailer."""
    return LAYOUT.write(rows)


def _lines(data: bytes, profile: Profile, sheet: Sheet) -> Iterator[SlipLine]:
    """Every line in which nothing is wrong."""
    days = Days()

    def faults(values: tuple[str, ...], amount: int) -> Iterator[LineFault]:
        yield from _line_faults(values, amount, profile, days)
        if values[_BARCODE]:
            yield from _barcode_faults(values[_BARCODE], amount, profile)

    for line_no, offset, _, values, amount in sound_lines(data, LAYOUT, profile, sheet, faults):
        yield SlipLine._make(
            (
                line_no, offset,
                *values[:2], int(values[2]), *values[3:6], int(values[6]), *values[7:11],
                amount, *values[12:],
            )
        )  # fmt: skip


def _line_faults(
    values: tuple[str, ...], amount: int, profile: Profile, days: Days
) -> Iterator[LineFault]:
    """Everything wrong outside the barcode."""
    parts = [index for index in (_BODY, _CASE, _CONFIRMATION) if not values[index]]
    if 0 < len(parts) < len((_BODY, _CASE, _CONFIRMATION)):
        yield LineFault("el_number_parts", parts[0], "eL番号はすべて記入またはすべて空欄")
    if values[_BODY] not in {"", profile.collecting_body_code}:
        yield LineFault("other_body", _BODY, profile.collecting_body_code)
    if amount == 0:
        yield LineFault("amount_zero", _AMOUNT, "1以上")
    unreal = [index for index in (_DUE, _VALID, _ISSUED) if days[values[index]] is None]
    for index in unreal:
        yield LineFault("date", index, "YYYY-MM-DD")
    # A slip may be issued after its 納期限 (a reissue), but never after its own 支払期限.
    if not unreal and values[_DUE] > values[_VALID]:
        yield LineFault("date_order", _VALID, f"{values[_DUE]}以後")
    if not unreal and values[_ISSUED] > values[_VALID]:
        yield LineFault("date_order", _ISSUED, f"{values[_VALID]}以前")


def _barcode_faults(barcode: str, amount: int, profile: Profile) -> Iterator[LineFault]:
    """The same for the barcode (symbols.md 3.1, 3.2)."""
    check_digit = str(konbini_check_digit(barcode[:43]))
    if barcode[43] != check_digit:
        yield LineFault("barcode_check_digit", _BARCODE, check_digit)
    if barcode[2:8] != profile.konbini_company_code:
        yield LineFault("barcode_company", _BARCODE, profile.konbini_company_code)
    if barcode[8:13] != profile.konbini_client_code:
        yield LineFault("barcode_client", _BARCODE, profile.konbini_client_code)
    expiry = barcode[30:36]
    if expiry != _NO_EXPIRY and not _EXPIRY.fullmatch(expiry):
        yield LineFault("barcode_expiry", _BARCODE, "YYMMDD / 999999")
    if int(barcode[37:43]) != amount:
        yield LineFault("barcode_amount", _BARCODE, f"{amount:06d}")
