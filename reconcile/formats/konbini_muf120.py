"""三菱UFJファクター 収納データ, 120 bytes (files.md 2.2; one source)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.formats.fixed_length import Field, Layout
from reconcile.formats.fixed_reader import FixedFormat
from reconcile.formats.konbini_fixed import KonbiniReader, day_text, write_groups
from reconcile.formats.signatures import BARCODES, MIZUHO120, MUF120
from reconcile.formats.wrapping import Wrapping
from reconcile.model import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.formats.fixed_length import Record
    from reconcile.formats.konbini_fixed import Collected, CollectedGroup

HEADER = Layout(
    "ヘッダー",
    (
        Field("record_type", "レコード区分", 1),
        Field("created_on", "データ作成日", 8),
        Field("company_code", "MUF企業コード", 5),
        Field("client_code", "収納企業コード", 5),
        Field("client_name", "収納企業名カナ", 40, "C"),
        Field("filler", "予備", 61, "C"),
    ),
)
DATA = Layout(
    "データ",
    (
        Field("record_type", "レコード区分", 1),
        Field("kind", "データ種別", 2),
        Field("paid_on", "CVS店舗収納年月日", 8),
        Field("paid_at", "CVS店舗収納時分", 4),
        Field("barcode_id", "バーコード情報 識別子", 2),
        Field("country", "バーコード情報 国コード", 1),
        Field("company_code", "バーコード情報 MUF企業コード", 5),
        Field("client_code", "バーコード情報 収納企業コード", 5),
        Field("customer_no", "バーコード情報 顧客番号", 16),
        Field("reissue", "バーコード情報 再発行区分", 1),
        Field("expires", "バーコード情報 支払期限", 6),
        Field("stamp", "バーコード情報 印紙フラグ", 1),
        Field("amount", "バーコード情報 金額", 6),
        Field("check_digit", "バーコード情報 C/D", 1),
        Field("filler_1", "ダミー", 3, "C"),
        Field("shop", "CVS受付店舗コード", 7),
        Field("received_on", "データ取得年月日", 8),
        Field("remitted_on", "振込予定年月日", 8),
        Field("unknown", "不明", 8, "C"),
        Field("accounted_on", "経理処理年月日", 8),
        Field("company", "CVSコード", 4),
        Field("filler_2", "予備", 15, "C"),
    ),
)
TRAILER = Layout(
    "トレーラ", (Field("record_type", "レコード区分", 1), Field("filler", "不明", 119, "C"))
)
END = Layout("エンド", TRAILER.fields)
_BARCODE = BARCODES[MUF120]
_BARCODE_PARTS = {
    name: slice(at.start - _BARCODE.start, at.stop - _BARCODE.start)
    for name, at in DATA.slices.items()
    if _BARCODE.start <= at.start < _BARCODE.stop
}


class MufReader(KonbiniReader):
    """三菱UFJファクターの読取: the barcode stands at bytes 16 to 59."""

    layouts = {"1": HEADER, "2": DATA, "8": TRAILER, "9": END}  # noqa: RUF012 - a constant
    other = MIZUHO120
    amount_name = "amount"

    def header(self, record: Record) -> None:
        """ヘッダー: the codes of the contract are compared, a difference is a warning."""
        super().header(record)
        agent = self.context.profile.agent(self.agent)
        if agent is not None:
            self.warn_unknown_company(record, "company_code", agent.company_code)
            self.warn_unknown_company(record, "client_code", agent.client_code)


def write(
    groups: Iterable[CollectedGroup],
    wrapping: Wrapping = Wrapping(),  # noqa: B008 - immutable
    *,
    company_code: str = "12345",
    client_code: str = "00001",
    client_name: str = "",
) -> bytes:
    """A whole file from plain rows."""

    def header(group: CollectedGroup) -> bytes:
        return HEADER.write(
            {
                "record_type": "1",
                "created_on": day_text(group.created_on),
                "company_code": company_code,
                "client_code": client_code,
                "client_name": client_name,
            }
        )

    return write_groups(groups, header, _row, wrapping)


def _row(row: Collected) -> bytes:
    values: dict[str, str | int] = {
        "record_type": "2",
        "kind": row.kind,
        "paid_on": day_text(row.paid_on),
        "paid_at": row.paid_at,
        "shop": row.shop,
        "received_on": day_text(row.received_on or row.paid_on),
        "remitted_on": day_text(row.remitted_on),
        "accounted_on": day_text(row.accounted_on or row.paid_on),
        "company": row.company,
    }
    values |= {name: row.barcode[place] for name, place in _BARCODE_PARTS.items()}
    return DATA.write({**values, **row.raw})


FORMAT = FixedFormat(
    MUF120,
    "コンビニ収納データ（三菱UFJファクター 120）",
    Channel.KONBINI,
    ("files.md 2.2", "files.md 2.7"),
    MufReader,
)
