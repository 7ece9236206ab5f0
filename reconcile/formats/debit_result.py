"""口座振替結果 (全銀 種別 91, 120 bytes): what became of our debits (files.md 1.3, 1.5)."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats.fixed_length import Field, Layout
from reconcile.formats.fixed_reader import FixedFormat
from reconcile.formats.wrapping import Wrapping
from reconcile.formats.zengin_common import ZenginReader, bank_text, yearless_date, zengin_text
from reconcile.model import Channel, KeyKind, ReportLine, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from reconcile.formats.fixed_length import Record
    from reconcile.model import ReadContext, Reading

HEADER = Layout(
    "ヘッダー",
    (
        Field("record_type", "データ区分", 1),
        Field("kind", "種別コード", 2),
        Field("code_type", "コード区分", 1),
        Field("consignor_code", "委託者コード", 10),
        Field("consignor_name", "委託者名", 40, "C"),
        Field("debited_on", "引落日", 4),
        Field("bank_code", "取引銀行番号", 4),
        Field("bank_name", "取引銀行名", 15, "C", optional=True),
        Field("branch_code", "取引支店番号", 3),
        Field("branch_name", "取引支店名", 15, "C", optional=True),
        Field("account_type", "預金種目(委託者)", 1),
        Field("account_no", "口座番号(委託者)", 7),
        Field("filler", "ダミー", 17, "C"),
    ),
)
DATA = Layout(
    "データ",
    (
        Field("record_type", "データ区分", 1),
        Field("bank_code", "引落銀行番号", 4),
        Field("bank_name", "引落銀行名", 15, "C", optional=True),
        Field("branch_code", "引落支店番号", 3),
        Field("branch_name", "引落支店名", 15, "C", optional=True),
        Field("filler_1", "ダミー", 4, "C"),
        Field("account_type", "預金種目", 1),
        Field("account_no", "口座番号", 7),
        Field("holder_name", "預金者名", 30, "C"),
        Field("amount", "引落金額", 10),
        Field("new_code", "新規コード", 1),
        Field("customer_no", "顧客番号", 20),
        Field("result_code", "振替結果コード", 1),
        Field("filler_2", "ダミー", 8, "C"),
    ),
)
TRAILER = Layout(
    "トレーラ",
    (
        Field("record_type", "データ区分", 1),
        Field("count", "合計件数", 6),
        Field("total", "合計金額", 12),
        Field("done_count", "振替済件数", 6),
        Field("done_total", "振替済金額", 12),
        Field("failed_count", "振替不能件数", 6),
        Field("failed_total", "振替不能金額", 12),
        Field("filler", "ダミー", 65, "C"),
    ),
)
END = Layout("エンド", (Field("record_type", "データ区分", 1), Field("filler", "ダミー", 119, "C")))

DONE = "0"
ASKED = "0"  # in a request: not yet
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


class Debit(NamedTuple):
    """振替: one row to write; ``raw`` replaces fields as written, without changing totals."""

    customer_no: str
    amount_yen: int
    result_code: str = DONE
    bank_code: str = "9999"
    bank_name: str = ""
    branch_code: str = "999"
    branch_name: str = ""
    account_type: str = "1"
    account_no: str = ""
    holder_name: str = ""
    new_code: str = "0"
    raw: Mapping[str, str] = {}


class Batch(NamedTuple):
    """振替の束: one debit day at one bank to write."""

    consignor_code: str
    consignor_name: str
    debited_on: date
    bank_code: str
    bank_name: str
    branch_code: str
    branch_name: str
    account_type: str
    account_no: str
    debits: Sequence[Debit]


def write(batches: Iterable[Batch], wrapping: Wrapping = Wrapping()) -> bytes:  # noqa: B008 - immutable
    """A whole result file of kind 91 from plain rows, with the split of the trailer."""
    rows: list[bytes] = []
    for batch in batches:
        rows += _group(batch)
    return wrapping.join([*rows, END.write({"record_type": "9"})])


def write_request(
    batches: Iterable[Batch],
    wrapping: Wrapping = Wrapping(),  # noqa: B008 - immutable
) -> bytes:
    """口座振替依頼: the same layout before the debit, without 済 and 不能 (files.md 1.3).

    Raises :class:`InvalidValueError` ``record_character`` for what a bank does not take.
    """
    rows: list[bytes] = []
    for batch in batches:
        asked = [debit._replace(result_code=ASKED) for debit in batch.debits]
        for text, field in (
            (batch.consignor_name, "consignor_name"),
            *((debit.holder_name, "holder_name") for debit in asked),
        ):
            bank_text(text, field)
        *head, _ = _group(batch._replace(debits=asked))
        total = sum(debit.amount_yen for debit in asked)
        rows += [*head, TRAILER.write({"record_type": "8", "count": len(asked), "total": total})]
    return wrapping.join([*rows, END.write({"record_type": "9"})])


def _group(batch: Batch) -> list[bytes]:
    header = HEADER.write(
        {
            "record_type": "1",
            "kind": "91",
            "code_type": "0",
            "consignor_code": batch.consignor_code,
            "consignor_name": zengin_text(batch.consignor_name),
            "debited_on": f"{batch.debited_on:%m%d}",
            "bank_code": batch.bank_code,
            "bank_name": zengin_text(batch.bank_name),
            "branch_code": batch.branch_code,
            "branch_name": zengin_text(batch.branch_name),
            "account_type": batch.account_type,
            "account_no": batch.account_no,
        }
    )
    done = [debit.amount_yen for debit in batch.debits if debit.result_code == DONE]
    failed = [debit.amount_yen for debit in batch.debits if debit.result_code != DONE]
    trailer = TRAILER.write(
        {
            "record_type": "8",
            "count": len(done) + len(failed),
            "total": sum(done) + sum(failed),
            "done_count": len(done),
            "done_total": sum(done),
            "failed_count": len(failed),
            "failed_total": sum(failed),
        }
    )
    return [header, *(_row(debit) for debit in batch.debits), trailer]


def _row(row: Debit) -> bytes:
    values: dict[str, str | int] = {
        "record_type": "2",
        "bank_code": row.bank_code,
        "bank_name": zengin_text(row.bank_name),
        "branch_code": row.branch_code,
        "branch_name": zengin_text(row.branch_name),
        "account_type": row.account_type,
        "account_no": row.account_no,
        "holder_name": zengin_text(row.holder_name),
        "amount": row.amount_yen,
        "new_code": row.new_code,
        "customer_no": row.customer_no,
        "result_code": row.result_code,
    }
    return DATA.write({**values, **row.raw})


FORMAT = FixedFormat(
    "debit_result",
    "口座振替結果（全銀 91）",
    Channel.DEBIT,
    ("files.md 1.3", "files.md 1.5", "files.md 1.6"),
    DebitReader,
)
