"""CSVの受渡し: a list as a file, sent as it comes, however long it is.

Every list that pages and commands write row by row goes through here, so that all of them open
alike in a spreadsheet: UTF-8, CRLF, no cell a formula, in Japanese whoever reads the page.
"""

from __future__ import annotations

import codecs
import csv
import io
from itertools import chain, islice
from typing import TYPE_CHECKING

from flask import Response

from web.language import JAPANESE, speaking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# A cell that begins like this is a formula to a spreadsheet (CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
ROWS_AT_ONCE = 500  # are one piece of what is sent


def csv_lines(columns: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """Header and rows as UTF-8 with CRLF, every cell safe to open in a spreadsheet."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in chain((columns,), rows):
        writer.writerow([safe(cell) for cell in row])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def csv_file(columns: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The same with BOM, as spreadsheets in Japan open it, in pieces of many rows."""
    lines = csv_lines(columns, rows)
    piece = codecs.BOM_UTF8
    while piece:
        yield piece
        with speaking(JAPANESE):  # while rows are made, not while the reader takes them
            piece = b"".join(islice(lines, ROWS_AT_ONCE))


def csv_download(
    name: str, columns: Sequence[object], rows: Iterable[Sequence[object]]
) -> Response:
    """:func:`csv_file` as an answer under this name."""
    return csv_answer(name, csv_file(columns, rows))


def csv_answer(name: str, pieces: Iterable[bytes]) -> Response:
    """Pieces of a CSV as an answer under this name."""
    return Response(
        pieces,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def safe(cell: object) -> object:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
