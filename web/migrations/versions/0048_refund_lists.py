"""Refunds: what waits is listed in the order of its days, and counted once where it is much."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0046"
branch_labels = None
depends_on = None

TABLE = "refund_count"
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """Two indexes of few rows, and one small table, derived from the books.

    That of the payments is built behind the commit on PostgreSQL: it reads all of them.
    """
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(
            "receipt_in_suspense_by_day",
            "receipt",
            ["municipality_code", "paid_on", "file_id", "line_no"],
            sqlite_where=sa.text("suspense_yen > 0"),
        )
    op.create_index(
        "refund_notice_by_subject", "refund_notice", ["municipality_code", "subject", "noticed_on"]
    )
    op.create_table(
        TABLE,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("mark", sa.String(length=80), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_json", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name != "sqlite":
        op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {TABLE} USING {_MINE} WITH CHECK {_MINE}")


def downgrade() -> None:
    """Take it away again; the page counts."""
    op.drop_table(TABLE)
    op.drop_index("refund_notice_by_subject", "refund_notice")
    op.drop_index("receipt_in_suspense_by_day", "receipt", if_exists=True)
