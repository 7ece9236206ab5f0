"""納付書の印刷: slips of the books become pages, a PDF, a manifest and a read-back report.

A slip never leaves the building unread: after drawing, every page is decoded again and compared
with the books (:mod:`qr.read_back`). A slip that must not be printed (a name with a character that
the font lacks, say) is left out and reported; it holds back no other.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from qr import el_qr
from qr.el_qr import ElQr
from qr.read_back import Difference, read_back
from qr.slip_page import PrintProfile, SlipFault, SlipPage
from qr.slip_pdf import check_page, draw_slips
from reconcile.report_arrivals import as_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

PAGES_PER_FILE = 500
MANIFEST = "manifest.csv"
READ_BACK = "read-back.csv"
MANIFEST_COLUMNS = (
    "slip_no", "file", "page", "notice_no", "item_code", "term", "amount_yen", "due_on",
    "valid_until", "el_number", "konbini_barcode", "file_sha256",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """印刷の対象: which slips; empty fields leave everything in."""

    item_code: str = ""
    notice_no: str = ""
    term: str = ""
    slip_no: str = ""
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class PrintRun:
    """印刷の結果: pages, files, every place where the paper says something else.

    ``refused`` says why a slip was not printed at all.
    """

    pages: int
    files: tuple[str, ...]
    differences: tuple[Difference, ...]
    refused: tuple[SlipFault, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every slip was printed and reads as the books say."""
        return not (self.differences or self.refused)


def slip_pages(connection: Connection, profile: Profile, choice: Choice) -> list[SlipPage]:
    """The current slips that ``choice`` names, in the order they are put into envelopes."""
    conditions = {
        "item_code": "n.item_code = :item_code",
        "notice_no": "n.notice_no = :notice_no",
        "term": "s.term = :term",
        "slip_no": "s.slip_no = :slip_no",
    }
    values: dict[str, Any] = {"m": profile.municipality_code}
    chosen = ""
    for name, condition in conditions.items():
        if value := getattr(choice, name):
            values[name] = value
            chosen += f" AND {condition}"
    if choice.limit is not None:
        values["most"] = choice.limit
    rows = connection.execute(
        text(
            "SELECT s.slip_no, s.term, s.el_number, s.konbini_barcode, s.amount_yen, s.due_on, "
            "s.valid_until, n.notice_no, n.item_code, n.levy_year, o.name, o.postal_code, "
            "o.address FROM (SELECT slip.*, MAX(version) OVER (PARTITION BY notice_id, term) "
            "AS newest FROM slip WHERE municipality_code = :m AND state = 'new') s "
            "JOIN notice n ON n.municipality_code = s.municipality_code "
            "AND n.notice_id = s.notice_id "
            "JOIN obligor o ON o.municipality_code = n.municipality_code "
            "AND o.obligor_no = n.obligor_no "
            f"WHERE s.version = s.newest{chosen} ORDER BY n.item_code, n.notice_no, s.term"
            f"{' LIMIT :most' if choice.limit is not None else ''}"
        ),
        values,
    )
    return [_page(row, profile) for row in rows]


def _page(row: Any, profile: Profile) -> SlipPage:
    """One slip of the books as a page."""
    due_on, valid_until = as_date(row.due_on), as_date(row.valid_until)
    if due_on is None or valid_until is None:  # pragma: no cover - NOT NULL in the database
        raise TypeError(row.slip_no)
    item = profile.item(row.item_code)
    payload = None
    if row.el_number and item.el_qr:
        number = row.el_number
        payload = el_qr.build(
            ElQr(
                amount_yen=row.amount_yen,
                levy_year=row.levy_year,
                tax_year=row.levy_year,
                term=row.term,
                due_on=due_on,
                valid_until=valid_until,
                collecting_body_code=number[:5],
                case_key=number[5:25],
                confirmation_no=number[25:31],
                item_code=number[31:],
            )
        )
    return SlipPage(
        slip_no=row.slip_no,
        notice_no=row.notice_no,
        item_name=item.name,
        levy_year=row.levy_year,
        term=row.term,
        amount_yen=row.amount_yen,
        due_on=due_on,
        valid_until=valid_until,
        obligor_name=row.name,
        obligor_postal_code=row.postal_code,
        obligor_address=row.address,
        issuer=profile.name,
        contact=profile.contact,
        el_qr=payload,
        konbini_barcode=row.konbini_barcode if item.konbini else None,
    )


def print_slips(
    pages: Sequence[SlipPage],
    out: Path,
    *,
    sample: bool,
    progress: Callable[[int], None] | None = None,
) -> PrintRun:
    """Draw, read back, and write manifest and report beside the PDFs."""
    out.mkdir(parents=True, exist_ok=True)
    print_profile = PrintProfile(sample=sample)
    refused = [fault for page in pages for fault in check_page(page, print_profile)]
    unprintable = {fault.slip_no for fault in refused}
    pages = [page for page in pages if page.slip_no not in unprintable]
    files: list[str] = []
    differences: list[Difference] = []
    with (out / MANIFEST).open("w", encoding="utf-8", newline="") as manifest:
        writer = csv.writer(manifest, lineterminator="\r\n")
        writer.writerow(MANIFEST_COLUMNS)
        done = 0
        for number, batch in enumerate(_batches(pages), start=1):
            name = f"slips-{number:04d}.pdf"
            path = out / name
            draw_slips(batch, path, print_profile)
            differences += read_back(path, batch)
            files.append(name)
            digest = sha256(path.read_bytes()).hexdigest()
            writer.writerows(
                _manifest_row(page, name, at, digest) for at, page in enumerate(batch, start=1)
            )
            done += len(batch)
            if progress is not None:
                progress(done)
    _write_report(out / READ_BACK, differences, refused)
    return PrintRun(len(pages), tuple(files), tuple(differences), tuple(refused))


def _batches(pages: Sequence[SlipPage]) -> Iterator[Sequence[SlipPage]]:
    for start in range(0, len(pages), PAGES_PER_FILE):
        yield pages[start : start + PAGES_PER_FILE]


def _manifest_row(page: SlipPage, name: str, page_no: int, digest: str) -> tuple[object, ...]:
    payload = el_qr.parse(page.el_qr) if page.el_qr else None
    return (
        page.slip_no, name, page_no, page.notice_no, payload.item_code if payload else "",
        page.term, page.amount_yen, page.due_on, page.valid_until,
        payload.el_number if payload else "", page.konbini_barcode or "", digest,
    )  # fmt: skip


def _write_report(
    path: Path, differences: Sequence[Difference], refused: Sequence[SlipFault]
) -> None:
    """読み戻しの報告: only a header when every page says what the books say.

    A slip that was not printed stands here without a page, with the reason as what was expected.
    """
    with path.open("w", encoding="utf-8", newline="") as report:
        writer = csv.writer(report, lineterminator="\r\n")
        writer.writerow(("page", "slip_no", "field", "printed", "expected"))
        writer.writerows((d.page, d.slip_no, d.field, d.printed, d.expected) for d in differences)
        writer.writerows(("", f.slip_no, f.field, f.found, f.expected or f.code) for f in refused)
