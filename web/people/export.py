"""書出し: an account, and the record of views, as CSV for a spreadsheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from web import formatting, messages
from web.csv_download import csv_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Row

    from web.people.account import Claim
    from web.people.timeline import Entry

ACCOUNT_COLUMNS = (
    "区分", "日付", "科目", "賦課年度", "通知書番号", "期別", "納期限", "状態",
    "調定額", "消込額", "未納額", "金額", "延滞金", "内容",
)  # fmt: skip
VIEW_COLUMNS = ("日時", "職員", "宛名番号", "目的", "理由", "端末")


def account_csv(
    claims: Sequence[Claim], entries: Iterable[Entry], names: dict[str, str]
) -> Iterator[bytes]:
    """収納状況: the instalments as they stand, then everything that happened, newest first."""
    return csv_file(ACCOUNT_COLUMNS, _account_rows(claims, entries, names))


def _account_rows(
    claims: Sequence[Claim], entries: Iterable[Entry], names: dict[str, str]
) -> Iterator[tuple[object, ...]]:
    for claim in claims:
        each = claim.instalment
        held = [messages.label("hold_kind", kind) for kind in claim.held]
        yield (
            "期別", "", names.get(each.item_code, each.item_code), each.levy_year, each.notice_no,
            each.term, each.due_on.isoformat(), messages.label("claim_state", claim.state),
            each.amount_yen, each.applied_yen, each.open_yen, "",
            "" if claim.charge_yen is None else claim.charge_yen, "・".join(held),
        )  # fmt: skip
    for entry in entries:
        place = entry.place
        yield (
            messages.label("account_entry", entry.kind), entry.on.isoformat(),
            names.get(place.item_code, place.item_code), place.levy_year or "", place.notice_no,
            entry.term, "", "", "", "", "", "" if entry.amount_yen is None else entry.amount_yen,
            "", entry.said,
        )  # fmt: skip


def views_csv(rows: Iterable[Row[Any]]) -> Iterator[bytes]:
    """閲覧の記録."""
    lines = (
        (
            formatting.moment(row.viewed_at), row.actor, row.obligor_no,
            messages.label("view_purpose", row.purpose), row.note, row.source,
        )
        for row in rows
    )  # fmt: skip
    return csv_file(VIEW_COLUMNS, lines)
