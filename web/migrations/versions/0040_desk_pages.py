"""Pages: a large day of debits is counted once and kept; a certificate says whose it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0037"
branch_labels = None
depends_on = None

TABLE = "debit_count"
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """One small table, derived from the books: its rows come and go. One column of the papers."""
    op.add_column(
        "confirmation",
        sa.Column("obligor_no", sa.String(length=15), nullable=False, server_default=""),
    )
    op.create_index(
        "confirmation_by_person", "confirmation", ["municipality_code", "obligor_no", "issued_at"]
    )
    op.create_table(
        TABLE,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("debit_on", sa.Date(), nullable=False),
        sa.Column("mark", sa.String(length=80), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_json", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "debit_on"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name != "sqlite":
        op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {TABLE} USING {_MINE} WITH CHECK {_MINE}")


def downgrade() -> None:
    """Take it away again; the page counts."""
    op.drop_index("confirmation_by_person", "confirmation")
    op.drop_column("confirmation", "obligor_no")
    op.drop_table(TABLE)
