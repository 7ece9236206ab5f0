"""払込単位の前の値: what groups said before they change (:mod:`payments.store.former`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import DateTime, bindparam, text

from payments.store import former

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FORMER = """
INSERT INTO former_row (municipality_code, table_name, row_key, former_no, until_at, row_json)
SELECT g.municipality_code, 'remittance_group', CAST(g.group_id AS VARCHAR(60)),
    (SELECT COALESCE(MAX(f.former_no), 0) + 1 FROM former_row f WHERE f.municipality_code = :m
        AND f.table_name = 'remittance_group' AND f.row_key = CAST(g.group_id AS VARCHAR(60))),
    :at, '{{"confirmed_count": ' || g.confirmed_count || ', "confirmed_yen": ' || g.confirmed_yen
    || ', "fee_yen": ' || g.fee_yen || ', "credited_yen": ' || g.credited_yen || '}}'
FROM remittance_group g WHERE g.municipality_code = :m AND {which}
"""


def keep_former(
    connection: Connection, municipality_code: str, which: str, **values: object
) -> None:
    """前の値: what groups ``g`` say before they are changed."""
    connection.execute(
        text(_FORMER.format(which=which)).bindparams(
            bindparam("at", type_=DateTime(timezone=True))
        ),
        {"m": municipality_code, "at": former.written_at(), **values},
    )
