"""前の値: what a row that changes in place said before, so that a past moment can be told (as-of).

Most of the books is only ever added to. What is not, and what a report speaks of, leaves here what
it said whenever it changes: profiles, print runs, files that are tried again, amounts of cases, the
mark of the summaries. The row at a moment is then the first one that was left after it, or the row
as it stands.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, bindparam, select, text

from payments.store.former_tables import FormerRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

table = FormerRow.__table__  # type: ignore[attr-defined]
BOOKS = "books"  # whose row says since when former rows are kept
_KEEP = text(
    """INSERT INTO former_row (municipality_code, table_name, row_key, former_no, until_at,
           row_json)
       SELECT CAST(:m AS VARCHAR(5)), CAST(:table_name AS VARCHAR(30)),
           CAST(:row_key AS VARCHAR(60)), COALESCE(MAX(former_no), 0) + 1, :until_at, :row_json
       FROM former_row
       WHERE municipality_code = :m AND table_name = :table_name AND row_key = :row_key"""
).bindparams(bindparam("until_at", type_=DateTime(timezone=True)))
_AT = text(
    """SELECT f.row_key, f.row_json FROM former_row f
       WHERE f.municipality_code = :m AND f.table_name = :table_name AND f.former_no = (
           SELECT MIN(g.former_no) FROM former_row g WHERE g.municipality_code = :m
             AND g.table_name = :table_name AND g.row_key = f.row_key AND g.until_at > :at)"""
).bindparams(bindparam("at", type_=DateTime(timezone=True)))


def written_at() -> datetime:
    """記録の時刻: the instant that a row of the books is stamped with, as its journals are.

    It is taken within the transaction that writes the row, never handed in: a moment before the
    transaction would be earlier than what others were shown in between. No rule asks for it.
    """
    return datetime.now(UTC)


def keep(
    connection: Connection,
    municipality_code: str,
    table_name: str,
    row_key: str,
    values: Mapping[str, Any] | None,
) -> None:
    """前の値の記録: to be called before the row is changed; None when it is not there yet."""
    connection.execute(
        _KEEP,
        {
            "until_at": written_at(),
            "m": municipality_code,
            "table_name": table_name,
            "row_key": row_key,
            "row_json": json.dumps(values, ensure_ascii=False, default=str),
        },
    )


def left_after(
    connection: Connection, municipality_code: str, table_name: str, at: datetime
) -> dict[str, Any]:
    """それより後に変わった行: by key, what each of them said at the moment."""
    rows = connection.execute(
        _AT, {"m": municipality_code, "table_name": table_name, "at": at.astimezone(UTC)}
    )
    return {str(row.row_key): json.loads(row.row_json) for row in rows}


def kept_since(connection: Connection, municipality_code: str) -> datetime | None:
    """控えの始まり: since when former rows are kept; None when they always were."""
    found: datetime | None = connection.execute(
        select(table.c.until_at).where(
            table.c.municipality_code == municipality_code, table.c.table_name == BOOKS
        )
    ).scalar_one_or_none()
    if found is None or found.tzinfo:
        return found
    return found.replace(tzinfo=UTC)  # SQLite gives instants back without their zone
