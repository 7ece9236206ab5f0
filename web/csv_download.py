"""CSVの受渡し: a list as a file, sent line by line as it comes, however long it is."""

from __future__ import annotations

import codecs
from itertools import chain
from typing import TYPE_CHECKING

from flask import Response

from web.printing.manifest import csv_lines

if TYPE_CHECKING:
    from collections.abc import Iterable


def csv_download(
    name: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]
) -> Response:
    """CSV (UTF-8 with BOM, CRLF, no cell a formula), as spreadsheets in Japan open it."""
    return Response(
        chain((codecs.BOM_UTF8,), csv_lines(columns, rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
