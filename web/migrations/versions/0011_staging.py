"""Staging: decisions by the number of their line, keys that several slips share in a column.

Staging tables hold nothing between files, so that PostgreSQL gets them anew; on SQLite they belong
to a connection.
"""

from __future__ import annotations

from alembic import op

from reconcile.store.staging import TABLES, staging_statements

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_MINE = "COALESCE((SELECT current_setting('kokin.municipality_code', true)), '')"


def upgrade() -> None:
    """Bring the schema forward."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for name in TABLES:
        op.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in staging_statements("postgresql"):
        op.execute(statement)
    for name in sorted(TABLES):
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY one_municipality ON {name} USING ({_MINE} IN ('', municipality_code))"
        )


def downgrade() -> None:
    """The former staging area lacked nothing that the former code asks for."""
