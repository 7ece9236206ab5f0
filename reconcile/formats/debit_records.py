"""口座振替の記録様式 (全銀 種別 91, 120 bytes): what requests and results share (files.md 1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from reconcile.formats.fixed_length import Field, Layout
from reconcile.formats.zengin_common import bank_text, zengin_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

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
AMOUNT_MAX = 10**10 - 1
_ACCOUNT_TYPES = frozenset({"1", "2", "3", "9"})


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


def checked(debit: Debit) -> Debit:
    """振替: the same debit when a bank can take it; else raises.

    Raises :class:`InvalidValueError` ``debit_amount``, ``debit_account_form`` or
    ``record_character``.
    """
    if not 0 < debit.amount_yen <= AMOUNT_MAX:
        raise InvalidValueError("debit_amount", found=debit.amount_yen)
    if debit.account_type not in _ACCOUNT_TYPES:
        raise InvalidValueError(
            "debit_account_form", field="account_type", found=debit.account_type
        )
    for value, name, length in (
        (debit.bank_code, "bank_code", 4),
        (debit.branch_code, "branch_code", 3),
        (debit.account_no, "account_no", 7),
        (debit.customer_no, "customer_no", 20),
    ):
        if len(value) != length or not (value.isascii() and value.isdigit()):
            raise InvalidValueError("debit_account_form", field=name, found=value)
    bank_text(debit.holder_name, "holder_name")
    bank_text(debit.bank_name, "bank_name")
    bank_text(debit.branch_name, "branch_name")
    return debit


def group(batch: Batch) -> list[bytes]:
    """One batch as records, with the split of its trailer; the end record is not among them."""
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
