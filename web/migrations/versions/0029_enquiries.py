"""Residents' questions: how they came, and counts that hold over all processes of the service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

LOG, TABLE = "enquiry_log", "enquiry_count"
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """Two columns of the record, and the counts, which are added to."""
    op.add_column(LOG, sa.Column("way", sa.String(length=10), nullable=False, server_default=""))
    op.add_column(LOG, sa.Column("proven", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        TABLE,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "subject", "begun", "ends"),
        sqlite_with_rowid=False,
    )
    op.create_index("enquiry_count_by_end", TABLE, ["municipality_code", "ends"])
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY one_municipality ON {TABLE} USING {_MINE} WITH CHECK {_MINE}")


def downgrade() -> None:
    """Forget the counts and how questions came."""
    op.drop_table(TABLE)
    with op.batch_alter_table(LOG) as table:
        table.drop_column("proven")
        table.drop_column("way")
