"""納期到来分: of what fell due in a fiscal year up to a day, how much has been collected, by levy.

It goes through every instalment of the year, so it is counted at night and read from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.domain.fiscal import fiscal_year
from payments.versions import OPEN_YEN

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

# What a notice comes to is summed before its 科目 is asked for, once for each.
_DUE = f"""
SELECT n.item_code, SUM(due.number) AS number, SUM(due.due_yen) AS due_yen,
    SUM(due.paid_yen) AS paid_yen
FROM (
    SELECT i.notice_id, COUNT(*) AS number, SUM(a.amount_yen) AS due_yen,
        SUM(a.amount_yen - ({OPEN_YEN})) AS paid_yen
    FROM instalment i CROSS JOIN instalment_account a
    WHERE i.municipality_code = :m AND i.fiscal_year = :year AND i.due_on < :day
      AND a.municipality_code = :m AND a.notice_id = i.notice_id AND a.term = i.term
    GROUP BY i.notice_id) due
CROSS JOIN notice n
WHERE n.municipality_code = :m AND n.notice_id = due.notice_id
GROUP BY n.item_code ORDER BY n.item_code"""


class Due(NamedTuple):
    """納期到来分 of one 科目: instalments whose 納期限 has passed, and what was paid of them."""

    item_code: str
    number: int
    due_yen: int
    paid_yen: int


def due_before(connection: Connection, municipality_code: str, day: date) -> tuple[Due, ...]:
    """納期到来分 of the fiscal year of ``day``: due before it, as the balances stand now."""
    rows = connection.execute(
        text(_DUE), {"m": municipality_code, "year": fiscal_year(day), "day": day.isoformat()}
    )
    return tuple(Due(r.item_code, int(r.number), int(r.due_yen), int(r.paid_yen)) for r in rows)
