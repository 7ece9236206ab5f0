"""報告の目録: which reports there are, what each says, and how it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.errors import NotFoundError
from web.days.sheet import sheet_of
from web.reports.asked import Asked
from web.reports.document import Document, Linked, Target
from web.reports.figures import figures_document
from web.reports.ledgers import (
    credits_document,
    fees_document,
    overpaid_document,
    suspense_document,
    year_document,
)
from web.reports.lists import LISTINGS, PAGE, page_of
from web.texts.reports import REPORT_WORDS

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile


@dataclass(frozen=True, slots=True)
class Report:
    """報告: its code in the address and in the command, its name, and what it answers."""

    code: str
    title: str
    answers: str
    by_year: bool


_OF_A_YEAR = {"year", "fees", "figures"}
REPORTS = {
    code: Report(code, title, answers, by_year=code in _OF_A_YEAR)
    for code, (title, answers) in REPORT_WORDS.items()
}


def report_of(code: str) -> Report:
    """The report of this code. Raises :class:`NotFoundError` ``report_rows``."""
    if code not in REPORTS:
        raise NotFoundError("report_rows", found=code[:20])
    return REPORTS[code]


def make(
    connection: Connection, profile: Profile, code: str, *, year: int, as_of: date
) -> Document:
    """The report as the books stand; ``year`` counts where it is one of a year."""
    if code == "year":
        return year_document(connection, profile, year, as_of)
    if code == "fees":
        return fees_document(connection, profile, year, as_of)
    if code == "figures":
        return figures_document(connection, profile, year, as_of)
    if code == "suspense":
        return suspense_document(connection, profile, as_of)
    if code == "overpaid":
        document = overpaid_document(connection, profile, as_of)
        listing = [Asked("suspense", {"kind": "overpaid"}), Asked("surplus", {})]
    else:
        document = credits_document(connection, profile, as_of)
        listing = [Asked("credits", {})]
    first = [_first_rows(connection, profile, asked) for asked in listing]
    return Document(document.code, document.head, (*document.parts, *first))


def _first_rows(connection: Connection, profile: Profile, asked: Asked) -> Linked:
    """The first rows of a list; all of them are a file of their own."""
    lines, more = page_of(connection, profile, asked, ())
    listing = LISTINGS[asked.listing]
    rows = [line.cells for line in lines]
    note = f"先頭の{PAGE}件。すべては「明細の一覧」から書き出せます。" if more else ""
    targets: dict[tuple[int, int], Target] = {
        (place, column): target
        for place, line in enumerate(lines)
        for column, target in line.targets.items()
    }
    sheet = sheet_of(
        f"rows_{asked.listing}", listing.title, listing.columns, rows, adds_up=not more, note=note
    )
    return Linked(sheet, targets)
