"""一覧: a line per printed slip (``manifest.csv``), and a line per place that reads wrongly.

Both are what the books say, so that they can be written again, and compared, at any time.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import text

from web.csv_download import csv_lines
from web.printing.folder import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from web.printing.status import RunStatus

COLUMNS = (
    "slip_no", "file", "page", "notice_no", "item_code", "term", "amount_yen", "due_on",
    "valid_until", "el_number", "konbini_barcode", "file_sha256", "version", "levy_year",
    "postal_code", "issued_on", "run", "place", "layout",
)  # fmt: skip
READ_BACK_COLUMNS = ("page", "slip_no", "field", "printed", "expected", "file", "notice_no", "term")
BATCH = 1_000
_PAGES = """
SELECT s.slip_no, p.file_no, p.page_no, n.notice_no, n.item_code, s.term, s.amount_yen, s.due_on,
       s.valid_until, s.el_number, s.konbini_barcode, s.version, n.levy_year, o.postal_code,
       s.issued_on, p.seq
FROM print_run_slip p
JOIN slip s ON s.municipality_code = p.municipality_code AND s.slip_id = p.slip_id
JOIN notice n ON n.municipality_code = p.municipality_code AND n.notice_id = p.notice_id
JOIN obligor o ON o.municipality_code = n.municipality_code AND o.obligor_no = n.obligor_no
WHERE p.municipality_code = :m AND p.run_id = :run_id AND p.page_no IS NOT NULL ORDER BY p.seq
"""


def manifest_rows(
    connection: Connection,
    municipality_code: str,
    status: RunStatus,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[object, ...]]:
    """A row per printed page, in the order of files and pages."""
    files = {
        file.file_no: (file.name, file.sha256, status.run.layout_of(file.file_no))
        for file in status.files
    }
    run_id = status.run.run_id
    # Said of this statement only: said of the connection, it would hold for all that follow.
    rows = connection.execute(
        text(_PAGES),
        {"m": municipality_code, "run_id": run_id},
        execution_options={"stream_results": True, "max_row_buffer": BATCH},
    )
    for done, row in enumerate(rows, start=1):
        name, digest, layout = files[row.file_no]
        yield (
            row.slip_no, name, row.page_no, row.notice_no, row.item_code, row.term,
            row.amount_yen, row.due_on, row.valid_until, row.el_number or "",
            row.konbini_barcode or "", digest, row.version, row.levy_year, row.postal_code,
            row.issued_on, run_id, row.seq, layout,
        )  # fmt: skip
        if progress is not None and done % BATCH == 0:
            progress(done)


def read_back_rows(status: RunStatus) -> Iterator[tuple[object, ...]]:
    """読み戻しの報告: nothing when every page says what the books say.

    A slip that was not printed stands here without a page, with the reason as what was expected.
    """
    names = {file.file_no: file.name for file in status.files}
    for d in status.differences:
        yield (d.page, d.slip_no, d.field, d.printed, d.expected, names[d.file_no], "", "")
    for r in status.refusals:
        yield ("", r.slip_no or "", r.field, r.found, r.code, "", r.notice_no, r.term)


def manifest_agrees(
    path: Path, connection: Connection, municipality_code: str, status: RunStatus
) -> bool:
    """Whether the file says, byte for byte, what the books say."""
    digest = sha256()
    for line in csv_lines(COLUMNS, manifest_rows(connection, municipality_code, status)):
        digest.update(line)
    return sha256_of(path) == digest.hexdigest()
