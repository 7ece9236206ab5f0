"""入出金取引明細 (全銀 種別 03, 200 bytes): the statement, the money itself (files.md 1.1)."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.wareki import format_yymmdd
from reconcile.formats.fixed_length import Field, Layout
from reconcile.formats.fixed_reader import FixedFormat
from reconcile.formats.wrapping import Wrapping
from reconcile.formats.zengin_common import ZenginReader, zengin_text
from reconcile.model import BankLine, Channel, ReportLine, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from payments.domain.profile import Account
    from reconcile.formats.fixed_length import Record
    from reconcile.model import ReadContext, Reading

HEADER = Layout(
    "ヘッダー",
    (
        Field("record_type", "データ区分", 1),
        Field("kind", "種別コード", 2),
        Field("code_type", "コード区分", 1),
        Field("created_on", "作成日", 6),
        Field("from_on", "勘定日(自)", 6),
        Field("to_on", "勘定日(至)", 6),
        Field("bank_code", "銀行コード", 4),
        Field("bank_name", "銀行名", 15, "C", optional=True),
        Field("branch_code", "支店コード", 3),
        Field("branch_name", "支店名", 15, "C", optional=True),
        Field("filler_1", "ダミー", 3),
        Field("account_type", "預金種目", 1),
        Field("account_no", "口座番号", 10),
        Field("account_name", "口座名", 40, "C"),
        Field("balance_sign", "貸越区分", 1),
        Field("book_type", "通帳・証書区分", 1),
        Field("balance_before", "取引前残高", 14),
        Field("filler_2", "ダミー", 71, "C"),
    ),
)
DATA = Layout(
    "データ",
    (
        Field("record_type", "データ区分", 1),
        Field("inquiry_no", "照会番号", 8),
        Field("booked_on", "勘定日", 6),
        Field("value_on", "預入・払出日", 6),
        Field("direction", "入払区分", 1),
        Field("transaction", "取引区分", 2),
        Field("amount", "取引金額", 12),
        Field("other_bank_amount", "うち他店券金額", 12),
        Field("presented_on", "交換呈示日", 6),
        Field("returned_on", "不渡返還日", 6),
        Field("bill_type", "手形・小切手区分", 1),
        Field("bill_no", "手形・小切手番号", 7),
        Field("sister_branch", "僚店番号", 3),
        Field("payer_code", "振込依頼人コード", 10),
        Field("payer_name", "振込依頼人名又は契約者番号", 48, "C"),
        Field("from_bank", "仕向銀行名", 15, "C"),
        Field("from_branch", "仕向店名", 15, "C"),
        Field("remarks", "摘要内容", 20, "C"),
        Field("edi", "EDI情報", 20, "C"),
        Field("filler", "ダミー", 1, "C"),
    ),
)
TRAILER = Layout(
    "トレーラ",
    (
        Field("record_type", "データ区分", 1),
        Field("credit_count", "入金件数", 6),
        Field("credit_total", "入金額合計", 13),
        Field("debit_count", "出金件数", 6),
        Field("debit_total", "出金額合計", 13),
        Field("balance_sign", "貸越区分", 1),
        Field("balance_after", "取引後残高", 14),
        Field("data_count", "データレコード件数", 7),
        Field("filler", "ダミー", 139, "C"),
    ),
)
END = Layout(
    "エンド",
    (
        Field("record_type", "データ区分", 1),
        Field("record_count", "レコード総件数", 10),
        Field("account_count", "口座数", 5),
        Field("filler", "ダミー", 184, "C"),
    ),
)

CREDIT, DEBIT = "1", "2"
_DIRECTIONS = {CREDIT: "credit", DEBIT: "debit"}
_TRANSACTIONS = frozenset({"10", "11", "12", "13", "14", "15", "18", "19"})
_MINUS = "2"  # 貸越区分: the balance is overdrawn
_AT = DATA.slices


class StatementReader(ZenginReader):
    """入出金取引明細の読取: accounts, their balances and totals."""

    kind = "03"
    layouts = {"1": HEADER, "2": DATA, "8": TRAILER, "9": END}  # noqa: RUF012 - a constant

    def __init__(self, data: bytes, reading: Reading, context: ReadContext) -> None:
        """Start with no account open."""
        super().__init__(data, reading, context)
        self.account = ""
        self.balance: int | None = 0
        self.counts = {CREDIT: 0, DEBIT: 0, "": 0}
        self.sums = {CREDIT: 0, DEBIT: 0, "": 0}

    def header(self, record: Record) -> None:
        """ヘッダー: whose account this is, and what was on it before."""
        if not self.check_opening(record):
            return
        text, at = record[3], HEADER.slices
        number = text[at["account_no"]]
        self.account = self.account_of(record, number.removeprefix("000"))
        self.reading.agent = self.reading.agent or self.account
        self.reading.created_on = self.dates[text[at["created_on"]]]
        self.balance = self._balance(record, "balance_before")
        self.counts = dict.fromkeys(self.counts, 0)
        self.sums = dict.fromkeys(self.sums, 0)

    def data(self, record: Record) -> ReportLine:
        """データ: one movement on the account."""
        line_no, offset, raw, text = record
        direction, transaction = text[_AT["direction"]], text[_AT["transaction"]]
        booked_on = self.dates[text[_AT["booked_on"]]]
        amount = self.number(record, "amount")
        fault = None
        if direction not in _DIRECTIONS:
            fault = "direction"
        elif transaction not in _TRANSACTIONS:
            fault = "transaction"
        elif booked_on is None:
            fault = "date"
        elif not amount:
            fault = "amount_zero"
        side = direction if direction in _DIRECTIONS else ""
        self.counts[side] += 1
        self.sums[side] += amount or 0
        self.reading.count += 1
        self.reading.amount_yen += amount or 0
        inquiry_no = text[_AT["inquiry_no"]]
        identity = f"{self.account}|{booked_on or text[_AT['booked_on']]}|{inquiry_no}"
        if fault is None and booked_on is not None:
            payer_code = text[_AT["payer_code"]].strip()
            self.reading.bank_lines.append(
                BankLine(
                    line_no,
                    self.account,
                    self.kind,
                    _DIRECTIONS[direction],
                    inquiry_no,
                    booked_on,
                    self.dates[text[_AT["value_on"]]],
                    payer_code if payer_code.strip("0") else "",
                    text[_AT["payer_name"]].strip(),
                    text[_AT["remarks"]].strip(),
                    text[_AT["edi"]].strip(),
                )
            )
        return ReportLine(
            line_no=line_no,
            byte_offset=offset,
            byte_length=len(raw),
            stage=Stage.NONE.value,
            kind=direction,
            identity=identity,
            record_key=f"{identity}|{direction}|{amount}",
            content=blake2b(raw, digest_size=16).digest(),
            payment_key=None,
            key_kind="",
            slip_key=None,
            reissue="",
            is_ours=True,
            key_valid=True,
            amount_yen=amount,
            paid_on=booked_on,
            paid_at=None,
            operator=self.account[:4],
            remittance_ref=None,
            remitted_on=None,
            fault=fault,
        )

    def trailer(self, record: Record) -> None:
        """トレーラ: counts, amounts, and 取引前残高 + 入金 − 出金 = 取引後残高."""
        self.tie(
            record,
            {
                "credit_count": self.counts[CREDIT],
                "credit_total": self.sums[CREDIT],
                "debit_count": self.counts[DEBIT],
                "debit_total": self.sums[DEBIT],
                "data_count": sum(self.counts.values()),
            },
        )
        stated = self._balance(record, "balance_after")
        if stated is None or self.balance is None or self.damaged:
            return
        counted = self.balance + self.sums[CREDIT] - self.sums[DEBIT]
        if stated != counted:
            self.fatal("balance_mismatch", record, "balance_after", found=stated, expected=counted)

    def end(self, record: Record) -> None:
        """エンド: all records, this one included, and the number of accounts."""
        self.tie(record, {"record_count": record[0], "account_count": self.groups})

    def _balance(self, record: Record, name: str) -> int | None:
        amount = self.number(record, name)
        text = record[3]
        minus = text[self.layouts[text[0]].slices["balance_sign"]] == _MINUS
        return -amount if amount is not None and minus else amount


class Movement(NamedTuple):
    """取引: one row to write; ``raw`` replaces fields as written, without changing totals."""

    inquiry_no: int
    booked_on: date
    amount_yen: int
    direction: str = CREDIT
    transaction: str = "11"
    payer_code: str = ""
    payer_name: str = ""
    from_bank: str = ""
    from_branch: str = ""
    remarks: str = ""
    edi: str = ""
    value_on: date | None = None
    raw: Mapping[str, str] = {}


class Statement(NamedTuple):
    """明細: one account's group to write."""

    account: Account
    account_name: str
    created_on: date
    from_on: date
    to_on: date
    balance_before_yen: int
    movements: Sequence[Movement]


def write(statements: Iterable[Statement], wrapping: Wrapping = Wrapping()) -> bytes:  # noqa: B008 - immutable
    """A whole file of kind 03 from plain rows, totals, balances and end record included."""
    rows: list[bytes] = []
    groups = 0
    for statement in statements:
        groups += 1
        rows += _group(statement)
    end: dict[str, str | int] = {
        "record_type": "9",
        "record_count": len(rows) + 1,
        "account_count": groups,
    }
    return wrapping.join([*rows, END.write(end)])


def _group(statement: Statement) -> list[bytes]:
    account, movements = statement.account, statement.movements
    credits_ = [m.amount_yen for m in movements if m.direction == CREDIT]
    debits = [m.amount_yen for m in movements if m.direction == DEBIT]
    after = statement.balance_before_yen + sum(credits_) - sum(debits)
    header = HEADER.write(
        {
            "record_type": "1",
            "kind": "03",
            "code_type": "0",
            "created_on": format_yymmdd(statement.created_on),
            "from_on": format_yymmdd(statement.from_on),
            "to_on": format_yymmdd(statement.to_on),
            "bank_code": account.bank_code,
            "bank_name": zengin_text(account.bank_name),
            "branch_code": account.branch_code,
            "branch_name": zengin_text(account.branch_name),
            "account_type": account.account_type,
            "account_no": account.account_no,
            "account_name": zengin_text(statement.account_name),
            "balance_sign": _sign(statement.balance_before_yen),
            "balance_before": abs(statement.balance_before_yen),
        }
    )
    trailer = TRAILER.write(
        {
            "record_type": "8",
            "credit_count": len(credits_),
            "credit_total": sum(credits_),
            "debit_count": len(debits),
            "debit_total": sum(debits),
            "balance_sign": _sign(after),
            "balance_after": abs(after),
            "data_count": len(movements),
        }
    )
    return [header, *(_row(movement) for movement in movements), trailer]


def _sign(balance_yen: int) -> str:
    return _MINUS if balance_yen < 0 else "1"


def _row(row: Movement) -> bytes:
    values: dict[str, str | int] = {
        "record_type": "2",
        "inquiry_no": row.inquiry_no,
        "booked_on": format_yymmdd(row.booked_on),
        "value_on": format_yymmdd(row.value_on or row.booked_on),
        "direction": row.direction,
        "transaction": row.transaction,
        "amount": row.amount_yen,
        "payer_code": row.payer_code,
        "payer_name": zengin_text(row.payer_name),
        "from_bank": zengin_text(row.from_bank),
        "from_branch": zengin_text(row.from_branch),
        "remarks": zengin_text(row.remarks),
        "edi": zengin_text(row.edi),
    }
    return DATA.write({**values, **row.raw})


FORMAT = FixedFormat(
    "zengin_statement",
    "入出金取引明細（全銀 03）",
    Channel.BANK,
    ("files.md 1.1", "files.md 1.6", "files.md 1.7"),
    StatementReader,
)
