"""口座振替結果 (全銀 種別 91, 120 bytes): what became of our debits (files.md 1.3, 1.5)."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from reconcile.formats.debit_records import (
    DATA,
    DONE,
    END,
    HEADER,
    TRAILER,
    Batch,
    Debit,
    group,
)
from reconcile.formats.fixed_reader import FixedFormat
from reconcile.formats.wrapping import Wrapping
from reconcile.formats.zengin_common import ZenginReader, yearless_date
from reconcile.model import Channel, KeyKind, ReportLine, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.formats.fixed_length import Record
    from reconcile.model import ReadContext, Reading

__all__ = ["DATA", "DONE", "FORMAT", "HEADER", "RESULT_CODES", "TRAILER", "Batch", "Debit", "write"]

RESULT_CODES = frozenset("0123489")
_AMOUNT, _CUSTOMER, _CODE = (DATA.slices[n] for n in ("amount", "customer_no", "result_code"))


class DebitReader(ZenginReader):
    """口座振替結果の読取: results, and the proof that they are results.

    In a request every result code is 0 as well, so a file whose trailer has no 済 and no 不能 is
    the request and is refused (files.md 1.5). A code that is not a result counts as not debited.
    """

    kind = "91"
    layouts = {"1": HEADER, "2": DATA, "8": TRAILER, "9": END}  # noqa: RUF012 - a constant

    def __init__(self, data: bytes, reading: Reading, context: ReadContext) -> None:
        """Start with no batch open."""
        super().__init__(data, reading, context)
        self.consignor = self.bank = self.batch = ""
        self.debited_on = ""
        self.prefix = context.profile.debit_prefix
        self.count = self.total = self.done_count = self.done_total = 0

    def header(self, record: Record) -> None:
        """ヘッダー: which batch of ours this answers."""
        if not self.check_opening(record):
            return
        text, at = record[3], HEADER.slices
        self.consignor, self.bank = text[at["consignor_code"]], text[at["bank_code"]]
        ours = self.context.profile.debit_consignor_code
        if self.consignor != ours:
            self.refuse(
                "unknown_consignor", record, "consignor_code", found=self.consignor, expected=ours
            )
            self.stopped = True
        debited_on = yearless_date(text[at["debited_on"]], self.context.received_on)
        if debited_on is None:
            self.fatal("header_date", record, "debited_on", found=text[at["debited_on"]])
            self.stopped = True
        self.debited_on = debited_on or ""
        self.batch = f"{self.debited_on}|{self.bank}"
        self.reading.agent = self.reading.agent or self.consignor
        self.count = self.total = self.done_count = self.done_total = 0

    def data(self, record: Record) -> ReportLine:
        """データ: one debit and what became of it."""
        line_no, offset, raw, text = record
        customer_no, code, digits = text[_CUSTOMER], text[_CODE], text[_AMOUNT]
        amount = int(digits) if digits.isdigit() else self.number(record, "amount")
        self.count += 1
        self.total += amount or 0
        self.reading.count += 1
        self.reading.amount_yen += amount or 0
        done = code == DONE
        if done:
            self.done_count += 1
            self.done_total += amount or 0
        fault = None
        if code not in RESULT_CODES:
            fault = "result_code"
        elif not customer_no.isdigit():
            fault = "customer_no"
        elif not amount:
            fault = "amount_zero"
        identity = f"{self.consignor}|{self.batch}|{customer_no}"
        return ReportLine(
            line_no,
            offset,
            len(raw),
            Stage.CONFIRMED.value if done else Stage.NONE.value,
            code,
            identity,
            identity,
            blake2b(raw, digest_size=16).digest(),
            identity if fault is None else None,
            KeyKind.DEBIT.value,
            customer_no,
            "",
            customer_no.startswith(self.prefix),
            True,  # noqa: FBT003 - 顧客番号 has no check digit
            amount,
            self.debited_on,
            None,
            self.bank,
            self.batch,
            self.debited_on,
            fault,
        )

    def trailer(self, record: Record) -> None:
        """トレーラ: totals, and 済 + 不能 = 合計; all zeros there means a request."""
        names = ("done_count", "done_total", "failed_count", "failed_total")
        at = TRAILER.slices
        if self.count and not any(record[3][at[name]].strip("0 ") for name in names):
            self.refuse("debit_request", record, "done_count", found=0, expected=self.count)
            self.stopped = True
            return
        self.tie(
            record,
            {
                "count": self.count,
                "total": self.total,
                "done_count": self.done_count,
                "done_total": self.done_total,
                "failed_count": self.count - self.done_count,
                "failed_total": self.total - self.done_total,
            },
        )


def write(batches: Iterable[Batch], wrapping: Wrapping = Wrapping()) -> bytes:  # noqa: B008 - immutable
    """A whole result file of kind 91 from plain rows, with the split of the trailer."""
    rows: list[bytes] = []
    for batch in batches:
        rows += group(batch)
    return wrapping.join([*rows, END.write({"record_type": "9"})])


FORMAT = FixedFormat(
    "debit_result",
    "口座振替結果（全銀 91）",
    Channel.DEBIT,
    ("files.md 1.3", "files.md 1.5", "files.md 1.6"),
    DebitReader,
)
