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


def numbered_notices(
    connection: Connection, municipality_code: str, keys: Iterable[NoticeKey]
) -> dict[NoticeKey, int]:
    """The notices (通知書) in the books under these keys, by key; those of none are left out.

    Asked of the notices alone: most lines of a register name none that exists, and joined with
    their instalments PostgreSQL would read all notices of the city for every batch.
    """
    wanted: dict[tuple[str, int], set[str]] = {}
    for item, year, number in keys:
        wanted.setdefault((item, year), set()).add(number)
    found: dict[NoticeKey, int] = {}
    for (item, year), numbers in sorted(wanted.items()):
        rows = connection.execute(
            _NOTICES,
            {"m": municipality_code, "item": item, "year": year, "numbers": sorted(numbers)},
        )
        found |= {(item, year, row.notice_no): row.notice_id for row in rows}
    return found
