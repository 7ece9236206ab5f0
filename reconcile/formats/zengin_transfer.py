"""総合振込 (全銀 種別 21, 120 bytes): transfers we order, the way a refund goes (files.md 1.4).

This file only goes out. There is no result record: a transfer that fails comes back as a credit on
the statement (``refund_returned``). Only characters that every bank accepts are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from reconcile.formats.fixed_length import Field, Layout
from reconcile.formats.wrapping import Wrapping
from reconcile.formats.zengin_common import bank_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

HEADER = Layout(
    "ヘッダー",
    (
        Field("record_type", "データ区分", 1),
        Field("kind", "種別コード", 2),
        Field("code_type", "コード区分", 1),
        Field("orderer_code", "振込依頼人コード", 10),
        Field("orderer_name", "振込依頼人名", 40, "C"),
        Field("transfer_on", "取組日", 4),
        Field("bank_code", "仕向銀行番号", 4),
        Field("bank_name", "仕向銀行名", 15, "C", optional=True),
        Field("branch_code", "仕向支店番号", 3),
        Field("branch_name", "仕向支店名", 15, "C", optional=True),
        Field("account_type", "預金種目(依頼人)", 1),
        Field("account_no", "口座番号(依頼人)", 7),
        Field("filler", "ダミー", 17, "C"),
    ),
)
_TO = (
    Field("record_type", "データ区分", 1),
    Field("bank_code", "被仕向銀行番号", 4),
    Field("bank_name", "被仕向銀行名", 15, "C", optional=True),
    Field("branch_code", "被仕向支店番号", 3),
    Field("branch_name", "被仕向支店名", 15, "C", optional=True),
    Field("clearing_house", "手形交換所番号", 4, optional=True),
    Field("account_type", "預金種目", 1),
    Field("account_no", "口座番号", 7),
    Field("payee_name", "受取人名", 30, "C"),
    Field("amount", "振込金額", 10),
    Field("new_code", "新規コード", 1),
)
_HOW = (
    Field("delivery", "振込指定区分", 1, optional=True),
    Field("edi_mark", "識別表示", 1, "C", optional=True),
    Field("filler", "ダミー", 7, "C"),
)
DATA = Layout(
    "データ",
    (
        *_TO,
        Field("customer_code_1", "顧客コード1", 10, optional=True),
        Field("customer_code_2", "顧客コード2", 10, optional=True),
        *_HOW,
    ),
)
# With 識別表示 Y the two customer codes are one text.
DATA_EDI = Layout("データ(EDI)", (*_TO, Field("edi", "EDI情報", 20, "C"), *_HOW))
TRAILER = Layout(
    "トレーラ",
    (
        Field("record_type", "データ区分", 1),
        Field("count", "合計件数", 6),
        Field("total", "合計金額", 12),
        Field("filler", "ダミー", 101, "C"),
    ),
)
END = Layout("エンド", (Field("record_type", "データ区分", 1), Field("filler", "ダミー", 119, "C")))

EDI_MARK = "Y"
_BY_WIRE = "7"  # テレ振込
_ACCOUNT_TYPES = frozenset({"1", "2", "4", "9"})
_LAYOUTS = {"1": HEADER, "2": DATA, "8": TRAILER, "9": END}


class Transfer(NamedTuple):
    """振込: one transfer; with ``edi`` the customer codes are not written."""

    bank_code: str
    branch_code: str
    account_type: str
    account_no: str
    payee_name: str
    amount_yen: int
    bank_name: str = ""
    branch_name: str = ""
    new_code: str = "0"
    customer_code_1: str = ""
    customer_code_2: str = ""
    edi: str = ""


class Order(NamedTuple):
    """振込依頼: all transfers of one day from one account."""

    orderer_code: str
    orderer_name: str
    transfer_on: date
    bank_code: str
    bank_name: str
    branch_code: str
    branch_name: str
    account_type: str
    account_no: str
    transfers: Sequence[Transfer]


def layout_of(text: str) -> Layout | None:
    """The layout of a record, by its first byte and 識別表示."""
    is_edi = text[:1] == "2" and text[DATA.slices["edi_mark"]] == EDI_MARK
    return DATA_EDI if is_edi else _LAYOUTS.get(text[:1])


def write(orders: Iterable[Order], wrapping: Wrapping = Wrapping()) -> bytes:  # noqa: B008 - immutable
    """A whole file of kind 21 with its totals.

    Raises:
        InvalidValueError: ``record_character`` for what a bank does not take, ``record_number``
            for a number that does not fit, ``transfer_account`` or ``transfer_amount`` for an
            account or amount that cannot be.

    """
    rows: list[bytes] = []
    for order in orders:
        rows += _group(order)
    return wrapping.join([*rows, END.write({"record_type": "9"})])


def _group(order: Order) -> list[bytes]:
    header = HEADER.write(
        {
            "record_type": "1",
            "kind": "21",
            "code_type": "0",
            "orderer_code": order.orderer_code,
            "orderer_name": bank_text(order.orderer_name, "orderer_name"),
            "transfer_on": f"{order.transfer_on:%m%d}",
            "bank_code": order.bank_code,
            "bank_name": bank_text(order.bank_name, "bank_name"),
            "branch_code": order.branch_code,
            "branch_name": bank_text(order.branch_name, "branch_name"),
            "account_type": order.account_type,
            "account_no": order.account_no,
        }
    )
    total = sum(transfer.amount_yen for transfer in order.transfers)
    trailer = TRAILER.write({"record_type": "8", "count": len(order.transfers), "total": total})
    return [header, *map(_row, order.transfers), trailer]


def _row(row: Transfer) -> bytes:
    if row.amount_yen <= 0:
        raise InvalidValueError("transfer_amount", found=row.amount_yen)
    if row.account_type not in _ACCOUNT_TYPES:
        raise InvalidValueError("transfer_account", found=row.account_type, expected="1, 2, 4, 9")
    values: dict[str, str | int] = {
        "record_type": "2",
        "bank_code": row.bank_code,
        "bank_name": bank_text(row.bank_name, "bank_name"),
        "branch_code": row.branch_code,
        "branch_name": bank_text(row.branch_name, "branch_name"),
        "account_type": row.account_type,
        "account_no": row.account_no,
        "payee_name": bank_text(row.payee_name, "payee_name"),
        "amount": row.amount_yen,
        "new_code": row.new_code,
        "delivery": _BY_WIRE,
    }
    if row.edi:
        return DATA_EDI.write({**values, "edi": bank_text(row.edi, "edi"), "edi_mark": EDI_MARK})
    codes = {"customer_code_1": row.customer_code_1, "customer_code_2": row.customer_code_2}
    return DATA.write({**values, **codes})
