"""Many bodies on one PostgreSQL: none walks the rows of another.

Bodies share the staging tables. While one of them counts these, the small files of the others are
planned by what is known; without an index each of their lines walked what others had left behind
(files of 700 lines took minutes). The tables are empty between files, so that this is at once.

What files fill is only added to, and its dead rows are those of files that were given up. Some
fifty of them are enough for PostgreSQL to tidy up, and in a new database, in which nothing is
committed yet, it then takes the table for empty (:mod:`payments.store.statistics`). It may wait.
"""

from __future__ import annotations

from alembic import op

from reconcile.store.staging import SHARED_INDEXES, shared_indexes

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

FILLED = ("line_outcome", "posting", "receipt", "source_line")
DEAD_ROWS = 5_000


def upgrade() -> None:
    """The indexes and the patience; SQLite has temporary tables of a connection."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in shared_indexes():
            op.execute(statement)
        for name in FILLED:
            op.execute(f"ALTER TABLE {name} SET (autovacuum_vacuum_threshold = {DEAD_ROWS})")


def downgrade() -> None:
    """As before."""
    if op.get_bind().dialect.name == "postgresql":
        for name, _, _ in SHARED_INDEXES:
            op.execute(f"DROP INDEX IF EXISTS {name}")
        for name in FILLED:
            op.execute(f"ALTER TABLE {name} RESET (autovacuum_vacuum_threshold)")
