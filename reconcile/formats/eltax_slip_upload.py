"""納付書情報 (中立プロファイル `eltax-slip-upload-1`): slips issued or revoked (files.md 3.4).

Outgoing. A layout of this project's own, to be mapped per municipality; it is no eLTAX format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from reconcile.formats.delimited import (
    YEAR,
    Column,
    Days,
    Layout,
    choice,
    day,
    digits,
    joined,
    text,
    yen,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LAYOUT = Layout(
    code="eltax_slip_upload",
    columns=(
        digits("collecting_body_code", 5, "body_code"),
        digits("case_key", 20, "case_key"),
        digits("confirmation_no", 6, "confirmation_no"),
        digits("item_code", 3, "item_code"),
        yen("amount_yen"),
        Column("levy_year", YEAR, "YYYY", "year"),
        Column("tax_year", YEAR, "YYYY", "year"),
        digits("term", 2, "term"),
        day("due_on"),
        day("valid_until"),
        text("slip_no", 1, 30, "slip_no"),
        choice("state", ("new", "revoked"), "state"),
    ),
    money=4,
)
_DATES = (8, 9)


class SlipUploadRow(NamedTuple):
    """納付書情報の1行: the columns of the file; dates ISO text."""

    collecting_body_code: str
    case_key: str
    confirmation_no: str
    item_code: str
    amount_yen: int
    levy_year: int
    tax_year: int
    term: str
    due_on: str
    valid_until: str
    slip_no: str
    state: str  # "new" or "revoked"


def row_of(
    el_number: str,
    amount_yen: int,
    levy_year: int,
    term: str,
    due_on: str,
    valid_until: str,
    slip_no: str,
    state: str,
) -> SlipUploadRow:
    """納付書情報の1行 from a slip's eL number (34 digits) and what is printed on it.

    課税年度 equals 賦課年度 (files.md 3.5).
    """
    return SlipUploadRow(
        el_number[:5], el_number[5:25], el_number[25:31], el_number[31:], amount_yen, levy_year,
        levy_year, term, due_on, valid_until, slip_no, state,
    )  # fmt: skip


def write(rows: Iterable[SlipUploadRow]) -> bytes:
    """A whole file with column header and trailer; see :func:`pieces`."""
    return b"".join(pieces(rows))


def pieces(rows: Iterable[SlipUploadRow]) -> Iterator[bytes]:
    """The file line by line, so that a million slips need no memory of their size.

    It leaves the building before the slips do, so nothing wrong goes into it:
    :class:`InvalidValueError` names the column of the first value that is not what it must be.
    """
    days = Days()
    count = total_yen = 0
    yield _line(LAYOUT.names)
    for row in rows:
        count += 1
        total_yen += row.amount_yen
        yield _line([str(value) for value in _checked(row, days)])
    yield _line(["T", str(count), str(total_yen)])


def _line(values: Sequence[str]) -> bytes:
    """One line with its end."""
    return f"{joined(values)}\r\n".encode(LAYOUT.encoding)


def _checked(row: SlipUploadRow, days: Days) -> SlipUploadRow:
    """The row itself, once every value has its form and its dates exist."""
    for index, (column, form) in enumerate(zip(LAYOUT.columns, LAYOUT.fields, strict=True)):
        value = str(row[index])
        if not form.fullmatch(value) or (index in _DATES and days[value] is None):
            raise InvalidValueError(
                column.fault, field=column.name, found=value, expected=column.expected
            )
    if row.amount_yen == 0:
        raise InvalidValueError("amount_zero", field="amount_yen", found="0", expected="1以上")
    return row
