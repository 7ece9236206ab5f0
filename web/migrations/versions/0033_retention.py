"""Retention: what was archived, what two people let go, and guards that let just that go.

Records of events that are only ever added to could not be deleted at all. From here on a row of
:data:`GUARDED` may go when a deletion that two people decided covers its moment; everything else
is refused as before. The books themselves (postings, evidence, decisions, seals) are not among
them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

GUARDED = {  # table → its moment
    "account_view": "viewed_at",
    "event_attempt": "made_at",
    "notice_event": "happened_at",
    "notice_sent": "made_at",
    "resident_view": "viewed_at",
    "staff_event": "happened_at",
}
NEW = ("retention_archive", "retention_deletion")
# The same on every table behind the wall (docs/adr/0011), asked once per statement, not per row.
_SETTING = "current_setting('kokin.municipality_code', true)"
_OWNS = "has_table_privilege('municipality'::regclass, 'TRUNCATE')"
_ENTERED = f"(SELECT CASE WHEN {_SETTING} <> '*' OR {_OWNS} THEN {_SETTING} END)"
_MINE = f"({_ENTERED} IN ('*', municipality_code))"


def upgrade() -> None:
    """Two records that are only added to, and the guards that know them."""
    op.create_table(
        "retention_archive",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("archive_no", sa.BigInteger(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("before_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("rows_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "archive_no"),
    )
    op.create_table(
        "retention_deletion",
        sa.Column("municipality_code", sa.String(length=5), nullable=False),
        sa.Column("archive_no", sa.BigInteger(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("before_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("approval_id", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("municipality_code", "archive_no"),
        sa.ForeignKeyConstraint(
            ["municipality_code", "archive_no"],
            ["retention_archive.municipality_code", "retention_archive.archive_no"],
        ),
        sa.ForeignKeyConstraint(
            ["municipality_code", "approval_id"],
            ["approval.municipality_code", "approval.approval_id"],
        ),
    )
    if op.get_bind().dialect.name == "sqlite":
        _guards_of_sqlite()
    else:
        _guards_of_postgresql()


def downgrade() -> None:
    """Nothing that is only added to can be deleted any more."""
    if op.get_bind().dialect.name == "sqlite":
        for table in GUARDED:
            op.execute(f"DROP TRIGGER {table}_refuses_delete")
            op.execute(
                f"CREATE TRIGGER {table}_refuses_delete BEFORE DELETE ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
            )
    else:
        for table in GUARDED:
            op.execute(f"DROP TRIGGER {table}_retained ON {table}")
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
                f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
            )
            op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
        op.execute("DROP FUNCTION kokin_retained()")
    for table in reversed(NEW):
        op.drop_table(table)


def _guards_of_sqlite() -> None:
    """A row may go that a decided deletion covers."""
    for table in NEW:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
            )
    for table, moment in GUARDED.items():
        op.execute(f"DROP TRIGGER {table}_refuses_delete")
        op.execute(
            f"CREATE TRIGGER {table}_refuses_delete BEFORE DELETE ON {table} "
            "WHEN NOT EXISTS (SELECT 1 FROM retention_deletion d "
            "WHERE d.municipality_code = OLD.municipality_code "
            f"AND d.table_name = '{table}' AND d.before_at > OLD.{moment}) "
            f"BEGIN SELECT RAISE(ABORT, 'append_only: {table}'); END"
        )


def _guards_of_postgresql() -> None:
    """The same row by row; changing and emptying stay refused for whole statements."""
    for table in NEW:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
        )
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY one_municipality ON {table} USING {_MINE} WITH CHECK {_MINE}")
    op.execute(
        "CREATE FUNCTION kokin_retained() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM retention_deletion d "
        "WHERE d.municipality_code = OLD.municipality_code AND d.table_name = TG_TABLE_NAME "
        "AND d.before_at > (to_jsonb(OLD) ->> TG_ARGV[0])::timestamptz) THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION 'append_only: %', TG_TABLE_NAME; END $$"
    )
    for table, moment in GUARDED.items():
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION kokin_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_retained BEFORE DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION kokin_retained('{moment}')"
        )
