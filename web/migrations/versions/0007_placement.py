"""Placements: what people decided about the place of a payment, and links that must not return.

All three tables are only ever added to, sealed (0006) and kept apart by municipality (0004).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Table, which is the kind of its entries, and the key of its rows (subject and part).
TABLES = (
    ("placement", "placement_no", "0"),
    ("placement_part", "placement_no", "part_no"),
    ("link_block", "block_no", "0"),
)
_LAST = (
    "COALESCE((SELECT MAX(e.entry_no) FROM seal_entry e "
    "WHERE e.municipality_code = {whose}.municipality_code), 0)"
)
_ADD = "INSERT INTO seal_entry (municipality_code, entry_no, kind, subject_id, part_no) "


def upgrade() -> None:
    """The tables, then their entries under the seals and their guards."""
    _create_tables()
    # With placements there are many approvals, and every page counts those that wait.
    waits = sa.text("decision IS NULL")
    op.create_index(
        "approval_waiting",
        "approval",
        ["municipality_code", "approval_id"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    guard = _guard_sqlite if op.get_bind().dialect.name == "sqlite" else _guard_postgresql
    for table in TABLES:
        guard(*table)


def downgrade() -> None:
    """Take everything away again; the triggers of a table go with it."""
    op.drop_index("approval_waiting", table_name="approval")
    for table, _subject, _part in reversed(TABLES):
        op.drop_table(table)
        if op.get_bind().dialect.name != "sqlite":
            op.execute(f"DROP FUNCTION kokin_enter_{table}()")


def _guard_sqlite(table: str, subject: str, part: str) -> None:
    """Entries row by row; neither UPDATE nor DELETE."""
    part_no = part if part == "0" else f"NEW.{part}"
    op.execute(
        f"CREATE TRIGGER {table}_is_entered AFTER INSERT ON {table} BEGIN "
        f"{_ADD}VALUES (NEW.municipality_code, {_LAST.format(whose='NEW')} + 1, '{table}', "
        f"NEW.{subject}, {part_no}); END"
    )
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
        )


def _guard_postgresql(table: str, subject: str, part: str) -> None:
    """Entries statement by statement; the guards with privileges and row-level security."""
    part_no = part if part == "0" else f"n.{part}"
    order = f"n.{subject}" if part == "0" else f"n.{subject}, {part_no}"
    op.execute(
        f"CREATE FUNCTION kokin_enter_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"{_ADD}SELECT n.municipality_code, {_LAST.format(whose='n')} + ROW_NUMBER() OVER "
        f"(PARTITION BY n.municipality_code ORDER BY {order}), '{table}', n.{subject}, {part_no} "
        "FROM entered n; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_is_entered AFTER INSERT ON {table} REFERENCING NEW TABLE AS "
        f"entered FOR EACH STATEMENT EXECUTE FUNCTION kokin_enter_{table}()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY one_municipality ON {table} USING (COALESCE((SELECT "
        "current_setting('kokin.municipality_code', true)), '') IN ('', municipality_code))"
    )


def _create_tables() -> None:
    op.create_table(
        "placement",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("placement_no", sa.BigInteger(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code", "approval_id"],
            ["approval.municipality_code", "approval.approval_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "placement_no"),
        sa.UniqueConstraint("municipality_code", "approval_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("placement_by_line", "placement", ["municipality_code", "file_id", "line_no"])
    op.create_table(
        "placement_part",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("placement_no", sa.BigInteger(), nullable=False),
        sa.Column("part_no", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(length=2), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_yen > 0"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "placement_no"],
            ["placement.municipality_code", "placement.placement_no"],
        ),
        sa.ForeignKeyConstraint(
            ["municipality_code", "notice_id", "term"],
            ["instalment.municipality_code", "instalment.notice_id", "instalment.term"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "placement_no", "part_no"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "placement_part_by_notice",
        "placement_part",
        ["municipality_code", "notice_id", "term"],
    )
    op.create_table(
        "link_block",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("block_no", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("term", sa.String(length=2), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(notice_id IS NULL) = (term IS NULL)"),
        sa.CheckConstraint("notice_id IS NULL OR group_id IS NULL"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "approval_id"],
            ["approval.municipality_code", "approval.approval_id"],
        ),
        sa.PrimaryKeyConstraint("municipality_code", "block_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("link_block_by_line", "link_block", ["municipality_code", "file_id", "line_no"])
