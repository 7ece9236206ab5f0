"""番号から: what a number, a file with a line, or a name of a notice stands for.

Nothing is guessed: a number that several things carry is refused with their names.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.pay_keys import konbini_key

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection

SHA_DIGITS_MIN = 8
_HEX = re.compile(rf"[0-9a-f]{{{SHA_DIGITS_MIN},64}}")
_REISSUE = 29  # of the 44 digits of a barcode
_EL, _BARCODE, _FREE_AREA, _DEBIT = 34, 44, 21, 20


class Found(NamedTuple):
    """見つかったもの: a line, or a place (notice and term; term "": the whole notice)."""

    kind: str  # line, slip, instalment, notice
    name: str
    file_id: int = 0
    line_no: int = 0
    notice_id: int = 0
    term: str = ""


def find_file(connection: Connection, municipality_code: str, name: str) -> int:
    """資料: by its SHA-256 (eight digits or more), or by its whole name.

    Raises :class:`NotFoundError` ``explain_file``, or :class:`RefusedError` ``explain_files`` when
    several files carry the name.
    """
    scope = {"m": municipality_code, "name": name, "sha": f"{name.lower()}%"}
    is_hash = _HEX.fullmatch(name.lower()) is not None
    rows = connection.execute(
        text(
            "SELECT file_id, sha256, received_on FROM source_file WHERE municipality_code = :m "
            f"AND (name = :name{' OR sha256 LIKE :sha' if is_hash else ''}) "
            "ORDER BY file_id"
        ),
        scope if is_hash else {"m": municipality_code, "name": name},
    ).all()
    if not rows:
        raise NotFoundError("explain_file", found=name)
    if len({row.sha256 for row in rows}) > 1:
        some = "、".join(f"{row.sha256[:16]}（{row.received_on}）" for row in rows[:10])
        raise RefusedError("explain_files", found=name, expected=some)
    return int(rows[0].file_id)


def split_place(place: str) -> tuple[str, int]:
    """``FILE:LINE`` → file and line; :class:`InvalidValueError` ``explain_place``."""
    name, colon, number = place.rpartition(":")
    if not colon or not name or not number.isascii() or not number.isdigit():
        raise InvalidValueError("explain_place", found=place)
    return name, int(number)


def find_slip(connection: Connection, municipality_code: str, slip_no: str) -> Found:
    """納付書 by its number; :class:`NotFoundError` ``slip``."""
    row = _slip(connection, municipality_code, "slip_no = :value", slip_no)
    if row is None:
        raise NotFoundError("slip", slip_no=slip_no)
    return _of_slip(row)


def find_number(connection: Connection, municipality_code: str, number: str) -> Found:
    """A number as somebody reads it from a slip, a notice or a list.

    eL番号 (34 digits), バーコード (44), 自由使用欄 (21), 顧客番号 (20), 納付書番号, 通知書番号
    (also as 科目/賦課年度/番号 and 科目/賦課年度/番号/期別), FILE:LINE. Raises
    :class:`NotFoundError` ``explain_number``, :class:`RefusedError` ``explain_notices``.
    """
    number = unicodedata.normalize("NFKC", number).strip()
    slip = _slip(connection, municipality_code, "slip_no = :value", number)
    if slip is not None:
        return _of_slip(slip)
    digits = re.sub(r"[\s-]", "", number)
    found = None
    if digits.isascii() and digits.isdigit():
        found = _of_digits(connection, municipality_code, digits)
    if found is None:
        found = _notice(connection, municipality_code, number)
    if found is None and ":" in number:
        name, line_no = split_place(number)
        file_id = find_file(connection, municipality_code, name)
        return Found("line", number, file_id=file_id, line_no=line_no)
    if found is None:
        raise NotFoundError("explain_number", found=number)
    return found


def _of_digits(connection: Connection, municipality_code: str, digits: str) -> Found | None:
    """The number in one of the forms that a report would carry."""
    keys = {
        _EL: [f"E{digits}"],
        _BARCODE: [
            konbini_key(digits),
            f"{konbini_key(digits)}/{digits[_REISSUE : _REISSUE + 1]}",
        ],
        _FREE_AREA: [f"K{digits}"],
        _DEBIT: [f"D{digits}"],
    }.get(len(digits), [])
    for key in keys:
        row = connection.execute(
            text(
                "SELECT slip_id, notice_id, term FROM pay_key "
                "WHERE municipality_code = :m AND pay_key = :key"
            ),
            {"m": municipality_code, "key": key},
        ).one_or_none()
        if row is not None and row.slip_id is not None:
            slip = _slip(connection, municipality_code, "slip_id = :value", row.slip_id)
            if slip is not None:
                return _of_slip(slip)
        if row is not None:
            return Found("instalment", digits, notice_id=row.notice_id, term=row.term)
    return None


def _notice(connection: Connection, municipality_code: str, number: str) -> Found | None:
    """通知書 by its number, with or without 科目 and 賦課年度 before it."""
    parts = number.split("/")
    item, year, notice_no, term = "", "", number, ""
    if len(parts) in {3, 4} and parts[1].isascii() and parts[1].isdigit():
        item, year, notice_no = parts[:3]
        term = parts[3] if len(parts) == 4 else ""
    rows = connection.execute(
        text(
            "SELECT notice_id, item_code, levy_year FROM notice WHERE municipality_code = :m "
            + ("AND item_code = :item AND levy_year = :year " if item else "")
            + "AND notice_no = :notice_no ORDER BY item_code, levy_year"
        ),
        {"m": municipality_code, "notice_no": notice_no}
        | ({"item": item, "year": int(year)} if item else {}),
    ).all()
    if len(rows) > 1:
        some = "、".join(f"{row.item_code}/{row.levy_year}/{notice_no}" for row in rows[:20])
        raise RefusedError("explain_notices", found=number, expected=some)
    if not rows:
        return None
    if term and not _has_term(connection, municipality_code, rows[0].notice_id, term):
        return None
    kind = "instalment" if term else "notice"
    return Found(kind, number, notice_id=rows[0].notice_id, term=term)


def _has_term(connection: Connection, municipality_code: str, notice_id: int, term: str) -> bool:
    found = connection.execute(
        text(
            "SELECT 1 FROM instalment "
            "WHERE municipality_code = :m AND notice_id = :notice_id AND term = :term"
        ),
        {"m": municipality_code, "notice_id": notice_id, "term": term},
    )
    return found.first() is not None


def _slip(connection: Connection, municipality_code: str, which: str, value: object) -> Any:
    return connection.execute(
        text(f"SELECT slip_no, notice_id, term FROM slip WHERE municipality_code = :m AND {which}"),
        {"m": municipality_code, "value": value},
    ).one_or_none()


def _of_slip(row: Any) -> Found:
    return Found("slip", row.slip_no, notice_id=row.notice_id, term=row.term)
