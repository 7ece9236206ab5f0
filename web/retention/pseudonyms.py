"""仮名での書出し: what was owed and paid, for analysis, without anybody's name or number.

In the place of a person stands a keyed digest whose key is made for this file and thrown away: one
person can be followed within the file, not from one file to the next, and nobody can go back. Dates
are cut to months and no number of the books is told. What remains may still point to somebody in a
small body: the file is a record of 仮名加工情報, to be kept within the office.
"""

from __future__ import annotations

import hmac
import json
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import text

from web.retention.parquet import beside, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

_CLAIMS = """
SELECT n.obligor_no, n.item_code, i.fiscal_year, i.term,
    SUBSTR(CAST(i.due_on AS VARCHAR(10)), 1, 7) AS due_month,
    a.amount_yen AS assessed_yen, a.term_yen + a.whole_yen - a.surplus_yen AS applied_yen
FROM instalment i
JOIN notice n ON n.municipality_code = :m AND n.notice_id = i.notice_id
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = i.notice_id
    AND a.term = i.term
WHERE i.municipality_code = :m ORDER BY a.amount_yen, i.term, i.due_on
"""
COLUMNS = {
    "person": "VARCHAR",
    "item_code": "VARCHAR",
    "fiscal_year": "BIGINT",
    "term": "VARCHAR",
    "due_month": "VARCHAR",
    "assessed_yen": "BIGINT",
    "applied_yen": "BIGINT",
}


def write(connection: Connection, code: str, target: Path) -> int:
    """仮名での書出し of every instalment of a body; how many there were.

    The order of the rows says nothing: they stand by amount. Raises :class:`ConfigurationError`
    ``output_unwritable``.
    """
    key = secrets.token_bytes(32)
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        statement = text(_CLAIMS).execution_options(yield_per=5_000)
        asked = connection.execute(statement, {"m": code})
        for obligor_no, *figures in asked:
            person = hmac.digest(key, str(obligor_no).encode(), "sha256").hex()[:32]
            number += 1
            yield json.dumps(dict(zip(COLUMNS, (person, *figures), strict=True)))

    with beside(target) as part:
        write_rows(part, COLUMNS, lines())
        part.replace(target)
    return number
