"""Arrival calendar: which file came for which due day, and what people were told of it.

The rules of the calendar need no table: they are in the profile, or in the content of an approval
of two people, which is sealed. All tables here are only ever added to.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Files by day, without the many that a calendar never looks at.
INDEXES = {
    "source_file_delivered": "channel NOT IN ('', 'notification')",
    "source_file_aside": "status NOT IN ('received', 'accepted')",
}
TABLES = ("arrival_record", "notice_sent", "notice_event")


def upgrade() -> None:
    """The tables, then their guards."""
    _create_tables()
    for name, which in INDEXES.items():
        op.create_index(
            name,
            "source_file",
            ["municipality_code", "received_on"],
            sqlite_where=sa.text(which),
            postgresql_where=sa.text(which),
        )
    guard = _guard_sqlite if op.get_bind().dialect.name == "sqlite" else _guard_postgresql
    for table in TABLES:
        guard(table)


def downgrade() -> None:
    """Take the tables back; their guards go with them."""
    for name in INDEXES:
        op.drop_index(name, table_name="source_file")
    for table in reversed(TABLES):
        op.drop_table(table)


def _guard_sqlite(table: str) -> None:
    """Neither UPDATE nor DELETE."""
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
        )


def _guard_postgresql(table: str) -> None:
    """The same with privileges, and row-level security."""
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    # Whose transaction this is, asked once per statement (0004).
    op.execute(
        f"CREATE POLICY one_municipality ON {table} USING (COALESCE((SELECT "
        "current_setting('kokin.municipality_code', true)), '') IN ('', municipality_code))"
    )


def _create_tables() -> None:
    op.create_table(
        "arrival_record",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("record_no", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minutes_late", sa.Integer(), nullable=False),
        sa.Column("basis", sa.String(length=12), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "basis IN ('dated', 'oldest_open', 'resent', 'early', 'extra', 'person')"
        ),
        sa.CheckConstraint("minutes_late >= 0"),
        sa.PrimaryKeyConstraint("municipality_code", "file_id", "record_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("arrival_record_by_day", "arrival_record", ["municipality_code", "due_on"])
    op.create_table(
        "notice_sent",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("notice_no", sa.BigInteger(), nullable=False),
        sa.Column("notice_key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("municipality_code", "notice_key"),
        sa.PrimaryKeyConstraint("municipality_code", "notice_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("notice_sent_by_time", "notice_sent", ["municipality_code", "made_at"])
    op.create_table(
        "notice_event",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("notice_no", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=False),
        sa.Column("attempt_no", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("error_code", sa.String(length=40), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("channel IN ('mail', 'webhook', 'file')"),
        sa.CheckConstraint("state IN ('begun', 'sent', 'failed')"),
        sa.PrimaryKeyConstraint(
            "municipality_code", "notice_no", "channel", "recipient", "attempt_no", "state"
        ),
        sqlite_with_rowid=False,
    )
