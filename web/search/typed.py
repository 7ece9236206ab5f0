"""入力の読み分け: what a text that somebody typed or scanned may be (pure).

A hand scanner types what it reads: digits, perhaps with FNC1 as GS, with a symbology mark in front,
or with the application identifier in parentheses. People type full-width digits, spaces and
hyphens. A text may be several things; all of them are looked for.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from datetime import date, timedelta
from typing import NamedTuple

from payments.domain.errors import InvalidValueError
from payments.domain.wareki import ERAS
from qr.digits.el_qr import parse as parse_el_qr
from qr.digits.fields import SymbolError
from qr.digits.konbini_barcode import parse as parse_barcode
from qr.digits.ocr_line import LOWER, parse_line

TEXT_MAX = 300
_MARK = re.compile(r"^\](?:C1|Q[0-6]|d2|e0)")  # ISO/IEC 15424: which symbology was read
_JOINED = re.compile(r"[\s\-‐‑–—−ー()\x1d]")
_YEN = re.compile(r"[¥]?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,11})(円?)")
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
_MONTH = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})月?")
_HEX = re.compile(r"(?=.*[a-f])[0-9a-f]{8,64}|[0-9a-f]{64}")
_PLACE = re.compile(r"(.+):([0-9]{1,9})")
_CASE = re.compile(r"(?:確認事項|#)?\s*([0-9]{1,9})")
_ERA_DAY = re.compile(r"(令和|平成|昭和|[RHS])(元|[0-9]{1,2})[年.]([0-9]{1,2})[月.]([0-9]{1,2})日?")
_ERA_LETTERS = {"R": "令和", "H": "平成", "S": "昭和"}
_NAME = re.compile(r"[ぁ-ゖァ-ヺーｦ-ﾟ一-鿿々A-Za-z・\s().]{2,60}")
_EL, _BARCODE, _FREE_AREA, _DEBIT, _CASE_KEY, _EL_QR, _OCR = 34, 44, 21, 20, 20, 255, 44


class Reading(NamedTuple):
    """読み方: a kind of number and its digits; ``doubt`` says what is wrong with its check."""

    kind: str
    value: str
    doubt: str = ""


class Period(NamedTuple):
    """金額・日付: what an amount and days were typed as; no amount is None, no days are empty."""

    yen: int | None
    first: date | None
    last: date | None


def cleaned(text: str) -> str:
    """The text without what a scanner puts around it: NFKC, no symbology mark, no FNC1."""
    plain = unicodedata.normalize("NFKC", text[:TEXT_MAX]).strip()
    return _MARK.sub("", plain).strip("\x1d\r\n ")


def readings(text: str, collecting_body: str) -> list[Reading]:
    """All that a text may be, the surest first; ``collecting_body`` is our own eLTAX code."""
    plain = cleaned(text)
    digits = _JOINED.sub("", plain).removeprefix("EAN")
    found: list[Reading] = []
    if digits.isascii() and digits.isdigit():
        found += _of_digits(digits, collecting_body)
    if _HEX.fullmatch(plain.lower()):
        found.append(Reading("sha", plain.lower()))
    place = _PLACE.fullmatch(plain)
    if place:
        found.append(Reading("line", plain))
    if not found or len(digits) < _DEBIT:
        found += _of_names(plain, digits)
    return list(dict.fromkeys(found))


def _of_digits(digits: str, collecting_body: str) -> list[Reading]:
    """Digits by their number alone: symbols have lengths of their own."""
    match len(digits):
        case 255:
            return [_el_qr(digits)]
        case 44:
            ocr = _ocr(digits)
            return [ocr] if ocr else [Reading("barcode", digits, _barcode_doubt(digits))]
        case 34:
            return [Reading("el_number", digits)]
        case 21:
            return [Reading("free_area", digits)]
        case 20:
            return [Reading("debit", digits), Reading("case_key", collecting_body + digits)]
    return []


def _el_qr(digits: str) -> Reading:
    """eL-QR: its eL number, where its check digits hold."""
    try:
        return Reading("el_number", parse_el_qr(digits).el_number)
    except (SymbolError, InvalidValueError):
        return Reading("el_qr", digits, "el_qr_broken")


def _ocr(digits: str) -> Reading | None:
    """OCR下段 has as many digits as a barcode; its check digits say which of the two it is."""
    try:
        values = parse_line(LOWER, digits)
    except SymbolError:
        return None
    return Reading(
        "case_key",
        values["collecting_body_code"] + values["case_key"] + values["confirmation_no"],
    )


def _barcode_doubt(digits: str) -> str:
    try:
        parse_barcode(digits)
    except (SymbolError, InvalidValueError):
        return "barcode_broken"
    return ""


def _of_names(plain: str, digits: str) -> list[Reading]:
    """Short numbers and texts: slips, notices, people, cases, operators' numbers, files, names."""
    if not plain:
        return []
    found = [Reading("slip_no", plain), Reading("notice_no", plain)]
    if digits != plain and digits:
        found += [Reading("slip_no", digits), Reading("notice_no", digits)]
    if digits.isascii() and digits.isdigit() and len(digits) <= 15:
        found.append(Reading("person_no", digits))
    case = _CASE.fullmatch(plain)
    if case:
        found.append(Reading("case_no", case[1]))
    found.append(Reading("transaction", plain))
    found.append(Reading("file_name", plain))
    if _NAME.fullmatch(plain) and not plain.isascii():
        found.append(Reading("name", plain))
    return found


def period(text: str, today: date, days_back: int) -> Period | None:
    """金額と日付: ``12,300円``, ``2026-06-01``, ``12300 令和8年6月1日``; None when it is neither.

    An amount without a day is looked for in the last ``days_back`` days.
    """
    yen, days = None, None
    for word in cleaned(text).replace("　", " ").split():
        amount = _YEN.fullmatch(word)
        if amount and yen is None:
            yen = int(amount[1].replace(",", ""))
            continue
        found = _days(word)
        if found is None or days is not None:
            return None
        days = found
    if yen is None and days is None:
        return None
    first, last = days or (today - timedelta(days=days_back), today)
    return Period(yen, first, last)


def _days(word: str) -> tuple[date, date] | None:
    """A day, or the days of a month."""
    try:
        if day := _DAY.fullmatch(word):
            one = date(int(day[1]), int(day[2]), int(day[3]))
            return one, one
        if month := _MONTH.fullmatch(word):
            first = date(int(month[1]), int(month[2]), 1)
            return first, first.replace(day=monthrange(first.year, first.month)[1])
        if day := _ERA_DAY.fullmatch(word.upper()):
            era = next(e for e in ERAS if e.name == _ERA_LETTERS.get(day[1], day[1]))
            number = 1 if day[2] == "元" else int(day[2])
            one = date(era.first_on.year + number - 1, int(day[3]), int(day[4]))
            return one, one
    except ValueError:
        return None
    return None
