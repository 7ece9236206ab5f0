"""通知書の照会: which notices the lines of a register name, in one look-up a levy and year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

NoticeKey = tuple[str, int, str]  # item_code, levy_year, notice_no
_NOTICES = text(
    """SELECT notice_id, notice_no FROM notice
       WHERE municipality_code = :m AND item_code = :item AND levy_year = :year
         AND notice_no IN :numbers"""
).bindparams(bindparam("numbers", expanding=True))
# PostgreSQL takes a levy that nobody has counted yet for one notice, and would read all that it has
# by now for every batch; looked up one by one, each is found by its whole key whatever is known.
_NOTICES_ONE_BY_ONE = text(
    """SELECT found.notice_id, wanted.notice_no
       FROM unnest(CAST(:numbers AS text[])) AS wanted (notice_no)
       CROSS JOIN LATERAL (
           SELECT n.notice_id FROM notice n
           WHERE n.municipality_code = :m AND n.item_code = :item AND n.levy_year = :year
             AND n.notice_no = wanted.notice_no LIMIT 1) AS found"""
)


def numbered_notices(
    connection: Connection, municipality_code: str, keys: Iterable[NoticeKey]
) -> dict[NoticeKey, int]:
    """The notices (通知書) in the books under these keys, by key; those of none are left out."""
    on_postgresql = connection.dialect.name == "postgresql"
    statement = _NOTICES_ONE_BY_ONE if on_postgresql else _NOTICES
    wanted: dict[tuple[str, int], set[str]] = {}
    for item, year, number in keys:
        wanted.setdefault((item, year), set()).add(number)
    found: dict[NoticeKey, int] = {}
    for (item, year), numbers in sorted(wanted.items()):
        rows = connection.execute(
            statement,
            {"m": municipality_code, "item": item, "year": year, "numbers": sorted(numbers)},
        )
        found |= {(item, year, row.notice_no): row.notice_id for row in rows}
    return found
