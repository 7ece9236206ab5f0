"""督促の書出し: the rows of a list, the letters for a printer, and the pull list, as CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.store.personal import open_address
from reconcile.dunning.pull import pull_lines
from reconcile.dunning.rules import grounds_in
from web import messages
from web.csv_download import csv_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.dunning.record import DunningList

_AT_ONCE = 5_000
ROW_COLUMNS = (
    "科目コード", "科目", "賦課年度", "通知書番号", "期別", "宛名番号", "納期限", "調定額",
    "納付額", "未納額", "対象・留保", "すべての根拠",
)  # fmt: skip
LETTER_COLUMNS = (
    "順番", "郵便番号", "住所", "氏名", "宛名番号", "科目コード", "科目", "賦課年度", "通知書番号",
    "期別", "納期限", "督促する額", "督促手数料", "納付書番号", "eL番号", "バーコード", "支払期限",
    "手数料の納付書番号", "手数料のeL番号", "手数料のバーコード",
)  # fmt: skip
PULL_COLUMNS = (
    "順番", "ファイル", "ページ", "郵便番号", "氏名", "科目", "賦課年度", "通知書番号", "期別",
    "印字の額", "いまの額", "理由コード", "理由",
)  # fmt: skip

_ROWS = """
SELECT w.item_code, n.levy_year, n.notice_no, w.term, w.obligor_no,
    CAST(w.due_on AS VARCHAR(10)) AS due_on, w.amount_yen, w.paid_yen, w.ground, w.grounds
FROM dunning_row w
JOIN notice n ON n.municipality_code = :m AND n.notice_id = w.notice_id
WHERE w.municipality_code = :m AND w.list_no = :list_no ORDER BY w.notice_id, w.term"""
# The slip of its own that a fee has where it is enclosed with the letter.
_FEE_SLIP = """(SELECT z.{0} FROM late_charge_booking b
    JOIN slip z ON z.municipality_code = :m AND z.notice_id = b.notice_id AND z.term = b.term
        AND z.state = 'new'
    WHERE b.municipality_code = :m AND b.kind = 'dunning_fee'
      AND b.principal_notice_id = l.notice_id AND b.principal_term = l.term
    ORDER BY z.slip_id DESC LIMIT 1) AS fee_{0}"""
_LETTERS = f"""
SELECT l.seq, o.postal_code, o.address, o.name, w.obligor_no, w.item_code, n.levy_year,
    n.notice_no, w.term, CAST(w.due_on AS VARCHAR(10)) AS due_on, w.amount_yen - w.paid_yen AS yen,
    COALESCE(f.fee_yen, 0) AS fee_yen, s.slip_no, s.el_number, s.konbini_barcode,
    CAST(s.valid_until AS VARCHAR(10)) AS valid_until, {_FEE_SLIP.format("slip_no")},
    {_FEE_SLIP.format("el_number")}, {_FEE_SLIP.format("konbini_barcode")}
FROM dunning_letter l
JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = l.list_no
    AND w.notice_id = l.notice_id AND w.term = l.term
JOIN notice n ON n.municipality_code = :m AND n.notice_id = l.notice_id
JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = w.obligor_no
LEFT JOIN dunning_fee f ON f.municipality_code = :m AND f.list_no = l.list_no
    AND f.item_code = w.item_code AND f.due_on = w.due_on
LEFT JOIN slip s ON s.municipality_code = :m AND s.notice_id = l.notice_id AND s.term = l.term
    AND s.state = 'new' AND s.amount_yen = w.amount_yen - w.paid_yen
    AND NOT EXISTS (SELECT 1 FROM slip z WHERE z.municipality_code = :m
        AND z.notice_id = s.notice_id AND z.term = s.term AND z.state = 'new'
        AND z.slip_id > s.slip_id)
WHERE l.municipality_code = :m AND l.list_no = :list_no ORDER BY l.seq"""


def names_of(profile: Profile) -> dict[str, str]:
    """科目の名前 by code."""
    return {item.item_code: item.name for item in profile.items}


def rows_csv(connection: Connection, profile: Profile, list_no: int) -> Iterator[bytes]:
    """督促リストの全件: who is listed, who is held back, and every ground."""
    names = names_of(profile)
    found = connection.execute(
        text(_ROWS),
        {"m": profile.municipality_code, "list_no": list_no},
        execution_options={"yield_per": _AT_ONCE},
    )
    return csv_file(
        ROW_COLUMNS,
        (
            (
                row.item_code, names.get(row.item_code, ""), row.levy_year, row.notice_no, row.term,
                row.obligor_no, row.due_on, row.amount_yen, row.paid_yen,
                row.amount_yen - row.paid_yen, messages.label("dunning_ground", row.ground),
                "、".join(messages.label("dunning_ground", g) for g in grounds_in(row.grounds)),
            )
            for row in found
        ),
    )  # fmt: skip


def letters_csv(connection: Connection, profile: Profile, list_no: int) -> Iterator[bytes]:
    """督促状の差込みデータ for a printer, in the order of the envelopes."""
    names, code = names_of(profile), profile.municipality_code
    found = connection.execute(
        text(_LETTERS),
        {"m": code, "list_no": list_no},
        execution_options={"yield_per": _AT_ONCE},
    )
    return csv_file(
        LETTER_COLUMNS,
        (
            (
                row.seq, row.postal_code,
                open_address(connection, code, row.obligor_no, row.address),
                row.name, row.obligor_no, row.item_code,
                names.get(row.item_code, ""), row.levy_year, row.notice_no, row.term, row.due_on,
                row.yen, row.fee_yen, row.slip_no or "", row.el_number or "",
                row.konbini_barcode or "", row.valid_until or "", row.fee_slip_no or "",
                row.fee_el_number or "", row.fee_konbini_barcode or "",
            )
            for row in found
        ),
    )  # fmt: skip


def pull_csv(
    connection: Connection, profile: Profile, found: DunningList, pull_no: int
) -> Iterator[bytes]:
    """引抜きリスト, in the order of the envelopes."""
    names = names_of(profile)
    lines = pull_lines(connection, profile.municipality_code, found, pull_no)
    return csv_file(
        PULL_COLUMNS,
        (
            (
                line.seq, line.file_no or "", line.page_no or "", line.postal_code, line.name,
                names.get(line.item_code, line.item_code), line.levy_year, line.notice_no,
                line.term, line.then_yen, line.open_yen, line.reason,
                messages.label("dunning_reason", line.reason),
            )
            for line in lines
        ),
    )  # fmt: skip
