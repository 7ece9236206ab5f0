"""振込入金通知 (全銀 種別 01, 200 bytes): notices of credits, formats A and B (files.md 1.2)."""

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
        Field("account_type", "預金種目", 1),
        Field("account_no", "口座番号", 7),
        Field("account_name", "口座名", 40, "C"),
        Field("filler", "ダミー", 93, "C"),
    ),
)
_COMMON = (
    Field("record_type", "データ区分", 1),
    Field("inquiry_no", "照会番号", 6),
    Field("booked_on", "勘定日", 6),
    Field("value_on", "起算日", 6),
    Field("amount", "金額", 10),
    Field("other_bank_amount", "うち他店券金額", 10),
    Field("payer_code", "振込依頼人コード", 10),
    Field("payer_name", "振込依頼人名", 48, "C"),
    Field("from_bank", "仕向銀行名", 15, "C"),
    Field("from_branch", "仕向店名", 15, "C"),
    Field("cancel_code", "取消区分", 1, "C"),
)
DATA_A = Layout(
    "データ(A)",
    (*_COMMON, Field("edi", "EDI情報", 20, "C"), Field("filler", "ダミー", 52, "C")),
)
DATA_B = Layout(
    "データ(B)",
    (
        *_COMMON,
        Field("amount_2", "金額(2)", 12),
        Field("other_bank_amount_2", "うち他店券金額(2)", 12),
        Field("edi", "EDI情報", 20, "C"),
        Field("filler", "ダミー", 28, "C"),
    ),
)
TRAILER = Layout(
    "トレーラ",
    (
        Field("record_type", "データ区分", 1),
        Field("credit_count", "振込合計件数", 6),
        Field("credit_total", "振込合計金額", 12),
        Field("cancel_count", "取消合計件数", 6),
        Field("cancel_total", "取消合計金額", 12),
        Field("filler", "ダミー", 163, "C"),
    ),
)
END = Layout("エンド", (Field("record_type", "データ区分", 1), Field("filler", "ダミー", 199, "C")))

CANCEL = "1"
_CANCEL_CODES = frozenset({" ", "0", CANCEL})
_AT = DATA_A.slices
_AMOUNT_B, _OTHER_B = (DATA_B.slices[name] for name in ("amount_2", "other_bank_amount_2"))
_B_DIGITS = slice(_AMOUNT_B.start, _OTHER_B.stop)  # files.md 1.2: all digits here means format B


class CreditReader(ZenginReader):
    """振込入金通知の読取: notices and cancellations with their totals."""

    kind = "01"
    layouts = {"1": HEADER, "2": DATA_A, "8": TRAILER, "9": END}  # noqa: RUF012 - a constant

    def __init__(self, data: bytes, reading: Reading, context: ReadContext) -> None:
        """Start with no account open."""
        super().__init__(data, reading, context)
        self.account = ""
        self.totals = dict.fromkeys(TOTALS, 0)

    @classmethod
    def layout_of(cls, text: str) -> Layout | None:
        """Format B where the second amounts are digits, else the usual layouts."""
        is_b = text[:1] == "2" and text[_B_DIGITS].isdigit()
        return DATA_B if is_b else super().layout_of(text)

    def header(self, record: Record) -> None:
        """ヘッダー: whose account the notices are for."""
        if not self.check_opening(record):
            return
        text, at = record[3], HEADER.slices
        self.account = self.account_of(record, text[at["account_no"]])
        self.reading.agent = self.reading.agent or self.account
        self.reading.created_on = self.dates[text[at["created_on"]]]
        self.totals = dict.fromkeys(TOTALS, 0)

    def data(self, record: Record) -> ReportLine:
        """データ: one notice, or the cancellation of an earlier one."""
        line_no, offset, raw, text = record
        is_b = text[_B_DIGITS].isdigit()
        amount = int(text[_AMOUNT_B]) if is_b else self.number(record, "amount")
        code = text[_AT["cancel_code"]]
        booked_on = self.dates[text[_AT["booked_on"]]]
        fault = None
        if code not in _CANCEL_CODES:
            fault = "cancel_code"
        elif booked_on is None:
            fault = "date"
        elif not amount:
            fault = "amount_zero"
        side = "cancel" if code == CANCEL else "credit"
        self.totals[f"{side}_count"] += 1
        self.totals[f"{side}_total"] += amount or 0
        self.reading.count += 1
        self.reading.amount_yen += amount or 0
        inquiry_no = text[_AT["inquiry_no"]]
        identity = f"{self.account}|{booked_on or text[_AT['booked_on']]}|{inquiry_no}"
        if fault is None and booked_on is not None:
            edi = (DATA_B if is_b else DATA_A).slices["edi"]
            payer_code = text[_AT["payer_code"]].strip()
            self.reading.bank_lines.append(
                BankLine(
                    line_no,
                    self.account,
                    self.kind,
                    side,
                    inquiry_no,
                    booked_on,
                    self.dates[text[_AT["value_on"]]],
                    payer_code if payer_code.strip("0") else "",
                    text[_AT["payer_name"]].strip(),
                    "",
                    text[edi].strip(),
                )
            )
        return ReportLine(
            line_no=line_no,
            byte_offset=offset,
            byte_length=len(raw),
            stage=Stage.NONE.value,
            kind="cancel" if code == CANCEL else "1",
            identity=identity,
            record_key=f"{identity}|{code.replace(' ', '0')}",
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
        """トレーラ: credits and cancellations, each counted and summed."""
        self.tie(record, self.totals)


TOTALS = ("credit_count", "credit_total", "cancel_count", "cancel_total")


class Notice(NamedTuple):
    """通知: one row to write; ``raw`` replaces fields as written, without changing totals."""

    inquiry_no: int
    booked_on: date
    amount_yen: int
    cancels: bool = False
    payer_code: str = ""
    payer_name: str = ""
    from_bank: str = ""
    from_branch: str = ""
    edi: str = ""
    value_on: date | None = None
    raw: Mapping[str, str] = {}


class NoticeGroup(NamedTuple):
    """通知の束: one account's group to write."""

    account: Account
    account_name: str
    created_on: date
    from_on: date
    to_on: date
    notices: Sequence[Notice]


def write(
    groups: Iterable[NoticeGroup],
    wrapping: Wrapping = Wrapping(),  # noqa: B008 - immutable
    *,
    format_b: bool = False,
) -> bytes:
    """A whole file of kind 01 from plain rows, in format A or B."""
    rows: list[bytes] = []
    for group in groups:
        rows += _group(group, format_b=format_b)
    return wrapping.join([*rows, END.write({"record_type": "9"})])


def _group(group: NoticeGroup, *, format_b: bool) -> list[bytes]:
    account = group.account
    header = HEADER.write(
        {
            "record_type": "1",
            "kind": "01",
            "code_type": "0",
            "created_on": format_yymmdd(group.created_on),
            "from_on": format_yymmdd(group.from_on),
            "to_on": format_yymmdd(group.to_on),
            "bank_code": account.bank_code,
            "bank_name": zengin_text(account.bank_name),
            "branch_code": account.branch_code,
            "branch_name": zengin_text(account.branch_name),
            "account_type": account.account_type,
            "account_no": account.account_no,
            "account_name": zengin_text(group.account_name),
        }
    )
    kept = [notice.amount_yen for notice in group.notices if not notice.cancels]
    cancelled = [notice.amount_yen for notice in group.notices if notice.cancels]
    trailer = TRAILER.write(
        {
            "record_type": "8",
            "credit_count": len(kept),
            "credit_total": sum(kept),
            "cancel_count": len(cancelled),
            "cancel_total": sum(cancelled),
        }
    )
    return [header, *(_row(notice, format_b=format_b) for notice in group.notices), trailer]


def _row(row: Notice, *, format_b: bool) -> bytes:
    values: dict[str, str | int] = {
        "record_type": "2",
        "inquiry_no": row.inquiry_no,
        "booked_on": format_yymmdd(row.booked_on),
        "value_on": format_yymmdd(row.value_on or row.booked_on),
        "amount_2" if format_b else "amount": row.amount_yen,
        "payer_code": row.payer_code,
        "payer_name": zengin_text(row.payer_name),
        "from_bank": zengin_text(row.from_bank),
        "from_branch": zengin_text(row.from_branch),
        "cancel_code": CANCEL if row.cancels else " ",
        "edi": zengin_text(row.edi),
    }
    return (DATA_B if format_b else DATA_A).write({**values, **row.raw})


FORMAT = FixedFormat(
    "zengin_credit",
    "振込入金通知（全銀 01）",
    Channel.BANK,
    ("files.md 1.2", "files.md 1.6", "files.md 1.7"),
    CreditReader,
)
