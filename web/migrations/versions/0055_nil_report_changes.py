"""A nil report that was entered by mistake is taken back, and may be entered again.

What was said stays; what stands is the last word about a source and a day. Only ever added to.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

TABLE = "nil_report_change"
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """The table, then its guards."""
    op.create_table(
        TABLE,
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("agent", sa.String(length=30), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("change_no", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=10), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("event IN ('withdrawn', 'entered')"),
        sa.PrimaryKeyConstraint("municipality_code", "agent", "due_on", "change_no"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {TABLE}_refuses_{action.lower()} BEFORE {action} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, 'append_only: {TABLE}'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {TABLE} FROM PUBLIC")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY one_municipality ON {TABLE} USING {_MINE} WITH CHECK {_MINE}")


def downgrade() -> None:
    """As before; refused while a report is taken back, since it would stand again."""
    if op.get_bind().dialect.name == "postgresql":  # the wall hides the rows of every body
        op.execute("SELECT set_config('kokin.municipality_code', '*', true)")
    found = op.get_bind().execute(sa.text(f"SELECT COUNT(*) FROM {TABLE}"))
    if found.scalar_one():
        message = "nil reports that were taken back exist: this revision cannot be taken back"
        raise RuntimeError(message)
    op.drop_table(TABLE)
