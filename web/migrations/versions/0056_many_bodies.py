"""Many bodies on one PostgreSQL: none walks the rows of another.

Bodies share the staging tables. While one of them counts these, the small files of the others are
planned by what is known; without an index each of their lines walked what others had left behind
(files of 700 lines took minutes). The tables are empty between files, so that this is at once.

What files fill is only added to, and its dead rows are those of files that were given up. Some
fifty of them are enough for PostgreSQL to tidy up, and in a new database, in which nothing is
committed yet, it then takes the table for empty (:mod:`payments.store.statistics`). It may wait.

Every statement names its municipality, and the wall behind it asks for the same once more. Taken
for a condition of its own, it made PostgreSQL expect the square of a body's share of a table: of
300 bodies one row where there are three hundred. Asked in a way of whose chances nothing is known
it counts for a half.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reconcile.store.staging import SHARED_INDEXES, shared_indexes

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

FILLED = ("line_outcome", "posting", "receipt", "source_line")
DEAD_ROWS = 5_000

# As in 0016, but for COALESCE: what it says is the same.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_BEFORE = f"({_ENTERED} IN ('*', municipality_code))"
_MINE = f"(COALESCE({_ENTERED} IN ('*', municipality_code), FALSE))"


def upgrade() -> None:
    """The indexes and the patience; SQLite has temporary tables of a connection."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in shared_indexes():
            op.execute(statement)
        for name in FILLED:
            op.execute(f"ALTER TABLE {name} SET (autovacuum_vacuum_threshold = {DEAD_ROWS})")
        _build_the_wall(_MINE)


def downgrade() -> None:
    """As before."""
    if op.get_bind().dialect.name == "postgresql":
        for name, _, _ in SHARED_INDEXES:
            op.execute(f"DROP INDEX IF EXISTS {name}")
        for name in FILLED:
            op.execute(f"ALTER TABLE {name} RESET (autovacuum_vacuum_threshold)")
        _build_the_wall(_BEFORE)


def _build_the_wall(mine: str) -> None:
    """The same on every table."""
    tables = op.get_bind().execute(
        sa.text(
            "SELECT quote_ident(tablename) FROM pg_policies "
            "WHERE policyname = 'one_municipality' AND schemaname = current_schema() ORDER BY 1"
        )
    )
    for table in tables.scalars().all():
        op.execute(f"ALTER POLICY one_municipality ON {table} USING {mine} WITH CHECK {mine}")
