"""滞納繰越の一覧: the instalments that passed into the next year, as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from reconcile.carry_over import CarryLine, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from reconcile.carry_over import CarryRun

ROWS_AT_ONCE = 5_000


def carried_csv(
    connection: Connection, municipality_code: str, run: CarryRun
) -> Iterator[tuple[int, str]]:
    """一覧の書出し: pieces of CSV (CRLF), each with the number of lines so far."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(CarryLine._fields)
    number = 0
    for line in lines_of(connection, municipality_code, run.carry_no):
        writer.writerow(line)
        number += 1
        if number % ROWS_AT_ONCE == 0:
            yield number, text.getvalue()
            text.seek(0)
            text.truncate()
    yield number, text.getvalue()
