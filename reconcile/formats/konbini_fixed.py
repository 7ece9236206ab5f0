"""コンビニ収納データ, 120 bytes: what the two fixed-length layouts have in common (files.md 2).

The layouts differ in where the fields stand; kinds, the echoed 44-digit barcode and the keys are
the same. Of header, trailer and end only the first byte is relied on (outcomes.md 10): their
contents are not public, so count and amount are what was read.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from reconcile.formats.delimited import Days
from reconcile.formats.fixed_reader import DATA, HEADER, GroupReader
from reconcile.formats.signatures import BARCODE_LENGTH, BARCODES
from reconcile.model import KeyKind, ReportLine, Severity, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from reconcile.formats.fixed_length import Record
    from reconcile.formats.wrapping import Wrapping
    from reconcile.model import ReadContext, Reading

KINDS = {
    "01": Stage.PROVISIONAL.value,  # 速報
    "02": Stage.CONFIRMED.value,  # 確報
    "03": Stage.WITHDRAWAL.value,  # 速報取消
}
CONFIRMED_KIND = "02"
_FREE_AREA = slice(8, 29)  # digits 9-29 of the barcode
_REISSUE = slice(29, 30)
_KEY = slice(8, 30)
_AMOUNT = slice(37, 43)
_CLOCK = re.compile("([01][0-9]|2[0-3])([0-5][0-9])")
_NO_DATE = frozenset({"00000000", " " * 8})


class ClockTimes(dict[str, "str | None"]):
    """HHMM → HH:MM, remembered; None where it is no time."""

    def __missing__(self, text: str) -> str | None:
        """Work out a time that has not been met yet."""
        found = _CLOCK.fullmatch(text)
        self[text] = time = f"{found[1]}:{found[2]}" if found else None
        return time


# Σ of the ASCII codes of zeros: 22 digits of weight 3, 21 of weight 1 and the check digit.
_ZEROS = ord("0") * (22 * 3 + 22)


def check_digit_holds(digits: bytes) -> bool:
    """モジュラス10 ウェイト3 over the 44 digits of a payment barcode (GS1 General Specs 7.9)."""
    return (3 * sum(digits[::2]) + sum(digits[1::2]) - _ZEROS) % 10 == 0


class KonbiniReader(GroupReader):
    """コンビニ収納データの読取: one report of a payment per data record."""

    other: ClassVar[str]  # code of the twin layout
    amount_name: ClassVar[str]  # the field that holds the amount

    def __init__(self, data: bytes, reading: Reading, context: ReadContext) -> None:
        """Fetch the places of the fields once."""
        super().__init__(data, reading, context)
        self.agent = reading.agent = reading.format_code
        self.dates, self.times = Days(), ClockTimes()
        self.client = context.profile.konbini_client_code
        at = self.layouts[DATA].slices
        self.kind, self.paid_on, self.paid_at = at["kind"], at["paid_on"], at["paid_at"]
        self.barcode = slice(at["barcode_id"].start, at["barcode_id"].start + BARCODE_LENGTH)
        self.shop, self.company, self.remitted_on = at["shop"], at["company"], at["remitted_on"]

    def content(self, raw: bytes) -> bytes:
        """What makes two reports equal: the whole record, unless it tells of the customer."""
        return raw

    def header(self, record: Record) -> None:
        """ヘッダー: データ作成日, as far as it can be read."""
        text = record[3]
        at = self.layouts[HEADER].slices
        created_on = self.dates[text[at["created_on"]]] if "created_on" in at else None
        self.reading.created_on = self.reading.created_on or created_on

    def data(self, record: Record) -> ReportLine:
        """データ: one report, by its kind and the free area of its barcode."""
        line_no, offset, raw, text = record
        barcode = text[self.barcode]
        if not (barcode.isdigit() and barcode.startswith("91")):
            return self._without_barcode(record, barcode)
        kind, day, clock = text[self.kind], text[self.paid_on], text[self.paid_at]
        company, shop, remitted = text[self.company], text[self.shop], text[self.remitted_on]
        key, amount = barcode[_KEY], int(barcode[_AMOUNT])
        place = f"{company}|{shop}"
        paid_on, paid_at = self.dates[day], self.times[clock]
        remitted_on = self.dates[remitted] if kind == CONFIRMED_KIND else None
        reading = self.reading
        reading.count += 1
        reading.amount_yen += amount
        fault = None
        if kind not in KINDS:
            fault = "kind"
        elif paid_on is None:
            fault = "date"
        elif paid_at is None:
            fault = "time"
        elif not amount:
            fault = "amount_zero"
        elif not shop.isdigit():
            fault = "shop_code"
        elif not company.isdigit():
            fault = "cvs_code"
        elif remitted_on is None if kind == CONFIRMED_KIND else remitted not in _NO_DATE:
            fault = "remittance"
        agent = self.agent
        return ReportLine(
            line_no,
            offset,
            len(raw),
            KINDS.get(kind, ""),
            kind,
            f"{agent}:{key}",
            f"{agent}|{kind}|{day}|{clock}|{barcode}|{place}",
            blake2b(self.content(raw), digest_size=16).digest(),
            None if fault else f"{agent}|{day}|{clock}|{key}|{place}|{amount}",
            KeyKind.KONBINI.value,
            key[:21],
            key[21],
            key.startswith(self.client),
            check_digit_holds(raw[self.barcode]),
            amount,
            paid_on,
            paid_at,
            agent,
            remitted_on,
            remitted_on,
            fault,
        )

    def _without_barcode(self, record: Record, barcode: str) -> ReportLine:
        """A record whose 44 digits are none: the twin layout, a bad amount, or one bad line."""
        line_no, offset, raw, text = record
        twin = text[BARCODES[self.other]]
        if twin.isdigit() and twin.startswith("91"):
            self._several(record, self.other)
        digits = barcode[_AMOUNT]
        rest = barcode[: _AMOUNT.start] + barcode[_AMOUNT.stop :]
        if rest.isdigit() and not digits.isdigit():
            # Nothing but the amount is wrong: no line of it can be booked or set aside.
            self.damaged = True
            self.fatal(
                "not_digits",
                record,
                self.amount_name,
                found=digits,
                expected="0-9",
                at=self.barcode.start + _AMOUNT.start,
            )
        amount = int(digits) if digits.isdigit() else None
        self.reading.count += 1
        self.reading.amount_yen += amount or 0
        kind, day, clock = text[self.kind], text[self.paid_on], text[self.paid_at]
        place = f"{text[self.company]}|{text[self.shop]}"
        return ReportLine(
            line_no=line_no,
            byte_offset=offset,
            byte_length=len(raw),
            stage=KINDS.get(kind, ""),
            kind=kind,
            identity=f"{self.agent}:{barcode}",
            record_key=f"{self.agent}|{kind}|{day}|{clock}|{barcode}|{place}",
            content=blake2b(self.content(raw), digest_size=16).digest(),
            payment_key=None,
            key_kind=KeyKind.KONBINI.value,
            slip_key=None,
            reissue="",
            is_ours=True,
            key_valid=False,
            amount_yen=amount,
            paid_on=self.dates[day],
            paid_at=self.times[clock],
            operator=self.agent,
            remittance_ref=None,
            remitted_on=None,
            fault="barcode",
        )

    def warn_unknown_company(self, record: Record, name: str, expected: str) -> None:
        """A header code that is not the profile's is worth a look, no more."""
        found = record[3][self.layouts[HEADER].slices[name]]
        if expected and found != expected:
            self.add(Severity.WARNING, "unknown_company", record, name, found, expected)


class Collected(NamedTuple):
    """収納: one row to write; ``raw`` replaces fields as written."""

    kind: str  # 01 速報, 02 確報, 03 速報取消
    barcode: str  # 44 digits
    paid_on: date
    paid_at: str = "1200"  # HHMM
    shop: str = "0000001"
    company: str = "0030"  # CVSコード
    received_on: date | None = None  # データ取得年月日, the day after paid_on when None
    remitted_on: date | None = None  # 振込予定日, required on 02
    accounted_on: date | None = None
    raw: Mapping[str, str] = {}


class CollectedGroup(NamedTuple):
    """収納の束: one header…trailer group to write."""

    created_on: date
    rows: Sequence[Collected]


def day_text(day: date | None) -> str:
    """A date as YYYYMMDD, zeros where there is none."""
    return f"{day:%Y%m%d}" if day else "00000000"


def write_groups(
    groups: Iterable[CollectedGroup],
    header: Callable[[CollectedGroup], bytes],
    row: Callable[[Collected], bytes],
    wrapping: Wrapping,
) -> bytes:
    """A whole 120-byte file; trailer and end carry their first byte only (our choice)."""
    rows: list[bytes] = []
    for group in groups:
        rows += [header(group), *map(row, group.rows), b"8".ljust(120)]
    return wrapping.join([*rows, b"9".ljust(120)])
