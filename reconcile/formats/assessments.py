"""調定 (`assessments-1`): what is owed, as the levy systems hand it over (files.md 3.1, 3.5).

A layout of this project's own. Any bad value rejects the whole file, because a register with one
line missing is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconcile.formats.delimited import (
    YEAR,
    Column,
    Days,
    Layout,
    choice,
    day,
    digits,
    text,
    yen,
)
from reconcile.formats.delimited_reader import RegisterReading, Sheet, place
from reconcile.formats.register_lines import LineFault, sound_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from payments.domain.profile import Profile
    from reconcile.model import ReadContext

LABEL_JA = "調定（assessments-1）"
_FLAG = "(?:collection_hold|dunning_hold|direct_debit)"

LAYOUT = Layout(
    code="assessments",
    columns=(
        digits("municipality_code", 5, "municipality_code"),
        digits("item_code", 3, "item_code"),
        Column("fiscal_year", YEAR, "YYYY", "year"),
        Column("levy_year", YEAR, "YYYY", "year"),
        text("notice_no", 1, 20, "notice_no"),
        Column("term", "(?!00)[0-9]{2}", "01〜99", "term"),
        text("obligor_no", 1, 15, "obligor_no"),
        text("obligor_name", 1, 100, "obligor_name"),
        text("obligor_kana", 0, 100, "obligor_kana"),
        digits("postal_code", 7, "postal_code", optional=True),
        text("address", 0, 200, "address"),
        yen("amount_yen"),
        day("due_on_statutory"),
        choice("kind", ("initial", "correction", "cancellation"), "assessment_kind"),
        text("whole_year_group", 0, 30, "whole_year_group"),
        Column(
            "flags",
            f"(?:{_FLAG}(?:;{_FLAG})*)?",
            "collection_hold / dunning_hold / direct_debit（;区切り）または空欄",
            "flags",
            wide=True,
        ),
    ),
    money=11,
    strict=True,
)
_FISCAL_YEAR, _AMOUNT, _DUE, _KIND = 2, 11, 12, 13
_FIRST_MONTH = 4  # 会計年度 begins on 1 April


class AssessmentRow(NamedTuple):
    """調定の1行: the columns of the file; the date ISO text, ``flags`` joined by ``;``."""

    municipality_code: str
    item_code: str
    fiscal_year: int
    levy_year: int
    notice_no: str
    term: str
    obligor_no: str
    obligor_name: str
    obligor_kana: str
    postal_code: str
    address: str
    amount_yen: int
    due_on_statutory: str
    kind: str
    whole_year_group: str
    flags: str


class AssessmentLine(NamedTuple):
    """調定の1行 as read: its place in the file, then the columns of :class:`AssessmentRow`.

    An empty column is an empty text.
    """

    line_no: int  # 1-based record number in the file, the column header counted
    byte_offset: int
    municipality_code: str
    item_code: str
    fiscal_year: int
    levy_year: int
    notice_no: str
    term: str
    obligor_no: str
    obligor_name: str
    obligor_kana: str
    postal_code: str
    address: str
    amount_yen: int
    due_on_statutory: str
    kind: str
    whole_year_group: str
    flags: str

    @property
    def before_yen(self) -> int | None:
        """What was owed before a change; a file of this layout does not say it."""
        return None

    @property
    def change_no(self) -> str:
        """異動番号; a file of this layout does not say it."""
        return ""


def identify(data: bytes) -> bool:
    """By the first three names of the column header."""
    return LAYOUT.starts(data, 3)


def read(data: bytes, context: ReadContext) -> RegisterReading[AssessmentLine]:
    """調定: lines lazily; look at ``failed`` after the last one."""
    sheet = Sheet()
    return RegisterReading(LAYOUT.code, _lines(data, context.profile, sheet), sheet)


def write(rows: Iterable[AssessmentRow]) -> bytes:
    """A whole file with column header and trailer."""
    return LAYOUT.write(rows)


def faults_of(values: tuple[str, ...], amount: int, days: Days) -> Iterator[LineFault]:
    """What a line says that cannot be, whatever file it comes from."""
    if days[values[_DUE]] is None:
        yield LineFault("date", _DUE, "YYYY-MM-DD")
    if values[_KIND] == "cancellation" and amount != 0:
        yield LineFault("cancellation_amount", _AMOUNT, "0")


def other_year(values: tuple[str, ...]) -> str:
    """会計年度 that the due date gives where the line says another; "" where they agree.

    随時 and 特別徴収 differ with good reason, so it is a warning (files.md 3.5, column 3).
    """
    due = values[_DUE]
    year = int(due[:4]) - (int(due[5:7]) < _FIRST_MONTH)
    return "" if int(values[_FISCAL_YEAR]) == year else str(year)


def line_of(line_no: int, offset: int, values: tuple[str, ...], amount: int) -> AssessmentLine:
    """The line that these values are; all of them fit their columns."""
    return AssessmentLine._make(
        (
            line_no, offset,
            *values[:2], int(values[2]), int(values[3]), *values[4:11],
            amount, *values[12:],
        )
    )  # fmt: skip


def _lines(data: bytes, profile: Profile, sheet: Sheet) -> Iterator[AssessmentLine]:
    """Every line in which nothing is wrong."""
    days = Days()
    lines = sound_lines(data, LAYOUT, profile, sheet, lambda v, yen: faults_of(v, yen, days))
    for line_no, offset, length, values, amount in lines:
        year = other_year(values)
        if year:
            where = place(data, LAYOUT, offset, length, _FISCAL_YEAR)
            found = values[_FISCAL_YEAR]
            sheet.warn("fiscal_year", line_no, where, "fiscal_year", found, year)
        yield line_of(line_no, offset, values, amount)
