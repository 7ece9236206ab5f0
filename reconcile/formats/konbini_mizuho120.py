"""みずほファクター 収納データ, 120 bytes (files.md 2.3; one source)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.formats.fixed_length import Field, Layout
from reconcile.formats.fixed_reader import FixedFormat
from reconcile.formats.konbini_fixed import KonbiniReader, day_text, write_groups
from reconcile.formats.signatures import MIZUHO120, MUF120
from reconcile.formats.wrapping import Wrapping
from reconcile.model import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.formats.konbini_fixed import Collected, CollectedGroup

# Nothing but the first byte of these three is public.
HEADER = Layout(
    "ヘッダー", (Field("record_type", "レコード区分", 1), Field("filler", "不明", 119, "C"))
)
DATA = Layout(
    "データ",
    (
        Field("record_type", "レコード区分", 1),
        Field("kind", "データ種別", 2),
        Field("paid_on", "店舗収納日", 8),
        Field("paid_at", "収納時間", 4),
        Field("barcode_type", "バーコード種別", 1),
        Field("barcode_id", "バーコード情報", 44),
        Field("filler_1", "ダミー", 3, "C"),
        Field("shop", "収納店舗コード", 7),
        Field("customer_type", "客層", 2),
        Field("received_on", "データ取得年月日", 8),
        Field("remitted_on", "振込予定年月日", 8),
        Field("accounted_on", "経理処理年月日", 8),
        Field("company", "CVSコード", 6),
        Field("filler_2", "予備", 18, "C"),
    ),
)
TRAILER = Layout("トレーラ", HEADER.fields)
END = Layout("エンド", HEADER.fields)
_CUSTOMER_TYPE = DATA.slices["customer_type"]


class MizuhoReader(KonbiniReader):
    """みずほファクターの読取: the barcode stands at bytes 17 to 60."""

    layouts = {"1": HEADER, "2": DATA, "8": TRAILER, "9": END}  # noqa: RUF012 - a constant
    other = MUF120
    amount_name = "barcode_id"

    def content(self, raw: bytes) -> bytes:
        """The record without 客層 (outcomes.md 3)."""
        return raw[: _CUSTOMER_TYPE.start] + raw[_CUSTOMER_TYPE.stop :]


def write(groups: Iterable[CollectedGroup], wrapping: Wrapping = Wrapping()) -> bytes:  # noqa: B008 - immutable
    """A whole file from plain rows; the header has our own date text after its first byte."""
    return write_groups(
        groups, lambda group: f"1 {day_text(group.created_on)}".encode().ljust(120), _row, wrapping
    )


def _row(row: Collected) -> bytes:
    values: dict[str, str | int] = {
        "record_type": "2",
        "kind": row.kind,
        "paid_on": day_text(row.paid_on),
        "paid_at": row.paid_at,
        "barcode_type": "1",
        "barcode_id": row.barcode,
        "shop": row.shop,
        "customer_type": "00",
        "received_on": day_text(row.received_on or row.paid_on),
        "remitted_on": day_text(row.remitted_on),
        "accounted_on": day_text(row.accounted_on or row.paid_on),
        "company": row.company,
    }
    return DATA.write({**values, **row.raw})


FORMAT = FixedFormat(
    MIZUHO120,
    "コンビニ収納データ（みずほファクター 120）",
    Channel.KONBINI,
    ("files.md 2.3", "files.md 2.7"),
    MizuhoReader,
)
