"""督促リストの明細: the rows of a list page by page, and the files it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.versions import as_day

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection


class Row(NamedTuple):
    """督促リストの一件 in a list of them."""

    notice_id: int
    term: str
    item_code: str
    levy_year: int
    notice_no: str
    due_on: date
    amount_yen: int
    paid_yen: int
    ground: str
    last_on: date | None = None  # 時効の満了日, where the list is of those that are near


class File(NamedTuple):
    """根拠資料: a file with its hash as the list froze it."""

    file_id: int
    name: str
    received_on: date
    sha256: str
    status: str


_ROWS = """
SELECT w.notice_id, w.term, w.item_code, n.levy_year, n.notice_no, w.due_on, w.amount_yen,
    w.paid_yen, w.ground
FROM dunning_row w
JOIN notice n ON n.municipality_code = :m AND n.notice_id = w.notice_id
WHERE w.municipality_code = :m AND w.list_no = :list_no AND w.ground = :ground
  AND (w.notice_id > :notice_id OR (w.notice_id = :notice_id AND w.term > :term))
ORDER BY w.notice_id, w.term LIMIT :most"""
_NEAR = """
SELECT w.notice_id, w.term, w.item_code, n.levy_year, n.notice_no, w.due_on, w.amount_yen,
    w.paid_yen, w.ground, x.last_on
FROM dunning_limitation x
JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = x.list_no
    AND w.notice_id = x.notice_id AND w.term = x.term AND w.ground = ''
JOIN notice n ON n.municipality_code = :m AND n.notice_id = w.notice_id
WHERE x.municipality_code = :m AND x.list_no = :list_no
  AND (x.last_on > :last_on OR (x.last_on = :last_on
      AND (x.notice_id > :notice_id OR (x.notice_id = :notice_id AND x.term > :term))))
ORDER BY x.last_on, x.notice_id, x.term LIMIT :most"""
_FILES = """
SELECT d.file_id, f.name, f.received_on, d.sha256, d.status FROM dunning_file d
JOIN source_file f ON f.municipality_code = :m AND f.file_id = d.file_id
WHERE d.municipality_code = :m AND d.list_no = :list_no AND d.file_id < :before
ORDER BY d.file_id DESC LIMIT :most"""


def rows_of(
    connection: Connection,
    municipality_code: str,
    list_no: int,
    ground: str,
    *,
    after: tuple[int, str] = (0, ""),
    most: int = 100,
) -> list[Row]:
    """The rows of one ground ("" the listed ones) behind an instalment."""
    found = connection.execute(
        text(_ROWS),
        {
            "m": municipality_code,
            "list_no": list_no,
            "ground": ground,
            "notice_id": after[0],
            "term": after[1],
            "most": most,
        },
    )
    return [Row(**{**row._mapping, "due_on": as_day(row.due_on)}) for row in found]  # noqa: SLF001 - SQLAlchemy's public name


def near_rows(
    connection: Connection,
    municipality_code: str,
    list_no: int,
    *,
    after: tuple[str, int, str] = ("", 0, ""),
    most: int = 100,
) -> list[Row]:
    """時効が近いもの of those who are listed, the day that comes first before the others."""
    found = connection.execute(
        text(_NEAR),
        {
            "m": municipality_code,
            "list_no": list_no,
            "last_on": after[0] or "0001-01-01",
            "notice_id": after[1],
            "term": after[2],
            "most": most,
        },
    )
    return [
        Row(**{**row._mapping, "due_on": as_day(row.due_on), "last_on": as_day(row.last_on)})  # noqa: SLF001 - as above
        for row in found
    ]


def files_page(
    connection: Connection, municipality_code: str, list_no: int, *, before: int, most: int
) -> list[File]:
    """根拠資料, the newest first, below a number."""
    found = connection.execute(
        text(_FILES),
        {"m": municipality_code, "list_no": list_no, "before": before, "most": most},
    )
    return [File(**{**row._mapping, "received_on": as_day(row.received_on)}) for row in found]  # noqa: SLF001 - as above
